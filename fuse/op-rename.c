/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renaming.  Everything that can be prepared is prepared first (copy-up, marks on
 * directories); then one rename(2) does the visible change, leaving a whiteout
 * behind where a lower layer has the old name.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* One of the two names. */
struct side {
	struct node *dir;
	const char *name;
	struct node *node;   /* referenced; NULL: nothing there */
	struct cfd *up;      /* the upper part of dir */
	int below;           /* a lower layer has this name */
	int whiteout;        /* the upper layer has a whiteout under it */
};

struct renaming {
	struct request *rq;
	struct unionfs *fs;
	struct side from, to;
	unsigned flags;
	int hold;            /* keeps the replaced node */
};

static int find_side(struct unionfs *fs, struct side *s, int must_exist)
{
	struct stat st;
	int r;

	if (!s->dir)
		return -ESTALE;
	r = lookup_child(fs, s->dir, s->name, &s->node, &st);
	if (r == -ENOENT && !must_exist)
		return 0;
	if (r < 0)
		s->node = NULL;
	return r;
}

static void side_done(struct unionfs *fs, struct side *s)
{
	node_put(fs, s->node);
	cfd_put(s->up);
}

static int open_side(struct unionfs *fs, struct side *s)
{
	int r = copyup(fs, s->dir, COPYUP_ALL);

	if (r == 0)
		r = dir_open_upper(fs, s->dir, &s->up);
	if (r == 0)
		r = lookup_is_below(fs, s->dir, s->name);
	if (r < 0)
		return r;
	s->below = r;
	if (s->node && node_is(s->node, NODE_UPPER))
		return 0;
	r = whiteout_is(fs, s->dir, s->up->fd, s->name);
	s->whiteout = r > 0;
	return r < 0 ? r : 0;
}

/* Lets the upper part of a directory say where its lower parts are. */
static int set_redirect(struct unionfs *fs, struct node *node)
{
	auto_cfd struct cfd *cfd = NULL;
	char *path = lookup_lower_path(fs, node), *old;
	int r;

	if (!path)
		return -ENOMEM;
	r = dir_open_upper(fs, node, &cfd);
	if (r == 0)
		r = format_set(&fs->format, cfd->fd, ".", "redirect", path, strlen(path));
	if (r < 0) {
		free(path);
		return r;
	}
	node_lock(fs, node);
	old = node->redirect;
	node->redirect = path;
	node_unlock(fs, node);
	free(old);
	return 0;
}

static int set_opaque(struct unionfs *fs, struct node *node)
{
	auto_cfd struct cfd *cfd = NULL;
	int r = dir_open_upper(fs, node, &cfd);

	return r < 0 ? r : format_set(&fs->format, cfd->fd, ".", "opaque", "y", 1);
}

static int can_move(struct unionfs *fs, const struct node *node)
{
	if (!node || !S_ISDIR(node->mode) || !node_is(node, NODE_MERGED))
		return 1;
	if (fs->opt.redirect_dir != OPT_AUTO)
		return fs->opt.redirect_dir == OPT_ON;
	/* The kernel follows no redirects in user.overlay. attributes. */
	return !fs->format.user;
}

/* Makes a node ready to lie under the other side's name. */
static int prepare_moved(struct renaming *rn, struct side *from, const struct side *to)
{
	struct unionfs *fs = rn->fs;
	struct node *node = from->node;
	int r;

	r = copyup(fs, node, COPYUP_ALL);
	if (r < 0 || !S_ISDIR(node->mode))
		return r;
	if (node_is(node, NODE_MERGED))
		return set_redirect(fs, node);
	/* What is below the new name must not shine through. */
	return to->below ? set_opaque(fs, node) : 0;
}

/* An empty directory that still holds whiteouts gives way to an opaque empty one,
 * which rename(2) can replace. */
static int clear_target(struct renaming *rn)
{
	struct unionfs *fs = rn->fs;
	char tmp[WORK_NAME_MAX];
	int r;

	work_name(fs, tmp);
	if (mkdirat(fs->work_fd, tmp, 0700) < 0)
		return -errno;
	r = format_set(&fs->format, fs->work_fd, tmp, "opaque", "y", 1);
	if (r == -EOPNOTSUPP && !rn->to.below)
		r = 0;
	if (r == 0 && renameat2(fs->work_fd, tmp, rn->to.up->fd, rn->to.name, RENAME_EXCHANGE) < 0)
		r = -errno;
	work_remove(fs, tmp);
	return r;
}

/* Whether what has the new name may be replaced at all. */
static int check_target(struct renaming *rn)
{
	struct node *from = rn->from.node, *to = rn->to.node;
	int r;

	if (!to || rn->flags & RENAME_EXCHANGE)
		return 0;
	if (S_ISDIR(to->mode) && !S_ISDIR(from->mode))
		return -EISDIR;
	if (!S_ISDIR(to->mode) && S_ISDIR(from->mode))
		return -ENOTDIR;
	if (S_ISDIR(to->mode)) {
		r = remove_is_empty(rn->fs, to);
		if (r <= 0)
			return r < 0 ? r : -ENOTEMPTY;
	}
	return 0;
}

static int prepare_target(struct renaming *rn)
{
	struct node *to = rn->to.node;
	int r;

	if (!to || rn->flags & RENAME_EXCHANGE)
		return 0;
	if (to->name.parent && !to->name.next) {
		r = remove_hold(rn->fs, to, rn->to.dir);
		if (r < 0)
			return r;
		rn->hold = r;
	}
	if (S_ISDIR(to->mode) && node_is(to, NODE_UPPER))
		return clear_target(rn);
	return 0;
}

/* Leaves a whiteout at the old name when the filesystem cannot do it in the same
 * step: exchange with a whiteout put at the new name first. */
static int rename_then_whiteout(struct renaming *rn)
{
	struct unionfs *fs = rn->fs;
	struct side *from = &rn->from, *to = &rn->to;
	int r;

	if (!(to->node && node_is(to->node, NODE_UPPER)) && !to->whiteout) {
		r = whiteout_make(fs, to->dir, to->up->fd, to->name);
		if (r < 0)
			return r;
	}
	if (renameat2(from->up->fd, from->name, to->up->fd, to->name, RENAME_EXCHANGE) < 0)
		return -errno;
	/* What was replaced is at the old name now. */
	if (!(to->node && node_is(to->node, NODE_UPPER)))
		return 0;
	return whiteout_replace(fs, from->dir, from->up->fd, from->name,
				S_ISDIR(to->node->mode));
}

/* The visible step. */
static int rename_on_disk(struct renaming *rn)
{
	struct unionfs *fs = rn->fs;
	struct side *from = &rn->from, *to = &rn->to;
	unsigned flags = rn->flags & RENAME_EXCHANGE;

	if (!flags && from->below) {
		if (S_ISDIR(from->node->mode) && to->whiteout)
			flags = RENAME_EXCHANGE;
		else
			flags = RENAME_WHITEOUT;
	} else if (!flags && S_ISDIR(from->node->mode) && to->whiteout) {
		/* A directory cannot replace the whiteout: swap, and drop it. */
		if (renameat2(from->up->fd, from->name, to->up->fd, to->name, RENAME_EXCHANGE) < 0)
			return -errno;
		return unlinkat(from->up->fd, from->name, 0) < 0 ? -errno : 0;
	}
	if (flags == RENAME_WHITEOUT && fs->format.user)
		return rename_then_whiteout(rn);
	if (renameat2(from->up->fd, from->name, to->up->fd, to->name, flags) == 0)
		return 0;
	if (flags == RENAME_WHITEOUT && (errno == EINVAL || errno == EPERM))
		return rename_then_whiteout(rn);
	return -errno;
}

/* Two names of one inode: POSIX wants nothing to happen. */
static int is_same_file(const struct renaming *rn)
{
	return rn->from.node == rn->to.node;
}

/* New names come before old ones go: a server that dies in between leaves every
 * node with a name that it had or has. */
static int move_names(struct renaming *rn)
{
	struct unionfs *fs = rn->fs;
	struct node *a = rn->from.node, *b = rn->to.node;
	int exchange = (rn->flags & RENAME_EXCHANGE) != 0, r;

	if (b && !exchange)
		remove_name(fs, b, rn->to.dir, rn->to.name, &rn->hold);
	r = node_add_name(fs, a, rn->to.dir, rn->to.name);
	if (r == 0 && exchange)
		r = node_add_name(fs, b, rn->from.dir, rn->from.name);
	node_remove_name(fs, a, rn->from.dir, rn->from.name);
	if (exchange)
		node_remove_name(fs, b, rn->to.dir, rn->to.name);
	return r;
}

/* The server that died had renamed, but not said so. */
static int finish_resent(struct renaming *rn)
{
	struct unionfs *fs = rn->fs;
	struct node *node = node_find(fs, rn->from.dir, rn->from.name);
	int r = 0;

	if (node) {
		node_lock(fs, node);
		r = node_add_name(fs, node, rn->to.dir, rn->to.name);
		node_remove_name(fs, node, rn->from.dir, rn->from.name);
		node_unlock(fs, node);
		node_put(fs, node);
	}
	return r;
}

static int do_rename(struct renaming *rn)
{
	struct unionfs *fs = rn->fs;
	int r = find_side(fs, &rn->from, 1);

	if (r == -ENOENT && request_is_resent(rn->rq))
		return finish_resent(rn);
	if (r == 0)
		r = find_side(fs, &rn->to, (rn->flags & RENAME_EXCHANGE) != 0);
	if (r < 0)
		return r;
	if (rn->to.node && rn->flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (is_same_file(rn))
		return 0;
	if (!can_move(fs, rn->from.node) ||
	    (rn->flags & RENAME_EXCHANGE && !can_move(fs, rn->to.node)))
		return -EXDEV;
	r = check_target(rn);
	if (r == 0)
		r = open_side(fs, &rn->from);
	if (r == 0)
		r = open_side(fs, &rn->to);
	if (r == 0)
		r = prepare_moved(rn, &rn->from, &rn->to);
	if (r == 0 && rn->flags & RENAME_EXCHANGE)
		r = prepare_moved(rn, &rn->to, &rn->from);
	if (r == 0)
		r = prepare_target(rn);
	if (r == 0 && node_is(rn->from.node, NODE_ORIGIN | NODE_MERGED | NODE_IMPURE))
		r = copyup_mark_impure(fs, rn->to.dir, rn->to.up->fd);
	if (r == 0 && rn->flags & RENAME_EXCHANGE &&
	    node_is(rn->to.node, NODE_ORIGIN | NODE_MERGED | NODE_IMPURE))
		r = copyup_mark_impure(fs, rn->from.dir, rn->from.up->fd);
	if (r < 0)
		return r;
	node_lock2(fs, rn->from.node, rn->to.node);
	r = rename_on_disk(rn);
	if (r == 0)
		r = move_names(rn);
	node_unlock2(fs, rn->from.node, rn->to.node);
	listing_changed(fs, rn->from.dir, NULL);
	listing_changed(fs, rn->to.dir, NULL);
	return r;
}

static int rename_between(struct request *rq, uint64_t new_dir, const char *names, unsigned flags)
{
	struct renaming rn = { .rq = rq, .fs = rq->fs, .flags = flags, .hold = -1 };
	int r;

	/* Whiteouts are ours: the kernel's overlayfs refuses the flag as well. */
	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	rn.from.dir = request_node(rq);
	rn.from.name = names;
	rn.to.dir = request_other_node(rq, new_dir);
	rn.to.name = names + strlen(names) + 1;
	if (rn.to.name >= rq->arg + rq->arg_len)
		return -EINVAL;
	if (strncmp(rn.to.name, OCI_WHITEOUT_PREFIX, strlen(OCI_WHITEOUT_PREFIX)) == 0)
		return -EINVAL;
	r = do_rename(&rn);
	side_done(rq->fs, &rn.from);
	side_done(rq->fs, &rn.to);
	if (rn.hold >= 0)
		close(rn.hold);
	return r;
}

int op_rename(struct request *rq)
{
	const struct fuse_rename_in *in = (const struct fuse_rename_in *)rq->arg;

	return rename_between(rq, in->newdir, rq->arg + sizeof(*in), 0);
}

int op_rename2(struct request *rq)
{
	const struct fuse_rename2_in *in = (const struct fuse_rename2_in *)rq->arg;

	return rename_between(rq, in->newdir, rq->arg + sizeof(*in), in->flags);
}
