/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing names.  A node that the kernel still knows keeps a descriptor of what
 * it was, so that open files and working directories go on.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "helpers/cleanup.h"

#include "fuse/copyup.h"
#include "fuse/fdcache.h"
#include "fuse/format.h"
#include "fuse/listing.h"
#include "fuse/loc.h"
#include "fuse/lookup.h"
#include "fuse/node.h"
#include "fuse/remove.h"
#include "fuse/request.h"
#include "fuse/unionfs.h"
#include "fuse/workdir.h"
#include "fuse/arena.h"

int remove_hold(struct unionfs *fs, struct node *node, struct node *parent)
{
	auto_cfd struct cfd *cfd = NULL;
	struct cfd *part;
	const char *name;
	int fd, r;

	if (S_ISDIR(node->mode)) {
		r = dir_open_part(fs, node, node_is(node, NODE_UPPER) ? 0 : 1, &part);
		if (r < 0)
			return r;
		fd = fcntl(part->fd, F_DUPFD_CLOEXEC, 3);
		r = -errno;
		cfd_put(part);
		return fd < 0 ? r : fd;
	}
	r = dir_open_part(fs, parent, node->slot, &cfd);
	if (r < 0)
		return r;
	node_lock_shared(fs, node);
	name = node->name.parent ? node_name(fs, node) : "";
	fd = openat(cfd->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	r = -errno;
	node_unlock(fs, node);
	return fd < 0 ? r : fd;
}

void remove_name(struct unionfs *fs, struct node *node, struct node *parent, const char *name,
		 int *hold)
{
	/* The descriptor first: a server that dies in between leaves a way to it. */
	if (node->fd < 0 && *hold >= 0)
		atomic_store(&arena_record(fs->arena, node->id)->fd, *hold);
	if (node_remove_name(fs, node, parent, name) == 0 && node->fd < 0)
		node_set_fd(fs, node, steal_fd(hold));
}

/* Takes the name away on disk: unlink, or a whiteout where a lower layer has it. */
static int remove_on_disk(struct unionfs *fs, struct node *parent, int dirfd, const char *name,
			  int in_upper, int below, int is_dir)
{
	if (below) {
		if (in_upper)
			return whiteout_replace(fs, parent, dirfd, name, is_dir);
		return whiteout_make(fs, parent, dirfd, name);
	}
	if (!in_upper)
		return -ENOENT;
	return unlinkat(dirfd, name, is_dir ? AT_REMOVEDIR : 0) < 0 ? -errno : 0;
}

/* An upper directory that is empty as far as anyone can see may hold whiteouts:
 * it is moved away whole. */
static int remove_upper_dir(struct unionfs *fs, struct node *parent, int dirfd, const char *name,
			    int below)
{
	char tmp[WORK_NAME_MAX];
	int r = remove_on_disk(fs, parent, dirfd, name, 1, below, 1);

	if (r != -ENOTEMPTY && r != -EEXIST)
		return r;
	work_name(fs, tmp);
	if (renameat(dirfd, name, fs->work_fd, tmp) < 0)
		return -errno;
	work_remove(fs, tmp);
	return 0;
}

int remove_is_empty(struct unionfs *fs, struct node *dir)
{
	struct listing *l;
	int r = listing_of(fs, dir, &l);

	if (r < 0)
		return r;
	r = 1;
	for (unsigned i = 0; i < l->count && r; i++)
		r = atomic_load(&l->entries[i].gone);
	listing_put(l);
	return r;
}

/* The server that died had removed it, but not said so. */
static int finish_resent(struct request *rq, struct node *node, struct node *parent,
			 const char *name)
{
	int hold = -1;

	if (node) {
		node_lock(rq->fs, node);
		hold = atomic_load(&arena_record(rq->fs->arena, node->id)->fd);
		remove_name(rq->fs, node, parent, name, &hold);
		node_unlock(rq->fs, node);
		node_put(rq->fs, node);
	}
	return 0;
}

static int remove_child(struct request *rq, int is_dir)
{
	struct unionfs *fs = rq->fs;
	struct node *parent = request_node(rq), *node = NULL;
	auto_cfd struct cfd *up = NULL;
	auto_fd int hold = -1;
	const char *name = rq->arg;
	struct stat st;
	int r, below;

	if (!parent)
		return -ESTALE;
	node = node_find(fs, parent, name);
	r = node ? 0 : lookup_child(fs, parent, name, &node, &st);
	if (r == 0 && node_is(node, NODE_STALE))
		r = lookup_revive(fs, node);
	if (r == -ENOENT && request_is_resent(rq))
		return finish_resent(rq, node, parent, name);
	if (r < 0) {
		node_put(fs, node);
		return r;
	}
	if (is_dir && S_ISDIR(node->mode)) {
		r = remove_is_empty(fs, node);
		r = r < 0 ? r : r ? 0 : -ENOTEMPTY;
	} else if (is_dir != !!S_ISDIR(node->mode)) {
		r = is_dir ? -ENOTDIR : -EISDIR;
	}
	if (r == 0)
		r = copyup(fs, parent, COPYUP_ALL);
	if (r == 0)
		r = dir_open_upper(fs, parent, &up);
	if (r == 0) {
		below = node_is(node, NODE_UPPER) ? lookup_is_below(fs, parent, name) : 1;
		r = below < 0 ? below : 0;
	}
	if (r == 0 && node->name.parent && !node->name.next) {
		hold = remove_hold(fs, node, parent);
		r = hold < 0 ? hold : 0;
	}
	if (r == 0) {
		node_lock(fs, node);
		if (is_dir && node_is(node, NODE_UPPER))
			r = remove_upper_dir(fs, parent, up->fd, name, below);
		else
			r = remove_on_disk(fs, parent, up->fd, name, node_is(node, NODE_UPPER),
					   below, is_dir);
		if (r == 0)
			remove_name(fs, node, parent, name, &hold);
		node_unlock(fs, node);
	}
	if (r == 0)
		listing_changed(fs, parent, name);
	node_put(fs, node);
	return r;
}

int op_unlink(struct request *rq)
{
	return remove_child(rq, 0);
}

int op_rmdir(struct request *rq)
{
	return remove_child(rq, 1);
}
