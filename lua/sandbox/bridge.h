/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values between JSON and Lua: whole copies, and lazy read-only views of an
 * object that the host lends for one call.  A view from an earlier call is
 * refused, so a script cannot keep what it was lent.
 */
#ifndef LUA_SANDBOX_BRIDGE_H
#define LUA_SANDBOX_BRIDGE_H

#include <json-c/json.h>
#include <lua.h>

#define BRIDGE_DEPTH_MAX 64

/* Pushes a copy; JSON null becomes nil inside objects and `null` inside arrays. */
void bridge_push(lua_State *L, json_object *object);

/* Pushes a scalar, or a view of an object or array; object must outlive the
 * running call and not change meanwhile. */
void bridge_push_view(lua_State *L, json_object *object);

/* The JSON form of the value at index.  Raises for what has none: functions,
 * cycles (as too deep), mixed keys, NaN, text that is not UTF-8.  The sandbox
 * owns the result until the call ends; json_object_get() to keep it longer. */
json_object *bridge_to_json(lua_State *L, int index);

/* Frees what the last bridge_to_json() or bridge_parse() made, before the end of
 * the call: for functions that a script may call in a loop. */
void bridge_release(lua_State *L);

/* Parses text under the bridge's limits; owned as above; raises. */
json_object *bridge_parse(lua_State *L, const char *text, size_t len);

/* Pushes JSON null as scripts see it, and the marker of (empty) arrays: a
 * table with this metatable is an array. */
void bridge_push_null(lua_State *L);
void bridge_push_array_metatable(lua_State *L);

/* Is it well-formed UTF-8? */
int is_utf8(const char *text, size_t len);

#endif
