/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cleanup.h"
#include "error.h"
#include "layer_dirs.h"
#include "name_set.h"

/* Folders held open at once; of a deeper stack the outermost are closed and
 * opened again when they are needed. */
#define MAX_OPEN 64

struct layer_level {
	size_t end; /* length of the path up to here */
	int fd;     /* -1: closed to save descriptors */
	int has_mtime;
	int has_mode;
	int lends_group; /* set-group-ID: what is made in it gets its group */
	mode_t mode;
	struct timespec mtime;
};

int layer_set_opaque(int fd, enum layer_style style)
{
	return fsetxattr(fd, layer_opaque_xattr(style), "y", 1, 0) < 0 ? -errno : 0;
}

static int open_inside(int root_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, root_fd, *path ? path : ".", &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

int layer_dirs_init(struct layer_dirs *d, int root_fd, enum layer_style style,
		    struct name_set *made, struct gantry_error *err)
{
	d->root_fd = root_fd;
	d->style = style;
	d->made = made;
	d->is_root_user = geteuid() == 0;
	d->path[0] = '\0';
	d->cap = 32;
	d->depth = 1;
	d->n_open = 0;
	d->levels = calloc(d->cap, sizeof(*d->levels));
	if (!d->levels)
		return error_no_memory(err);
	d->levels[0].fd = root_fd;
	return 0;
}

/* Gives the folder its final time and mode and closes it. */
static int level_leave(struct layer_dirs *d, struct layer_level *l)
{
	int r = 0;

	if (l->fd < 0)
		return 0;
	if (l->has_mode && fchmod(l->fd, l->mode) < 0)
		r = -errno;
	if (l->has_mtime) {
		struct timespec times[2] = { l->mtime, l->mtime };

		if (futimens(l->fd, times) < 0)
			r = -errno;
	}
	if (l != d->levels) {
		close(l->fd);
		d->n_open--;
		l->fd = -1;
	}
	l->has_mode = l->has_mtime = 0;
	return r;
}

static int leave_to(struct layer_dirs *d, size_t depth)
{
	int r = 0;

	while (d->depth > depth) {
		int one = level_leave(d, &d->levels[--d->depth]);

		r = r ? r : one;
	}
	d->path[d->levels[d->depth - 1].end] = '\0';
	return r;
}

/* Notes what an existing folder looks like, so that leaving it restores that. */
static int level_remember(struct layer_dirs *d, struct layer_level *l)
{
	struct stat st;

	if (fstat(l->fd, &st) < 0)
		return -errno;
	l->mtime = st.st_mtim;
	l->has_mtime = 1;
	l->lends_group = (st.st_mode & S_ISGID) != 0;
	if (!d->is_root_user && (st.st_mode & 0300) != 0300) {
		if (fchmod(l->fd, (st.st_mode & 07777) | 0300) < 0)
			return -errno;
		l->mode = st.st_mode & 07777;
		l->has_mode = 1;
	}
	return 0;
}

static int level_fd(struct layer_dirs *d, size_t i)
{
	struct layer_level *l = &d->levels[i];
	char saved;
	int r;

	if (l->fd >= 0)
		return l->fd;
	saved = d->path[l->end];
	d->path[l->end] = '\0';
	l->fd = open_inside(d->root_fd, d->path, O_RDONLY | O_DIRECTORY);
	d->path[l->end] = saved;
	if (l->fd < 0)
		return l->fd;
	d->n_open++;
	r = level_remember(d, l);
	return r < 0 ? r : l->fd;
}

static int make_folder(int parent, const char *name, int *ret_new)
{
	int fd;

	if (mkdirat(parent, name, 0755) < 0)
		return -errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_new = 1;
	return fd;
}

/* Something that is no folder stands where one is needed. */
static int clear_obstacle(struct layer_dirs *d, int parent, const char *name,
			  enum layer_enter how, int *ret_new)
{
	struct stat st;
	int fd, whiteout, r;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	whiteout = layer_is_whiteout_at(parent, name, &st, d->style);
	if (how == LAYER_AS_PARENT && S_ISLNK(st.st_mode))
		return open_inside(d->root_fd, d->path, O_RDONLY | O_DIRECTORY);
	/* A parent may replace what an earlier layer left, never what this one put. */
	if (how == LAYER_AS_PARENT && !whiteout && !(d->made && !name_set_has(d->made, d->path)))
		return -ENOTDIR;
	if (unlinkat(parent, name, 0) < 0)
		return -errno;
	fd = make_folder(parent, name, ret_new);
	if (fd < 0 || !whiteout)
		return fd;
	r = layer_set_opaque(fd, d->style);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static int open_folder(struct layer_dirs *d, int parent, const char *name, enum layer_enter how,
		       int *ret_new)
{
	int fd = -1;

	*ret_new = 0;
	if (how == LAYER_AS_ENTRY) {
		/* Most folders that an archive names are new. */
		fd = make_folder(parent, name, ret_new);
		if (fd != -EEXIST)
			return fd;
	}
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return make_folder(parent, name, ret_new);
	if (errno == ENOTDIR || errno == ELOOP)
		return clear_obstacle(d, parent, name, how, ret_new);
	return -errno;
}

static int enter_error(const struct layer_dirs *d, int r, struct gantry_error *err)
{
	char name[256];

	layer_printable(d->path, name, sizeof(name));
	switch (-r) {
	case EXDEV:
	case ELOOP:
	case ENOENT:
		return error_set(err, GANTRY_ERR_CORRUPT,
				 "its parent %s is a symbolic link that leads outside or nowhere", name);
	case ENOTDIR:
		return error_set(err, GANTRY_ERR_CORRUPT, "its parent %s is not a directory", name);
	case ENAMETOOLONG:
		return error_set(err, GANTRY_ERR_CORRUPT, "its name is too long");
	default:
		return error_errno(err, -r, "directory %s", name);
	}
}

/* How many levels of the stack path shares. */
static size_t shared_levels(const struct layer_dirs *d, const char *path, size_t len)
{
	size_t i = 1, from = 0;

	for (; i < d->depth; i++) {
		size_t end = d->levels[i].end;

		if (end > len || (end < len && path[end] != '/') ||
		    memcmp(d->path + from, path + from, end - from) != 0)
			break;
		from = end;
	}
	return i;
}

/* Leaves the outermost open folder when there are too many. */
static int make_room(struct layer_dirs *d)
{
	if (d->depth == d->cap) {
		struct layer_level *more = reallocarray(d->levels, d->cap * 2, sizeof(*more));

		if (!more)
			return -ENOMEM;
		d->levels = more;
		d->cap *= 2;
	}
	for (size_t i = 1; d->n_open >= MAX_OPEN && i + 1 < d->depth; i++) {
		int r = level_leave(d, &d->levels[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int push_level(struct layer_dirs *d, const char *path, size_t end, enum layer_enter how,
		      int *ret_new)
{
	size_t start = d->levels[d->depth - 1].end + (d->depth > 1);
	int parent = level_fd(d, d->depth - 1);
	struct layer_level *l;
	int fd, r = make_room(d);

	if (parent < 0 || r < 0)
		return parent < 0 ? parent : r;
	memcpy(d->path, path, end);
	d->path[end] = '\0';
	fd = open_folder(d, parent, d->path + start, how, ret_new);
	if (fd < 0)
		return fd;
	l = &d->levels[d->depth++];
	*l = (struct layer_level){ .end = end, .fd = fd };
	d->n_open++;
	return *ret_new ? 0 : level_remember(d, l);
}

int layer_dirs_enter(struct layer_dirs *d, const char *path, size_t len, enum layer_enter how,
		     int *ret_new, struct gantry_error *err)
{
	int is_new = 0, r;

	if (len >= sizeof(d->path))
		return error_set(err, GANTRY_ERR_CORRUPT, "its name is too long");
	r = leave_to(d, shared_levels(d, path, len));
	while (r == 0 && d->levels[d->depth - 1].end < len) {
		size_t from = d->levels[d->depth - 1].end + (d->depth > 1);
		const char *slash = memchr(path + from, '/', len - from);
		size_t end = slash ? (size_t)(slash - path) : len;

		r = push_level(d, path, end, end == len ? how : LAYER_AS_PARENT, &is_new);
		if (r == 0 && d->made && name_set_add(d->made, d->path) < 0)
			r = -ENOMEM;
	}
	if (r == 0)
		r = level_fd(d, d->depth - 1);
	if (r < 0) {
		enter_error(d, r, err);
		leave_to(d, d->depth);
		return err->code;
	}
	if (ret_new)
		*ret_new = is_new;
	return r;
}

int layer_dirs_peek(const struct layer_dirs *d, const char *path, size_t len)
{
	char text[PATH_MAX];

	if (len >= sizeof(text))
		return -ENAMETOOLONG;
	memcpy(text, path, len);
	text[len] = '\0';
	return open_inside(d->root_fd, text, O_PATH | O_DIRECTORY);
}

void layer_dirs_set_time(struct layer_dirs *d, struct timespec mtime)
{
	struct layer_level *l = &d->levels[d->depth - 1];

	l->mtime = mtime;
	l->has_mtime = 1;
}

void layer_dirs_note_mode(struct layer_dirs *d, mode_t mode)
{
	d->levels[d->depth - 1].lends_group = (mode & S_ISGID) != 0;
}

int layer_dirs_lends_group(const struct layer_dirs *d, size_t up)
{
	return up < d->depth && d->levels[d->depth - 1 - up].lends_group;
}

void layer_dirs_set_mode(struct layer_dirs *d, mode_t mode)
{
	struct layer_level *l = &d->levels[d->depth - 1];

	l->mode = mode;
	l->has_mode = 1;
}

int layer_dirs_finish(struct layer_dirs *d, struct gantry_error *err)
{
	int r = leave_to(d, 1);

	if (r == 0)
		r = level_leave(d, &d->levels[0]);
	return r < 0 ? error_errno(err, -r, "cannot set the times of a directory") : 0;
}

void layer_dirs_done(struct layer_dirs *d)
{
	for (size_t i = 1; i < d->depth; i++) {
		if (d->levels[i].fd >= 0)
			close(d->levels[i].fd);
	}
	free(d->levels);
	d->levels = NULL;
	d->depth = 0;
}
