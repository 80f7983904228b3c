/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins and drivers in words, for commands. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/paths.h"
#include "core/plugin/adaptor.h"
#include "core/plugin/manifest.h"
#include "core/plugin/registry_internal.h"
#include "core/plugin/script.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"
#include "helpers/json.h"

static void list_kind(const char *dir, const char *kind, struct json_object *list)
{
	auto_free char *folder = path_join(dir, kind, NULL);
	auto_dir DIR *d = folder ? opendir(folder) : NULL;
	struct dirent *e;

	while (d && (e = readdir(d))) {
		struct gantry_error err = GANTRY_ERROR_INIT;
		auto_free char *plugin = path_join(folder, e->d_name, NULL);
		struct json_object *manifest;
		int code;

		if (e->d_name[0] == '.' || !plugin) {
			continue;
		}
		code = manifest_read(plugin, &manifest, &err);
		if (code == GANTRY_ERR_NOT_FOUND || err.sys_errno == ENOTDIR) {
			continue;
		}
		if (code < 0) {
			manifest = json_object_new_object();
			json_set_string(manifest, "Folder", plugin);
			json_set_string(manifest, "Error", err.message);
		}
		json_object_array_add(list, manifest);
	}
}

int registry_list(struct registry *r, struct json_object **ret, struct gantry_error *err)
{
	auto_free char *path = strdup(r->paths->plugin_path);
	struct json_object *list = json_object_new_array();
	char *save = NULL;

	if (!path || !list) {
		json_object_put(list);
		return error_no_memory(err);
	}
	for (char *dir = strtok_r(path, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		for (const struct gantry_interface *const *i = interfaces_all; *i; i++) {
			list_kind(dir, (*i)->kind, list);
		}
	}
	adaptor_list(r->config, list);
	*ret = list;
	return 0;
}

static struct json_object *describe_keys(const struct gantry_driver *d)
{
	struct json_object *list = json_object_new_array();

	for (const struct gantry_config_key *k = d->config; k && k->name; k++) {
		struct json_object *o = json_object_new_object();

		json_set_string(o, "Name", k->name);
		json_set_string(o, "Default", k->default_text);
		json_set_string(o, "Description", k->doc);
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *describe_operations(const struct driver *d)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < d->iface->n_ops; i++) {
		struct json_object *o = json_object_new_object();

		json_set_string(o, "Name", d->iface->ops[i].name);
		json_set_bool(o, "Required", (d->iface->ops[i].flags & GANTRY_OP_REQUIRED) != 0);
		json_set_bool(o, "Implemented", driver_has(d, i));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *describe(const struct entry *e)
{
	const struct gantry_plugin *p = entry_descriptor(e);
	const struct gantry_driver *d = entry_table(e);
	struct json_object *o = json_object_new_object();
	char abi[32];

	json_set_string(o, "Kind", e->kind);
	json_set_string(o, "Driver", e->name);
	if (strcmp(e->name, e->table)) {
		json_set_string(o, "Adaptor", e->table);
	}
	json_set_string(o, "Summary", d->summary);
	json_set_string(o, "Plugin", p->name);
	json_set_string(o, "Version", p->version);
	json_set_string(o, "Licence", p->licence);
	json_set_string(o, "File", e->file);
	json_set_string(o, "Form", entry_is_exec(e) ? "exec" : script_suffix(e->file) ? "lua" : "native");
	json_set_string(o, "Isolation", e->isolated ? "process" : "none");
	snprintf(abi, sizeof(abi), "%u.%u", p->abi >> 16, p->abi & 0xffff);
	json_set_string(o, "BuiltAgainst", abi);
	snprintf(abi, sizeof(abi), "%u.%u", p->needs >> 16, p->needs & 0xffff);
	json_set_string(o, "Needs", abi);
	json_set_int(o, "DescriptorSize", p->size);
	json_set_string(o, "Threads",
			d->threads == GANTRY_THREADS_PARALLEL	  ? "parallel"
			: d->threads == GANTRY_THREADS_PER_OBJECT ? "per object"
								  : "serial");
	json_set_string(o, "StateDir", e->state_dir);
	json_set(o, "Permissions", json_object_get(json_get(e->manifest, "Permissions")));
	json_set(o, "Configuration", describe_keys(d));
	json_set(o, "Operations", describe_operations(e->driver));
	return o;
}

int registry_inspect(struct registry *r, const char *kind, const char *name,
		     struct json_object **ret, struct gantry_error *err)
{
	struct driver *driver;
	struct entry *e;
	int code = registry_get(r, kind, name, &driver, err);

	if (code < 0) {
		return code;
	}
	pthread_mutex_lock(&r->lock);
	code = registry_entry(r, kind, name, &e, err);
	if (code == 0) {
		*ret = describe(e);
	}
	pthread_mutex_unlock(&r->lock);
	return code;
}
