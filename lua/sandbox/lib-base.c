/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The basic functions, coroutines and arithmetic: Lua's own where they are
 * harmless, by name from a whitelist, and replacements where they are not.
 * There is no load, loadstring, dofile, loadfile, collectgarbage, require of
 * files, math.random (a policy decides the same way twice) or warn.
 */
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "lua/sandbox/internal.h"

/* Coroutines that close each other's pending variables escape Lua 5.4.4's count
 * of C calls, so closing counts for itself. */
#define CLOSING_MAX 4

static int base_rawset(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_checkany(L, 2);
	luaL_checkany(L, 3);
	if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) {
		return luaL_error(L, "cannot change a protected table");
	}
	lua_settop(L, 3);
	lua_rawset(L, 1);
	return 1;
}

static void refuse_field(lua_State *L, const char *field, const char *why)
{
	lua_pushstring(L, field);
	if (lua_rawget(L, 2) != LUA_TNIL) {
		luaL_error(L, "a metatable with %s is not accepted: %s", field, why);
	}
	lua_pop(L, 1);
}

static int base_setmetatable(lua_State *L)
{
	int type = lua_type(L, 2);

	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
	if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) {
		return luaL_error(L, "cannot change a protected metatable");
	}
	if (type == LUA_TTABLE) {
		/* Finalisers run with hooks off, and weak tables make the collector's
		 * work quadratic. */
		refuse_field(L, "__gc", "scripts have no finalisers");
		refuse_field(L, "__mode", "scripts have no weak tables");
	}
	lua_settop(L, 2);
	lua_setmetatable(L, 1);
	return 1;
}

static int base_tostring(lua_State *L)
{
	luaL_checkany(L, 1);
	push_text(L, 1, NULL);
	return 1;
}

/* A view of a request is a table to who reads it. */
static int base_type(lua_State *L)
{
	luaL_checkany(L, 1);
	if (lua_type(L, 1) == LUA_TUSERDATA) {
		lua_pushliteral(L, "table");
	} else if (lua_islightuserdata(L, 1)) {
		lua_pushliteral(L, "null");
	} else {
		lua_pushstring(L, luaL_typename(L, 1));
	}
	return 1;
}

/* Stack: handler, then the results of the protected call. */
static int xpcall_done(lua_State *L, int status, lua_KContext ctx)
{
	(void)ctx;
	if (status == LUA_OK || status == LUA_YIELD) {
		lua_pushboolean(L, 1);
		lua_replace(L, 1);
		return lua_gettop(L);
	}
	/* The handler runs after the stack was unwound, as ordinary code, so that
	 * a failing handler is an ordinary error. */
	lua_pushboolean(L, 0);
	lua_insert(L, 1);
	lua_settop(L, 3);
	lua_call(L, 1, 1);
	return 2;
}

static int base_xpcall(lua_State *L)
{
	luaL_checkany(L, 1);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_pushvalue(L, 2);
	lua_insert(L, 1);
	lua_remove(L, 3);
	return xpcall_done(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, xpcall_done), 0);
}

static void copy_names(lua_State *L, int from, const char *const *names)
{
	for (; *names; names++) {
		lua_getfield(L, from, *names);
		lua_setfield(L, -2, *names);
	}
}

void lib_base(lua_State *L)
{
	static const char *const kept[] = { "assert", "error", "getmetatable", "ipairs", "next",
					    "pairs", "pcall", "rawequal", "rawget", "rawlen",
					    "select", "tonumber", NULL };
	static const luaL_Reg own[] = {
		{ "rawset", base_rawset },     { "setmetatable", base_setmetatable },
		{ "tostring", base_tostring }, { "type", base_type },
		{ "xpcall", base_xpcall },     { NULL, NULL },
	};

	luaopen_base(L);
	lua_insert(L, -2);
	copy_names(L, lua_gettop(L) - 1, kept);
	luaL_setfuncs(L, own, 0);
	lua_remove(L, -2);
	lua_pushliteral(L, "Lua 5.4");
	lua_setfield(L, -2, "_VERSION");
}

void lib_math(lua_State *L)
{
	static const char *const kept[] = { "abs", "acos", "asin", "atan", "ceil", "cos", "deg",
					    "exp", "floor", "fmod", "huge", "log", "max",
					    "maxinteger", "min", "mininteger", "modf", "pi", "rad",
					    "sin", "sqrt", "tan", "tointeger", "type", "ult", NULL };

	luaopen_math(L);
	lua_newtable(L);
	copy_names(L, lua_gettop(L) - 1, kept);
	lua_remove(L, -2);
}

void lib_utf8(lua_State *L)
{
	luaopen_utf8(L);
}

/* Resets co, running its pending __close handlers; leaves an error on co. */
static int close_coroutine(lua_State *L, lua_State *co)
{
	struct sandbox *sb = sandbox_of(L);
	int status;

	if (sb->closing >= CLOSING_MAX) {
		luaL_error(L, "coroutines close each other too deeply");
	}
	sb->closing++;
	status = lua_resetthread(co);
	sb->closing--;
	return status;
}

static int coroutine_close(lua_State *L)
{
	lua_State *co = lua_tothread(L, 1);
	lua_Debug ar;

	luaL_argexpected(L, co, 1, "coroutine");
	if (co == L || (lua_status(co) == LUA_OK && lua_getstack(co, 0, &ar))) {
		return luaL_error(L, "cannot close a running coroutine");
	}
	if (close_coroutine(L, co) == LUA_OK) {
		lua_pushboolean(L, 1);
		return 1;
	}
	lua_pushboolean(L, 0);
	lua_xmove(co, L, 1);
	return 2;
}

static int wrap_next(lua_State *L)
{
	lua_State *co = lua_tothread(L, lua_upvalueindex(1));
	int n = lua_gettop(L);
	int status;

	if (!lua_checkstack(co, n)) {
		return luaL_error(L, "too many arguments to resume");
	}
	if (lua_status(co) == LUA_OK && lua_gettop(co) == 0) {
		return luaL_error(L, "cannot resume dead coroutine");
	}
	lua_xmove(L, co, n);
	status = lua_resume(co, L, n, &n);
	if (status == LUA_OK || status == LUA_YIELD) {
		luaL_checkstack(L, n + 1, "too many results to resume");
		lua_xmove(co, L, n);
		return n;
	}
	/* As Lua does: a coroutine that failed closes what it left open. */
	if (lua_status(co) != LUA_OK && lua_status(co) != LUA_YIELD) {
		close_coroutine(L, co);
	}
	lua_xmove(co, L, 1);
	return lua_error(L);
}

static int coroutine_wrap(lua_State *L)
{
	lua_State *co;

	luaL_checktype(L, 1, LUA_TFUNCTION);
	co = lua_newthread(L);
	lua_pushvalue(L, 1);
	lua_xmove(L, co, 1);
	lua_pushcclosure(L, wrap_next, 1);
	return 1;
}

void lib_coroutine(lua_State *L)
{
	static const char *const kept[] = { "create", "isyieldable", "resume", "running", "status",
					    "yield", NULL };
	static const luaL_Reg own[] = { { "close", coroutine_close },
					{ "wrap", coroutine_wrap },
					{ NULL, NULL } };

	luaopen_coroutine(L);
	lua_newtable(L);
	copy_names(L, lua_gettop(L) - 1, kept);
	luaL_setfuncs(L, own, 0);
	lua_remove(L, -2);
}
