/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copy-up: making something that is only in a lower layer part of the upper one,
 * completely or not at all.
 */
#ifndef FUSE_COPYUP_H
#define FUSE_COPYUP_H

#include <stdint.h>

struct node;
struct unionfs;

#define COPYUP_ALL UINT64_MAX

/* Does nothing for what is in the upper layer.  Directories come without their
 * entries; parents are copied up as needed.  Of a file only the first `size`
 * bytes are copied (the caller truncates next).  0 or a negative errno value. */
int copyup(struct unionfs *fs, struct node *node, uint64_t size);

/* Marks an upper directory as one that may hold copied-up entries. */
int copyup_mark_impure(struct unionfs *fs, struct node *dir, int dirfd);

#endif
