/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drivers that have no plugin of gantry's but are served by one that adapts a
 * foreign protocol: it says which names it can find.  Asked only when no plugin
 * folder has the name, so that nothing else pays for it.
 */
#ifndef CORE_PLUGIN_ADAPTOR_H
#define CORE_PLUGIN_ADAPTOR_H

#include <gantry/error.h>

struct config;
struct json_object;

/* The plugin on the path that serves this name: its manifest and the adaptor's own
 * name, both the caller's.  NOT_FOUND when none does. */
int adaptor_find(const char *plugin_path, const struct config *config, const char *kind,
		 const char *name, struct json_object **ret_manifest, char **ret_table,
		 struct gantry_error *err);

/* Adds to a list of manifests what the adaptors in it can serve now, in the shape of
 * manifests with a member Adaptor. */
void adaptor_list(const struct config *config, struct json_object *manifests);

#endif
