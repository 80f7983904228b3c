/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything is made in the workdir under a temporary name, completed, synced,
 * and moved into place by one rename.  One copy-up lock per node; the node's own
 * lock is held only for the rename, so readers go on with the lower file.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers/cleanup.h"

#include "fuse/copydata.h"
#include "fuse/copyup.h"
#include "fuse/crew.h"
#include "fuse/fdcache.h"
#include "fuse/format.h"
#include "fuse/ids.h"
#include "fuse/layer.h"
#include "fuse/listing.h"
#include "fuse/loc.h"
#include "fuse/lookup.h"
#include "fuse/node.h"
#include "fuse/notify.h"
#include "fuse/unionfs.h"
#include "fuse/workdir.h"

/* Not an errno value: a filesystem may answer any of these. */
enum { PARENT_CHANGED = 1 };

int copyup_mark_impure(struct unionfs *fs, struct node *dir, int dirfd)
{
	int r;

	if (node_is(dir, NODE_IMPURE))
		return 0;
	r = format_set(&fs->format, dirfd, ".", "impure", "y", 1);
	/* Without extended attributes only the inode number is lost. */
	if (r == 0 || r == -EOPNOTSUPP) {
		node_set(dir, NODE_IMPURE);
		r = 0;
	}
	return r;
}

/* Makes the empty counterpart in the workdir.  Returns an open descriptor of a
 * regular file, or -1 with *ret 0 for the other types. */
static int make_empty(struct unionfs *fs, const struct loc *from, const struct stat *st,
		      const char *tmp, int *ret)
{
	char target[PATH_MAX];
	ssize_t n;
	int fd;

	*ret = 0;
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		fd = openat(fs->work_fd, tmp, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
		*ret = fd < 0 ? -errno : 0;
		return fd;
	case S_IFDIR:
		*ret = mkdirat(fs->work_fd, tmp, 0700) < 0 ? -errno : 0;
		return -1;
	case S_IFLNK:
		n = readlinkat(from->dirfd, from->name, target, sizeof(target) - 1);
		if (n < 0) {
			*ret = -errno;
			return -1;
		}
		target[n] = '\0';
		*ret = symlinkat(target, fs->work_fd, tmp) < 0 ? -errno : 0;
		return -1;
	default:
		*ret = mknodat(fs->work_fd, tmp, (st->st_mode & S_IFMT) | 0600, st->st_rdev) < 0 ?
			       -errno : 0;
		return -1;
	}
}

static int copy_owner_mode_times(struct unionfs *fs, const char *tmp, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	if ((st->st_uid != (uid_t)fs->own_uid || st->st_gid != (gid_t)fs->own_gid) &&
	    fchownat(fs->work_fd, tmp, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISLNK(st->st_mode) && fchmodat(fs->work_fd, tmp, st->st_mode & 07777, 0) < 0)
		return -errno;
	if (utimensat(fs->work_fd, tmp, times, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

/* Makes the complete copy as work/tmp. */
static int make_copy(struct unionfs *fs, struct node *node, const struct loc *from,
		     const struct stat *st, const char *tmp, uint64_t size, int *ret_origin)
{
	unsigned char origin[ORIGIN_MAX];
	auto_fd int to = -1;
	int r, n;

	to = make_empty(fs, from, st, tmp, &r);
	if (r < 0)
		return r;
	if (to >= 0 && size) {
		auto_cfd struct cfd *data = NULL;

		r = file_open_data(fs, node, 0, &data);
		if (r == 0)
			r = copy_data(data->fd, to,
				      size < (uint64_t)st->st_size ? size : (uint64_t)st->st_size);
		if (r < 0)
			return r;
	}
	/* The owner first: changing it drops file capabilities. */
	r = copy_owner_mode_times(fs, tmp, st);
	if (r == 0)
		r = copy_xattrs(fs, from->dirfd, from->name, from->at_flags, fs->work_fd, tmp);
	if (r == 0)
		r = ids_copy_override(fs, from, st, tmp);
	if (r < 0)
		return r;
	*ret_origin = 0;
	if (S_ISDIR(st->st_mode) || st->st_nlink == 1) {
		n = format_origin_of(from->dirfd, from->name, from->at_flags, origin);
		if (n > 0 &&
		    format_set(&fs->format, fs->work_fd, tmp, "origin", origin, (size_t)n) == 0)
			*ret_origin = 1;
	}
	if (to >= 0 && fs->opt.sync && fsync(to) < 0)
		return -errno;
	return 0;
}

/* Where the lower file is, without the node's lock: its place cannot change while
 * the copy-up lock is held, except by an unlink, which leaves the file. */
static int find_source(struct unionfs *fs, struct node *node, struct loc *from, char *name,
		       struct stat *st)
{
	int r = loc_begin(fs, node, from);

	if (r < 0)
		return r;
	r = loc_stat(from, st);
	if (from->locked) {
		strcpy(name, from->name);
		from->name = name;
		node_unlock(fs, node);
		from->locked = NULL;
	}
	if (r < 0)
		loc_end(from);
	return r;
}

/* A file that was removed while open gets a nameless copy. */
static int publish_nameless(struct unionfs *fs, struct node *node, const char *tmp)
{
	int fd = openat(fs->work_fd, tmp, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	work_remove(fs, tmp);
	close(node->fd);
	node_set(node, NODE_UPPER | NODE_COPIED);
	node_set_fd(fs, node, fd);
	return 0;
}

/* Moves work/tmp into the upper directory and switches the node over, or returns
 * PARENT_CHANGED. */
static int publish(struct unionfs *fs, struct node *node, struct node *parent, const char *tmp,
		   int has_origin)
{
	auto_cfd struct cfd *up = NULL;
	struct stat before, st;
	int r = dir_open_upper(fs, parent, &up);

	if (r < 0)
		return r;
	if (has_origin)
		r = copyup_mark_impure(fs, parent, up->fd);
	if (r == 0 && fstat(up->fd, &before) < 0)
		r = -errno;
	if (r < 0)
		return r;
	node_lock(fs, node);
	if (!node->name.parent && node->fd >= 0) {
		r = publish_nameless(fs, node, tmp);
	} else if (node->name.parent != parent) {
		r = PARENT_CHANGED;
	} else if (renameat(fs->work_fd, tmp, up->fd, node_name(fs, node)) < 0) {
		r = -errno;
	} else {
		const struct timespec times[2] = { before.st_atim, before.st_mtim };

		/* Nothing changed as far as the containers can see. */
		(void)utimensat(up->fd, ".", times, 0);
		if (!has_origin && !S_ISDIR(node->mode) &&
		    fstatat(up->fd, node_name(fs, node), &st, AT_SYMLINK_NOFOLLOW) == 0)
			node->ino = layer_ino(fs, 0, st.st_ino);
		if (!S_ISDIR(node->mode))
			node->slot = 0;
		node_set(node, NODE_UPPER | (has_origin ? NODE_ORIGIN : 0));
	}
	if (r == 0 && !S_ISDIR(node->mode))
		fdcache_drop(fs->fds, &node->data);
	node_unlock(fs, node);
	return r;
}

static int copyup_locked(struct unionfs *fs, struct node *node, struct node *parent, uint64_t size)
{
	char tmp[WORK_NAME_MAX], name[PATH_MAX];
	struct loc from;
	struct stat st;
	int has_origin = 0, r;

	if (node_is(node, NODE_UPPER))
		return 0;
	r = find_source(fs, node, &from, name, &st);
	if (r < 0)
		return r;
	crew_may_block();
	work_name(fs, tmp);
	r = make_copy(fs, node, &from, &st, tmp, size, &has_origin);
	loc_end(&from);
	if (r == 0)
		r = publish(fs, node, parent, tmp, has_origin);
	if (r != 0) {
		work_remove(fs, tmp);
		return r;
	}
	/* Another link count or inode number than before. */
	if (S_ISDIR(st.st_mode) || st.st_nlink > 1 || !has_origin)
		notify_attr(fs, node);
	if (!has_origin && !S_ISDIR(st.st_mode)) {
		listing_changed(fs, parent, NULL);
		notify_names(fs, parent);
	}
	return 0;
}

int copyup(struct unionfs *fs, struct node *node, uint64_t size)
{
	struct node *parent;
	int r;

	if (node_is(node, NODE_STALE)) {
		r = lookup_revive(fs, node);
		if (r < 0)
			return r;
	}
	if (fs->work_fd < 0)
		return -EROFS;
	do {
		if (node_is(node, NODE_UPPER))
			return 0;
		node_lock_shared(fs, node);
		parent = node->name.parent ? node_get(node->name.parent) : NULL;
		node_unlock(fs, node);
		r = parent ? copyup(fs, parent, COPYUP_ALL) : node->fd >= 0 ? 0 : -ENOENT;
		if (r == 0) {
			node_copyup_lock(fs, node);
			r = copyup_locked(fs, node, parent ? parent : fs->root, size);
			node_copyup_unlock(fs, node);
		}
		node_put(fs, parent);
	} while (r == PARENT_CHANGED);
	return r;
}
