/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between an operation's args struct and a table, and between the table that a
 * function returned and the reply, by the generated descriptions.
 */
#include <string.h>

#include <lauxlib.h>

#include "helpers/error.h"

#include "lua/host/host.h"
#include "lua/sandbox/bridge.h"

int error_code_of_name(const char *name)
{
	static const char *const names[] = {
		"INVALID", "NOT_FOUND", "EXISTS", "IN_USE", "CONFLICT", "PERMISSION",
		"UNAUTHORIZED", "DENIED", "UNSUPPORTED", "UNAVAILABLE", "TIMEOUT", "CANCELLED",
		"NO_SPACE", "NO_MEMORY", "LIMIT", "CORRUPT", "IO", "INTERNAL",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0) {
			return -(int)(i + 1);
		}
	}
	return 0;
}

static void push_json(lua_State *L, const char *text)
{
	if (!text || !*text) {
		lua_pushnil(L);
		return;
	}
	bridge_push(L, bridge_parse(L, text, strlen(text)));
	bridge_release(L);
}

static void push_list(lua_State *L, const char *const *list)
{
	lua_Integer n = 0;

	lua_newtable(L);
	for (; list && *list; list++) {
		lua_pushstring(L, *list);
		lua_rawseti(L, -2, ++n);
	}
}

static void push_bytes(lua_State *L, const struct gantry_bytes *bytes)
{
	if (bytes->data) {
		lua_pushlstring(L, bytes->data, bytes->size);
	} else {
		lua_pushnil(L);
	}
}

/* As a number that is good for functions of this call only. */
static void push_descriptor(lua_State *L, int fd)
{
	struct instance *instance = calling_instance(L);

	if (fd >= 0 && instance) {
		lua_pushinteger(L, descriptor_add(L, instance, fd, 0));
	} else {
		lua_pushnil(L);
	}
}

static void push_field(lua_State *L, const struct gantry_field *field, const void *at)
{
	switch (field->type) {
	case GANTRY_TYPE_STRING:
		lua_pushstring(L, *(const char *const *)at);
		break;
	case GANTRY_TYPE_INTEGER:
		lua_pushinteger(L, *(const int64_t *)at);
		break;
	case GANTRY_TYPE_BOOLEAN:
		lua_pushboolean(L, *(const int64_t *)at != 0);
		break;
	case GANTRY_TYPE_BYTES:
		push_bytes(L, at);
		break;
	case GANTRY_TYPE_JSON:
		push_json(L, *(const char *const *)at);
		break;
	case GANTRY_TYPE_LIST:
		push_list(L, *(const char *const *const *)at);
		break;
	case GANTRY_TYPE_HANDLE:
		lua_pushinteger(L, (lua_Integer) * (const uint64_t *)at);
		break;
	default:
		push_descriptor(L, *(const int32_t *)at);
	}
}

void push_args(lua_State *L, const struct gantry_op *op, const void *args)
{
	uint64_t size = *(const uint64_t *)args;
	uint32_t i;

	lua_createtable(L, 0, (int)op->n_args);
	for (i = 0; i < op->n_args; i++) {
		const struct gantry_field *field = &op->args[i];

		/* An older caller's struct may end before this field. */
		if (field->offset + sizeof(int32_t) > size) {
			continue;
		}
		push_field(L, field, (const char *)args + field->offset);
		lua_setfield(L, -2, field->name);
	}
}

/* ---- results ---- */

static int put_json(lua_State *L, struct gantry_reply *reply, uint32_t number)
{
	struct sandbox *sb = sandbox_of(L);
	json_object *value = bridge_to_json(L, -1);
	int r;

	sandbox_enter_host(sb);
	r = reply->ops->put_string(reply, number,
				   json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
								  JSON_C_TO_STRING_NOSLASHESCAPE));
	sandbox_leave_host(sb);
	bridge_release(L);
	return r;
}

static int put_list(lua_State *L, struct gantry_reply *reply, uint32_t number, const char *name)
{
	int r = 0, list = lua_gettop(L);
	lua_Integer i;

	if (lua_type(L, list) != LUA_TTABLE) {
		luaL_error(L, "the result %s must be a list", name);
	}
	for (i = 1; r == 0 && lua_rawgeti(L, list, i) != LUA_TNIL; i++) {
		const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;

		if (!text) {
			luaL_error(L, "the result %s must be a list of texts", name);
		}
		sandbox_enter_host(sandbox_of(L));
		r = reply->ops->put_item(reply, number, text);
		sandbox_leave_host(sandbox_of(L));
		lua_pop(L, 1);
	}
	return r;
}

static int put_text(lua_State *L, struct gantry_reply *reply, uint32_t number, uint32_t type,
		    const char *name)
{
	size_t len;
	const char *text;
	int r;

	if (lua_type(L, -1) != LUA_TSTRING) {
		luaL_error(L, "the result %s must be a text, not a %s", name, luaL_typename(L, -1));
	}
	text = lua_tolstring(L, -1, &len);
	sandbox_enter_host(sandbox_of(L));
	r = type == GANTRY_TYPE_BYTES ? reply->ops->put_bytes(reply, number, text, len) :
					reply->ops->put_string(reply, number, text);
	sandbox_leave_host(sandbox_of(L));
	return r;
}

static int put_number(lua_State *L, struct gantry_reply *reply, uint32_t number, const char *name)
{
	int is_integer = 1;
	lua_Integer value = lua_isboolean(L, -1) ? lua_toboolean(L, -1) :
						   lua_tointegerx(L, -1, &is_integer);

	if (!is_integer) {
		luaL_error(L, "the result %s must be an integer, not a %s", name,
			   luaL_typename(L, -1));
	}
	return reply->ops->put_integer(reply, number, value);
}

static int put_descriptor(lua_State *L, struct gantry_reply *reply, uint32_t number,
			  const char *name)
{
	struct instance *instance = calling_instance(L);
	int fd = instance && lua_isinteger(L, -1) ? descriptor_take(instance, lua_tointeger(L, -1)) : -1;

	if (fd < 0) {
		luaL_error(L, "the result %s must be a descriptor that this call made", name);
	}
	return reply->ops->put_fd(reply, number, fd);
}

static int put_value(lua_State *L, const struct gantry_field *field, uint32_t number,
		     struct gantry_reply *reply)
{
	switch (field->type) {
	case GANTRY_TYPE_STRING:
	case GANTRY_TYPE_BYTES:
		return put_text(L, reply, number, field->type, field->name);
	case GANTRY_TYPE_INTEGER:
	case GANTRY_TYPE_BOOLEAN:
	case GANTRY_TYPE_HANDLE:
		return put_number(L, reply, number, field->name);
	case GANTRY_TYPE_JSON:
		return put_json(L, reply, number);
	case GANTRY_TYPE_LIST:
		return put_list(L, reply, number, field->name);
	default:
		return put_descriptor(L, reply, number, field->name);
	}
}

void put_results(lua_State *L, int index, const struct gantry_op *op, struct gantry_reply *reply)
{
	uint32_t i;

	if (lua_isnoneornil(L, index)) {
		return;
	}
	if (lua_type(L, index) != LUA_TTABLE) {
		luaL_error(L, "%s returned a %s: return a table of results", op->name,
			   luaL_typename(L, index));
	}
	for (i = 0; i < op->n_results; i++) {
		const struct gantry_field *field = &op->results[i];

		if (lua_getfield(L, index, field->name) != LUA_TNIL &&
		    put_value(L, field, field->offset, reply) < 0) {
			luaL_error(L, "the result %s of %s was refused", field->name, op->name);
		}
		lua_settop(L, index);
	}
}
