/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers that are read in place instead of being unpacked, as the rest of the engine sees them.
 * Which those are stands in the key-value store: owner "lazy", key the chain id, value the
 * digest of the blob.
 */
#ifndef CORE_LAZY_LAZY_H
#define CORE_LAZY_LAZY_H

#include <stdint.h>

#include <gantry/error.h>

struct build;
struct core;
struct image;
struct json_object;
struct layer;

/* Where the layers of a pull come from. */
struct lazy_origin {
	const char *location; /* as transport.open takes it */
	const char *auth;     /* or NULL: as this user's config.json says */
	const char *options;  /* of the session, as JSON; or NULL */
};

/* A layer whose table of contents can be fetched: without its bytes.  1: attached and recorded;
 * 0: it has no table, or none that can be used here. */
int lazy_attach_remote(const struct layer *layer, struct gantry_error *err);

/* A layer that was read through, with the index that was built meanwhile; its blob is in the
 * content store. */
int lazy_attach_stored(const struct layer *layer, struct build *b, struct gantry_error *err);

/* The folder to be given to storage.mount as `attached`: a descriptor, or -1 when none of the
 * image's layers is attached.  image: an image's id. */
int lazy_folder(struct core *core, const char *image, int *ret_fd, struct gantry_error *err);

/* Waits until the blob is whole in the content store, if it is one of these; the error says why
 * it cannot be completed. */
int lazy_finish(struct core *core, const char *digest, struct gantry_error *err);

/* The same for the blob of an attached layer; nothing happens for another. */
int lazy_finish_chain(struct core *core, const char *chain_id, struct gantry_error *err);

/* Is a blob needed by an attached layer? */
int lazy_needs(struct core *core, const char *digest);

/* A chain id's layer was removed; and what no layer needs any more goes. */
int lazy_forget(struct core *core, const char *chain_id, struct gantry_error *err);
void lazy_collect(struct core *core);

/* Bytes of the layer's blob that are here, and of how many; 0 when it is not attached. */
int lazy_progress(struct core *core, const char *chain_id, int64_t *ret_present, int64_t *ret_size);

#endif
