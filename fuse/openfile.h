/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What OPEN and CREATE answer.  In the usual mode the kernel opens and closes
 * files without asking; with passthrough each open names a backing file that the
 * kernel reads and writes directly.
 *
 * The kernel wants all opens of one inode at a time to be of one sort: through
 * its cache, or all to the same backing file.  A lower file of a writable mount
 * may change its backing by a copy-up, so it is opened through the cache.
 */
#ifndef FUSE_OPENFILE_H
#define FUSE_OPENFILE_H

struct node;
struct request;
struct unionfs;

/* Fills a struct proto_open_out at out for a file that was just created with the
 * descriptor fd, which it takes over in any case.  0 or a negative errno value. */
int openfile_reply_created(struct request *rq, struct node *node, int fd, void *out);

/* Takes back what such an answer counted: the kernel did not take it. */
void openfile_undo(struct unionfs *fs, struct node *node, const void *out);

#endif
