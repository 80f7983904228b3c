/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making names.  The usual case is one system call in the upper directory; where
 * a whiteout has the name, the new thing is made in the workdir and takes the
 * whiteout's place in one rename.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "helpers/cleanup.h"

#include "fuse/acl.h"
#include "fuse/copyup.h"
#include "fuse/fdcache.h"
#include "fuse/format.h"
#include "fuse/ids.h"
#include "fuse/listing.h"
#include "fuse/loc.h"
#include "fuse/lookup.h"
#include "fuse/node.h"
#include "fuse/openfile.h"
#include "fuse/request.h"
#include "fuse/unionfs.h"
#include "fuse/workdir.h"

struct creation {
	struct request *rq;
	struct node *parent;
	const char *name;
	mode_t mode;            /* with type */
	mode_t umask;
	dev_t rdev;
	const char *target;     /* of a symlink */
	const struct loc *link; /* an existing file gets the name */
	int fd;                 /* of a regular file, or -1 */
	int up_fd;              /* the upper directory */
};

/* An attribute stands for the type of what an unprivileged user cannot make. */
static mode_t stored_type(struct unionfs *fs, mode_t mode)
{
	if (ids_overrides(fs) && !S_ISDIR(mode) && !S_ISLNK(mode))
		return S_IFREG;
	return mode & S_IFMT;
}

static int make_at(struct creation *c, int dirfd, const char *name)
{
	mode_t perm = c->mode & 07777;
	int r;

	if (c->link) {
		r = linkat(c->link->dirfd, c->link->name, dirfd, name,
			   c->link->at_flags ? 0 : AT_SYMLINK_FOLLOW);
		return r < 0 ? -errno : 0;
	}
	if (ids_overrides(c->rq->fs))
		perm |= S_ISDIR(c->mode) ? 0700 : 0600;
	switch (stored_type(c->rq->fs, c->mode)) {
	case S_IFDIR:
		return mkdirat(dirfd, name, perm) < 0 ? -errno : 0;
	case S_IFLNK:
		return symlinkat(c->target, dirfd, name) < 0 ? -errno : 0;
	case S_IFREG:
		c->fd = openat(dirfd, name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC,
			       perm);
		return c->fd < 0 ? -errno : 0;
	default:
		return mknodat(dirfd, name, (c->mode & S_IFMT) | perm, c->rdev) < 0 ? -errno : 0;
	}
}

/* A directory's setgid bit may be in its attribute only. */
static void inherit_override(struct creation *c, struct stat *st)
{
	struct stat dir;

	if (fstat(c->up_fd, &dir) < 0)
		return;
	ids_apply_override(c->rq->fs, c->up_fd, ".", 0, &dir);
	if (!(dir.st_mode & S_ISGID))
		return;
	st->st_gid = dir.st_gid;
	if (S_ISDIR(st->st_mode))
		st->st_mode |= S_ISGID;
}

/* Gives dirfd/name to the caller; gid -1 keeps what the directory gave it. */
static int set_owner(struct creation *c, int dirfd, const char *name, int keep_gid)
{
	const struct fuse_in_header *in = c->rq->in;
	struct unionfs *fs = c->rq->fs;
	struct stat st = { .st_mode = c->mode, .st_rdev = c->rdev };
	int r;

	if (c->link)
		return 0;
	if (ids_overrides(fs)) {
		st.st_uid = ids_uid_out(fs, in->uid);
		st.st_gid = ids_gid_out(fs, in->gid);
		st.st_mode &= ~c->umask;
		inherit_override(c, &st);
		return ids_set_mode(fs, dirfd, name, AT_SYMLINK_NOFOLLOW, &st, st.st_mode);
	}
	if (ids_uid_out(fs, in->uid) == (uint32_t)fs->own_uid &&
	    (keep_gid || ids_gid_out(fs, in->gid) == (uint32_t)fs->own_gid))
		return 0;
	r = ids_set_owner(fs, dirfd, name, AT_SYMLINK_NOFOLLOW, &st, in->uid,
			  keep_gid ? -1 : (int64_t)in->gid);
	/* chown(2) takes these bits away. */
	if (r == 0 && !S_ISDIR(c->mode) && c->mode & (S_ISUID | S_ISGID) &&
	    fchmodat(dirfd, name, c->mode & 07777 & ~c->umask, 0) < 0)
		r = -errno;
	return r;
}

/* What the real directory would have given to something made in it. */
static int inherit(struct creation *c, int dirfd, const char *tmp, int *keep_gid)
{
	struct unionfs *fs = c->rq->fs;
	struct stat st;
	int r;

	*keep_gid = 0;
	if (c->link)
		return 0;
	if (fstat(dirfd, &st) < 0)
		return -errno;
	if (st.st_mode & S_ISGID) {
		*keep_gid = 1;
		if (fchownat(fs->work_fd, tmp, (uid_t)-1, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if (S_ISDIR(c->mode))
			c->mode |= S_ISGID;
	}
	r = acl_inherit(dirfd, fs->work_fd, tmp, c->mode);
	if (r == 0 && !S_ISLNK(c->mode) && st.st_mode & S_ISGID && S_ISDIR(c->mode) &&
	    fchmodat(fs->work_fd, tmp, c->mode & 07777 & ~c->umask, 0) < 0)
		r = -errno;
	return r < 0 ? r : 0;
}

/* Makes it in the workdir and moves it over the whiteout at the name, or, for a
 * directory that must hide what is below, to the free name. */
static int make_via_work(struct creation *c, int dirfd, int over_whiteout)
{
	struct unionfs *fs = c->rq->fs;
	int is_dir = S_ISDIR(c->mode), keep_gid, r;
	char tmp[WORK_NAME_MAX];
	unsigned flags = is_dir && over_whiteout ? RENAME_EXCHANGE :
			 over_whiteout		 ? 0 :
						   RENAME_NOREPLACE;

	work_name(fs, tmp);
	r = make_at(c, fs->work_fd, tmp);
	if (r < 0)
		return r;
	r = inherit(c, dirfd, tmp, &keep_gid);
	if (r == 0)
		r = set_owner(c, fs->work_fd, tmp, keep_gid);
	if (r == 0 && is_dir)
		r = format_set(&fs->format, fs->work_fd, tmp, "opaque", "y", 1);
	if (r == 0 && renameat2(fs->work_fd, tmp, dirfd, c->name, flags) < 0)
		r = -errno;
	if (r < 0 || flags == RENAME_EXCHANGE)
		work_remove(fs, tmp);
	return r;
}

static int make_in_upper(struct creation *c, int dirfd)
{
	struct unionfs *fs = c->rq->fs;
	int hides = 0, r;

	/* A new directory must not show what a ".wh." file or a whiteout hid. */
	if (S_ISDIR(c->mode) && !c->link && c->parent->n_lower) {
		hides = lookup_is_below(fs, c->parent, c->name);
		if (hides < 0)
			return hides;
	}
	if (!hides) {
		r = make_at(c, dirfd, c->name);
		if (r == 0) {
			r = set_owner(c, dirfd, c->name, (c->parent->mode & S_ISGID) != 0);
			if (r < 0)
				unlinkat(dirfd, c->name, S_ISDIR(c->mode) ? AT_REMOVEDIR : 0);
			return r;
		}
		if (r != -EEXIST)
			return r;
	}
	r = whiteout_is(fs, c->parent, dirfd, c->name);
	if (r < 0)
		return r;
	if (!r && !hides)
		return request_is_resent(c->rq) ? 0 : -EEXIST;
	return make_via_work(c, dirfd, r);
}

/* The whole of a creation except the reply: node with a reference, and stat. */
static int create(struct creation *c, struct node **ret, struct stat *st)
{
	struct unionfs *fs = c->rq->fs;
	auto_cfd struct cfd *up = NULL;
	int r;

	c->fd = -1;
	if (!c->parent)
		return -ESTALE;
	if (strlen(c->name) > NAME_MAX)
		return -ENAMETOOLONG;
	/* Names of the OCI format would hide things once this is a lower layer. */
	if (strncmp(c->name, OCI_WHITEOUT_PREFIX, strlen(OCI_WHITEOUT_PREFIX)) == 0)
		return -EINVAL;
	r = copyup(fs, c->parent, COPYUP_ALL);
	if (r < 0)
		return r;
	if (c->parent->fd >= 0)
		return -ENOENT;
	r = dir_open_upper(fs, c->parent, &up);
	if (r < 0)
		return r;
	request_set_umask(c->rq, c->umask);
	c->up_fd = up->fd;
	r = make_in_upper(c, up->fd);
	if (r == 0 && (c->fd >= 0 ? fstat(c->fd, st) :
				    fstatat(up->fd, c->name, st, AT_SYMLINK_NOFOLLOW)) < 0)
		r = -errno;
	if (r == 0) {
		listing_changed(fs, c->parent, NULL);
		if (ret)
			r = lookup_made(fs, c->parent, c->name, st, ret);
	}
	if (r < 0 && c->fd >= 0) {
		close(c->fd);
		c->fd = -1;
	}
	return r;
}

static int create_and_reply(struct creation *c)
{
	struct node *node;
	struct stat st;
	int r = create(c, &node, &st);

	if (r < 0)
		return r;
	/* Whoever makes a file writes to it, as a rule. */
	if (c->fd >= 0)
		cfd_put(fdcache_put_in(c->rq->fs->fds, &node->data, c->fd, 1));
	return request_reply_entry(c->rq, node, &st, 0);
}

int op_mknod(struct request *rq)
{
	const struct fuse_mknod_in *in = (const struct fuse_mknod_in *)rq->arg;
	struct creation c = { .rq = rq, .parent = request_node(rq),
			      .name = rq->arg + sizeof(*in), .mode = in->mode,
			      .umask = in->umask,
			      .rdev = makedev((in->rdev >> 8) & 0xfff,
					      (in->rdev & 0xff) | (in->rdev >> 12 & 0xfff00)) };

	/* A device 0:0 is a whiteout; the kernel's overlayfs refuses it as well. */
	if (S_ISCHR(in->mode) && in->rdev == 0)
		return -EPERM;
	return create_and_reply(&c);
}

int op_mkdir(struct request *rq)
{
	const struct fuse_mkdir_in *in = (const struct fuse_mkdir_in *)rq->arg;
	struct creation c = { .rq = rq, .parent = request_node(rq),
			      .name = rq->arg + sizeof(*in), .mode = S_IFDIR | in->mode,
			      .umask = in->umask };

	return create_and_reply(&c);
}

int op_symlink(struct request *rq)
{
	struct creation c = { .rq = rq, .parent = request_node(rq), .name = rq->arg,
			      .mode = S_IFLNK | 0777 };

	c.target = rq->arg + strlen(rq->arg) + 1;
	if (c.target >= rq->arg + rq->arg_len)
		return -EINVAL;
	return create_and_reply(&c);
}

int op_create(struct request *rq)
{
	const struct fuse_create_in *in = (const struct fuse_create_in *)rq->arg;
	struct creation c = { .rq = rq, .parent = request_node(rq),
			      .name = rq->arg + sizeof(*in),
			      .mode = S_IFREG | (in->mode & 07777), .umask = in->umask };
	struct node *node;
	struct stat st;
	int r;

	/* The kernel makes files by MKNOD from now on, and opens them without us: what
	 * CREATE opened it would have to close by RELEASE. */
	if (rq->fs->settled->no_open)
		return -ENOSYS;
	r = create(&c, &node, &st);
	if (r < 0)
		return r;
	/* No descriptor: a server that died had made it. */
	if (c.fd < 0)
		memset(rq->out + sizeof(struct fuse_entry_out), 0, sizeof(struct proto_open_out));
	else
		r = openfile_reply_created(rq, node, c.fd,
					   rq->out + sizeof(struct fuse_entry_out));
	if (r < 0) {
		node_put(rq->fs, node);
		return r;
	}
	return request_reply_entry(rq, node, &st, sizeof(struct proto_open_out));
}

int op_link(struct request *rq)
{
	const struct fuse_link_in *in = (const struct fuse_link_in *)rq->arg;
	struct unionfs *fs = rq->fs;
	struct node *node = request_other_node(rq, in->oldnodeid);
	struct creation c = { .rq = rq, .parent = request_node(rq),
			      .name = rq->arg + sizeof(*in) };
	char name[NAME_MAX + 1];
	struct loc loc;
	struct stat st;
	int r;

	if (!node || !c.parent)
		return -ESTALE;
	r = copyup(fs, node, COPYUP_ALL);
	if (r == 0)
		r = loc_begin(fs, node, &loc);
	if (r < 0)
		return r;
	/* The kernel keeps the file from being renamed or removed meanwhile. */
	c.mode = node->mode;
	c.link = &loc;
	if (loc.at_flags) {
		snprintf(name, sizeof(name), "%s", loc.name);
		loc.name = name;
	}
	node_unlock(fs, node);
	loc.locked = NULL;
	r = create(&c, NULL, &st);
	loc_end(&loc);
	if (r < 0)
		return r;
	node_lock(fs, node);
	r = node_add_name(fs, node, c.parent, c.name);
	if (r == 0 && node->fd >= 0) {
		/* It was nameless, as O_TMPFILE makes files. */
		close(node->fd);
		node_set_fd(fs, node, -1);
		node->slot = 0;
		node_clear(node, NODE_COPIED);
	}
	node_unlock(fs, node);
	if (r < 0)
		return r;
	node_link(fs, node, st.st_ino);
	return request_reply_entry(rq, node_get(node), &st, 0);
}

/* A file without a name, until it is linked. */
int op_tmpfile(struct request *rq)
{
	const struct fuse_create_in *in = (const struct fuse_create_in *)rq->arg;
	struct creation c = { .rq = rq, .parent = request_node(rq), .name = "", .umask = in->umask,
			      .mode = S_IFREG | (in->mode & 07777), .fd = -1 };
	struct unionfs *fs = rq->fs;
	auto_cfd struct cfd *up = NULL;
	auto_fd int fd = -1, path_fd = -1;
	char proc[32];
	struct node *node;
	struct stat st;
	int r;

	if (!c.parent)
		return -ESTALE;
	r = copyup(fs, c.parent, COPYUP_ALL);
	if (r == 0)
		r = dir_open_upper(fs, c.parent, &up);
	if (r < 0)
		return r;
	request_set_umask(rq, in->umask);
	fd = openat(up->fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC | (in->flags & O_EXCL),
		    in->mode & 07777);
	if (fd < 0)
		return -errno;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	path_fd = open(proc, O_PATH | O_CLOEXEC);
	if (path_fd < 0)
		return -errno;
	if (fchown(fd, ids_uid_out(fs, rq->in->uid),
		   c.parent->mode & S_ISGID ? (gid_t)-1 : ids_gid_out(fs, rq->in->gid)) < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	node = node_new(fs, st.st_mode, 0);
	if (!node)
		return -ENOMEM;
	node_set(node, NODE_UPPER | NODE_NEW);
	node->ino = st.st_ino;
	node_set_fd(fs, node, steal_fd(&path_fd));
	r = openfile_reply_created(rq, node, steal_fd(&fd),
				   rq->out + sizeof(struct fuse_entry_out));
	if (r < 0) {
		node_put(fs, node);
		return r;
	}
	return request_reply_entry(rq, node, &st, sizeof(struct proto_open_out));
}
