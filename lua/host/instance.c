/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a driver's script.  The host calls serially (the driver says so), and
 * a stop costs the one operation: the state is loaded again at the next, without
 * what the script kept in variables; what must survive belongs in gantry.kv.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"
#include "helpers/json.h"

#include "lua/drivers/services.h"
#include "lua/host/host.h"
#include "lua/sandbox/bridge.h"

#define LOAD_NS INT64_C(5000000000)
#define DAY_NS INT64_C(86400000000000)
#define MEMORY ((size_t)64 << 20)

int64_t script_cpu_ns = INT64_C(5000000000);

static const char failure_metatable_key;
static const char instance_key; /* in the registry: the instance, light */

struct loading {
	const struct script *script;
	const struct instance *instance;
	json_object *declared;
};

/* driver { ... } */
static int declare_driver(lua_State *L)
{
	struct loading *loading = sandbox_user(sandbox_of(L));
	json_object *declared;

	if (!loading) {
		return luaL_error(L, "driver is called while the script loads");
	}
	luaL_checktype(L, 1, LUA_TTABLE);
	declared = bridge_to_json(L, 1);
	sandbox_enter_host(sandbox_of(L));
	json_object_put(loading->declared);
	loading->declared = json_object_get(declared);
	sandbox_leave_host(sandbox_of(L));
	bridge_release(L);
	return 0;
}

/* fail(code, message[, hint]) */
static int raise_failure(lua_State *L)
{
	int code = error_code_of_name(luaL_checkstring(L, 1));

	luaL_argcheck(L, code != 0, 1, "not the name of an error code");
	luaL_checkstring(L, 2);
	lua_settop(L, 3);
	lua_createtable(L, 3, 0);
	lua_pushinteger(L, code);
	lua_rawseti(L, -2, 1);
	lua_pushvalue(L, 2);
	lua_rawseti(L, -2, 2);
	lua_pushvalue(L, 3);
	lua_rawseti(L, -2, 3);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &failure_metatable_key);
	lua_setmetatable(L, -2);
	return lua_error(L);
}

void raise_code(lua_State *L, const struct gantry_error *err)
{
	lua_createtable(L, 3, 0);
	lua_pushinteger(L, err->code);
	lua_rawseti(L, -2, 1);
	lua_pushstring(L, err->message);
	lua_rawseti(L, -2, 2);
	if (err->hint[0]) {
		lua_pushstring(L, err->hint);
		lua_rawseti(L, -2, 3);
	}
	lua_rawgetp(L, LUA_REGISTRYINDEX, &failure_metatable_key);
	lua_setmetatable(L, -2);
	lua_error(L);
	__builtin_unreachable();
}

/* ---- descriptors of a call ---- */

struct instance *calling_instance(lua_State *L)
{
	struct instance *instance = NULL;

	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &instance_key) == LUA_TLIGHTUSERDATA) {
		instance = lua_touserdata(L, -1);
	}
	lua_pop(L, 1);
	return instance && instance->calling ? instance : NULL;
}

int descriptor_add(lua_State *L, struct instance *instance, int fd, int owned)
{
	if (instance->n_fds == CALL_FDS_MAX) {
		if (owned) {
			close(fd);
		}
		luaL_error(L, "more than %d descriptors in one call", CALL_FDS_MAX);
	}
	instance->fds[instance->n_fds].fd = fd;
	instance->fds[instance->n_fds].owned = owned;
	return ++instance->n_fds;
}

int descriptor_of(lua_State *L, struct instance *instance, int index)
{
	lua_Integer number = luaL_checkinteger(L, index);

	luaL_argcheck(L, number >= 1 && number <= instance->n_fds && instance->fds[number - 1].fd >= 0,
		      index, "not a descriptor of this call");
	return instance->fds[number - 1].fd;
}

int descriptor_take(struct instance *instance, lua_Integer number)
{
	int fd;

	if (number < 1 || number > instance->n_fds || !instance->fds[number - 1].owned) {
		return -1;
	}
	fd = instance->fds[number - 1].fd;
	instance->fds[number - 1].fd = -1;
	instance->fds[number - 1].owned = 0;
	return fd;
}

static void end_call(struct instance *instance)
{
	for (int i = 0; i < instance->n_fds; i++) {
		if (instance->fds[i].owned) {
			close(instance->fds[i].fd);
		}
	}
	instance->n_fds = 0;
	instance->calling = 0;
}

static int failure_text(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_rawgeti(L, 1, 2);
	return 1;
}

static void set_global_text(lua_State *L, const char *name, const char *text)
{
	lua_pushstring(L, text);
	lua_setglobal(L, name);
}

static void open_globals(lua_State *L, void *arg)
{
	const struct loading *loading = arg;

	lua_register(L, "driver", declare_driver);
	lua_register(L, "fail", raise_failure);
	lua_createtable(L, 0, 2);
	lua_pushcfunction(L, failure_text);
	lua_setfield(L, -2, "__tostring");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_rawsetp(L, LUA_REGISTRYINDEX, &failure_metatable_key);
	tree_open(L);
	if (loading->instance) {
		lua_pushlightuserdata(L, (void *)loading->instance);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &instance_key);
		bridge_push(L, loading->instance->config);
		lua_setglobal(L, "config");
		set_global_text(L, "state_dir", loading->instance->host->state_dir);
		set_global_text(L, "run_dir", loading->instance->host->run_dir);
	} else {
		lua_newtable(L);
		lua_setglobal(L, "config");
	}
}

/* A script may bind itself: limits = { seconds = 0.5, memory_mib = 8 }. */
static void lower_limits(const struct script *script, struct sandbox_config *config)
{
	json_object *limits = json_get_object(script->declared, "limits");
	double seconds = json_object_get_double(json_get(limits, "seconds"));
	int64_t mib = json_get_int(limits, "memory_mib", 0);

	if (seconds > 0 && seconds * 1e9 < (double)config->cpu_ns) {
		config->cpu_ns = (int64_t)(seconds * 1e9);
	}
	if (mib > 0 && mib < (int64_t)(config->memory_bytes >> 20)) {
		config->memory_bytes = (size_t)mib << 20;
	}
}

int script_run(const struct script *script, const struct instance *instance,
	       json_object **ret_declared, struct sandbox **ret, struct gantry_error *err)
{
	struct sandbox_config config = { .memory_bytes = MEMORY, .deadline_ns = DAY_NS,
					 .cpu_ns = script_cpu_ns };
	struct loading loading = { script, instance, NULL };
	struct sandbox *sb;
	int r;

	lower_limits(script, &config);
	config.services = instance ? &instance->services : &script->describing;
	sb = sandbox_new(&config, err);
	if (!sb) {
		return err->code;
	}
	sandbox_set_user(sb, &loading);
	r = sandbox_call(sb, open_globals, &loading, LOAD_NS, err);
	if (r == 0) {
		r = sandbox_load(sb, script->name, script->text, script->len, LOAD_NS, err);
	}
	sandbox_set_user(sb, NULL);
	if (r < 0) {
		json_object_put(loading.declared);
		sandbox_free(sb);
		return r;
	}
	*ret = sb;
	if (ret_declared) {
		*ret_declared = loading.declared;
	} else {
		json_object_put(loading.declared);
	}
	return 0;
}

/* ---- instances ---- */

static int give_services(struct instance *instance, struct gantry_error *err)
{
	const struct script *script = instance->script;
	char prefix[200];
	struct script_host host = {
		.host = instance->host, .prefix = prefix, .module_folder = script->folder,
		.secrets_folder = json_get_string(instance->config, "secrets"),
		.grants = (const char *const *)script->permissions,
	};

	snprintf(prefix, sizeof(prefix), "lua/%s/%s", script->driver.kind, script->driver.name);
	return script_services_new(&host, &instance->services, err);
}

int instance_open(const struct script *script, const struct gantry_host *host, const char *config,
		  struct instance **ret, struct gantry_error *err)
{
	struct instance *instance = calloc(1, sizeof(*instance));
	int r;

	if (!instance) {
		return error_no_memory(err);
	}
	instance->script = script;
	instance->host = host;
	r = json_parse_object(config, "configuration", &instance->config, err);
	if (r == 0) {
		r = give_services(instance, err);
	}
	if (r == 0) {
		r = script_run(script, instance, NULL, &instance->sb, err);
	}
	if (r < 0) {
		instance_close(instance);
		return r;
	}
	*ret = instance;
	return 0;
}

void instance_close(struct instance *instance)
{
	if (instance) {
		sandbox_free(instance->sb);
		script_services_free(&instance->services);
		json_object_put(instance->config);
		free(instance);
	}
}

struct invocation {
	const struct gantry_op *op;
	const void *args;
	struct gantry_reply *reply;
	struct gantry_error *err; /* filled by fail() */
};

static int is_failure(lua_State *L, int index)
{
	int same;

	if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index)) {
		return 0;
	}
	lua_rawgetp(L, LUA_REGISTRYINDEX, &failure_metatable_key);
	same = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	return same;
}

/* An error of fail() is the operation's; another is the script's. */
static void take_failure(lua_State *L, struct invocation *call)
{
	lua_rawgeti(L, -1, 1);
	lua_rawgeti(L, -2, 2);
	error_set(call->err, (int)lua_tointeger(L, -2), "%s", lua_tostring(L, -1));
	lua_rawgeti(L, -3, 3);
	if (lua_isstring(L, -1)) {
		error_hint(call->err, "%s", lua_tostring(L, -1));
	}
}

static void invoke_body(lua_State *L, void *arg)
{
	struct invocation *call = arg;

	lua_rawgetp(L, LUA_REGISTRYINDEX, &sandbox_result_key);
	lua_getfield(L, -1, call->op->name);
	push_args(L, call->op, call->args);
	if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
		if (!is_failure(L, -1)) {
			lua_error(L);
		}
		take_failure(L, call);
		return;
	}
	put_results(L, lua_gettop(L), call->op, call->reply);
}

static int64_t deadline_of(const struct gantry_op *op)
{
	switch (op->deadline) {
	case GANTRY_DEADLINE_SHORT:
		return INT64_C(5000000000);
	case GANTRY_DEADLINE_LONG:
		return INT64_C(60000000000);
	default:
		return DAY_NS;
	}
}

/* What is no JSON is who asks to blame for, not the script. */
static int check_args(const struct gantry_op *op, const void *args, struct gantry_error *err)
{
	uint64_t size = *(const uint64_t *)args;

	for (uint32_t i = 0; i < op->n_args; i++) {
		const struct gantry_field *field = &op->args[i];
		json_object *value = NULL;
		const char *text;

		if (field->type != GANTRY_TYPE_JSON || field->offset + sizeof(text) > size) {
			continue;
		}
		memcpy(&text, (const char *)args + field->offset, sizeof(text));
		if (text && *text && json_parse(text, strlen(text), field->name, &value, err) < 0) {
			return err->code = GANTRY_ERR_INVALID;
		}
		if (value && !json_object_is_type(value, json_type_object) &&
		    !json_object_is_type(value, json_type_array)) {
			json_object_put(value);
			return error_set(err, GANTRY_ERR_INVALID, "%s is no object", field->name);
		}
		json_object_put(value);
	}
	return 0;
}

int instance_invoke(struct instance *instance, unsigned op, const void *args,
		    struct gantry_reply *reply, struct gantry_error *err)
{
	const struct gantry_interface *iface = instance->script->iface;
	struct invocation call = { &iface->ops[op], args, reply, err };
	int r = check_args(call.op, args, err);

	if (r < 0) {
		return error_prefix(err, "%s driver %s, %s", iface->kind, instance->script->driver.name,
				    call.op->name);
	}
	if (!instance->sb || sandbox_stopped(instance->sb) != SANDBOX_ALIVE) {
		sandbox_free(instance->sb);
		instance->sb = NULL;
		r = script_run(instance->script, instance, NULL, &instance->sb, err);
	}
	if (r == 0) {
		instance->calling = 1;
		r = sandbox_call(instance->sb, invoke_body, &call, deadline_of(call.op), err);
		end_call(instance);
	}
	if (r == GANTRY_ERR_INVALID) {
		/* The script failed, which is no fault of who asked. */
		err->code = r = GANTRY_ERR_INTERNAL;
		return error_prefix(err, "%s driver %s, %s", iface->kind,
				    instance->script->driver.name, call.op->name);
	}
	return r < 0 ? r : err->code;
}
