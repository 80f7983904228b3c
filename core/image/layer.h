/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of one layer: from a transport, through the content store and the
 * decompressor, into a snapshot, all while it downloads.
 */
#ifndef CORE_IMAGE_LAYER_H
#define CORE_IMAGE_LAYER_H

#include "core/image/image.h"
#include "core/lazy/lazy.h"

struct layer {
	struct core *core;
	struct driver *storage;
	struct driver *transport; /* NULL: the blob must be in the content store */
	uint64_t session;
	struct progress *progress;
	const char *digest;     /* of the blob */
	const char *media_type;
	int64_t blob_size;      /* as the manifest says; 0: not known */
	const char *diff_id;    /* of the tar in it */
	const char *parent;     /* chain id below; NULL for the first */
	const char *chain_id;
	const struct lazy_origin *lazy; /* to be read in place where that is possible; or NULL */
	struct json_object *descriptor; /* in the manifest, with its annotations; or NULL */
};

/* Makes the layer's snapshot and records it; "Already exists" when it is there.
 * Two processes that need the same layer work one after the other. */
int layer_ensure(const struct layer *layer, struct gantry_error *err);

/* Is it recorded for this storage driver?  *ret_size: bytes of content. */
int layer_find(struct core *core, const char *chain_id, const char *driver, int *ret_found,
	       int64_t *ret_size, struct gantry_error *err);

/* Records a committed snapshot as a layer, and its blob (media_type NULL: no blob). */
int layer_record(const struct layer *layer, int64_t size, struct gantry_error *err);

#endif
