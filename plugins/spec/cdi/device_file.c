/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "device_file.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "yaml_json.h"

/* ---- names ---- */

/* begin a letter (or with digits also a digit), end a letter or digit, between them also
 * what more allows. */
static int is_word(const char *text, size_t len, int digits, const char *more)
{
	if (len == 0 || len > 128 || !(isalpha((unsigned char)text[0]) ||
				       (digits && isdigit((unsigned char)text[0]))) ||
	    !isalnum((unsigned char)text[len - 1])) {
		return 0;
	}
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr(more, text[i])) {
			return 0;
		}
	}
	return 1;
}

static int is_class(const char *text, size_t len)
{
	const char *slash = memchr(text, '/', len);
	size_t vendor = slash ? (size_t)(slash - text) : 0;

	return slash && is_word(text, vendor, 0, "_-.") &&
	       is_word(slash + 1, len - vendor - 1, 0, "_-.");
}

int device_name_split(const char *text, size_t *ret_len, const char **ret_name)
{
	const char *equals = strchr(text, '=');

	if (!equals || !is_class(text, (size_t)(equals - text)) ||
	    !is_word(equals + 1, strlen(equals + 1), 1, "_-.:")) {
		return -1;
	}
	*ret_len = (size_t)(equals - text);
	*ret_name = equals + 1;
	return 0;
}

/* ---- edits ---- */

static int bad(struct gantry_error *err, const char *where, const char *what, const char *text)
{
	return error_set(err, GANTRY_ERR_INVALID, "%s: %s \"%.100s\"", where, what, text ? text : "");
}

/* Calls check for each object of an array member. */
static int each(struct json_object *edits, const char *key, const char *where,
		int (*check)(struct json_object *o, const char *where, struct gantry_error *err),
		struct gantry_error *err)
{
	struct json_object *list = json_get(edits, key);
	int r = 0;

	if (!list) {
		return 0;
	}
	if (!json_object_is_type(list, json_type_array)) {
		return bad(err, where, "a list is wanted in", key);
	}
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		char place[200];

		snprintf(place, sizeof(place), "%s.%s[%zu]", where, key, i);
		r = check(json_object_array_get_idx(list, i), place, err);
	}
	return r;
}

static int check_env(struct json_object *o, const char *where, struct gantry_error *err)
{
	const char *text = json_object_is_type(o, json_type_string) ? json_object_get_string(o) : NULL;

	return text && text[0] != '=' && strchr(text, '=') ? 0 : bad(err, where, "no NAME=VALUE:", text);
}

static int is_absolute(const char *path)
{
	return path && path[0] == '/';
}

static int check_optional_int(struct json_object *o, const char *key, int64_t least, int64_t most,
			      const char *where, struct gantry_error *err)
{
	struct json_object *v = json_get(o, key);

	if (!v || (json_object_is_type(v, json_type_int) && json_object_get_int64(v) >= least &&
		   json_object_get_int64(v) <= most)) {
		return 0;
	}
	return bad(err, where, "out of range:", key);
}

static int check_node(struct json_object *o, const char *where, struct gantry_error *err)
{
	const char *type = json_get_string(o, "type"), *permissions = json_get_string(o, "permissions");
	const char *host = json_get_string(o, "hostPath");
	int r;

	if (!is_absolute(json_get_string(o, "path"))) {
		return bad(err, where, "no absolute path:", json_get_string(o, "path"));
	}
	if (host && !is_absolute(host)) {
		return bad(err, where, "no absolute hostPath:", host);
	}
	if (type && *type && (strlen(type) != 1 || !strchr("bcup", *type))) {
		return bad(err, where, "no type of device:", type);
	}
	if (permissions && strspn(permissions, "rwm") != strlen(permissions)) {
		return bad(err, where, "no permissions:", permissions);
	}
	r = check_optional_int(o, "major", 0, 0xffffffff, where, err);
	if (r == 0) {
		r = check_optional_int(o, "minor", 0, 0xffffffff, where, err);
	}
	if (r == 0) {
		r = check_optional_int(o, "fileMode", 0, 07777, where, err);
	}
	if (r == 0) {
		r = check_optional_int(o, "uid", 0, 0xfffffffe, where, err);
	}
	return r < 0 ? r : check_optional_int(o, "gid", 0, 0xfffffffe, where, err);
}

static int check_text(struct json_object *o, const char *where, struct gantry_error *err)
{
	return json_object_is_type(o, json_type_string) ? 0 : bad(err, where, "no text", NULL);
}

static int check_mount(struct json_object *o, const char *where, struct gantry_error *err)
{
	const char *host = json_get_string(o, "hostPath"), *type = json_get_string(o, "type");

	if (!host || !*host || (host[0] != '/' && (!type || !*type || !strcmp(type, "bind")))) {
		return bad(err, where, "no absolute hostPath:", host);
	}
	if (!is_absolute(json_get_string(o, "containerPath"))) {
		return bad(err, where, "no absolute containerPath:", json_get_string(o, "containerPath"));
	}
	return each(o, "options", where, check_text, err);
}

static int check_hook(struct json_object *o, const char *where, struct gantry_error *err)
{
	static const char *const names[] = { "prestart",       "createRuntime", "createContainer",
					     "startContainer", "poststart",	"poststop" };
	const char *name = json_get_string(o, "hookName");
	int known = 0, r;

	for (size_t i = 0; name && i < ARRAY_SIZE(names); i++) {
		known |= !strcmp(name, names[i]);
	}
	if (!known) {
		return bad(err, where, "no hookName:", name);
	}
	if (!is_absolute(json_get_string(o, "path"))) {
		return bad(err, where, "no absolute path:", json_get_string(o, "path"));
	}
	r = each(o, "args", where, check_text, err);
	if (r == 0) {
		r = each(o, "env", where, check_env, err);
	}
	return r < 0 ? r : check_optional_int(o, "timeout", 0, 86400, where, err);
}

static int check_gid(struct json_object *o, const char *where, struct gantry_error *err)
{
	return json_object_is_type(o, json_type_int) && json_object_get_int64(o) >= 0 &&
			       json_object_get_int64(o) < 0xffffffff
		       ? 0
		       : bad(err, where, "no group id", NULL);
}

static int check_net_device(struct json_object *o, const char *where, struct gantry_error *err)
{
	const char *host = json_get_string(o, "hostInterfaceName"), *name = json_get_string(o, "name");

	if (!host || !*host || strlen(host) > 15 || strchr(host, '/') || !name || !*name ||
	    strlen(name) > 15 || strchr(name, '/')) {
		return bad(err, where, "no names of interfaces:", host);
	}
	return 0;
}

static int check_edits(struct json_object *edits, const char *where, int required,
		       struct gantry_error *err)
{
	int r;

	if (edits && !json_object_is_type(edits, json_type_object)) {
		return bad(err, where, "no object", NULL);
	}
	if (required && (!edits || json_object_object_length(edits) == 0)) {
		return bad(err, where, "it edits nothing", NULL);
	}
	r = each(edits, "env", where, check_env, err);
	if (r == 0) {
		r = each(edits, "deviceNodes", where, check_node, err);
	}
	if (r == 0) {
		r = each(edits, "mounts", where, check_mount, err);
	}
	if (r == 0) {
		r = each(edits, "hooks", where, check_hook, err);
	}
	if (r == 0) {
		r = each(edits, "additionalGids", where, check_gid, err);
	}
	return r < 0 ? r : each(edits, "netDevices", where, check_net_device, err);
}

/* ---- the file ---- */

static int check_version(struct json_object *o, struct gantry_error *err)
{
	static const char *const known[] = { "0.3.0", "0.4.0", "0.5.0", "0.6.0",
					     "0.7.0", "0.8.0", "1.0.0", "1.1.0" };
	const char *version = json_get_string(o, "cdiVersion");

	for (size_t i = 0; version && i < ARRAY_SIZE(known); i++) {
		if (!strcmp(version, known[i])) {
			return 0;
		}
	}
	error_set(err, GANTRY_ERR_UNSUPPORTED, "cdiVersion \"%.40s\" is not supported",
		  version ? version : "");
	return error_hint(err, "supported are 0.3.0 to 1.1.0; quote it in YAML");
}

static int check_device(struct json_object *list, size_t i, struct gantry_error *err)
{
	struct json_object *o = json_object_array_get_idx(list, i);
	const char *name = json_get_string(o, "name");
	char where[200];

	if (!name || !is_word(name, strlen(name), 1, "_-.:")) {
		return error_set(err, GANTRY_ERR_INVALID, "device %zu has no proper name: \"%.60s\"", i + 1,
				 name ? name : "");
	}
	for (size_t k = 0; k < i; k++) {
		if (!strcmp(json_get_string(json_object_array_get_idx(list, k), "name"), name)) {
			return error_set(err, GANTRY_ERR_INVALID, "device %s stands twice in it", name);
		}
	}
	snprintf(where, sizeof(where), "device %s", name);
	return check_edits(json_get(o, "containerEdits"), where, 1, err);
}

static int check(struct json_object *o, struct gantry_error *err)
{
	const char *kind = json_get_string(o, "kind");
	struct json_object *devices = json_get_array(o, "devices");
	int r;

	if (!json_object_is_type(o, json_type_object)) {
		return error_set(err, GANTRY_ERR_INVALID, "it is no object");
	}
	r = check_version(o, err);
	if (r == 0 && (!kind || !is_class(kind, strlen(kind)))) {
		r = error_set(err, GANTRY_ERR_INVALID, "kind \"%.100s\" is no VENDOR/CLASS", kind ? kind : "");
	}
	if (r == 0 && (json_array_size(devices) == 0 || json_array_size(devices) > 4096)) {
		r = error_set(err, GANTRY_ERR_INVALID, "it has no devices, or more than 4096");
	}
	for (size_t i = 0; r == 0 && i < json_array_size(devices); i++) {
		r = check_device(devices, i, err);
	}
	return r < 0 ? r : check_edits(json_get(o, "containerEdits"), "containerEdits", 0, err);
}

int device_file_parse(const char *text, size_t len, int is_yaml, struct json_object **ret,
		      struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	int r = is_yaml ? yaml_parse(text, len, &o, err) : json_parse(text, len, "it", &o, err);

	if (r == 0) {
		r = check(o, err);
	}
	if (r == 0) {
		*ret = steal(&o);
	}
	return r;
}
