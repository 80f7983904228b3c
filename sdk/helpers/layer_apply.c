/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "archive_lib.h"
#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "io.h"
#include "layer_apply.h"
#include "layer_dirs.h"
#include "name_set.h"
#include "owners.h"
#include "privilege.h"

#define READ_SIZE (256 * 1024)

struct apply {
	const struct archive_lib *lib;
	const struct layer_apply_options *options;
	struct layer_apply_stats *stats;
	struct archive *archive;
	struct archive_entry *entry; /* the current one; libarchive's */
	struct layer_dirs dirs;
	struct name_set made; /* LAYER_PLAIN: what this layer made, which its whiteouts spare */
	int archive_fd;
	int read_errno;
	uid_t uid;
	gid_t gid;
	mode_t umask;
	char path[PATH_MAX]; /* the entry's normalised name */
	const char *base;    /* its last component */
	char block[READ_SIZE];
};

static la_ssize_t read_block(struct archive *archive, void *ctx, const void **ret_block)
{
	struct apply *a = ctx;
	ssize_t n;

	do {
		n = read(a->archive_fd, a->block, sizeof(a->block));
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		a->read_errno = errno;
		a->lib->archive_set_error(archive, errno, "read failed");
		return -1;
	}
	*ret_block = a->block;
	return n;
}

static int archive_error(struct apply *a, struct gantry_error *err)
{
	const char *text = a->lib->archive_error_string(a->archive);

	if (a->read_errno)
		return error_errno(err, a->read_errno, "cannot read the layer archive");
	error_set(err, GANTRY_ERR_CORRUPT, "the layer archive is damaged: %s",
		  text ? text : "unknown format");
	return error_hint(err, "fetch the image again; if that does not help, the image was "
			       "published damaged");
}

/* System calls on the entry's name: what the user wants to know is the cause. */
static int entry_errno(int sys_errno, const char *what, struct gantry_error *err)
{
	error_errno(err, sys_errno, "%s", what);
	if (sys_errno == ENOSPC || sys_errno == EDQUOT)
		error_hint(err, "free some space (`gantry system prune`) and try again");
	if (sys_errno == EINVAL && strstr(what, "owner"))
		error_hint(err, "its id is not mapped in this user namespace: give this user a range "
				"in /etc/subuid and /etc/subgid");
	return err->code;
}

static int bad_entry(struct gantry_error *err, const char *what)
{
	return error_set(err, GANTRY_ERR_CORRUPT, "%s", what);
}

static int owner_id(la_int64_t id, uid_t *ret, struct gantry_error *err)
{
	if (id < 0 || id >= (la_int64_t)UINT32_MAX)
		return bad_entry(err, "its owner is not a valid user or group id");
	*ret = (uid_t)id;
	return 0;
}

/* Reads uid and gid; *ret_change says whether a chown is needed. */
static int entry_owner(struct apply *a, uid_t *ret_uid, gid_t *ret_gid, int *ret_change,
		       struct gantry_error *err)
{
	int is_folder = a->lib->archive_entry_filetype(a->entry) == AE_IFDIR;
	int r;

	*ret_change = 0;
	if (a->options->owners == LAYER_OWNERS_IGNORE)
		return 0;
	r = owner_id(a->lib->archive_entry_uid(a->entry), ret_uid, err);
	if (r == 0)
		r = owner_id(a->lib->archive_entry_gid(a->entry), ret_gid, err);
	*ret_change = *ret_uid != a->uid || *ret_gid != a->gid || a->options->style == LAYER_PLAIN ||
		      layer_dirs_lends_group(&a->dirs, is_folder);
	return r;
}

static struct timespec entry_mtime(struct apply *a)
{
	return (struct timespec){
		.tv_sec = (time_t)a->lib->archive_entry_mtime(a->entry),
		.tv_nsec = a->lib->archive_entry_mtime_nsec(a->entry),
	};
}

/* Sets one attribute by descriptor, or by a path that ends in the name itself. */
static int set_xattr(struct apply *a, int fd, const char *path, const char *name,
		     const void *value, size_t size, struct gantry_error *err)
{
	int r = path ? lsetxattr(path, name, value, size, 0) : fsetxattr(fd, name, value, size, 0);
	char text[128];

	if (r == 0)
		return 0;
	if (errno == ENOTSUP || errno == EPERM || errno == EACCES) {
		/* The filesystem or an unprivileged user cannot hold it. */
		a->stats->skipped++;
		return 0;
	}
	snprintf(text, sizeof(text), "cannot set attribute %.80s", name);
	return entry_errno(errno, text, err);
}

static int set_xattrs(struct apply *a, int fd, const char *path, struct gantry_error *err)
{
	const char *name;
	const void *value;
	size_t size;

	if (a->lib->archive_entry_xattr_reset(a->entry) == 0)
		return 0;
	while (a->lib->archive_entry_xattr_next(a->entry, &name, &value, &size) == ARCHIVE_OK) {
		int r;

		if (layer_is_private_xattr(name))
			continue;
		r = set_xattr(a, fd, path, name, value, size, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Attributes of something that cannot be opened: a link or a device. */
static int set_xattrs_at(struct apply *a, int dir, struct gantry_error *err)
{
	char path[NAME_MAX + 64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, a->base);
	return set_xattrs(a, -1, path, err);
}

/* A filesystem that cannot keep an owner leaves the file to this user. */
static int kept_errno(struct apply *a, int r, struct gantry_error *err)
{
	if (r == -ENOTSUP || r == -EPERM || r == -ENOSPC || r == -E2BIG || r == -ENAMETOOLONG) {
		a->stats->skipped++;
		return 0;
	}
	return r < 0 ? entry_errno(-r, "cannot keep its owner", err) : 0;
}

static struct stat entry_stat(struct apply *a, uid_t uid, gid_t gid)
{
	return (struct stat){
		.st_uid = uid,
		.st_gid = gid,
		.st_mode = a->lib->archive_entry_filetype(a->entry) |
			   (a->lib->archive_entry_perm(a->entry) & 07777),
		.st_rdev = makedev((unsigned int)a->lib->archive_entry_rdevmajor(a->entry),
				   (unsigned int)a->lib->archive_entry_rdevminor(a->entry)),
	};
}

/* Who cannot be the owner here is kept beside the file. */
static int set_owner(struct apply *a, int fd, uid_t uid, gid_t gid, struct gantry_error *err)
{
	struct stat st = entry_stat(a, uid, gid);

	if (fchown(fd, uid, gid) == 0)
		return 0;
	if (errno != EINVAL || !owners_are_kept())
		return entry_errno(errno, "cannot set its owner", err);
	return kept_errno(a, owners_keep_fd(fd, &st, st.st_mode), err);
}

static int set_owner_at(struct apply *a, int dir, uid_t uid, gid_t gid, struct gantry_error *err)
{
	struct stat st = entry_stat(a, uid, gid);

	if (fchownat(dir, a->base, uid, gid, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno != EINVAL || !owners_are_kept())
		return entry_errno(errno, "cannot set its owner", err);
	return kept_errno(a, owners_keep(dir, a->base, &st, st.st_mode), err);
}

/* An empty file in the place of a device that this user may not make. */
static int apply_stand_in(struct apply *a, int dir, struct gantry_error *err)
{
	auto_fd int fd = openat(dir, a->base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);
	struct stat st;
	uid_t uid = 0;
	gid_t gid = 0;
	int r;

	if (fd < 0)
		return entry_errno(errno, "cannot create it", err);
	r = owner_id(a->lib->archive_entry_uid(a->entry), &uid, err);
	if (r == 0)
		r = owner_id(a->lib->archive_entry_gid(a->entry), &gid, err);
	if (r < 0)
		return r;
	st = entry_stat(a, uid, gid);
	return kept_errno(a, owners_keep_fd(fd, &st, S_IFREG), err);
}

/* Owner, mode and attributes of an open file or folder, in the order in which
 * none undoes another: chown drops set-ID bits and capabilities. */
static int set_metadata(struct apply *a, int fd, int needs_mode, struct gantry_error *err)
{
	mode_t mode = a->lib->archive_entry_perm(a->entry) & 07777;
	int change, r;
	uid_t uid = 0;
	gid_t gid = 0;

	r = entry_owner(a, &uid, &gid, &change, err);
	if (r < 0)
		return r;
	if (change && (r = set_owner(a, fd, uid, gid, err)) < 0)
		return r;
	if (needs_mode && fchmod(fd, mode) < 0)
		return entry_errno(errno, "cannot set its mode", err);
	return set_xattrs(a, fd, NULL, err);
}

/* Makes way for the entry: what has its name is removed. */
static int clear_name(int dir, const char *name, struct gantry_error *err)
{
	int r = 0;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR)
		r = remove_tree(dir, name);
	else
		r = -errno;
	return r < 0 ? entry_errno(-r, "cannot replace what has its name", err) : 0;
}

static int over_limit(struct apply *a, struct gantry_error *err)
{
	error_set(err, GANTRY_ERR_LIMIT, "the layer unpacks to more than the limit of %llu bytes",
		  (unsigned long long)a->options->size_limit);
	return error_hint(err, "raise the limit in the configuration if this image is trusted");
}

static int write_content(struct apply *a, int fd, struct gantry_error *err)
{
	la_int64_t size = a->lib->archive_entry_size(a->entry);
	uint64_t limit = a->options->size_limit;
	la_int64_t end = 0, offset;
	const void *block;
	size_t len;
	int r;

	if (limit && !a->lib->archive_entry_sparse_count(a->entry) &&
	    (uint64_t)size > limit - a->stats->bytes)
		return over_limit(a, err);
	while (end < size) {
		r = a->lib->archive_read_data_block(a->archive, &block, &len, &offset);
		if (r == ARCHIVE_EOF)
			break;
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			return archive_error(a, err);
		a->stats->bytes += len;
		if (limit && a->stats->bytes > limit)
			return over_limit(a, err);
		r = write_at(fd, block, len, offset);
		if (r < 0)
			return entry_errno(-r, "cannot write", err);
		end = offset + (la_int64_t)len;
	}
	if (end < size && ftruncate(fd, size) < 0)
		return entry_errno(errno, "cannot write", err);
	return 0;
}

static int apply_file(struct apply *a, int dir, struct gantry_error *err)
{
	mode_t perm = a->lib->archive_entry_perm(a->entry) & 07777;
	struct timespec times[2] = { entry_mtime(a), entry_mtime(a) };
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	auto_fd int fd = openat(dir, a->base, flags, perm & 0777);
	int r;

	if (fd < 0 && errno == EEXIST) {
		r = clear_name(dir, a->base, err);
		if (r < 0)
			return r;
		fd = openat(dir, a->base, flags, perm & 0777);
	}
	if (fd < 0)
		return entry_errno(errno, "cannot create it", err);
	if (a->lib->archive_entry_size(a->entry) > 0) {
		r = write_content(a, fd, err);
		if (r < 0)
			return r;
	}
	r = set_metadata(a, fd, (perm & (07000 | a->umask)) != 0, err);
	if (r == 0 && futimens(fd, times) < 0)
		r = entry_errno(errno, "cannot set its time", err);
	return r;
}

static int apply_directory(struct apply *a, struct gantry_error *err)
{
	mode_t perm = a->lib->archive_entry_perm(a->entry) & 07777;
	int is_new, needs_mode, r, fd;

	fd = layer_dirs_enter(&a->dirs, a->path, strlen(a->path), LAYER_AS_ENTRY, &is_new, err);
	if (fd < 0)
		return fd;
	needs_mode = !is_new || perm != (0755 & ~a->umask) || layer_dirs_lends_group(&a->dirs, 1);
	layer_dirs_note_mode(&a->dirs, perm);
	if (needs_mode && !a->dirs.is_root_user && (perm & 0300) != 0300) {
		layer_dirs_set_mode(&a->dirs, perm);
		needs_mode = 0;
	}
	r = set_metadata(a, fd, needs_mode, err);
	if (r == 0)
		layer_dirs_set_time(&a->dirs, entry_mtime(a));
	return r;
}

/* Owner and time of an entry that is named, not opened. */
static int set_metadata_at(struct apply *a, int dir, struct gantry_error *err)
{
	struct timespec times[2] = { entry_mtime(a), entry_mtime(a) };
	int change, r;
	uid_t uid = 0;
	gid_t gid = 0;

	r = entry_owner(a, &uid, &gid, &change, err);
	if (r < 0)
		return r;
	if (change && (r = set_owner_at(a, dir, uid, gid, err)) < 0)
		return r;
	r = set_xattrs_at(a, dir, err);
	if (r == 0 && utimensat(dir, a->base, times, AT_SYMLINK_NOFOLLOW) < 0)
		r = entry_errno(errno, "cannot set its time", err);
	return r;
}

static int apply_symlink(struct apply *a, int dir, struct gantry_error *err)
{
	const char *target = a->lib->archive_entry_symlink(a->entry);
	int r;

	if (!target || !*target)
		return bad_entry(err, "a symbolic link without a target");
	if (symlinkat(target, dir, a->base) < 0) {
		if (errno != EEXIST)
			return entry_errno(errno, "cannot create it", err);
		r = clear_name(dir, a->base, err);
		if (r < 0)
			return r;
		if (symlinkat(target, dir, a->base) < 0)
			return entry_errno(errno, "cannot create it", err);
	}
	return set_metadata_at(a, dir, err);
}

static int apply_node(struct apply *a, int dir, struct gantry_error *err)
{
	mode_t mode = a->lib->archive_entry_filetype(a->entry) |
		      (a->lib->archive_entry_perm(a->entry) & 07777);
	dev_t dev = makedev((unsigned int)a->lib->archive_entry_rdevmajor(a->entry),
			    (unsigned int)a->lib->archive_entry_rdevminor(a->entry));
	int r = clear_name(dir, a->base, err);

	if (r < 0)
		return r;
	if (S_ISCHR(mode) && dev == 0)
		return bad_entry(err, "character device 0:0 is reserved for whiteouts");
	if (mknodat(dir, a->base, mode & ~07000, S_ISFIFO(mode) ? 0 : dev) < 0) {
		/* Without CAP_MKNOD in the first user namespace there are no devices. */
		if (errno != EPERM)
			return entry_errno(errno, "cannot create it", err);
		if (owners_are_kept())
			return apply_stand_in(a, dir, err);
		a->stats->skipped++;
		return 0;
	}
	r = set_metadata_at(a, dir, err);
	if (r == 0 && fchmodat(dir, a->base, mode & 07777, 0) < 0)
		r = entry_errno(errno, "cannot set its mode", err);
	return r;
}

static int apply_hardlink(struct apply *a, int dir, struct gantry_error *err)
{
	const char *name = a->lib->archive_entry_hardlink(a->entry), *base;
	char path[PATH_MAX], shown[200];
	auto_fd int other = -1;
	int from = dir, r;
	size_t parent;

	if (layer_normalise(name, path, sizeof(path)) <= 0)
		return bad_entry(err, "a hard link to a name that leads outside the layer");
	layer_printable(path, shown, sizeof(shown));
	base = strrchr(path, '/');
	parent = base ? (size_t)(base - path) : 0;
	base = base ? base + 1 : path;
	if (!strcmp(path, a->path))
		return bad_entry(err, "a hard link to itself");
	if (strlen(a->dirs.path) != parent || memcmp(a->dirs.path, path, parent) != 0) {
		other = layer_dirs_peek(&a->dirs, path, parent);
		if (other < 0)
			return error_set(err, GANTRY_ERR_CORRUPT,
					 "a hard link to %s, which is not inside the layer", shown);
		from = other;
	}
	r = linkat(from, base, dir, a->base, 0);
	if (r < 0 && errno == EEXIST) {
		r = clear_name(dir, a->base, err);
		if (r < 0)
			return r;
		r = linkat(from, base, dir, a->base, 0);
	}
	if (r < 0 && (errno == ENOENT || errno == EPERM))
		return error_set(err, GANTRY_ERR_CORRUPT,
				 "a hard link to %s, which is no file of the layer", shown);
	return r < 0 ? entry_errno(errno, "cannot link it", err) : 0;
}

/* Removes what lower layers left below path, sparing what this layer made.
 * Returns whether anything was spared, or a negative errno. */
static int remove_lower(struct apply *a, int dir, struct buf *path)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *list = fd < 0 ? NULL : fdopendir(fd);
	size_t len = path->len;
	struct dirent *e;
	int spared = 0;

	if (!list) {
		int r = -errno;

		if (fd >= 0)
			close(fd);
		return r;
	}
	while ((e = readdir(list))) {
		auto_fd int sub = -1;
		int r = 0;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		buf_addf(path, "%s%s", len ? "/" : "", e->d_name);
		if (!name_set_has(&a->made, buf_str(path))) {
			r = remove_tree(dirfd(list), e->d_name);
		} else {
			spared = 1;
			sub = openat(dirfd(list), e->d_name,
				     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (sub >= 0)
				r = remove_lower(a, sub, path);
		}
		path->len = len;
		path->data[len] = '\0';
		if (r < 0)
			return r;
	}
	return spared;
}

static int opaque_plain(struct apply *a, int dir, const char *path, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	int r;

	buf_adds(&text, path);
	r = remove_lower(a, dir, &text);
	return r < 0 ? entry_errno(-r, "cannot remove what it hides", err) : 0;
}

/* A whiteout hides what lower layers have, not what its own layer brings. */
static int whiteout_plain(struct apply *a, int dir, const char *name, const char *path,
			  struct gantry_error *err)
{
	auto_fd int sub = -1;

	if (!name_set_has(&a->made, path))
		return clear_name(dir, name, err);
	sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return sub < 0 ? 0 : opaque_plain(a, sub, path, err);
}

static int whiteout_overlay(struct apply *a, int dir, const char *name, struct gantry_error *err)
{
	auto_fd int sub = -1;
	int r;

	r = layer_make_whiteout(dir, name, a->options->style);
	if (r == 0)
		return 0;
	if (r != -EEXIST)
		return entry_errno(-r, "cannot create a whiteout", err);
	sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = sub < 0 ? 0 : layer_set_opaque(sub, a->options->style);
	return r < 0 ? entry_errno(-r, "cannot mark it opaque", err) : 0;
}

static int apply_whiteout(struct apply *a, int dir, struct gantry_error *err)
{
	const char *name = a->base + strlen(LAYER_WHITEOUT);
	int r;

	if (!strcmp(a->base, LAYER_OPAQUE)) {
		if (a->options->style == LAYER_PLAIN)
			return opaque_plain(a, dir, a->dirs.path, err);
		r = layer_set_opaque(dir, a->options->style);
		return r < 0 ? entry_errno(-r, "cannot mark its directory opaque", err) : 0;
	}
	if (!strncmp(a->base, LAYER_META, strlen(LAYER_META)))
		return 0;
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return bad_entry(err, "a whiteout without a name");
	if (a->options->style != LAYER_PLAIN)
		return whiteout_overlay(a, dir, name, err);
	memmove(a->path + (a->base - a->path), name, strlen(name) + 1);
	return whiteout_plain(a, dir, a->base, a->path, err);
}

static int apply_non_directory(struct apply *a, struct gantry_error *err)
{
	size_t parent = a->base > a->path ? (size_t)(a->base - a->path) - 1 : 0;
	int dir, r;

	dir = layer_dirs_enter(&a->dirs, a->path, parent, LAYER_AS_PARENT, NULL, err);
	if (dir < 0)
		return dir;
	if (!strncmp(a->base, LAYER_WHITEOUT, strlen(LAYER_WHITEOUT)))
		return apply_whiteout(a, dir, err);
	if (a->lib->archive_entry_hardlink(a->entry)) {
		r = apply_hardlink(a, dir, err);
	} else {
		switch (a->lib->archive_entry_filetype(a->entry)) {
		case AE_IFREG:
			r = apply_file(a, dir, err);
			break;
		case AE_IFLNK:
			r = apply_symlink(a, dir, err);
			break;
		case AE_IFCHR:
		case AE_IFBLK:
		case AE_IFIFO:
			r = apply_node(a, dir, err);
			break;
		default:
			return bad_entry(err, "a kind of file that layers do not have");
		}
	}
	if (r == 0 && a->dirs.made && name_set_add(&a->made, a->path) < 0)
		r = error_no_memory(err);
	return r;
}

static int apply_entry(struct apply *a, struct gantry_error *err)
{
	const char *name = a->lib->archive_entry_pathname(a->entry);
	char shown[256];
	const char *slash;
	int r;

	if (!name)
		return error_set(err, GANTRY_ERR_CORRUPT, "the layer archive has an entry without a name");
	a->stats->entries++;
	if (layer_normalise(name, a->path, sizeof(a->path)) < 0) {
		r = bad_entry(err, "its name leads outside the layer or is too long");
	} else {
		slash = strrchr(a->path, '/');
		a->base = slash ? slash + 1 : a->path;
		if (a->lib->archive_entry_filetype(a->entry) == AE_IFDIR &&
		    !a->lib->archive_entry_hardlink(a->entry) &&
		    strncmp(a->base, LAYER_WHITEOUT, strlen(LAYER_WHITEOUT)) != 0)
			r = apply_directory(a, err);
		else if (!*a->base)
			r = bad_entry(err, "the root of a layer must be a directory");
		else
			r = apply_non_directory(a, err);
	}
	if (r < 0)
		error_prefix(err, "layer entry %s", layer_printable(name, shown, sizeof(shown)));
	if (r == GANTRY_ERR_CORRUPT && !err->hint[0])
		error_hint(err, "nothing was written outside the image; do not trust where it came from");
	return r;
}

/* Padding after the end of the archive: whoever writes the pipe wants it read. */
static int drain(struct apply *a, struct gantry_error *err)
{
	const void *block;
	la_ssize_t n;

	do {
		n = read_block(a->archive, a, &block);
	} while (n > 0);
	return n < 0 ? archive_error(a, err) : 0;
}

static int apply_all(struct apply *a, struct gantry_error *err)
{
	int r;

	if (a->lib->archive_read_support_format_tar(a->archive) != ARCHIVE_OK ||
	    a->lib->archive_read_support_format_empty(a->archive) != ARCHIVE_OK)
		return error_no_memory(err);
	if (a->lib->archive_read_open(a->archive, a, NULL, read_block, NULL) != ARCHIVE_OK)
		return archive_error(a, err);
	for (;;) {
		r = a->lib->archive_read_next_header(a->archive, &a->entry);
		if (r == ARCHIVE_EOF)
			break;
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			return archive_error(a, err);
		r = apply_entry(a, err);
		if (r < 0)
			return r;
	}
	r = layer_dirs_finish(&a->dirs, err);
	return r < 0 ? r : drain(a, err);
}

int layer_apply(int archive_fd, int root_fd, const struct layer_apply_options *options,
		struct layer_apply_stats *ret, struct gantry_error *err)
{
	const struct archive_lib *lib = archive_lib_load(err);
	struct layer_apply_stats stats = { 0 };
	auto_free struct apply *a = calloc(1, sizeof(*a));
	archive_locale_t locale;
	int r;

	if (!lib)
		return err->code;
	if (!a)
		return error_no_memory(err);
	a->lib = lib;
	a->options = options;
	a->stats = &stats;
	a->archive_fd = archive_fd;
	a->uid = geteuid();
	a->gid = getegid();
	a->umask = process_umask();
	a->archive = lib->archive_read_new();
	if (!a->archive)
		return error_no_memory(err);
	locale = archive_locale_enter();
	r = layer_dirs_init(&a->dirs, root_fd, options->style,
			    options->style == LAYER_PLAIN ? &a->made : NULL, err);
	if (r == 0)
		r = apply_all(a, err);
	layer_dirs_done(&a->dirs);
	name_set_done(&a->made);
	lib->archive_read_free(a->archive);
	archive_locale_leave(locale);
	if (r == 0 && ret)
		*ret = stats;
	return r;
}
