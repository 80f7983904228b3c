/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define FILE_MAX ((size_t)1 << 20)
#define MAX_PLUGINS 32

static const char *const versions[] = { "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0" };

static int version_rank(const char *version)
{
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		if (version && !strcmp(version, versions[i])) {
			return (int)i;
		}
	}
	return -1;
}

int cni_version_at_least(const char *version, const char *wanted)
{
	return version_rank(version) >= version_rank(wanted);
}

/* A letter or digit, then also "_.-". */
static int is_name(const char *name)
{
	if (!name || !isalnum((unsigned char)*name) || strlen(name) > 128) {
		return 0;
	}
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && !strchr("_.-", *name)) {
			return 0;
		}
	}
	return 1;
}

/* cniVersion, or the newest of cniVersions (since 1.1) that is known here. */
static int choose_version(struct json_object *list, struct gantry_error *err)
{
	struct json_object *many = json_get_array(list, "cniVersions");
	const char *one = json_get_string(list, "cniVersion");
	int best = version_rank(one);

	for (size_t i = 0; i < json_array_size(many); i++) {
		int rank = version_rank(json_item_string(many, i));

		best = rank > best ? rank : best;
	}
	if (best < 0) {
		error_set(err, GANTRY_ERR_UNSUPPORTED, "cniVersion \"%.40s\" is not supported",
			  one ? one : "");
		return error_hint(err, "supported are 0.3.0, 0.3.1, 0.4.0, 1.0.0 and 1.1.0");
	}
	json_set_string(list, "cniVersion", versions[best]);
	return 0;
}

static int check_plugins(struct json_object *list, struct gantry_error *err)
{
	struct json_object *plugins = json_get_array(list, "plugins");

	if (json_array_size(plugins) == 0 || json_array_size(plugins) > MAX_PLUGINS) {
		return error_set(err, GANTRY_ERR_INVALID, "it lists no plugins, or more than %d", MAX_PLUGINS);
	}
	for (size_t i = 0; i < json_array_size(plugins); i++) {
		struct json_object *p = json_object_array_get_idx(plugins, i);
		const char *type = json_get_string(p, "type");

		if (!type || !*type || strchr(type, '/') || type[0] == '.') {
			return error_set(err, GANTRY_ERR_INVALID, "plugin %zu of the list has no proper type", i + 1);
		}
	}
	return 0;
}

/* A single plugin's configuration becomes a list of one. */
static int as_list(struct json_object **o, struct gantry_error *err)
{
	struct json_object *list, *plugins;

	if (json_get(*o, "plugins") || !json_get_string(*o, "type")) {
		return 0;
	}
	list = json_object_new_object();
	plugins = json_object_new_array();
	if (!list || !plugins) {
		json_object_put(list);
		json_object_put(plugins);
		return error_no_memory(err);
	}
	json_set_string(list, "cniVersion", json_get_string(*o, "cniVersion"));
	json_set_string(list, "name", json_get_string(*o, "name"));
	json_object_array_add(plugins, *o);
	json_set(list, "plugins", plugins);
	*o = list;
	return 0;
}

int cni_conf_parse(const char *text, size_t len, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	int r = json_parse(text, len, "CNI configuration", &o, err);

	if (r == 0 && !json_object_is_type(o, json_type_object)) {
		r = error_set(err, GANTRY_ERR_INVALID, "it is no JSON object");
	}
	if (r == 0) {
		r = as_list(&o, err);
	}
	if (r == 0) {
		r = choose_version(o, err);
	}
	if (r == 0 && !is_name(json_get_string(o, "name"))) {
		r = error_set(err, GANTRY_ERR_INVALID, "it has no proper name");
	}
	if (r == 0) {
		r = check_plugins(o, err);
	}
	if (r == 0) {
		*ret = steal(&o);
	}
	return r;
}

int cni_conf_read(const char *path, struct json_object **ret, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	int r = read_file(AT_FDCWD, path, &text, FILE_MAX);

	if (r < 0) {
		error_errno(err, -r, "cannot read CNI configuration %s", path);
		return error_hint(err, "was the file removed? Remove the network, or bring the file back");
	}
	r = cni_conf_parse(buf_str(&text), text.len, ret, err);
	return r < 0 ? error_prefix(err, "%s", path) : 0;
}

/* ---- folders ---- */

static int is_conf(const struct dirent *e)
{
	static const char *const suffixes[] = { ".conflist", ".conf", ".json" };
	size_t n = strlen(e->d_name);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t k = strlen(suffixes[i]);

		if (e->d_name[0] != '.' && n > k && !strcmp(e->d_name + n - k, suffixes[i])) {
			return 1;
		}
	}
	return 0;
}

static int has_name(struct json_object *found, const char *name)
{
	for (size_t i = 0; i < json_array_size(found); i++) {
		if (!strcmp(json_get_string(json_object_array_get_idx(found, i), "Name"), name)) {
			return 1;
		}
	}
	return 0;
}

static int add_file(struct json_object *found, const char *folder, const char *file,
		    struct gantry_error *err)
{
	auto_json struct json_object *list = NULL;
	auto_(buf) struct buf path = BUF_INIT;
	struct gantry_error why = GANTRY_ERROR_INIT;
	struct json_object *o;
	const char *name;

	buf_addf(&path, "%s/%s", folder, file);
	name = cni_conf_read(buf_str(&path), &list, &why) == 0 ? json_get_string(list, "name") : file;
	if (has_name(found, name)) {
		return 0;
	}
	o = json_object_new_object();
	if (!o || buf_failed(&path) || json_object_array_add(found, o) < 0) {
		json_object_put(o);
		return error_no_memory(err);
	}
	json_set_string(o, "Name", name);
	json_set_string(o, "File", buf_str(&path));
	if (why.code) {
		json_set_string(o, "Error", why.message);
	}
	return 0;
}

int cni_conf_list(struct json_object *folders, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *found = json_object_new_array();
	int r = found ? 0 : error_no_memory(err);

	for (size_t i = 0; r == 0 && i < json_array_size(folders); i++) {
		const char *folder = json_item_string(folders, i);
		struct dirent **names = NULL;
		int n = folder ? scandir(folder, &names, is_conf, alphasort) : 0;

		for (int k = 0; k < n; k++) {
			r = r < 0 ? r : add_file(found, folder, names[k]->d_name, err);
			free(names[k]);
		}
		free(names);
	}
	if (r == 0) {
		*ret = steal(&found);
	}
	return r;
}

/* ---- one execution ---- */

static struct json_object *runtime_config(struct json_object *plugin, struct json_object *values)
{
	struct json_object *asked = json_get_object(plugin, "capabilities");
	struct json_object *o = json_object_new_object();

	if (asked && values) {
		json_object_object_foreach(values, name, value)
		{
			if (json_get_bool(asked, name, 0)) {
				json_set(o, name, json_object_get(value));
			}
		}
	}
	if (json_object_object_length(o) == 0) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

struct json_object *cni_conf_plugin(struct json_object *list, size_t i,
				    struct json_object *capabilities, struct json_object *previous)
{
	struct json_object *plugin = json_object_array_get_idx(json_get_array(list, "plugins"), i);
	struct json_object *copy = NULL, *runtime;

	if (json_object_deep_copy(plugin, &copy, NULL) < 0) {
		return NULL;
	}
	json_set_string(copy, "cniVersion", json_get_string(list, "cniVersion"));
	json_set_string(copy, "name", json_get_string(list, "name"));
	runtime = runtime_config(plugin, capabilities);
	if (runtime) {
		json_set(copy, "runtimeConfig", runtime);
	}
	if (previous) {
		json_set(copy, "prevResult", json_object_get(previous));
	}
	return copy;
}

int cni_conf_wants(struct json_object *list, const char *capability)
{
	struct json_object *plugins = json_get_array(list, "plugins");

	for (size_t i = 0; i < json_array_size(plugins); i++) {
		struct json_object *p = json_object_array_get_idx(plugins, i);

		if (json_get_bool(json_get_object(p, "capabilities"), capability, 0)) {
			return 1;
		}
	}
	return 0;
}
