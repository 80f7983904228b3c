/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The globals of a script, built from an empty table by a whitelist.  Library
 * tables are reached through read-only fronts; the script's own globals are an
 * ordinary table, which only this script sees.
 */
#include <lauxlib.h>

#include "lua/sandbox/internal.h"

static int refuse_write(lua_State *L)
{
	return luaL_error(L, "cannot change the library '%s'",
			  lua_tostring(L, lua_upvalueindex(1)));
}

void environment_freeze(lua_State *L, const char *name)
{
	lua_newtable(L);                 /* library, front */
	lua_createtable(L, 0, 3);        /* library, front, metatable */
	lua_pushvalue(L, -3);
	lua_setfield(L, -2, "__index");
	lua_pushstring(L, name);
	lua_pushcclosure(L, refuse_write, 1);
	lua_setfield(L, -2, "__newindex");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_remove(L, -2);
}

static void add_library(lua_State *L, const char *name, void (*open)(lua_State *L))
{
	open(L);
	environment_freeze(L, name);
	lua_setfield(L, -2, name);
}

void environment_open(lua_State *L)
{
	lua_createtable(L, 0, 32);
	lib_base(L);
	add_library(L, "string", lib_string);
	add_library(L, "table", lib_table);
	add_library(L, "math", lib_math);
	add_library(L, "utf8", lib_utf8);
	add_library(L, "coroutine", lib_coroutine);
	lib_gantry(L);
	lua_pushvalue(L, -1);
	lua_setfield(L, -2, "_G");
	lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}
