/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <sys/uio.h>
#include <unistd.h>

#include "fuse/arena.h"
#include "fuse/node.h"
#include "fuse/notify.h"
#include "fuse/proto.h"
#include "fuse/unionfs.h"

enum { PRUNE_BATCH = 512 };

static void send(struct unionfs *fs, int code, void *body, size_t len)
{
	struct fuse_out_header header = { .len = (uint32_t)(sizeof(header) + len), .error = code };
	struct iovec iov[2] = { { &header, sizeof(header) }, { body, len } };

	/* The kernel may have forgotten the inode, or be too old for the code. */
	if (writev(fs->dev_fd, iov, len ? 2 : 1) < 0)
		return;
}

void notify_attr(struct unionfs *fs, const struct node *node)
{
	struct fuse_notify_inval_inode_out out = { .ino = node->id, .off = -1 };

	send(fs, FUSE_NOTIFY_INVAL_INODE, &out, sizeof(out));
}

void notify_names(struct unionfs *fs, const struct node *dir)
{
	struct fuse_notify_inval_inode_out out = { .ino = dir->id };

	send(fs, FUSE_NOTIFY_INVAL_INODE, &out, sizeof(out));
}

void notify_prune(struct unionfs *fs)
{
	static atomic_uint hand;
	uint32_t end = arena_ids_end(fs->arena);
	struct {
		struct proto_notify_prune_out head;
		uint64_t ids[PRUNE_BATCH];
	} out = { 0 };

	for (unsigned tries = 0; tries < 8 * PRUNE_BATCH && out.head.count < PRUNE_BATCH; tries++) {
		uint32_t id = atomic_fetch_add(&hand, 1) % end;

		/* Only the number is used: the node may go at any time. */
		if (id > ROOT_ID && node_by_id(fs, id))
			out.ids[out.head.count++] = id;
	}
	if (out.head.count)
		send(fs, PROTO_NOTIFY_PRUNE, &out,
		     sizeof(out.head) + out.head.count * sizeof(out.ids[0]));
}

void notify_resend(struct unionfs *fs)
{
	send(fs, PROTO_NOTIFY_RESEND, NULL, 0);
}
