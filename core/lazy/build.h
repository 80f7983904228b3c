/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes an index out of a layer's entries in the order in which its tar has them, with the
 * effects that unpacking them would have: the last of one name wins, missing parents are made,
 * .wh. names become whiteouts and opaque folders.
 */
#ifndef CORE_LAZY_BUILD_H
#define CORE_LAZY_BUILD_H

#include <stdint.h>
#include <sys/types.h>

#include <gantry/error.h>

#include "core/lazy/index.h"

struct build;

struct build_entry {
	const char *path;     /* as the archive has it */
	mode_t mode;          /* with its type */
	uint32_t uid, gid;
	int64_t size;         /* of a regular file */
	int64_t mtime;
	uint32_t mtime_ns;
	unsigned major, minor; /* of a device */
	const char *target;   /* of a symbolic link */
	const char *hardlink; /* the name that it is another of, or NULL */
};

int build_new(struct build **ret, struct gantry_error *err);
struct build *build_free(struct build *b);

/* Adds an entry; errors name it.  CORRUPT: it would lead outside, is of no kind that layers
 * have, or links to nothing; LIMIT: the layer has too many. */
int build_add(struct build *b, const struct build_entry *entry, struct gantry_error *err);

/* For the entry that was added last; those that no archive may set are left out, and nothing
 * happens when that was no inode of its own. */
int build_add_xattr(struct build *b, const char *name, const void *value, size_t size,
		    struct gantry_error *err);
/* Its next bytes: behind those of the extent before.  Adjacent ones become one. */
int build_add_extent(struct build *b, uint64_t offset, uint64_t position, uint64_t length,
		     struct gantry_error *err);

/* The next chunk; position is filled in. */
int build_add_chunk(struct build *b, const struct index_chunk *chunk, struct gantry_error *err);
/* Stores a window and says where; before the chunk that needs it. */
int build_add_window(struct build *b, const void *packed, size_t size, uint64_t *ret_window,
		     struct gantry_error *err);
/* How long the space is so far. */
uint64_t build_space(const struct build *b);

/* Bytes of all regular files. */
uint64_t build_content_size(const struct build *b);

/* Writes the index to a new file; fd is borrowed. */
int build_write(struct build *b, const char *digest, uint64_t blob_size, int fd,
		struct gantry_error *err);

#endif
