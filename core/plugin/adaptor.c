/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <string.h>

#include "core/base/paths.h"
#include "core/config/config.h"
#include "core/plugin/adaptor.h"
#include "core/plugin/manifest.h"
#include "core/plugin/native.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"
#include "helpers/reply.h"

#define MAX_FOUND 256

static const struct gantry_field found_fields[] = {
	{ .name = "name", .type = GANTRY_TYPE_LIST },
	{ .name = "place", .type = GANTRY_TYPE_LIST },
};
static const struct gantry_op found_op = {
	.name = "discover", .results = found_fields, .n_results = ARRAY_SIZE(found_fields),
};

/* Asks the adaptor of a manifest for one name, or with NULL for all. */
static int ask(struct json_object *manifest, const struct config *config, const char *kind,
	       const char *table, const char *name, struct reply *ret, struct gantry_error *err)
{
	auto_free char *file = path_join(json_get_string(manifest, "Folder"),
					 json_get_string(manifest, "File"), NULL);
	auto_free char *text = NULL;
	struct native_plugin *plugin;
	const struct gantry_driver *d;
	int r = file ? native_plugin_load(file, &plugin, err) : error_no_memory(err);

	if (r < 0) {
		return r;
	}
	reply_done(ret);
	ret->op = &found_op;
	d = native_plugin_driver(plugin, kind, table);
	if (!d || !d->discover) {
		r = error_set(err, GANTRY_ERR_INVALID,
			      "plugin %s cannot discover %s drivers, though its manifest says so", file,
			      kind);
	}
	if (r == 0) {
		r = config_for_driver(config, d, table, &text, err);
	}
	if (r == 0) {
		r = d->discover(text, name, &ret->base, err);
	}
	native_plugin_unref(plugin);
	return r;
}

/* 1: the plugin in this folder serves the name. */
static int try_folder(const char *folder, const struct config *config, const char *kind,
		      const char *name, struct json_object **ret_manifest, char **ret_table,
		      struct gantry_error *err)
{
	auto_json struct json_object *manifest = NULL;
	auto_(reply) struct reply found = REPLY_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	const char *table;
	int r;

	/* A broken plugin is that plugin's business, not this name's. */
	if (manifest_read(folder, &manifest, &ignored) < 0 ||
	    !(table = manifest_adaptor(manifest, kind))) {
		return 0;
	}
	r = ask(manifest, config, kind, table, name, &found, err);
	if (r < 0 || !reply_list(&found, 0)[0]) {
		return r;
	}
	*ret_table = strdup(table);
	if (!*ret_table) {
		return error_no_memory(err);
	}
	*ret_manifest = steal(&manifest);
	return 1;
}

int adaptor_find(const char *plugin_path, const struct config *config, const char *kind,
		 const char *name, struct json_object **ret_manifest, char **ret_table,
		 struct gantry_error *err)
{
	auto_free char *path = strdup(plugin_path);
	char *save = NULL;

	for (char *dir = strtok_r(path, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		auto_free char *folder = path_join(dir, kind, NULL);
		auto_dir DIR *d = folder ? opendir(folder) : NULL;
		struct dirent *e;

		while (d && (e = readdir(d))) {
			auto_free char *plugin = NULL;
			int r;

			if (e->d_name[0] == '.') {
				continue;
			}
			plugin = path_join(folder, e->d_name, NULL);
			r = plugin ? try_folder(plugin, config, kind, name, ret_manifest, ret_table, err)
				   : error_no_memory(err);
			if (r != 0) {
				return r > 0 ? 0 : r;
			}
		}
	}
	return error_set(err, GANTRY_ERR_NOT_FOUND, "no adaptor serves %s driver \"%s\"", kind, name);
}

static void add_found(struct json_object *manifests, const char *kind, const char *table,
		      const char *name, const char *place)
{
	struct json_object *o = json_object_new_object();
	struct json_object *drivers = json_object_new_array();
	struct json_object *d = json_object_new_object();

	json_set_string(d, "Kind", kind);
	json_set_string(d, "Name", name);
	json_object_array_add(drivers, d);
	json_set_string(o, "Name", name);
	json_set_string(o, "Version", "");
	json_set_string(o, "Summary", place);
	json_set_string(o, "Adaptor", table);
	json_set(o, "Drivers", drivers);
	json_object_array_add(manifests, o);
}

static void list_one(const struct config *config, struct json_object *manifest, const char *kind,
		     const char *table, struct json_object *manifests)
{
	auto_(reply) struct reply found = REPLY_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	const char *const *names, *const *places;

	if (ask(manifest, config, kind, table, NULL, &found, &err) < 0) {
		json_set_string(manifest, "Error", err.message);
		return;
	}
	names = reply_list(&found, 0);
	places = reply_list(&found, 1);
	for (int i = 0; i < MAX_FOUND && *names; i++, names++) {
		add_found(manifests, kind, table, *names, *places ? *places : "");
		places += *places != NULL;
	}
}

void adaptor_list(const struct config *config, struct json_object *manifests)
{
	size_t n = json_array_size(manifests);

	for (size_t i = 0; i < n; i++) {
		struct json_object *m = json_object_array_get_idx(manifests, i);
		struct json_object *drivers = json_get_array(m, "Drivers");

		for (size_t k = 0; k < json_array_size(drivers); k++) {
			struct json_object *d = json_object_array_get_idx(drivers, k);

			if (json_get_bool(d, "Adapts", 0)) {
				list_one(config, m, json_get_string(d, "Kind"), json_get_string(d, "Name"),
					 manifests);
			}
		}
	}
}
