/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <gantry/interface.h>

#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "layer_walk.h"

#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* A folder on the way down. */
struct frame {
	struct frame *up;
	int lower; /* descriptors; -1: not there */
	int upper;
	int parent_fd; /* where this folder is, for a visit that was put off */
	const char *name;
	const struct stat *st;
	size_t path_len;
	int visited;
};

struct walk {
	const struct layer_visitor *visitor;
	enum layer_style style; /* LAYER_PLAIN: two trees */
	struct buf path;
};

void layer_names_done(struct layer_names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->names[i]);
	free(l->names);
	*l = (struct layer_names){ 0 };
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int layer_names_read(int fd, struct layer_names *ret)
{
	auto_(layer_names) struct layer_names l = { 0 };
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	size_t cap = 0;
	struct dirent *e;

	if (!dir) {
		int r = -errno;

		if (copy >= 0)
			close(copy);
		return r;
	}
	while ((errno = 0, e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (l.n == cap) {
			char **more = reallocarray(l.names, cap ? cap * 2 : 32, sizeof(*more));

			if (!more)
				return -ENOMEM;
			l.names = more;
			cap = cap ? cap * 2 : 32;
		}
		l.names[l.n] = strdup(e->d_name);
		if (!l.names[l.n])
			return -ENOMEM;
		l.n++;
	}
	if (errno)
		return -errno;
	if (l.n > 0)
		qsort(l.names, l.n, sizeof(*l.names), compare_names);
	*ret = l;
	l = (struct layer_names){ 0 };
	return 0;
}

static int walk_errno(struct walk *w, int sys_errno, struct gantry_error *err)
{
	char shown[256];

	return error_errno(err, sys_errno, "cannot read /%s",
			   layer_printable(buf_str(&w->path), shown, sizeof(shown)));
}

/* Visits the folders above that were put off because they did not change
 * themselves: an entry in a layer needs the folders it stands in. */
static int visit_parents(struct walk *w, struct frame *f, struct gantry_error *err)
{
	struct layer_change change = { .kind = 'C' };
	char saved;
	int r;

	if (!f || f->visited)
		return 0;
	r = visit_parents(w, f->up, err);
	if (r < 0)
		return r;
	saved = w->path.data[f->path_len];
	w->path.data[f->path_len] = '\0';
	change.path = w->path.data;
	change.dir_fd = f->parent_fd;
	change.name = f->name;
	change.st = f->st;
	f->visited = 1;
	r = w->visitor->visit(w->visitor->ctx, &change, err);
	w->path.data[f->path_len] = saved;
	return r;
}

static int visit(struct walk *w, struct frame *f, char kind, const char *name,
		 const struct stat *st, int is_opaque, struct gantry_error *err)
{
	struct layer_change change = {
		.kind = kind,
		.is_opaque = is_opaque,
		.path = buf_str(&w->path),
		.dir_fd = f->upper,
		.name = name,
		.st = kind == 'D' ? NULL : st,
	};
	int r = visit_parents(w, f, err);

	return r < 0 ? r : w->visitor->visit(w->visitor->ctx, &change, err);
}

/* Appends a component; returns the length to go back to. */
static size_t path_push(struct walk *w, const char *name)
{
	size_t len = w->path.len;

	buf_addf(&w->path, "%s%s", len ? "/" : "", name);
	return len;
}

static void path_pop(struct walk *w, size_t len)
{
	if (buf_failed(&w->path) || !w->path.data)
		return;
	w->path.len = len;
	w->path.data[len] = '\0';
}

static int path_check(struct walk *w, struct gantry_error *err)
{
	if (buf_failed(&w->path))
		return error_no_memory(err);
	if (w->path.len >= PATH_MAX)
		return error_set(err, GANTRY_ERR_LIMIT, "a path is longer than %d bytes: /%.200s...",
				 PATH_MAX, w->path.data);
	return 0;
}

static int same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static int same_target(int dir_a, int dir_b, const char *name)
{
	char a[PATH_MAX], b[PATH_MAX];
	ssize_t len_a = readlinkat(dir_a, name, a, sizeof(a));
	ssize_t len_b = readlinkat(dir_b, name, b, sizeof(b));

	return len_a >= 0 && len_a == len_b && memcmp(a, b, (size_t)len_a) == 0;
}

/* The attributes' names and values as one block; empty when there are none. */
static void read_xattrs(int dir, const char *name, struct buf *out)
{
	char path[NAME_MAX + 64], names[65536], value[65536];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	len = llistxattr(path, names, sizeof(names));
	for (ssize_t i = 0; i < len; i += (ssize_t)strlen(names + i) + 1) {
		ssize_t n = lgetxattr(path, names + i, value, sizeof(value));

		buf_add(out, names + i, strlen(names + i) + 1);
		if (n > 0)
			buf_add(out, value, (size_t)n);
	}
}

static int same_xattrs(int dir_a, int dir_b, const char *name)
{
	auto_(buf) struct buf a = BUF_INIT;
	auto_(buf) struct buf b = BUF_INIT;

	read_xattrs(dir_a, name, &a);
	read_xattrs(dir_b, name, &b);
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static int is_changed(const struct frame *f, const char *name, const struct stat *old,
		      const struct stat *new)
{
	if (old->st_mode != new->st_mode || old->st_uid != new->st_uid ||
	    old->st_gid != new->st_gid || !same_time(&old->st_mtim, &new->st_mtim))
		return 1;
	if (!S_ISDIR(new->st_mode) && old->st_size != new->st_size)
		return 1;
	if ((S_ISCHR(new->st_mode) || S_ISBLK(new->st_mode)) && old->st_rdev != new->st_rdev)
		return 1;
	if (S_ISLNK(new->st_mode) && !same_target(f->lower, f->upper, name))
		return 1;
	return !same_xattrs(f->lower, f->upper, name);
}

static int walk_folder(struct walk *w, struct frame *f, int is_opaque, struct gantry_error *err);

static int is_opaque_folder(struct walk *w, int fd)
{
	char value[8];

	if (w->style == LAYER_PLAIN)
		return 0;
	return fgetxattr(fd, layer_opaque_xattr(w->style), value, sizeof(value)) == 1 &&
	       value[0] == 'y';
}

/* A folder of the upper side: itself, then what is in it. */
static int walk_subfolder(struct walk *w, struct frame *f, const char *name,
			  const struct stat *st, const struct stat *old, struct gantry_error *err)
{
	auto_fd int upper = openat(f->upper, name, OPEN_FOLDER);
	auto_fd int lower = old && S_ISDIR(old->st_mode) ? openat(f->lower, name, OPEN_FOLDER) : -1;
	struct frame sub = {
		.up = f, .lower = lower, .upper = upper, .parent_fd = f->upper, .name = name,
		.st = st, .path_len = w->path.len,
	};
	int is_opaque, r;

	if (upper < 0)
		return walk_errno(w, errno, err);
	is_opaque = is_opaque_folder(w, upper);
	if (w->style != LAYER_PLAIN || !old || is_changed(f, name, old, st)) {
		sub.visited = 1;
		r = visit(w, f, old ? 'C' : 'A', name, st, is_opaque, err);
		if (r < 0)
			return r;
	}
	return walk_folder(w, &sub, is_opaque, err);
}

static int walk_name(struct walk *w, struct frame *f, const char *name, int is_hidden,
		     struct gantry_error *err)
{
	struct stat st, old_st;
	const struct stat *old = NULL;

	if (fstatat(f->upper, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return walk_errno(w, errno, err);
	if (f->lower >= 0 && fstatat(f->lower, name, &old_st, AT_SYMLINK_NOFOLLOW) == 0)
		old = &old_st;
	if (layer_is_whiteout_at(f->upper, name, &st, w->style)) {
		/* Below an opaque folder it hides nothing more. */
		return is_hidden ? 0 : visit(w, f, 'D', name, &st, 0, err);
	}
	if (S_ISDIR(st.st_mode))
		return walk_subfolder(w, f, name, &st, old, err);
	if (w->style == LAYER_PLAIN && old && !is_changed(f, name, old, &st))
		return 0;
	return visit(w, f, old ? 'C' : 'A', name, &st, 0, err);
}

/* What the lower side has and the upper has not. */
static int walk_deleted(struct walk *w, struct frame *f, const char *name,
			struct gantry_error *err)
{
	size_t len = path_push(w, name);
	int r = path_check(w, err);

	if (r == 0)
		r = visit(w, f, 'D', name, NULL, 0, err);
	path_pop(w, len);
	return r;
}

static int walk_folder(struct walk *w, struct frame *f, int is_opaque, struct gantry_error *err)
{
	auto_(layer_names) struct layer_names upper = { 0 };
	auto_(layer_names) struct layer_names lower = { 0 };
	int gone = f->lower >= 0 && (w->style == LAYER_PLAIN || (is_opaque && !w->visitor->no_hidden));
	size_t u = 0, l = 0;
	int r = layer_names_read(f->upper, &upper);

	if (r == 0 && gone)
		r = layer_names_read(f->lower, &lower);
	if (r < 0)
		return walk_errno(w, -r, err);
	while (u < upper.n || l < lower.n) {
		int order = u == upper.n ? 1 : l == lower.n ? -1 : strcmp(upper.names[u], lower.names[l]);
		size_t len;

		if (order > 0) {
			r = walk_deleted(w, f, lower.names[l++], err);
			if (r < 0)
				return r;
			continue;
		}
		len = path_push(w, upper.names[u]);
		r = path_check(w, err);
		if (r == 0)
			r = walk_name(w, f, upper.names[u], is_opaque, err);
		path_pop(w, len);
		if (r < 0)
			return r;
		l += order == 0;
		u++;
	}
	return 0;
}

static int walk_root(int lower_fd, int upper_fd, enum layer_style style,
		     const struct layer_visitor *visitor, struct gantry_error *err)
{
	struct walk w = { .visitor = visitor, .style = style };
	struct frame root = { .lower = lower_fd, .upper = upper_fd, .visited = 1 };
	int r;

	buf_adds(&w.path, "");
	r = walk_folder(&w, &root, 0, err);
	buf_done(&w.path);
	return r;
}

int layer_walk_overlay(int lower_fd, int upper_fd, enum layer_style style,
		       const struct layer_visitor *visitor, struct gantry_error *err)
{
	return walk_root(lower_fd, upper_fd, style, visitor, err);
}

int layer_walk_trees(int lower_fd, int upper_fd, const struct layer_visitor *visitor,
		     struct gantry_error *err)
{
	return walk_root(lower_fd, upper_fd, LAYER_PLAIN, visitor, err);
}

static int list_visit(void *ctx, const struct layer_change *c, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	struct gantry_reply *reply = ctx;

	buf_addf(&text, "%c /%s", c->kind, c->path);
	if (buf_failed(&text) || reply->ops->put_item(reply, 0, buf_str(&text)) < 0)
		return error_no_memory(err);
	return 0;
}

int layer_list_changes(int lower_fd, int upper_fd, enum layer_style style,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	struct layer_visitor visitor = { .visit = list_visit, .ctx = reply };

	return walk_root(lower_fd, upper_fd, style, &visitor, err);
}
