/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of files and of the filesystem. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "helpers/cleanup.h"

#include "fuse/copyup.h"
#include "fuse/crew.h"
#include "fuse/fdcache.h"
#include "fuse/ids.h"
#include "fuse/layer.h"
#include "fuse/loc.h"
#include "fuse/node.h"
#include "fuse/privs.h"
#include "fuse/request.h"
#include "fuse/unionfs.h"
#include "fuse/xattrat.h"

static int shown_stat(struct unionfs *fs, struct node *node, struct stat *st)
{
	struct loc loc;
	int r = loc_begin(fs, node, &loc);

	if (r < 0)
		return r;
	r = loc_stat(&loc, st);
	if (r == 0)
		ids_apply_override(fs, loc.dirfd, loc.name, loc.at_flags, st);
	loc_end(&loc);
	return r;
}

int op_getattr(struct request *rq)
{
	struct node *node = request_node(rq);
	struct stat st;
	int r;

	if (!node)
		return -ESTALE;
	r = shown_stat(rq->fs, node, &st);
	return r < 0 ? r : request_reply_attr(rq, node, &st);
}

static int set_size(struct unionfs *fs, struct node *node, uint64_t size)
{
	auto_cfd struct cfd *data = NULL;
	int r = file_open_data(fs, node, 1, &data);

	if (r < 0)
		return r;
	return ftruncate(data->fd, (off_t)size) < 0 ? -errno : 0;
}

static int set_times(const struct loc *loc, const struct fuse_setattr_in *in)
{
	struct timespec times[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } };

	if (in->valid & FATTR_ATIME_NOW)
		times[0].tv_nsec = UTIME_NOW;
	else if (in->valid & FATTR_ATIME)
		times[0] = (struct timespec){ (time_t)in->atime, in->atimensec };
	if (in->valid & FATTR_MTIME_NOW)
		times[1].tv_nsec = UTIME_NOW;
	else if (in->valid & FATTR_MTIME)
		times[1] = (struct timespec){ (time_t)in->mtime, in->mtimensec };
	return utimensat(loc->dirfd, loc->name, times, loc->at_flags) < 0 ? -errno : 0;
}

static int set_attributes(struct request *rq, struct node *node, const struct loc *loc,
			  const struct fuse_setattr_in *in, struct stat *st)
{
	struct unionfs *fs = rq->fs;
	int owner = (in->valid & (FATTR_UID | FATTR_GID)) != 0;
	int r = 0;

	if (ids_overrides(fs) || (in->valid & FATTR_KILL_SUIDGID && !owner)) {
		r = loc_stat(loc, st);
		if (r < 0)
			return r;
		ids_apply_override(fs, loc->dirfd, loc->name, loc->at_flags, st);
	} else {
		st->st_mode = node->mode;
	}
	if (in->valid & FATTR_KILL_SUIDGID && !owner) {
		r = privs_drop_mode(rq, loc, st);
		if (r == 0)
			(void)xattrat_remove(loc->dirfd, loc->name, loc->at_flags,
					     "security.capability");
	}
	if (r == 0 && owner) {
		r = ids_set_owner(fs, loc->dirfd, loc->name, loc->at_flags, st,
				  in->valid & FATTR_UID ? (int64_t)in->uid : -1,
				  in->valid & FATTR_GID ? (int64_t)in->gid : -1);
		if (r == 0 && in->valid & FATTR_UID)
			st->st_uid = ids_uid_out(fs, in->uid);
		if (r == 0 && in->valid & FATTR_GID)
			st->st_gid = ids_gid_out(fs, in->gid);
	}
	if (r == 0 && in->valid & FATTR_MODE) {
		r = ids_set_mode(fs, loc->dirfd, loc->name, loc->at_flags, st, in->mode);
		if (r == 0)
			node->mode = (node->mode & S_IFMT) | (in->mode & 07777);
	}
	if (r == 0 && in->valid & (FATTR_ATIME | FATTR_MTIME))
		r = set_times(loc, in);
	if (r < 0)
		return r;
	r = loc_stat(loc, st);
	if (r == 0)
		ids_apply_override(fs, loc->dirfd, loc->name, loc->at_flags, st);
	return r;
}

/* With a write-back cache the kernel writes the times of a file that it removed, and
 * goes on to show its own: they are gone with the file. */
static int is_last_flush(struct unionfs *fs, const struct node *node,
			 const struct fuse_setattr_in *in)
{
	return fs->settled->writeback && node->fd >= 0 && S_ISREG(node->mode) &&
	       !(in->valid & ~(uint32_t)(FATTR_MTIME | FATTR_CTIME | FATTR_FH));
}

int op_setattr(struct request *rq)
{
	const struct fuse_setattr_in *in = (const struct fuse_setattr_in *)rq->arg;
	struct unionfs *fs = rq->fs;
	struct node *node = request_node(rq);
	struct loc loc;
	struct stat st;
	int r;

	if (!node)
		return -ESTALE;
	if (is_last_flush(fs, node, in))
		return op_getattr(rq);
	r = copyup(fs, node, in->valid & FATTR_SIZE ? in->size : COPYUP_ALL);
	if (r == 0 && in->valid & FATTR_SIZE)
		r = set_size(fs, node, in->size);
	if (r == 0)
		r = loc_begin(fs, node, &loc);
	if (r < 0)
		return r;
	r = set_attributes(rq, node, &loc, in, &st);
	loc_end(&loc);
	return r < 0 ? r : request_reply_attr(rq, node, &st);
}

int op_readlink(struct request *rq)
{
	struct node *node = request_node(rq);
	struct loc loc;
	ssize_t n;
	int r;

	if (!node)
		return -ESTALE;
	r = loc_begin(rq->fs, node, &loc);
	if (r < 0)
		return r;
	/* A nameless symlink is read through its O_PATH descriptor. */
	n = loc.at_flags ? readlinkat(loc.dirfd, loc.name, rq->out, PATH_MAX) :
			   readlinkat(node->fd, "", rq->out, PATH_MAX);
	r = n < 0 ? -errno : (int)n;
	loc_end(&loc);
	return r;
}

int op_statfs(struct request *rq)
{
	struct unionfs *fs = rq->fs;
	struct fuse_statfs_out *out = (struct fuse_statfs_out *)rq->out;
	struct statvfs sv;

	if (fstatvfs(fs->layers[fs->has_upper ? 0 : 1].fd, &sv) < 0)
		return -errno;
	memset(out, 0, sizeof(*out));
	out->st.blocks = sv.f_blocks;
	out->st.bfree = sv.f_bfree;
	out->st.bavail = sv.f_bavail;
	out->st.files = sv.f_files;
	out->st.ffree = sv.f_ffree;
	out->st.bsize = (uint32_t)sv.f_bsize;
	out->st.namelen = (uint32_t)sv.f_namemax;
	out->st.frsize = (uint32_t)sv.f_frsize;
	return sizeof(*out);
}

int op_syncfs(struct request *rq)
{
	struct unionfs *fs = rq->fs;

	if (!fs->has_upper || !fs->opt.sync || fs->work_fd < 0)
		return 0;
	crew_may_block();
	return syncfs(fs->work_fd) < 0 ? -errno : 0;
}
