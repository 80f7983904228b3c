/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugin packages.  A package is an OCI artifact: a manifest of artifactType
 * PACKAGE_TYPE whose config is the plugin's manifest as JSON and whose one layer is a
 * tar of its folder.  Its signature is a second artifact, named "sha256-HEX.sig" after
 * the first one's digest: a statement as config, and 64 bytes as layer.
 *
 * Installed, a package lies in <root>/plugins/packages/<name>/<digest>/, what is
 * known of it in package.json beside that folder, and <root>/plugins/drivers/<kind>/
 * <driver> is a link to it, by which it is found.  package.json is the truth; links
 * are made to follow it, also after a crash.
 */
#ifndef CORE_PACKAGE_PACKAGE_H
#define CORE_PACKAGE_PACKAGE_H

#include "core/content/digest.h"
#include "core/engine/engine.h"
#include "helpers/buf.h"
#include "helpers/json.h"

#define PACKAGE_TYPE "application/vnd.gantry.plugin.v1"
#define PACKAGE_CONFIG_TYPE "application/vnd.gantry.plugin.config.v1+json"
#define PACKAGE_LAYER_TYPE "application/vnd.oci.image.layer.v1.tar"
#define SIGNATURE_TYPE "application/vnd.gantry.plugin.signature.v1"
#define SIGNATURE_CONFIG_TYPE "application/vnd.gantry.plugin.statement.v1+json"
#define SIGNATURE_LAYER_TYPE "application/vnd.gantry.plugin.ed25519"
#define PACKAGE_MAX ((int64_t)256 << 20)

/* ---- place.c: where packages come from and go to, through transport drivers ---- */

struct place {
	struct driver *driver;
	uint64_t session;
	int is_open;
	char what[600];      /* for messages */
	char reference[300]; /* tag or digest that the user gave; "": none */
	int is_registry;
};

/* location: a path (absolute, or with a '/' or ".tar") of an OCI layout, or
 * [REGISTRY/]REPOSITORY[:TAG|@DIGEST].  mode: "pull" or "push". */
int place_open(struct core *core, const char *location, const char *mode, const char *auth,
	       struct place *ret, struct gantry_error *err);
/* commit: complete what was written. */
int place_close(struct place *p, int commit, struct gantry_error *err);
/* Closes without commit; for cleanup. */
void place_done(struct place *p);
static inline void place_auto(struct place *p)
{
	place_done(p);
}

/* A manifest by name, verified to be one of JSON; its digest. */
int place_manifest(struct place *p, const char *reference, struct json_object **ret,
		   char ret_digest[DIGEST_SIZE], struct gantry_error *err);
/* A blob into memory or a file, verified. */
int place_blob(struct place *p, struct json_object *descriptor, size_t limit, struct buf *out,
	       struct gantry_error *err);
/* The names of an archive. */
int place_names(struct place *p, struct reply *ret, struct gantry_error *err);
int place_put_blob(struct place *p, const void *data, size_t len, const char *type,
		   struct json_object **ret_descriptor, struct gantry_error *err);
int place_put_manifest(struct place *p, const char *reference, struct json_object *manifest,
		       char ret_digest[DIGEST_SIZE], struct gantry_error *err);

/* ---- artifact.c ---- */

/* A package as it was read; nothing of it is trusted yet. */
struct package {
	struct json_object *manifest;
	char digest[DIGEST_SIZE];
	struct json_object *config;    /* the plugin's manifest, checked */
	struct json_object *statement; /* of its signature; NULL: unsigned */
	struct buf statement_bytes;
	struct buf signature;
	char name[300];                /* in its archive */
};
void package_done(struct package *p);
static inline void package_auto(struct package *p)
{
	package_done(p);
}

int package_read(struct place *p, struct package *ret, struct gantry_error *err);
/* Packs the plugin in a folder to a place. */
int package_build(const char *folder, struct place *to, struct json_object **ret, struct gantry_error *err);
/* All of a package, its signature included, to another place under a name. */
int package_copy(struct package *p, struct place *from, struct place *to, const char *reference,
		 struct gantry_error *err);
/* The name of a signature's artifact. */
void signature_name(const struct package *p, const struct place *place, char ret[400]);

/* A plugin's manifest: known permissions, a host that is new enough, proper names. */
int package_check_config(struct json_object *config, struct gantry_error *err);

/* ---- tar.c ---- */

/* Regular files of a folder, by name in order, to a tar. */
int tar_pack(const char *folder, struct buf *ret, struct gantry_error *err);
/* Into an existing folder.  CORRUPT for what is no tar, or is cut off; DENIED for a name
 * that leads out, a link, a device, a name that is ours. */
int tar_unpack(const struct buf *tar, int folder, struct gantry_error *err);

/* ---- trust.c: publishers and their keys, <root>/plugins/keys.json ---- */

int trust_add(struct core *core, const char *publisher, const char *pem, int64_t expires,
	      struct json_object **ret, struct gantry_error *err);
int trust_revoke(struct core *core, const char *key_id, struct gantry_error *err);
int trust_remove(struct core *core, const char *key_id, struct gantry_error *err);
int trust_list(struct core *core, struct json_object **ret, struct gantry_error *err);
/* Who signed it: *ret_publisher is the caller's.  DENIED, and why. */
int trust_check(struct core *core, const struct package *p, char **ret_publisher, struct gantry_error *err);

/* ---- install.c ---- */

/* What an administrator is asked: name, version, who signed it, its permissions. */
int package_describe(struct core *core, struct package *p, const char *allow_unsigned,
		     struct json_object **ret, struct gantry_error *err);
/* granted: every permission of the package.  upgrade: it must be there, from the same
 * publisher; else it must not. */
int package_install(struct core *core, struct place *from, struct package *p, struct json_object *granted,
		    const char *allow_unsigned, int upgrade, int enable, struct json_object **ret,
		    struct gantry_error *err);

/* ---- requires.c ---- */

/* Is every driver there that a package's drivers require? */
int requires_check(struct core *core, struct json_object *config, struct gantry_error *err);
/* IN_USE: an enabled package requires one of these drivers; a container is of one. */
int requires_check_others(struct core *core, struct json_object *record, struct gantry_error *err);
int requires_check_containers(struct core *core, struct json_object *record, struct gantry_error *err);

/* ---- installed.c ---- */

int installed_list(struct core *core, struct json_object **ret, struct gantry_error *err);
int installed_find(struct core *core, const char *name, struct json_object **ret, struct gantry_error *err);
int installed_enable(struct core *core, const char *name, int enable, int force, struct gantry_error *err);
int installed_remove(struct core *core, const char *name, int force, struct gantry_error *err);
/* A new version is in force: links of drivers that only the old one had go, and so do the
 * files of versions before that. */
int installed_replace(struct core *core, struct json_object *old, struct json_object *record,
		      struct gantry_error *err);
/* Writes package.json and makes the links follow it. */
int installed_write(struct core *core, struct json_object *record, struct gantry_error *err);
/* <root>/plugins/packages/NAME[/BELOW]. */
char *installed_path(struct core *core, const char *name, const char *below);
/* One process at a time changes packages; the descriptor holds the lock. */
int installed_lock(struct core *core, int *ret, struct gantry_error *err);

#endif
