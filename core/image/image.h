/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images as records: names, configuration, and the chain of snapshots that is the
 * root filesystem.
 *
 *   doc: {ManifestDigest, ManifestMediaType, Size, Owner,
 *         Layers:[{Digest, DiffID, ChainID, MediaType, Size}], LastTagNs}
 */
#ifndef CORE_IMAGE_IMAGE_H
#define CORE_IMAGE_IMAGE_H

#include "core/content/digest.h"
#include "core/engine/engine.h"
#include "core/image/platform.h"
#include "core/image/reference.h"
#include "helpers/buf.h"
#include "helpers/json.h"

struct lazy_origin;

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

/* Calls fn for each image, the newest first. */
int image_each(struct core *core,
	       int (*fn)(struct core *core, struct image *image, void *data, struct gantry_error *err),
	       void *data, struct gantry_error *err);

/* Committed snapshot that is the root filesystem; NULL for an image without layers. */
const char *image_snapshot(const struct image *image);
/* The snapshot key of a chain id. */
#define IMAGE_KEY_SIZE (6 + 64 + 1)
void image_snapshot_key(const char *chain_id, char key[IMAGE_KEY_SIZE]);
/* sha256(parent " " diff_id), or diff_id for the first layer (OCI image-spec config.md). */
int image_chain_id(const char *parent, const char *diff_id, char chain_id[DIGEST_SIZE],
		   struct gantry_error *err);

/* {Env, Cmd, Entrypoint, ...} of its configuration; may be NULL. */
struct json_object *image_container_config(const struct image *image);

/* Names of an image, as an array of text that the caller owns. */
int image_names(struct core *core, const char *id, struct json_object **ret,
		struct gantry_error *err);

/* Records an image whose blobs and layers are there, and its name (or NULL) in the same
 * transaction; config is its bytes. */
int image_insert(struct core *core, const char *id, const struct buf *config,
		 struct json_object *doc, const char *name, struct gantry_error *err);
/* Points a name at an image; events "tag" when it changed. */
int image_set_name(struct core *core, const char *name, const char *id, struct gantry_error *err);

/* Remembers by which digest a repository has it; that of a list stays with the first platform. */
int image_set_digest(struct core *core, const struct reference *ref, const char *digest, const char *id,
		     struct gantry_error *err);

/* NOT_FOUND where the image that the name stands for is of another platform. */
int image_check_platform(const struct image *image, const char *name, const struct platform *want,
			 struct gantry_error *err);

/* Parses with the configured default registry. */
int image_parse_reference(struct core *core, const char *text, struct reference *ret,
			  struct gantry_error *err);

/* Progress lines of a transfer, written to a sink as they happen; sink may be -1.
 * Thread-safe. */
struct progress;
struct progress *progress_new(int sink);
struct progress *progress_free(struct progress *p);
/* {"status":..., "id":..., "progressDetail":{...}}; id NULL: none; total 0: none. */
void progress_status(struct progress *p, const char *id, const char *status);
/* A line that is said with the first that is no error. */
void progress_greet(struct progress *p, const char *id, const char *status);
void progress_bytes(struct progress *p, const char *id, const char *status, int64_t current,
		    int64_t total);
void progress_stream(struct progress *p, const char *text); /* {"stream":...} */
void progress_error(struct progress *p, const struct gantry_error *err);
void progress_aux(struct progress *p, struct json_object *aux);
/* Has the reader gone away?  Then work may stop. */
int progress_gone(const struct progress *p);

/* Brings an image from an open transport session: resolves, chooses the platform,
 * fetches what is missing and records it as name (one with "@" in front: without a name;
 * hooks are shown it).  lazy: layers stay packed where possible; NULL: they are unpacked.  *ret_id: the image's id, the caller's; ret_digest: of what
 * reference named (the manifest or the list). */
int image_ingest(struct core *core, struct driver *transport, uint64_t session, const char *name,
		 const char *reference, const struct platform *platform,
		 const struct lazy_origin *lazy, struct progress *progress, char **ret_id,
		 char ret_digest[DIGEST_SIZE], struct gantry_error *err);

/* Unpacks one layer that is whole in the content store into a committed snapshot;
 * nothing happens when it is there. */
int image_unpack_layer(struct core *core, const char *digest, const char *diff_id,
		       const char *parent_chain, const char *chain_id, struct progress *progress,
		       struct gantry_error *err);

/* Who makes an image holds its parts from before the first until it is recorded, so that
 * nobody collects what has no owner yet.  Descriptor, or negative. */
int image_parts_hold(struct core *core, struct gantry_error *err);
/* Gives them free, and collects if somebody wanted to meanwhile. */
void image_parts_release(struct core *core, int hold);

/* How much of what no image needs is taken. */
enum collect {
	COLLECT_LAYERS = 1, /* after a crash: blobs of the last day stay, for who pulls again */
	COLLECT_IMAGE,      /* blobs too, but not half downloads of the last day */
	COLLECT_ALL,
};

/* Removes layers and blobs that no image needs, or leaves that to who makes one just now.
 * report: gets a {"Deleted": layer} for each, or NULL; *ret_bytes: what was freed, or NULL. */
int image_collect(struct core *core, enum collect what, struct json_object *report,
		  int64_t *ret_bytes, struct gantry_error *err);

#endif
