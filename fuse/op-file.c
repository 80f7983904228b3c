/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data.  Nothing here needs a file handle: the node says which file it is, and
 * the descriptor cache keeps it open.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "helpers/cleanup.h"

#include "fuse/copyup.h"
#include "fuse/crew.h"
#include "fuse/fdcache.h"
#include "fuse/ids.h"
#include "fuse/loc.h"
#include "fuse/node.h"
#include "fuse/privs.h"
#include "fuse/request.h"
#include "fuse/unionfs.h"
#include "fuse/xattrat.h"

enum { SPLICE_MIN = 32768, CAPABILITY_MAX = 64 };

static const char capability[] = "security.capability";

int op_read(struct request *rq)
{
	const struct fuse_read_in *in = (const struct fuse_read_in *)rq->arg;
	struct node *node = request_node(rq);
	auto_cfd struct cfd *data = NULL;
	size_t size = in->size < rq->out_size ? in->size : rq->out_size;
	ssize_t n;
	int r;

	if (!node)
		return -ESTALE;
	crew_may_block();
	r = file_open_data(rq->fs, node, 0, &data);
	if (r < 0)
		return r;
	if (size >= SPLICE_MIN && rq->fs->opt.splice == OPT_ON) {
		r = request_reply_splice(rq, data->fd, size, (off_t)in->offset);
		if (r != -EOPNOTSUPP)
			return r;
	}
	n = pread(data->fd, rq->out, size, (off_t)in->offset);
	return n < 0 ? -errno : (int)n;
}

static int drop_privileges(struct request *rq, struct node *node)
{
	struct loc loc;
	struct stat st;
	int r = loc_begin(rq->fs, node, &loc);

	if (r < 0)
		return r;
	r = loc_stat(&loc, &st);
	if (r == 0) {
		ids_apply_override(rq->fs, loc.dirfd, loc.name, loc.at_flags, &st);
		r = privs_drop_mode(rq, &loc, &st);
	}
	loc_end(&loc);
	return r;
}

/* The writable descriptor of a file, copied up if it was not. */
static int open_for_write(struct unionfs *fs, struct node *node, struct cfd **ret)
{
	int r;

	if (!node)
		return -ESTALE;
	crew_may_block();
	r = copyup(fs, node, COPYUP_ALL);
	return r < 0 ? r : file_open_data(fs, node, 1, ret);
}

/* How much was written, or a negative errno value. */
static ssize_t write_all(int fd, const char *from, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pwrite(fd, from + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && !done)
			return -errno;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int may_have_capability(const struct node *node)
{
	return node_is(node, NODE_XATTR_SET) || !node_is(node, NODE_NO_XATTR | NODE_NEW);
}

/* Pages of the kernel's cache.  It took a capability away when they were changed, if
 * they were by write(2); one that the file has now must outlive our own writing. */
static ssize_t write_pages(struct unionfs *fs, struct node *node, int fd, const char *from,
			   size_t size, uint64_t offset)
{
	unsigned char value[CAPABILITY_MAX];
	ssize_t n, done;

	if (!may_have_capability(node) || fgetxattr(fd, capability, NULL, 0) <= 0)
		return write_all(fd, from, size, offset);
	node_lock(fs, node);
	n = fgetxattr(fd, capability, value, sizeof(value));
	done = write_all(fd, from, size, offset);
	if (n > 0 && done >= 0 && fsetxattr(fd, capability, value, (size_t)n, 0) < 0)
		done = -errno;
	node_unlock(fs, node);
	return done;
}

int op_write(struct request *rq)
{
	const struct fuse_write_in *in = (const struct fuse_write_in *)rq->arg;
	struct fuse_write_out *out = (struct fuse_write_out *)rq->out;
	struct node *node = request_node(rq);
	auto_cfd struct cfd *data = NULL;
	const char *from = rq->arg + sizeof(*in);
	ssize_t done;
	int r;

	if (in->size > rq->arg_len - sizeof(*in))
		return -EINVAL;
	r = open_for_write(rq->fs, node, &data);
	if (r == 0 && in->write_flags & FUSE_WRITE_KILL_SUIDGID)
		r = drop_privileges(rq, node);
	if (r < 0)
		return r;
	if (in->write_flags & FUSE_WRITE_CACHE)
		done = write_pages(rq->fs, node, data->fd, from, in->size, in->offset);
	else
		done = write_all(data->fd, from, in->size, in->offset);
	if (done < 0)
		return (int)done;
	memset(out, 0, sizeof(*out));
	out->size = (uint32_t)done;
	return sizeof(*out);
}

int op_fsync(struct request *rq)
{
	const struct fuse_fsync_in *in = (const struct fuse_fsync_in *)rq->arg;
	struct node *node = request_node(rq);
	auto_cfd struct cfd *data = NULL;
	int r;

	if (!node)
		return -ESTALE;
	crew_may_block();
	/* What is only in a lower layer was not changed. */
	if (!rq->fs->opt.sync || !node_is(node, NODE_UPPER))
		return 0;
	r = file_open_data(rq->fs, node, 0, &data);
	if (r < 0)
		return r;
	r = in->fsync_flags & FUSE_FSYNC_FDATASYNC ? fdatasync(data->fd) : fsync(data->fd);
	return r < 0 ? -errno : 0;
}

int op_fallocate(struct request *rq)
{
	const struct fuse_fallocate_in *in = (const struct fuse_fallocate_in *)rq->arg;
	auto_cfd struct cfd *data = NULL;
	int r = open_for_write(rq->fs, request_node(rq), &data);

	if (r < 0)
		return r;
	if (fallocate(data->fd, (int)in->mode, (off_t)in->offset, (off_t)in->length) < 0)
		return -errno;
	return 0;
}

int op_lseek(struct request *rq)
{
	const struct fuse_lseek_in *in = (const struct fuse_lseek_in *)rq->arg;
	struct fuse_lseek_out *out = (struct fuse_lseek_out *)rq->out;
	struct node *node = request_node(rq);
	auto_cfd struct cfd *data = NULL;
	off_t at;
	int r;

	if (!node)
		return -ESTALE;
	/* The kernel does not write its dirty pages back before it asks, so the answer
	 * could hide data; without an answer it takes everything for data. */
	if (rq->fs->settled->writeback)
		return -ENOSYS;
	r = file_open_data(rq->fs, node, 0, &data);
	if (r < 0)
		return r;
	/* All other reads and writes name their offset: the position is free. */
	at = lseek(data->fd, (off_t)in->offset, (int)in->whence);
	if (at < 0)
		return -errno;
	out->offset = (uint64_t)at;
	return sizeof(*out);
}

int op_copy_file_range(struct request *rq)
{
	const struct fuse_copy_file_range_in *in =
		(const struct fuse_copy_file_range_in *)rq->arg;
	struct fuse_write_out *out = (struct fuse_write_out *)rq->out;
	struct node *from_node = request_node(rq);
	struct node *to_node = request_other_node(rq, in->nodeid_out);
	auto_cfd struct cfd *from = NULL, *to = NULL;
	off_t off_in = (off_t)in->off_in, off_out = (off_t)in->off_out;
	size_t len = in->len > INT32_MAX ? INT32_MAX : (size_t)in->len;
	ssize_t n;
	int r;

	if (!from_node || !to_node)
		return -ESTALE;
	r = open_for_write(rq->fs, to_node, &to);
	if (r == 0)
		r = file_open_data(rq->fs, from_node, 0, &from);
	if (r < 0)
		return r;
	n = copy_file_range(from->fd, &off_in, to->fd, &off_out, len, 0);
	if (n < 0)
		return -errno;
	memset(out, 0, sizeof(*out));
	out->size = (uint32_t)n;
	return sizeof(*out);
}

/* The flags of chattr(1); nothing else is passed on. */
int op_ioctl(struct request *rq)
{
	const struct fuse_ioctl_in *in = (const struct fuse_ioctl_in *)rq->arg;
	struct fuse_ioctl_out *out = (struct fuse_ioctl_out *)rq->out;
	struct unionfs *fs = rq->fs;
	struct node *node = request_node(rq);
	auto_fd int fd = -1;
	unsigned value = 0;
	struct loc loc;
	int r, set = in->cmd == FS_IOC_SETFLAGS;

	if (!node)
		return -ESTALE;
	if (in->cmd != FS_IOC_GETFLAGS && !set)
		return -ENOTTY;
	if (!S_ISREG(node->mode) && !S_ISDIR(node->mode))
		return -ENOTTY;
	r = set ? copyup(fs, node, COPYUP_ALL) : 0;
	if (r == 0)
		r = loc_begin(fs, node, &loc);
	if (r < 0)
		return r;
	fd = openat(loc.dirfd, loc.name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	r = fd < 0 ? -errno : 0;
	loc_end(&loc);
	if (r < 0)
		return r;
	if (set)
		memcpy(&value, rq->arg + sizeof(*in), in->in_size < 4 ? in->in_size : 4);
	if (ioctl(fd, in->cmd, &value) < 0)
		return -errno;
	memset(out, 0, sizeof(*out));
	memcpy(out + 1, &value, sizeof(value));
	return set ? (int)sizeof(*out) : (int)(sizeof(*out) + sizeof(value));
}
