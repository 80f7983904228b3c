/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images as records: names, configuration, and the chain of snapshots that is the
 * root filesystem.
 *
 *   doc: {ManifestDigest, ManifestMediaType, ConfigDigest, Size,
 *         Layers:[{Digest, DiffID, ChainID, MediaType, Size}], TopSnapshot}
 */
#ifndef CORE_IMAGE_IMAGE_H
#define CORE_IMAGE_IMAGE_H

#include "core/engine/engine.h"
#include "helpers/json.h"

struct image {
	char *id; /* sha256:<config digest> */
	int64_t created_ns;
	struct json_object *config; /* the OCI image configuration */
	struct json_object *doc;
};

/* By name[:tag|@digest], id or unambiguous prefix.  NOT_FOUND: "No such image: x". */
int image_find(struct core *core, const char *name, struct image **ret, struct gantry_error *err);
struct image *image_free(struct image *image);
static inline void cleanup_image(struct image **i)
{
	image_free(*i);
}
#define auto_image __attribute__((cleanup(cleanup_image)))

/* Committed snapshot that is the root filesystem; NULL for an image without layers. */
const char *image_snapshot(const struct image *image);

/* {Env, Cmd, Entrypoint, ...} of its configuration; may be NULL. */
struct json_object *image_container_config(const struct image *image);

#endif
