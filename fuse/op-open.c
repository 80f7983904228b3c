/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handle is a number that says how the file was opened; what has to be undone
 * at RELEASE is counted in the inode's record, which a successor inherits.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "helpers/cleanup.h"

#include "fuse/arena.h"
#include "fuse/copyup.h"
#include "fuse/fdcache.h"
#include "fuse/loc.h"
#include "fuse/node.h"
#include "fuse/openfile.h"
#include "fuse/request.h"
#include "fuse/unionfs.h"

enum { HANDLE_CACHED = 1, HANDLE_PASSTHROUGH = 2 };

/* Guards the counts of all nodes; opens are rare where it is used. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Registers the file with the kernel; 0 when it will not have it. */
static int backing_open(struct unionfs *fs, int fd)
{
	struct proto_backing_map map = { .fd = fd };
	int id = ioctl(fs->dev_fd, PROTO_IOC_BACKING_OPEN, &map);

	return id > 0 ? id : 0;
}

static void backing_close(struct unionfs *fs, int id)
{
	uint32_t number = (uint32_t)id;

	(void)ioctl(fs->dev_fd, PROTO_IOC_BACKING_CLOSE, &number);
}

/* Writes that pass us by are made in our name, and take no setuid bit or capability
 * away. */
static int has_privileges(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 || st.st_mode & (S_ISUID | S_ISGID) ||
	       fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

/* Opens of one sort at a time; the lock is held. */
static int choose_backing(struct unionfs *fs, struct node *node, struct record *record, int fd)
{
	if (record->opens_passthrough)
		return record->backing_id;
	if (record->opens_cached || fd < 0 || !S_ISREG(node->mode))
		return 0;
	if (!node_is(node, NODE_UPPER) && !fs->opt.read_only)
		return 0;
	if (has_privileges(fd))
		return 0;
	record->backing_id = backing_open(fs, fd);
	return record->backing_id;
}

static void reply_open(struct unionfs *fs, struct node *node, int fd, struct proto_open_out *out)
{
	struct record *record = arena_record(fs->arena, node->id);
	int id;

	memset(out, 0, sizeof(*out));
	out->open_flags = FOPEN_KEEP_CACHE | FOPEN_NOFLUSH;
	if (fs->settled->no_open)
		return;
	pthread_mutex_lock(&lock);
	id = fs->settled->passthrough ? choose_backing(fs, node, record, fd) : 0;
	if (id) {
		record->opens_passthrough++;
		out->open_flags = FOPEN_PASSTHROUGH | FOPEN_NOFLUSH;
		out->backing_id = id;
		out->fh = HANDLE_PASSTHROUGH;
	} else {
		record->opens_cached++;
		out->fh = HANDLE_CACHED;
	}
	pthread_mutex_unlock(&lock);
}

int openfile_reply_created(struct request *rq, struct node *node, int fd, void *out)
{
	struct cfd *cfd = fdcache_put_in(rq->fs->fds, &node->data, fd, 1);

	if (!cfd)
		return -ENOMEM;
	reply_open(rq->fs, node, cfd->fd, out);
	cfd_put(cfd);
	return 0;
}

int op_open(struct request *rq)
{
	const struct fuse_open_in *in = (const struct fuse_open_in *)rq->arg;
	struct unionfs *fs = rq->fs;
	struct node *node = request_node(rq);
	auto_cfd struct cfd *data = NULL;
	int writes = (in->flags & O_ACCMODE) != O_RDONLY, r = 0;

	if (fs->settled->no_open)
		return -ENOSYS;
	if (!node)
		return -ESTALE;
	if (writes)
		r = copyup(fs, node, COPYUP_ALL);
	if (r == 0 && S_ISREG(node->mode))
		r = file_open_data(fs, node, writes, &data);
	if (r < 0)
		return r;
	reply_open(fs, node, data ? data->fd : -1, (struct proto_open_out *)rq->out);
	if (request_reply_data(rq, rq->out, sizeof(struct proto_open_out)) == -ENOENT)
		openfile_undo(fs, node, rq->out);
	return REPLY_SENT;
}

static void closed(struct unionfs *fs, struct node *node, uint64_t handle)
{
	struct record *record = arena_record(fs->arena, node->id);

	pthread_mutex_lock(&lock);
	if (handle == HANDLE_CACHED && record->opens_cached) {
		record->opens_cached--;
	} else if (handle == HANDLE_PASSTHROUGH && record->opens_passthrough) {
		if (--record->opens_passthrough == 0) {
			backing_close(fs, record->backing_id);
			record->backing_id = 0;
		}
	}
	pthread_mutex_unlock(&lock);
}

void openfile_undo(struct unionfs *fs, struct node *node, const void *out)
{
	closed(fs, node, ((const struct proto_open_out *)out)->fh);
}

int op_release(struct request *rq)
{
	const struct fuse_release_in *in = (const struct fuse_release_in *)rq->arg;
	struct node *node = request_node(rq);

	if (node)
		closed(rq->fs, node, in->fh);
	return 0;
}

int op_flush(struct request *rq)
{
	return -ENOSYS;
}
