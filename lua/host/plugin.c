/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A script as a plugin: its declaration becomes a descriptor, and its functions
 * an operation table of trampolines.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <libconfig.h>

#include <gantry/script.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"
#include "helpers/io.h"
#include "helpers/json.h"

#include "lua/drivers/services.h"
#include "lua/host/host.h"

static void script_free(struct script *script)
{
	size_t i;

	if (!script) {
		return;
	}
	for (i = 0; script->permissions && script->permissions[i]; i++) {
		free(script->permissions[i]);
	}
	free(script->permissions);
	free(script->keys);
	free(script->ops);
	json_object_put(script->declared);
	free(script->folder);
	free(script->name);
	free(script->text);
	free(script);
}

static int read_script(struct script *script, const char *path, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	const char *slash = strrchr(path, '/');
	int r = read_file(AT_FDCWD, path, &text, SANDBOX_SOURCE_MAX);

	if (r < 0) {
		return error_errno(err, -r, "cannot read the script %s", path);
	}
	script->len = text.len;
	script->name = strdup(slash ? slash + 1 : path);
	script->folder = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
	script->text = buf_steal(&text);
	return script->name && script->folder && script->text ? 0 : error_no_memory(err);
}

static int copy_permissions(struct script *script, const char *const *permissions,
			    struct gantry_error *err)
{
	size_t i, n = 0;

	while (permissions && permissions[n]) {
		n++;
	}
	script->permissions = calloc(n + 1, sizeof(*script->permissions));
	for (i = 0; script->permissions && i < n; i++) {
		script->permissions[i] = strdup(permissions[i]);
		if (!script->permissions[i]) {
			return error_no_memory(err);
		}
	}
	return script->permissions ? 0 : error_no_memory(err);
}

/* The permissions that plugin.conf beside the script lists; without that file,
 * none. */
static int read_permissions(struct script *script, struct gantry_error *err)
{
	auto_free char *path = NULL;
	const config_setting_t *list;
	config_t config;
	int i, n = 0;

	if (asprintf(&path, "%s/plugin.conf", script->folder) < 0) {
		path = NULL;
		return error_no_memory(err);
	}
	config_init(&config);
	list = config_read_file(&config, path) ? config_lookup(&config, "permissions") : NULL;
	if (list) {
		n = config_setting_length(list);
	}
	script->permissions = calloc((size_t)n + 1, sizeof(*script->permissions));
	for (i = 0; script->permissions && i < n; i++) {
		const char *text = config_setting_get_string_elem(list, i);

		script->permissions[i] = strdup(text ? text : "");
		if (!script->permissions[i]) {
			break;
		}
	}
	config_destroy(&config);
	return script->permissions && i == n ? 0 : error_no_memory(err);
}

/* What the script says it needs must be among what it was granted. */
static int check_needs(const struct script *script, struct gantry_error *err)
{
	json_object *needs = json_get_array(script->declared, "needs");
	size_t i;

	for (i = 0; i < json_array_size(needs); i++) {
		const char *list[2] = { json_item_string(needs, i), NULL };
		const char *missing;

		if (!list[0]) {
			return error_set(err, GANTRY_ERR_INVALID, "needs is a list of texts");
		}
		if (!services_covers((const char *const *)script->permissions, list, &missing)) {
			error_set(err, GANTRY_ERR_DENIED, "it needs the permission '%s'", missing);
			return error_hint(err, "list it under permissions in its plugin.conf");
		}
	}
	return 0;
}

static uint32_t type_of_name(const char *name)
{
	return !name || !strcmp(name, "string") ? GANTRY_TYPE_STRING :
	       !strcmp(name, "integer")		? GANTRY_TYPE_INTEGER :
	       !strcmp(name, "boolean")		? GANTRY_TYPE_BOOLEAN :
	       !strcmp(name, "list")		? GANTRY_TYPE_LIST :
						  0;
}

static int read_keys(struct script *script, struct gantry_error *err)
{
	json_object *list = json_get_array(script->declared, "config");
	size_t i, n = json_array_size(list);

	script->keys = calloc(n + 1, sizeof(*script->keys));
	if (!script->keys) {
		return error_no_memory(err);
	}
	for (i = 0; i < n; i++) {
		json_object *o = json_object_array_get_idx(list, i);

		script->keys[i].name = json_get_string(o, "name");
		script->keys[i].type = type_of_name(json_get_string(o, "type"));
		script->keys[i].default_text = json_get_string(o, "default");
		script->keys[i].doc = json_get_string(o, "doc");
		if (!script->keys[i].name || !script->keys[i].type) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "config: each key has a name, and a type that is string, "
					 "integer, boolean or list");
		}
	}
	return 0;
}

struct functions {
	const struct gantry_interface *iface;
	uint64_t has;
};

/* Which operations are there; a function of another name is a slip. */
static void find_functions(lua_State *L, void *arg)
{
	struct functions *functions = arg;
	uint32_t i;

	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &sandbox_result_key) != LUA_TTABLE) {
		luaL_error(L, "the script must return a table of functions");
	}
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";

		for (i = 0; i < functions->iface->n_ops; i++) {
			if (strcmp(functions->iface->ops[i].name, name) == 0) {
				break;
			}
		}
		if (i == functions->iface->n_ops || lua_type(L, -1) != LUA_TFUNCTION) {
			luaL_error(L, "'%s' is no operation of kind %s", name,
				   functions->iface->kind);
		}
		functions->has |= UINT64_C(1) << i;
		lua_pop(L, 1);
	}
}

static int fill_operations(struct script *script, struct sandbox *sb, struct gantry_error *err)
{
	struct functions functions = { script->iface, 0 };
	uint32_t i;
	int r = sandbox_call(sb, find_functions, &functions, 0, err);

	if (r < 0) {
		return r;
	}
	script->has = functions.has;
	script->ops = calloc(1, script->iface->ops_size);
	if (!script->ops) {
		return error_no_memory(err);
	}
	*(uint64_t *)script->ops = script->iface->ops_size;
	for (i = 0; i < script->iface->n_ops; i++) {
		gantry_op_fn call = trampoline(i);

		if (script->has & (UINT64_C(1) << i)) {
			memcpy((char *)script->ops + script->iface->ops[i].slot, &call, sizeof(call));
		}
	}
	return 0;
}

static void close_driver(void *self)
{
	instance_close(self);
}

static const char *text_or(json_object *o, const char *key, const char *fallback)
{
	const char *text = json_get_string(o, key);

	return text ? text : fallback;
}

static int open_driver(const void *context, const struct gantry_host *host, const char *config,
		       void **ret_self, struct gantry_error *err)
{
	return instance_open(context, host, config, (struct instance **)ret_self, err);
}

static void fill_descriptor(struct script *script)
{
	script->driver.size = sizeof(script->driver);
	script->driver.threads = GANTRY_THREADS_SERIAL;
	script->driver.kind = script->iface->kind;
	script->driver.name = json_get_string(script->declared, "name");
	script->driver.summary = text_or(script->declared, "summary", "a driver in Lua");
	script->driver.ops = script->ops;
	script->driver.config = script->keys;
	script->driver.close = close_driver;
	script->driver.context = script;
	script->driver.open_with = open_driver;
	script->drivers[0] = &script->driver;
	script->plugin.size = sizeof(script->plugin);
	script->plugin.abi = GANTRY_ABI_VERSION;
	script->plugin.needs = GANTRY_VERSION(1, 0);
	script->plugin.name = script->driver.name;
	script->plugin.version = text_or(script->declared, "version", "0");
	script->plugin.licence = text_or(script->declared, "licence", "unknown");
	script->plugin.drivers = script->drivers;
	script->plugin.permissions = (const char *const *)script->permissions;
}

static int describe(struct script *script, struct gantry_error *err)
{
	struct sandbox *sb = NULL;
	const char *kind;
	int r = script_run(script, NULL, &script->declared, &sb, err);

	if (r < 0) {
		return r;
	}
	kind = json_get_string(script->declared, "kind");
	script->iface = kind ? interface_find(kind) : NULL;
	if (!script->iface || !json_get_string(script->declared, "name") ||
	    script->iface->n_ops > SCRIPT_OPS_MAX) {
		r = error_set(err, GANTRY_ERR_INVALID,
			      "it does not say which driver it is: driver { kind = ..., name = ... }");
	}
	if (r == 0) {
		r = fill_operations(script, sb, err);
	}
	sandbox_free(sb);
	if (r == 0) {
		r = check_needs(script, err);
	}
	return r == 0 ? read_keys(script, err) : r;
}

static int read_module(void *ctx, const char *name, struct buf *ret, struct gantry_error *err)
{
	const struct script *script = ctx;

	return script_module_read(script->folder, name, ret, err);
}

static int load(const char *path, const char *const *permissions, const struct gantry_plugin **ret,
		struct gantry_error *err)
{
	struct script *script = calloc(1, sizeof(*script));
	int r;

	if (!script) {
		return error_no_memory(err);
	}
	script->describing = (struct services){ .ctx = script, .module = read_module };
	r = read_script(script, path, err);
	if (r == 0) {
		r = permissions ? copy_permissions(script, permissions, err) :
				  read_permissions(script, err);
	}
	if (r == 0) {
		r = describe(script, err);
	}
	if (r == 0) {
		fill_descriptor(script);
	} else {
		script_free(script);
		return error_prefix(err, "cannot load plugin %s", path);
	}
	*ret = &script->plugin;
	return 0;
}

static void unload(const struct gantry_plugin *plugin)
{
	script_free((struct script *)((char *)plugin - offsetof(struct script, plugin)));
}

GANTRY_EXPORT extern const struct gantry_script_host gantry_script_host;
GANTRY_EXPORT const struct gantry_script_host gantry_script_host = {
	.size = sizeof(struct gantry_script_host),
	.abi = GANTRY_ABI_VERSION,
	.name = "lua",
	.suffix = ".lua",
	.load = load,
	.unload = unload,
};
