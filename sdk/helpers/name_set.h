/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of strings with open addressing, and a map from inodes to names for
 * finding hard links.  Both only grow.
 */
#ifndef HELPERS_NAME_SET_H
#define HELPERS_NAME_SET_H

#include <stddef.h>
#include <stdint.h>

struct name_set {
	char **names;
	size_t n;
	size_t cap;
};

void name_set_done(struct name_set *s);
static inline void name_set_auto(struct name_set *s)
{
	name_set_done(s);
}

/* Copies the name.  0, or -ENOMEM. */
int name_set_add(struct name_set *s, const char *name);
int name_set_has(const struct name_set *s, const char *name);

struct inode_map_entry {
	uint64_t dev;
	uint64_t ino;
	char *name; /* NULL: free slot */
};

struct inode_map {
	struct inode_map_entry *entries;
	size_t n;
	size_t cap;
};

void inode_map_done(struct inode_map *m);
static inline void inode_map_auto(struct inode_map *m)
{
	inode_map_done(m);
}

/* The name an inode was first seen under, or NULL after remembering this one;
 * *ret_failed is set to 1 when memory ran out. */
const char *inode_map_first(struct inode_map *m, uint64_t dev, uint64_t ino, const char *name,
			    int *ret_failed);

#endif
