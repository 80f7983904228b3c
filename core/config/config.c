/* SPDX-License-Identifier: Apache-2.0 */
/* Constant after config_load(), so it needs no lock. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/paths.h"
#include "core/config/config.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"
#include "helpers/privilege.h"

struct config {
	struct json_object *values; /* dotted key -> string, int, boolean, array */
};

static const struct gantry_config_key *find_key(const struct gantry_config_key *schema,
						const char *name)
{
	for (; schema && schema->name; schema++) {
		if (!strcmp(schema->name, name)) {
			return schema;
		}
	}
	return NULL;
}

static struct json_object *list_from_text(const char *text)
{
	struct json_object *list = json_object_new_array();
	auto_free char *copy = strdup(text);
	char *save = NULL;

	for (char *item = strtok_r(copy, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
		json_add_string(list, item);
	}
	return list;
}

/* A value from text (default, environment, flag); where says where it stood. */
static int value_from_text(const struct gantry_config_key *key, const char *text, const char *where,
			   struct json_object **ret, struct gantry_error *err)
{
	char *end;
	long long number;

	switch (key->type) {
	case GANTRY_TYPE_STRING:
		*ret = json_object_new_string(text);
		break;
	case GANTRY_TYPE_LIST:
		*ret = list_from_text(text);
		break;
	case GANTRY_TYPE_BOOLEAN:
		if (strcmp(text, "true") && strcmp(text, "false")) {
			return error_set(err, GANTRY_ERR_INVALID, "%s: %s must be true or false, not \"%s\"",
					 where, key->name, text);
		}
		*ret = json_object_new_boolean(!strcmp(text, "true"));
		break;
	default:
		errno = 0;
		number = strtoll(text, &end, 10);
		if (errno || *end || end == text) {
			return error_set(err, GANTRY_ERR_INVALID, "%s: %s must be a number, not \"%s\"",
					 where, key->name, text);
		}
		*ret = json_object_new_int64(number);
	}
	return *ret ? 0 : error_no_memory(err);
}

static const char *type_name(uint32_t type)
{
	return type == GANTRY_TYPE_STRING    ? "a string"
	       : type == GANTRY_TYPE_INTEGER ? "a number"
	       : type == GANTRY_TYPE_BOOLEAN ? "true or false"
					     : "a list of strings";
}

static int is_list(const config_setting_t *s)
{
	int type = config_setting_type(s);

	return type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST;
}

/* A scalar or list of scalars as JSON, or NULL. */
static struct json_object *setting_to_json(const config_setting_t *s)
{
	struct json_object *list;

	switch (config_setting_type(s)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return json_object_new_int64(config_setting_get_int64(s));
	case CONFIG_TYPE_BOOL:
		return json_object_new_boolean(config_setting_get_bool(s));
	case CONFIG_TYPE_STRING:
		return json_object_new_string(config_setting_get_string(s));
	default:
		break;
	}
	if (!is_list(s)) {
		return NULL;
	}
	list = json_object_new_array();
	for (int i = 0; i < config_setting_length(s); i++) {
		const char *text = config_setting_get_string_elem(s, i);

		if (!text) {
			json_object_put(list);
			return NULL;
		}
		json_add_string(list, text);
	}
	return list;
}

static int type_fits(uint32_t type, struct json_object *value)
{
	static const enum json_type want[] = {
		[GANTRY_TYPE_STRING] = json_type_string,
		[GANTRY_TYPE_INTEGER] = json_type_int,
		[GANTRY_TYPE_BOOLEAN] = json_type_boolean,
		[GANTRY_TYPE_LIST] = json_type_array,
	};

	return json_object_is_type(value, want[type]);
}

/* The key that a name in a file means: `log = [ ... ]` is log.driver.  A list of one
 * needs no brackets. */
static const struct gantry_config_key *find_written(struct buf *name, struct json_object **value)
{
	const struct gantry_config_key *key = find_key(config_schema, buf_str(name));

	if (!key && !strchr(buf_str(name), '.')) {
		auto_(buf) struct buf full = BUF_INIT;

		buf_addf(&full, "%s.driver", buf_str(name));
		key = find_key(config_schema, buf_str(&full));
	}
	if (key && strcmp(key->name, buf_str(name)) != 0) {
		buf_clear(name);
		buf_adds(name, key->name);
	}
	if (key && key->type == GANTRY_TYPE_LIST && json_object_is_type(*value, json_type_string)) {
		struct json_object *list = list_from_text(json_object_get_string(*value));

		json_object_put(*value);
		*value = list;
	}
	return key;
}

static int read_setting(struct config *c, const config_setting_t *s, const char *prefix,
			const char *file, struct gantry_error *err)
{
	auto_(buf) struct buf name = BUF_INIT;
	const struct gantry_config_key *key;
	auto_json struct json_object *value = NULL;
	int line = (int)config_setting_source_line(s);

	buf_addf(&name, "%s%s%s", prefix, *prefix ? "." : "", config_setting_name(s));
	if (config_setting_is_group(s)) {
		for (int i = 0; i < config_setting_length(s); i++) {
			int r = read_setting(c, config_setting_get_elem(s, (unsigned)i), buf_str(&name),
					     file, err);

			if (r < 0) {
				return r;
			}
		}
		return 0;
	}
	value = setting_to_json(s);
	key = find_written(&name, &value);
	if (!key && strncmp(buf_str(&name), "drivers.", 8)) {
		error_set(err, GANTRY_ERR_INVALID, "%s:%d: unknown key %s", file, line, buf_str(&name));
		return error_hint(err, "gantry.conf(5) lists the keys");
	}
	if (!value || (key && !type_fits(key->type, value))) {
		return error_set(err, GANTRY_ERR_INVALID, "%s:%d: %s must be %s", file, line,
				 buf_str(&name), key ? type_name(key->type) : "a scalar or a list of strings");
	}
	json_set(c->values, buf_str(&name), steal(&value));
	return 0;
}

static int read_config_file(struct config *c, const char *file, int required,
			    struct gantry_error *err)
{
	config_t parsed;
	const config_setting_t *top;
	int r = 0;

	if (access(file, F_OK) < 0 && !required) {
		return 0;
	}
	config_init(&parsed);
	if (config_read_file(&parsed, file) == CONFIG_FALSE) {
		if (config_error_type(&parsed) == CONFIG_ERR_FILE_IO) {
			r = error_errno(err, errno ? errno : EIO, "cannot read configuration %s", file);
		} else {
			r = error_set(err, GANTRY_ERR_INVALID, "%s:%d: %s",
				      config_error_file(&parsed) ? config_error_file(&parsed) : file,
				      config_error_line(&parsed), config_error_text(&parsed));
		}
		config_destroy(&parsed);
		return r;
	}
	top = config_root_setting(&parsed);
	for (int i = 0; r == 0 && i < config_setting_length(top); i++) {
		r = read_setting(c, config_setting_get_elem(top, (unsigned)i), "", file, err);
	}
	config_destroy(&parsed);
	return r;
}

static int is_conf(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 5 && e->d_name[0] != '.' && !strcmp(e->d_name + n - 5, ".conf");
}

static int read_conf_d(struct config *c, const char *folder, struct gantry_error *err)
{
	struct dirent **names;
	int n = scandir(folder, &names, is_conf, alphasort);
	int r = 0;

	if (n < 0) {
		return errno == ENOENT ? 0 : error_errno(err, errno, "cannot read folder %s", folder);
	}
	for (int i = 0; i < n; i++) {
		auto_free char *file = path_join(folder, names[i]->d_name, NULL);

		if (r == 0) {
			r = file ? read_config_file(c, file, 1, err) : error_no_memory(err);
		}
		free(names[i]);
	}
	free(names);
	return r;
}

static int read_files(struct config *c, const struct paths *paths, struct gantry_error *err)
{
	const char *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	auto_free char *user = NULL;
	int r;

	if (paths->config_file) {
		return read_config_file(c, paths->config_file, 1, err);
	}
	r = read_config_file(c, SYSCONFDIR "/gantry/gantry.conf", 0, err);
	if (r == 0) {
		r = read_conf_d(c, SYSCONFDIR "/gantry/conf.d", err);
	}
	if (r < 0 || is_host_root() || (!xdg && !home)) {
		return r;
	}
	user = xdg ? path_join(xdg, "gantry/gantry.conf", NULL)
		   : path_join(home, ".config/gantry/gantry.conf", NULL);
	return user ? read_config_file(c, user, 0, err) : error_no_memory(err);
}

/* storage.driver -> GANTRY_STORAGE_DRIVER */
static int read_environment(struct config *c, struct gantry_error *err)
{
	for (const struct gantry_config_key *key = config_schema; key->name; key++) {
		char name[128] = "GANTRY_";
		size_t n = strlen(name);
		const char *text;
		struct json_object *value;

		for (const char *p = key->name; *p && n < sizeof(name) - 1; p++) {
			name[n++] = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
		}
		text = getenv(name);
		if (!text) {
			continue;
		}
		if (value_from_text(key, text, name, &value, err) < 0) {
			return err->code;
		}
		json_set(c->values, key->name, value);
	}
	return 0;
}

static int read_flags(struct config *c, const char *const *settings, struct gantry_error *err)
{
	for (; settings && *settings; settings++) {
		const char *eq = strchr(*settings, '=');
		auto_free char *name = eq ? strndup(*settings, (size_t)(eq - *settings)) : NULL;
		const struct gantry_config_key *key = name ? find_key(config_schema, name) : NULL;
		struct json_object *value;

		if (name && !strncmp(name, "drivers.", 8)) {
			json_set_string(c->values, name, eq + 1);
			continue;
		}
		if (!key) {
			return error_set(err, GANTRY_ERR_INVALID, "unknown setting %s", *settings);
		}
		if (value_from_text(key, eq + 1, "flags", &value, err) < 0) {
			return err->code;
		}
		json_set(c->values, key->name, value);
	}
	return 0;
}

int config_load(const struct paths *paths, const char *const *settings, struct config **ret,
		struct gantry_error *err)
{
	struct config *c = calloc(1, sizeof(*c));
	int r = 0;

	if (!c || !(c->values = json_object_new_object())) {
		free(c);
		return error_no_memory(err);
	}
	for (const struct gantry_config_key *key = config_schema; r == 0 && key->name; key++) {
		struct json_object *value;

		r = value_from_text(key, key->default_text, "defaults", &value, err);
		if (r == 0) {
			json_set(c->values, key->name, value);
		}
	}
	if (r == 0) {
		r = read_files(c, paths, err);
	}
	if (r == 0) {
		r = read_environment(c, err);
	}
	if (r == 0) {
		r = read_flags(c, settings, err);
	}
	if (r < 0) {
		config_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

struct config *config_free(struct config *c)
{
	if (c) {
		json_object_put(c->values);
		free(c);
	}
	return NULL;
}

const char *config_string(const struct config *c, const char *key)
{
	return json_get_string(c->values, key);
}

int64_t config_int(const struct config *c, const char *key)
{
	return json_get_int(c->values, key, 0);
}

int config_bool(const struct config *c, const char *key)
{
	return json_get_bool(c->values, key, 0);
}

struct json_object *config_list(const struct config *c, const char *key)
{
	return json_get_array(c->values, key);
}

const char *const config_host_keys[] = { "driver", "isolation", "memory_mib", "pids", "deadline_s", NULL };

static int is_host_key(const char *key)
{
	const char *const *k = config_host_keys;

	while (*k && strcmp(*k, key) != 0) {
		k++;
	}
	return *k != NULL;
}

const char *config_driver_setting(const struct config *c, const char *kind, const char *driver,
				  const char *key)
{
	auto_(buf) struct buf name = BUF_INIT;

	buf_addf(&name, "drivers.%s.%s.%s", kind, driver, key);
	return json_get_string(c->values, buf_str(&name));
}

int64_t config_driver_number(const struct config *c, const char *kind, const char *driver,
			     const char *key, int64_t fallback)
{
	auto_(buf) struct buf name = BUF_INIT;

	buf_addf(&name, "drivers.%s.%s.%s", kind, driver, key);
	return json_get_int(c->values, buf_str(&name), fallback);
}

/* A driver's value may come from a flag as text; it then takes the schema's type. */
static int driver_value(const struct gantry_config_key *key, const char *full,
			struct json_object *value, struct json_object **ret,
			struct gantry_error *err)
{
	if (json_object_is_type(value, json_type_string) && key->type != GANTRY_TYPE_STRING) {
		return value_from_text(key, json_object_get_string(value), full, ret, err);
	}
	if (!type_fits(key->type, value)) {
		return error_set(err, GANTRY_ERR_INVALID, "configuration key %s must be %s", full,
				 type_name(key->type));
	}
	*ret = json_object_get(value);
	return 0;
}

/* Adds what the configuration says under drivers.<kind>.<name>. */
static int add_driver_values(const struct config *c, const struct gantry_driver *driver,
			     const char *instance, struct json_object *o, struct gantry_error *err)
{
	auto_(buf) struct buf prefix = BUF_INIT;
	int r;

	buf_addf(&prefix, "drivers.%s.%s.", driver->kind, instance);
	json_object_object_foreach(c->values, name, value)
	{
		const struct gantry_config_key *key;
		struct json_object *typed;

		if (strncmp(name, buf_str(&prefix), prefix.len) || is_host_key(name + prefix.len)) {
			continue;
		}
		key = find_key(driver->config, name + prefix.len);
		if (!key) {
			error_set(err, GANTRY_ERR_INVALID, "unknown configuration key %s", name);
			return error_hint(err, "`gantry plugin inspect %s/%s` lists the driver's keys",
					  driver->kind, instance);
		}
		r = driver_value(key, name, value, &typed, err);
		if (r < 0) {
			return r;
		}
		json_set(o, key->name, typed);
	}
	return 0;
}

int config_for_driver(const struct config *c, const struct gantry_driver *driver,
		      const char *instance, char **ret, struct gantry_error *err)
{
	auto_json struct json_object *o = json_object_new_object();
	int r;

	for (const struct gantry_config_key *k = driver->config; k && k->name; k++) {
		struct json_object *value;

		if (!k->default_text) {
			continue;
		}
		r = value_from_text(k, k->default_text, "defaults", &value, err);
		if (r < 0) {
			return r;
		}
		json_set(o, k->name, value);
	}
	r = add_driver_values(c, driver, driver->name, o, err);
	if (r == 0 && strcmp(instance, driver->name)) {
		json_set_string(o, "driver", instance);
		r = add_driver_values(c, driver, instance, o, err);
	}
	if (r < 0) {
		return r;
	}
	*ret = strdup(json_text(o));
	return *ret ? 0 : error_no_memory(err);
}
