/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by build.c, which collects, and build_write.c, which puts it on disk. */
#ifndef CORE_LAZY_BUILD_INTERNAL_H
#define CORE_LAZY_BUILD_INTERNAL_H

#include "core/lazy/build.h"
#include "helpers/buf.h"

struct table {
	void *items;
	size_t n, cap;
};

/* A name.  Number 0 is the root, and no child or sibling. */
struct build_node {
	uint32_t parent;
	uint32_t text, len;
	uint32_t inode;
	uint32_t first; /* child, the newest */
	uint32_t next;  /* sibling */
	uint32_t next_hash;
	uint32_t is_dead;
};

struct build_inode {
	struct index_inode index; /* first and count only of a link */
	uint32_t first_extent, n_extents;
	struct buf xattrs;
	uint32_t number; /* in the file, + 1; 0: not yet */
};

struct build {
	struct table nodes, inodes, extents, chunks;
	struct buf strings;
	struct buf windows;
	uint32_t *slots;
	uint32_t n_slots;
	uint32_t last; /* inode of the last entry */
	uint64_t space;
	uint64_t content_size;
};

static inline struct build_node *node_at(const struct build *b, uint32_t i)
{
	return (struct build_node *)b->nodes.items + i;
}

static inline struct build_inode *inode_at(const struct build *b, uint32_t i)
{
	return (struct build_inode *)b->inodes.items + i;
}

/* Makes room for one more record. */
int table_grow(struct table *t, size_t record, uint32_t limit, struct gantry_error *err);
int build_string(struct build *b, const void *text, size_t len, uint32_t *ret,
		 struct gantry_error *err);

#endif
