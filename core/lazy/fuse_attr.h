/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inodes of an index as the kernel is to see them: overlayfs' notes on deletions, and owners
 * for which this user namespace has no ids as attributes (helpers/owners.h).
 */
#ifndef CORE_LAZY_FUSE_ATTR_H
#define CORE_LAZY_FUSE_ATTR_H

#include <stddef.h>
#include <stdint.h>

#include "core/lazy/index.h"

struct fuse_attr;

/* Reads which ids there are; before the other functions. */
void lazy_ids_init(void);

void lazy_fill_attr(const struct index *x, uint32_t number, uint64_t ino, struct fuse_attr *attr);

/* The value's length, or a negative errno. */
int lazy_get_xattr(const struct index *x, uint32_t number, const char *name, char *to, size_t size);
/* All names, each with a NUL. */
int lazy_list_xattrs(const struct index *x, uint32_t number, char *to, size_t size);

#endif
