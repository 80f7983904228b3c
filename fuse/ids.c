/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "helpers/cleanup.h"

#include "fuse/ids.h"
#include "fuse/layer.h"
#include "fuse/loc.h"
#include "fuse/node.h"
#include "fuse/proto.h"
#include "fuse/xattrat.h"

enum { OVERFLOW_ID = 65534, MODE_BITS = 07777 };

static const char *const override_names[] = {
	[OVERRIDE_PRIVILEGED] = "security.fuseoverlayfs.override_stat",
	[OVERRIDE_USER] = "user.fuseoverlayfs.override_stat",
	[OVERRIDE_CONTAINERS] = "user.containers.override_stat",
};

static uint32_t map_in(const struct id_map *map, uint32_t id)
{
	if (!map->count)
		return id;
	for (unsigned i = 0; i < map->count; i++) {
		const struct id_range *r = &map->ranges[i];

		if (id >= r->outside && id - r->outside < r->count)
			return r->inside + (id - r->outside);
	}
	return OVERFLOW_ID;
}

static uint32_t map_out(const struct id_map *map, uint32_t id)
{
	if (!map->count)
		return id;
	for (unsigned i = 0; i < map->count; i++) {
		const struct id_range *r = &map->ranges[i];

		if (id >= r->inside && id - r->inside < r->count)
			return r->outside + (id - r->inside);
	}
	return id;
}

uint32_t ids_uid_out(const struct unionfs *fs, uint32_t uid)
{
	return map_out(&fs->opt.uid_map, uid);
}

uint32_t ids_gid_out(const struct unionfs *fs, uint32_t gid)
{
	return map_out(&fs->opt.gid_map, gid);
}

void ids_fill_attr(struct unionfs *fs, struct node *node, const struct stat *st,
		   struct fuse_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->ino = node->ino;
	attr->size = (uint64_t)st->st_size;
	attr->blocks = (uint64_t)st->st_blocks;
	attr->atime = (uint64_t)st->st_atim.tv_sec;
	attr->mtime = (uint64_t)st->st_mtim.tv_sec;
	attr->ctime = (uint64_t)st->st_ctim.tv_sec;
	attr->atimensec = (uint32_t)st->st_atim.tv_nsec;
	attr->mtimensec = (uint32_t)st->st_mtim.tv_nsec;
	attr->ctimensec = (uint32_t)st->st_ctim.tv_nsec;
	attr->mode = st->st_mode;
	attr->nlink = (uint32_t)st->st_nlink;
	attr->rdev = (uint32_t)((st->st_rdev & 0xff) | (major(st->st_rdev) & 0xfff) << 8 |
				(minor(st->st_rdev) & ~0xffU) << 12);
	attr->blksize = (uint32_t)st->st_blksize;
	attr->uid = fs->opt.squash_uid >= 0 ? (uint32_t)fs->opt.squash_uid :
					      map_in(&fs->opt.uid_map, st->st_uid);
	attr->gid = fs->opt.squash_gid >= 0 ? (uint32_t)fs->opt.squash_gid :
					      map_in(&fs->opt.gid_map, st->st_gid);
	/* A merged directory's links cannot be counted: the kernel says 1 too. */
	if (S_ISDIR(st->st_mode) &&
	    (fs->opt.static_nlink || node->n_lower + node_is(node, NODE_UPPER) > 1))
		attr->nlink = 1;
	/* A lower file that was removed still has its link in the layer. */
	if (node->fd >= 0 && (S_ISDIR(st->st_mode) || !node_is(node, NODE_UPPER) ||
			      node_is(node, NODE_COPIED)))
		attr->nlink = 0;
}

/* "uid:gid:mode[:type]"; damaged values change nothing. */
static int parse_override(const char *value, struct stat *st)
{
	unsigned uid, gid, mode, dev_major, dev_minor;
	char type[32] = "";

	if (sscanf(value, "%u:%u:%o:%31s", &uid, &gid, &mode, type) < 3)
		return 0;
	st->st_uid = uid;
	st->st_gid = gid;
	st->st_mode = (st->st_mode & S_IFMT) | (mode & MODE_BITS);
	if (sscanf(type, "block-%u-%u", &dev_major, &dev_minor) == 2) {
		st->st_mode = S_IFBLK | (mode & MODE_BITS);
		st->st_rdev = makedev(dev_major, dev_minor);
	} else if (sscanf(type, "char-%u-%u", &dev_major, &dev_minor) == 2) {
		st->st_mode = S_IFCHR | (mode & MODE_BITS);
		st->st_rdev = makedev(dev_major, dev_minor);
	} else if (strcmp(type, "pipe") == 0) {
		st->st_mode = S_IFIFO | (mode & MODE_BITS);
	} else if (strcmp(type, "socket") == 0) {
		st->st_mode = S_IFSOCK | (mode & MODE_BITS);
	}
	return 1;
}

static int read_override(enum override_mode mode, int dirfd, const char *name, int at_flags,
			 struct stat *st)
{
	char value[64];
	ssize_t n = xattrat_get(dirfd, name, at_flags, override_names[mode], value,
				sizeof(value) - 1);

	if (n <= 0)
		return 0;
	value[n] = '\0';
	return parse_override(value, st);
}

void ids_apply_override(struct unionfs *fs, int dirfd, const char *name, int at_flags,
			struct stat *st)
{
	enum override_mode own = fs->opt.xattr_permissions;

	if (!fs->overrides || (own && read_override(own, dirfd, name, at_flags, st)))
		return;
	/* A layer may have been written by another tool. */
	for (enum override_mode m = OVERRIDE_PRIVILEGED; m <= OVERRIDE_CONTAINERS; m++) {
		if (m != own && fs->overrides & 1U << m &&
		    read_override(m, dirfd, name, at_flags, st))
			return;
	}
}

static int write_override(struct unionfs *fs, int dirfd, const char *name, int at_flags,
			  uint32_t uid, uint32_t gid, const struct stat *st)
{
	char value[64];
	int n = snprintf(value, sizeof(value), "%u:%u:%o", uid, gid, st->st_mode & MODE_BITS);

	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		n += snprintf(value + n, sizeof(value) - (size_t)n, ":%s-%u-%u",
			      S_ISCHR(st->st_mode) ? "char" : "block", major(st->st_rdev),
			      minor(st->st_rdev));
	} else if (S_ISFIFO(st->st_mode) || S_ISSOCK(st->st_mode)) {
		n += snprintf(value + n, sizeof(value) - (size_t)n, ":%s",
			      S_ISFIFO(st->st_mode) ? "pipe" : "socket");
	}
	n = xattrat_set(dirfd, name, at_flags, override_names[fs->opt.xattr_permissions], value,
			(size_t)n, 0);
	/* A symlink cannot have such an attribute, and nothing depends on its owner. */
	return n == -EPERM && S_ISLNK(st->st_mode) ? 0 : n;
}

void ids_find_overrides(struct unionfs *fs)
{
	enum override_mode own = fs->opt.xattr_permissions;
	struct stat st;
	int shown = 0;

	if (own)
		fs->overrides |= 1U << own;
	for (unsigned l = fs->has_upper ? 0 : 1; l < fs->n_layers; l++) {
		if (!shown && fstat(fs->layers[l].fd, &st) < 0)
			continue;
		for (enum override_mode m = OVERRIDE_PRIVILEGED; m <= OVERRIDE_CONTAINERS; m++) {
			if (!read_override(m, fs->layers[l].fd, ".", 0, &st))
				continue;
			fs->overrides |= 1U << m;
			shown = 1;
		}
		/* The upper directory's own mode is what its maker could give it: the union
		 * has that of the layer below. */
		if (l == 0 && own && !shown && fs->n_layers > 1)
			continue;
		if (own && fs->has_upper && fs->work_fd >= 0 && (shown || l + 1 == fs->n_layers)) {
			struct stat top;

			if (!read_override(own, fs->layers[0].fd, ".", 0, &top))
				(void)write_override(fs, fs->layers[0].fd, ".", 0, st.st_uid,
						     st.st_gid, &st);
		}
	}
}

int ids_copy_override(struct unionfs *fs, const struct loc *from, const struct stat *st,
		      const char *tmp)
{
	struct stat shown = *st;

	if (!ids_overrides(fs))
		return 0;
	ids_apply_override(fs, from->dirfd, from->name, from->at_flags, &shown);
	return write_override(fs, fs->work_fd, tmp, AT_SYMLINK_NOFOLLOW, shown.st_uid,
			      shown.st_gid, &shown);
}

int ids_is_override(const struct unionfs *fs, const char *xattr)
{
	for (enum override_mode m = OVERRIDE_PRIVILEGED; m <= OVERRIDE_CONTAINERS; m++) {
		if (fs->overrides & 1U << m && strcmp(xattr, override_names[m]) == 0)
			return 1;
	}
	return 0;
}

int ids_set_owner(struct unionfs *fs, int dirfd, const char *name, int at_flags,
		  const struct stat *st, int64_t uid, int64_t gid)
{
	uid_t out_uid = uid < 0 ? (uid_t)-1 : ids_uid_out(fs, (uint32_t)uid);
	gid_t out_gid = gid < 0 ? (gid_t)-1 : ids_gid_out(fs, (uint32_t)gid);

	if (ids_overrides(fs)) {
		struct stat now = *st;

		/* As chown(2) does for anything but a directory. */
		if (!S_ISDIR(now.st_mode)) {
			now.st_mode &= ~(mode_t)S_ISUID;
			if (now.st_mode & S_IXGRP)
				now.st_mode &= ~(mode_t)S_ISGID;
		}
		return write_override(fs, dirfd, name, at_flags, uid < 0 ? st->st_uid : out_uid,
				      gid < 0 ? st->st_gid : out_gid, &now);
	}
	return fchownat(dirfd, name, out_uid, out_gid, at_flags) < 0 ? -errno : 0;
}

int ids_set_mode(struct unionfs *fs, int dirfd, const char *name, int at_flags,
		 const struct stat *st, mode_t mode)
{
	struct stat now = *st;

	if (!ids_overrides(fs))
		return fchmodat(dirfd, name, mode & MODE_BITS, 0) < 0 ? -errno : 0;
	now.st_mode = (st->st_mode & S_IFMT) | (mode & MODE_BITS);
	return write_override(fs, dirfd, name, at_flags, st->st_uid, st->st_gid, &now);
}
