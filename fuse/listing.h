/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The merged list of a directory's names.  Entries are ordered by a hash of the
 * name, which is also the offset that the kernel gets: seekdir() works across
 * changes, rebuilt lists and restarted servers without any open handle.
 */
#ifndef FUSE_LISTING_H
#define FUSE_LISTING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct node;
struct unionfs;

struct listing_entry {
	uint64_t cookie;   /* 3 or more; 1 and 2 are "." and ".." */
	uint64_t ino;      /* as the layer says */
	uint32_t name;     /* offset into names */
	uint16_t slot;     /* the topmost part that has it */
	uint8_t type;      /* DT_* */
	atomic_uchar gone; /* removed since */
};

struct listing {
	atomic_int refs;
	unsigned count;
	struct listing_entry *entries;
	char *names;
};

/* The node's list with a reference, built if there is none; 0 or a negative errno
 * value. */
int listing_of(struct unionfs *fs, struct node *dir, struct listing **ret);
void listing_put(struct listing *l);

/* The index of the first entry after the offset. */
unsigned listing_seek(const struct listing *l, uint64_t cookie);

/* The directory changed: a name went away, or (NULL) anything else. */
void listing_changed(struct unionfs *fs, struct node *dir, const char *removed);

#endif
