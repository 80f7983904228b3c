/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server tells the kernel without being asked.  Failures only cost
 * freshness or memory and are ignored.
 */
#ifndef FUSE_NOTIFY_H
#define FUSE_NOTIFY_H

struct node;
struct unionfs;

/* The kernel's copy of the attributes is out of date.  Takes no lock of the
 * kernel's that a request in progress may hold. */
void notify_attr(struct unionfs *fs, const struct node *node);

/* The kernel must ask again which names a directory has, and their inode numbers. */
void notify_names(struct unionfs *fs, const struct node *dir);

/* There are more inodes than wanted: asks the kernel to forget some of those that
 * nothing uses. */
void notify_prune(struct unionfs *fs);

/* Send again what a dead server did not answer. */
void notify_resend(struct unionfs *fs);

#endif
