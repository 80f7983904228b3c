/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacks a layer tar below an open folder.  Whatever the archive says, nothing
 * outside that folder is read or written: names are taken apart, every step is
 * an openat() of one name, and links are followed only inside the tree.
 */
#ifndef HELPERS_LAYER_APPLY_H
#define HELPERS_LAYER_APPLY_H

#include <stdint.h>

#include <gantry/error.h>

#include "layer.h"

enum layer_owners {
	LAYER_OWNERS_KEEP = 0,   /* chown to what the archive says */
	LAYER_OWNERS_IGNORE = 1, /* everything belongs to the calling user */
};

struct layer_apply_options {
	enum layer_style style;
	enum layer_owners owners;
	uint64_t size_limit; /* bytes of file content; 0: none */
};

struct layer_apply_stats {
	uint64_t bytes;   /* of file content written */
	uint64_t entries;
	uint64_t skipped; /* devices and attributes that this user may not make */
};

/* Unpacks the uncompressed tar that archive_fd holds, reading it to its end.
 * Both descriptors are borrowed.  Of entries with one name the last wins.
 * Errors: CORRUPT (malformed, truncated, escaping; names the entry), LIMIT,
 * NO_SPACE, IO.  On an error the tree is left as far as it got. */
int layer_apply(int archive_fd, int root_fd, const struct layer_apply_options *options,
		struct layer_apply_stats *ret, struct gantry_error *err);

#endif
