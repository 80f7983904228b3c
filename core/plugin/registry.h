/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds drivers and opens each once, when it is first asked for.  A driver lies
 * in <folder>/<kind>/<name>/ with a manifest, plugin.conf, beside it, so that
 * finding one costs one open and no folder is searched; the manifest is read
 * without loading code.
 */
#ifndef CORE_PLUGIN_REGISTRY_H
#define CORE_PLUGIN_REGISTRY_H

#include "core/plugin/driver.h"

struct config;
struct db;
struct events;
struct json_object;
struct paths;
struct registry;
struct gantry_engine_service;

/* All arguments are borrowed and outlive the registry.  engine is what drivers
 * see as service "engine"; may be NULL. */
int registry_new(const struct paths *paths, const struct config *config, struct db *db,
		 struct events *events, const struct gantry_engine_service *engine, struct registry **ret,
		 struct gantry_error *err);
struct registry *registry_free(struct registry *r);

/* The opened driver, borrowed until registry_free.  NOT_FOUND when no plugin has
 * it.  Thread-safe. */
int registry_get(struct registry *r, const char *kind, const char *name, struct driver **ret,
		 struct gantry_error *err);

/* Is there a plugin that has this driver, or adapts one of its name?  Loads nothing of it;
 * NOT_FOUND says where was looked. */
int registry_has(struct registry *r, const char *kind, const char *name, struct gantry_error *err);

/* Could this driver serve here?  Loads it and asks its probe; err says why not. */
int registry_probe(struct registry *r, const char *kind, const char *name,
		   struct gantry_error *err);

/* Has all processes that use the driver start it anew.  Here it is tried first: one
 * that does not start is refused, and nothing changes. */
int registry_reload(struct registry *r, const char *kind, const char *name, struct gantry_error *err);

/* Tells all processes that use a driver, or did, that its plugin is another now, or gone:
 * each looks again before its next call. */
int registry_announce(struct registry *r, const char *kind, const char *name, struct gantry_error *err);

/* What a process other than this one needs to open the same driver: the plugin's
 * file, its configuration, its folders.  Text is owned by the registry. */
struct driver_place {
	const char *file;
	const char *table; /* the driver's name in that file */
	const char *config;
	const char *state_dir;
	const char *run_dir;
	/* For a driver in a process of its own; else NULL. */
	const char *host_program;
	struct json_object *permissions;
	int exec;
};
int registry_place(struct registry *r, const char *kind, const char *name,
		   struct driver_place *ret, struct gantry_error *err);

/* Every plugin found in the folders, as manifests say, as a JSON array (caller
 * owns).  Searches folders: for `plugin ls` and `doctor` only. */
int registry_list(struct registry *r, struct json_object **ret, struct gantry_error *err);

/* One driver in full: manifest, what was negotiated, configuration keys,
 * operations, statistics. */
int registry_inspect(struct registry *r, const char *kind, const char *name,
		     struct json_object **ret, struct gantry_error *err);

#endif
