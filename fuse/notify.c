/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <sys/uio.h>
#include <unistd.h>

#include "fuse/node.h"
#include "fuse/notify.h"
#include "fuse/proto.h"
#include "fuse/unionfs.h"

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

void notify_resend(struct unionfs *fs)
{
	send(fs, PROTO_NOTIFY_RESEND, NULL, 0);
}
