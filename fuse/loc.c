/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "helpers/cleanup.h"

#include "fuse/fdcache.h"
#include "fuse/layer.h"
#include "fuse/loc.h"
#include "fuse/lookup.h"
#include "fuse/node.h"
#include "fuse/unionfs.h"

static void set_proc_path(struct loc *loc, int fd)
{
	snprintf(loc->buf, sizeof(loc->buf), "/proc/self/fd/%d", fd);
	loc->fd = fd;
	loc->dirfd = AT_FDCWD;
	loc->name = loc->buf;
	loc->at_flags = 0;
}

static int open_upper_part(struct unionfs *fs, struct node *dir)
{
	struct cfd *parent;
	int fd, r, moved;

	if (dir == fs->root)
		return layer_open_dir(&fs->layers[0], ".");
	for (;;) {
		struct node *up;

		node_lock_shared(fs, dir);
		up = dir->name.parent ? node_get(dir->name.parent) : NULL;
		node_unlock(fs, dir);
		if (!up)
			return -ENOENT;
		r = dir_open_upper(fs, up, &parent);
		if (r < 0) {
			node_put(fs, up);
			return r;
		}
		node_lock_shared(fs, dir);
		moved = dir->name.parent != up;
		if (!moved) {
			fd = openat(parent->fd, node_name(fs, dir),
				    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			r = fd < 0 ? -errno : fd;
		}
		node_unlock(fs, dir);
		cfd_put(parent);
		node_put(fs, up);
		if (!moved)
			return r;
	}
}

int dir_open_part(struct unionfs *fs, struct node *dir, unsigned slot, struct cfd **ret)
{
	struct slot *s = &dir->slots[slot];
	struct cfd *cfd = fdcache_get(fs->fds, &s->fd);
	int fd;

	if (!cfd) {
		fd = slot ? layer_open_dir(&fs->layers[s->layer], s->path) :
			    open_upper_part(fs, dir);
		if (fd < 0)
			return fd;
		cfd = fdcache_put_in(fs->fds, &s->fd, fd, 0);
		if (!cfd)
			return -ENOMEM;
	}
	*ret = cfd;
	return 0;
}

int dir_open_upper(struct unionfs *fs, struct node *dir, struct cfd **ret)
{
	return dir_open_part(fs, dir, 0, ret);
}

static int begin_dir(struct unionfs *fs, struct node *node, struct loc *loc)
{
	int r;

	loc->name = ".";
	if (node->fd >= 0) {
		loc->dirfd = node->fd;
		return 0;
	}
	r = dir_open_part(fs, node, node_is(node, NODE_UPPER) ? 0 : 1, &loc->cfd);
	if (r < 0)
		return r;
	loc->dirfd = loc->cfd->fd;
	return 0;
}

int loc_begin(struct unionfs *fs, struct node *node, struct loc *loc)
{
	struct node *parent;
	unsigned slot;
	int r;

	*loc = (struct loc){ .fs = fs, .dirfd = -1, .fd = -1, .at_flags = AT_SYMLINK_NOFOLLOW };
	if (node_is(node, NODE_STALE)) {
		r = lookup_revive(fs, node);
		if (r < 0)
			return r;
	}
	if (S_ISDIR(node->mode))
		return begin_dir(fs, node, loc);
	for (;;) {
		node_lock_shared(fs, node);
		if (node->fd >= 0) {
			set_proc_path(loc, node->fd);
			loc->locked = node;
			return 0;
		}
		parent = node->name.parent;
		slot = node->slot;
		if (!parent) {
			node_unlock(fs, node);
			return -ENOENT;
		}
		loc->cfd = fdcache_get(fs->fds, &parent->slots[slot].fd);
		if (loc->cfd)
			break;
		node_get(parent);
		node_unlock(fs, node);
		r = dir_open_part(fs, parent, slot, &loc->cfd);
		if (r < 0) {
			node_put(fs, parent);
			return r;
		}
		node_lock_shared(fs, node);
		r = node->fd < 0 && node->name.parent == parent && node->slot == slot;
		if (!r)
			node_unlock(fs, node);
		node_put(fs, parent);
		if (r)
			break;
		cfd_put(loc->cfd);
		loc->cfd = NULL;
	}
	loc->locked = node;
	loc->dirfd = loc->cfd->fd;
	loc->name = node_name(fs, node);
	return 0;
}

void loc_end(struct loc *loc)
{
	if (loc->locked)
		node_unlock(loc->fs, loc->locked);
	cfd_put(loc->cfd);
	loc->locked = NULL;
	loc->cfd = NULL;
}

int loc_stat(const struct loc *loc, struct stat *st)
{
	int r = loc->fd >= 0 ? fstatat(loc->fd, "", st, AT_EMPTY_PATH) :
			       fstatat(loc->dirfd, loc->name, st, loc->at_flags);

	return r < 0 ? -errno : 0;
}

/* Opens the lower file that holds the data of a metacopy. */
static int open_elsewhere(struct unionfs *fs, const struct file_data *data)
{
	const char *slash = strrchr(data->path, '/');
	char dir[4096] = ".";
	auto_fd int at = -1;
	int fd;

	if (slash && (size_t)(slash - data->path) >= sizeof(dir))
		return -ENAMETOOLONG;
	if (slash) {
		memcpy(dir, data->path, (size_t)(slash - data->path));
		dir[slash - data->path] = '\0';
	}
	at = layer_open_dir(&fs->layers[data->layer], dir);
	if (at < 0)
		return at;
	fd = openat(at, slash ? slash + 1 : data->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int file_open_data(struct unionfs *fs, struct node *node, int writable, struct cfd **ret)
{
	struct cfd *cfd = fdcache_get(fs->fds, &node->data);
	struct loc loc;
	int fd, r, rw = 1;

	if (cfd && (cfd->writable || !writable)) {
		*ret = cfd;
		return 0;
	}
	cfd_put(cfd);
	r = loc_begin(fs, node, &loc);
	if (r < 0)
		return r;
	if (node->file_data && !writable) {
		fd = open_elsewhere(fs, node->file_data);
		rw = 0;
	} else {
		int nofollow = loc.at_flags ? O_NOFOLLOW : 0;

		rw = node_is(node, NODE_UPPER) && !fs->opt.read_only;
		fd = openat(loc.dirfd, loc.name, (rw ? O_RDWR : O_RDONLY) | nofollow | O_CLOEXEC |
						 O_NONBLOCK);
		if (fd < 0 && rw && !writable) {
			fd = openat(loc.dirfd, loc.name,
				    O_RDONLY | nofollow | O_CLOEXEC | O_NONBLOCK);
			rw = 0;
		}
		fd = fd < 0 ? -errno : fd;
	}
	/* Installed under the node's lock: a copy-up then drops it for sure. */
	if (fd >= 0)
		cfd = fdcache_put_in(fs->fds, &node->data, fd, rw);
	loc_end(&loc);
	if (fd < 0)
		return fd;
	if (!cfd)
		return -ENOMEM;
	*ret = cfd;
	return 0;
}
