/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request of the kernel, and the thread that serves it.  A handler fills
 * rq->out and returns how many bytes of it are the reply, or a negative errno
 * value, or one of the REPLY_ constants.
 */
#ifndef FUSE_REQUEST_H
#define FUSE_REQUEST_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "fuse/proto.h"

struct node;
struct unionfs;

enum {
	REPLY_NONE = INT_MIN,     /* the kernel expects no answer */
	REPLY_SENT = INT_MIN + 1, /* the handler answered */
};

struct worker;

struct request {
	struct unionfs *fs;
	struct worker *worker;
	const struct fuse_in_header *in;
	char *arg;          /* the body; a NUL follows it */
	size_t arg_len;
	char *out;          /* room for the reply's body */
	size_t out_size;
};

typedef int request_handler(struct request *rq);

/* The node that the request is about, or that it names; NULL when it cannot be
 * found any more. */
struct node *request_node(struct request *rq);
struct node *request_other_node(struct request *rq, uint64_t id);

/* The kernel sends this again after a server died: it may have been done. */
int request_is_resent(const struct request *rq);

/* Files created from here on by this thread get the caller's umask. */
void request_set_umask(struct request *rq, mode_t umask_bits);

/* Answers at once: 0, or -ENOENT when the caller is gone and the kernel has thrown the
 * answer away. */
int request_reply_data(struct request *rq, const void *data, size_t len);

/* Answers with len bytes of fd at offset, spliced; returns REPLY_SENT, or
 * -EOPNOTSUPP when it must be done by copying. */
int request_reply_splice(struct request *rq, int fd, size_t len, off_t offset);

/* Answers with the entry of a node and remembers that the kernel knows it.  Takes
 * over the reference.  extra bytes that follow the entry are in rq->out already. */
int request_reply_entry(struct request *rq, struct node *node, const struct stat *st,
			size_t extra);

/* Fills an entry, and remembers the node; for READDIRPLUS. */
void request_fill_entry(struct request *rq, struct node *node, const struct stat *st,
			struct fuse_entry_out *out);

/* Answers with attributes. */
int request_reply_attr(struct request *rq, struct node *node, const struct stat *st);

/* The handlers, by room. */
request_handler op_lookup, op_forget, op_batch_forget, op_readdir, op_readdirplus, op_fsyncdir;
request_handler op_mknod, op_mkdir, op_symlink, op_link, op_create, op_tmpfile;
request_handler op_unlink, op_rmdir, op_rename, op_rename2;
request_handler op_getattr, op_setattr, op_readlink, op_statfs;
request_handler op_setxattr, op_getxattr, op_listxattr, op_removexattr;
request_handler op_open, op_release, op_read, op_write, op_fsync, op_fallocate, op_lseek;
request_handler op_copy_file_range, op_ioctl, op_syncfs, op_opendir, op_flush;

#endif
