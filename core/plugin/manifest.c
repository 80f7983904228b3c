/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/paths.h"
#include "core/plugin/manifest.h"
#include "core/plugin/permissions.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

static void copy_text(const config_t *c, const char *key, struct json_object *o, const char *as)
{
	const char *text;

	if (config_lookup_string(c, key, &text)) {
		json_set_string(o, as, text);
	}
}

static int copy_permissions(const config_t *c, struct json_object *o, const char *file,
			    struct gantry_error *err)
{
	struct permits permits = { 0 };
	const config_setting_t *list = config_lookup(c, "permissions");
	struct json_object *to = json_object_new_array();

	for (int i = 0; list && i < config_setting_length(list); i++) {
		const char *text = config_setting_get_string_elem(list, i);

		if (text) {
			json_add_string(to, text);
		}
		if (text && permits_add(&permits, text, err) < 0) {
			json_object_put(to);
			return error_prefix(err, "%s:%d", file, (int)config_setting_source_line(list));
		}
	}
	json_set(o, "Permissions", to);
	return 0;
}

static int copy_drivers(const config_t *c, struct json_object *o, const char *file,
			struct gantry_error *err)
{
	const config_setting_t *list = config_lookup(c, "drivers");
	struct json_object *to = json_object_new_array();

	json_set(o, "Drivers", to);
	for (int i = 0; list && i < config_setting_length(list); i++) {
		const config_setting_t *s = config_setting_get_elem(list, (unsigned)i);
		struct json_object *d;
		const char *kind, *name;
		int adapts = 0;

		if (!config_setting_is_group(s) || !config_setting_lookup_string(s, "kind", &kind) ||
		    !config_setting_lookup_string(s, "name", &name)) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "%s:%d: each of drivers needs a kind and a name", file,
					 (int)config_setting_source_line(s));
		}
		d = json_object_new_object();
		json_set_string(d, "Kind", kind);
		json_set_string(d, "Name", name);
		if (config_setting_lookup_bool(s, "adapts", &adapts) == CONFIG_TRUE && adapts) {
			json_set_bool(d, "Adapts", 1);
		}
		json_object_array_add(to, d);
	}
	if (json_array_size(to) == 0) {
		return error_set(err, GANTRY_ERR_INVALID, "%s: it lists no drivers", file);
	}
	return 0;
}

/* requires = [ "kind/driver" ]: drivers that are opened first. */
static int copy_requires(const config_t *c, struct json_object *o, const char *file, struct gantry_error *err)
{
	const config_setting_t *list = config_lookup(c, "requires");
	struct json_object *to = json_object_new_array();

	json_set(o, "Requires", to);
	for (int i = 0; list && i < config_setting_length(list); i++) {
		const char *text = config_setting_get_string_elem(list, i);

		if (!text || !strchr(text, '/') || text[0] == '/') {
			return error_set(err, GANTRY_ERR_INVALID, "%s:%d: requires lists KIND/DRIVER", file,
					 (int)config_setting_source_line(list));
		}
		json_add_string(to, text);
	}
	return 0;
}

static int one_of(const char *text, const char *const *list)
{
	while (text && *list && strcmp(text, *list) != 0) {
		list++;
	}
	return !text || *list;
}

static int check_form(struct json_object *o, const char *file, struct gantry_error *err)
{
	static const char *const forms[] = { "native", "lua", "exec", NULL };
	static const char *const isolations[] = { "none", "process", NULL };
	const char *form = json_get_string(o, "Form");
	const char *isolation = json_get_string(o, "Isolation");

	if (!one_of(form, forms)) {
		return error_set(err, GANTRY_ERR_INVALID, "%s: form must be native, lua or exec, not \"%s\"", file,
				 form);
	}
	if (!one_of(isolation, isolations)) {
		return error_set(err, GANTRY_ERR_INVALID, "%s: isolation must be none or process, not \"%s\"", file,
				 isolation);
	}
	return 0;
}

static int convert(const config_t *c, const char *folder, const char *file, struct json_object *o,
		   struct gantry_error *err)
{
	const char *slash = strrchr(folder, '/');
	auto_free char *library = NULL;

	copy_text(c, "name", o, "Name");
	copy_text(c, "version", o, "Version");
	copy_text(c, "summary", o, "Summary");
	copy_text(c, "licence", o, "Licence");
	copy_text(c, "needs", o, "Needs");
	copy_text(c, "file", o, "File");
	copy_text(c, "form", o, "Form");
	copy_text(c, "isolation", o, "Isolation");
	json_set_string(o, "Folder", folder);
	if (!json_get_string(o, "Name") || !json_get_string(o, "Version")) {
		return error_set(err, GANTRY_ERR_INVALID, "%s: it lacks a name or a version", file);
	}
	if (!json_get_string(o, "File")) {
		if (asprintf(&library, "%s.so", slash ? slash + 1 : folder) < 0) {
			return error_no_memory(err);
		}
		json_set_string(o, "File", library);
	}
	if (strchr(json_get_string(o, "File"), '/')) {
		return error_set(err, GANTRY_ERR_INVALID, "%s: file must lie beside the manifest", file);
	}
	if (copy_requires(c, o, file, err) < 0 || copy_permissions(c, o, file, err) < 0 || check_form(o, file, err) < 0) {
		return err->code;
	}
	return copy_drivers(c, o, file, err);
}

/* A plugin that was installed from a package runs as the administrator granted it, whatever
 * its manifest wishes. */
static int obey_grant(const char *folder, struct json_object *o, struct gantry_error *err)
{
	auto_free char *path = path_join(folder, "grant.json", NULL);
	auto_json struct json_object *grant = NULL;
	auto_(buf) struct buf text = BUF_INIT;
	int r = path ? read_file(AT_FDCWD, path, &text, 65536) : -ENOMEM;

	if (r == -ENOENT) {
		return 0;
	}
	if (r < 0) {
		return error_errno(err, -r, "cannot read %s", path ? path : "what was granted");
	}
	r = json_parse(buf_str(&text), text.len, path, &grant, err);
	if (r == 0) {
		json_set(o, "Isolation", json_object_get(json_get(grant, "Isolation")));
		json_set(o, "Permissions", json_object_get(json_get(grant, "Permissions")));
	}
	return r;
}

int manifest_read(const char *folder, struct json_object **ret, struct gantry_error *err)
{
	auto_free char *file = path_join(folder, "plugin.conf", NULL);
	auto_json struct json_object *o = json_object_new_object();
	config_t parsed;
	int r;

	if (!file || !o) {
		return error_no_memory(err);
	}
	if (access(file, R_OK) < 0) {
		return error_errno(err, errno, "cannot read %s", file);
	}
	config_init(&parsed);
	if (config_read_file(&parsed, file) == CONFIG_FALSE) {
		r = error_set(err, GANTRY_ERR_INVALID, "%s:%d: %s", file, config_error_line(&parsed),
			      config_error_text(&parsed));
	} else {
		r = convert(&parsed, folder, file, o, err);
	}
	config_destroy(&parsed);
	if (r == 0) {
		r = obey_grant(folder, o, err);
	}
	if (r == 0) {
		*ret = steal(&o);
	}
	return r;
}

const char *manifest_adaptor(struct json_object *manifest, const char *kind)
{
	struct json_object *list = json_get_array(manifest, "Drivers");

	for (size_t i = 0; i < json_array_size(list); i++) {
		struct json_object *d = json_object_array_get_idx(list, i);

		if (json_get_bool(d, "Adapts", 0) && !strcmp(json_get_string(d, "Kind"), kind)) {
			return json_get_string(d, "Name");
		}
	}
	return NULL;
}

int manifest_has_driver(struct json_object *manifest, const char *kind, const char *name)
{
	struct json_object *list = json_get_array(manifest, "Drivers");

	for (size_t i = 0; i < json_array_size(list); i++) {
		struct json_object *d = json_object_array_get_idx(list, i);

		if (!strcmp(json_get_string(d, "Kind"), kind) && !strcmp(json_get_string(d, "Name"), name)) {
			return 1;
		}
	}
	return 0;
}
