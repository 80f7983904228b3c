/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table library, written again with bounded loops.  Lengths are trusted only
 * as far as the memory limit could make them true; sorting is a heapsort, which
 * takes n log n steps and stays within the table whatever the comparator says.
 */
#include <lauxlib.h>

#include "lua/sandbox/internal.h"

#define LENGTH_MAX (1 << 24)

static lua_Integer checked_length(lua_State *L, int arg)
{
	lua_Integer n = luaL_len(L, arg);

	if (n < 0 || n > LENGTH_MAX) {
		luaL_error(L, "table has an impossible length");
	}
	return n;
}

/* Anything that can be read like a list: tables, and views of requests. */
static void check_list(lua_State *L, int arg)
{
	if (lua_type(L, arg) != LUA_TTABLE) {
		luaL_argexpected(L, luaL_getmetafield(L, arg, "__len") != LUA_TNIL, arg, "table");
		lua_pop(L, 1);
	}
}

static int table_insert(lua_State *L)
{
	lua_Integer n, at, i;

	luaL_checktype(L, 1, LUA_TTABLE);
	n = checked_length(L, 1) + 1;
	if (lua_gettop(L) == 2) {
		lua_seti(L, 1, n);
		return 0;
	}
	if (lua_gettop(L) != 3) {
		return luaL_error(L, "wrong number of arguments to 'insert'");
	}
	at = luaL_checkinteger(L, 2);
	luaL_argcheck(L, at >= 1 && at <= n, 2, "position out of bounds");
	for (i = n; i > at; i--) {
		lua_geti(L, 1, i - 1);
		lua_seti(L, 1, i);
		sandbox_tick(sandbox_of(L));
	}
	lua_seti(L, 1, at);
	return 0;
}

static int table_remove(lua_State *L)
{
	lua_Integer n, at;

	luaL_checktype(L, 1, LUA_TTABLE);
	n = checked_length(L, 1);
	at = luaL_optinteger(L, 2, n);
	if (lua_gettop(L) >= 2) {
		luaL_argcheck(L, at == n || (at >= 1 && at <= n + 1), 2, "position out of bounds");
	}
	lua_geti(L, 1, at);
	for (; at < n; at++) {
		lua_geti(L, 1, at + 1);
		lua_seti(L, 1, at);
		sandbox_tick(sandbox_of(L));
	}
	lua_pushnil(L);
	lua_seti(L, 1, at);
	return 1;
}

static int table_concat(lua_State *L)
{
	size_t sep_len;
	const char *sep;
	lua_Integer i, last;
	luaL_Buffer b;

	check_list(L, 1);
	sep = luaL_optlstring(L, 2, "", &sep_len);
	i = luaL_optinteger(L, 3, 1);
	last = lua_isnoneornil(L, 4) ? checked_length(L, 1) : luaL_checkinteger(L, 4);
	luaL_buffinit(L, &b);
	for (; i <= last; i++) {
		lua_geti(L, 1, i);
		if (!lua_isstring(L, -1)) {
			return luaL_error(L, "invalid value (a %s) at index %I in table for 'concat'",
					  luaL_typename(L, -1), (LUAI_UACINT)i);
		}
		luaL_addvalue(&b);
		if (i == last) {
			break; /* last may be the largest integer */
		}
		luaL_addlstring(&b, sep, sep_len);
		sandbox_tick(sandbox_of(L));
	}
	luaL_pushresult(&b);
	return 1;
}

static int table_pack(lua_State *L)
{
	int i, n = lua_gettop(L);

	lua_createtable(L, n, 1);
	lua_insert(L, 1);
	for (i = n; i >= 1; i--) {
		lua_seti(L, 1, i);
	}
	lua_pushinteger(L, n);
	lua_setfield(L, 1, "n");
	return 1;
}

static int table_unpack(lua_State *L)
{
	lua_Integer i, n, first = luaL_optinteger(L, 2, 1);
	lua_Integer last = lua_isnoneornil(L, 3) ? luaL_len(L, 1) : luaL_checkinteger(L, 3);

	if (first > last) {
		return 0;
	}
	if ((lua_Unsigned)last - (lua_Unsigned)first >= 200000) {
		return luaL_error(L, "too many results to unpack");
	}
	n = last - first + 1;
	luaL_checkstack(L, (int)n, "too many results to unpack");
	for (i = 0; i < n; i++) {
		lua_geti(L, 1, first + i);
		sandbox_tick(sandbox_of(L));
	}
	return (int)n;
}

static int table_move(lua_State *L)
{
	lua_Integer first = luaL_checkinteger(L, 2);
	lua_Integer last = luaL_checkinteger(L, 3);
	lua_Integer to = luaL_checkinteger(L, 4);
	int target = lua_isnoneornil(L, 5) ? 1 : 5;
	lua_Integer i, n;

	luaL_checktype(L, target, LUA_TTABLE);
	check_list(L, 1);
	if (last >= first) {
		luaL_argcheck(L, (lua_Unsigned)last - (lua_Unsigned)first < LENGTH_MAX, 3,
			      "too many elements to move");
		n = last - first + 1;
		luaL_argcheck(L, to <= LUA_MAXINTEGER - n + 1, 4, "destination wrap around");
		for (i = 0; i < n; i++) {
			/* Backwards when the target lies inside the source. */
			lua_Integer k = target == 1 && to > first ? n - 1 - i : i;

			lua_geti(L, 1, first + k);
			lua_seti(L, target, to + k);
			sandbox_tick(sandbox_of(L));
		}
	}
	lua_pushvalue(L, target);
	return 1;
}

/* ---- sort ---- */

/* Is the value at a less than the one at b (stack indexes)? */
static int is_less(lua_State *L, int a, int b)
{
	int less;

	sandbox_tick(sandbox_of(L));
	if (lua_isnoneornil(L, 2)) {
		return lua_compare(L, a, b, LUA_OPLT);
	}
	lua_pushvalue(L, 2);
	lua_pushvalue(L, a);
	lua_pushvalue(L, b);
	lua_call(L, 2, 1);
	less = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return less;
}

/* Sinks the value on the top of the stack into the heap 1..n from slot `at`. */
static void sink(lua_State *L, lua_Integer at, lua_Integer n)
{
	int value = lua_gettop(L);
	lua_Integer child;

	for (; (child = at * 2) <= n; at = child) {
		lua_geti(L, 1, child);
		if (child < n) {
			lua_geti(L, 1, child + 1);
			if (is_less(L, value + 1, value + 2)) {
				child++;
				lua_replace(L, value + 1);
			} else {
				lua_pop(L, 1);
			}
		}
		if (!is_less(L, value, value + 1)) {
			lua_settop(L, value);
			break;
		}
		lua_seti(L, 1, at);
	}
	lua_seti(L, 1, at);
}

static int table_sort(lua_State *L)
{
	lua_Integer i, n;

	luaL_checktype(L, 1, LUA_TTABLE);
	n = checked_length(L, 1);
	if (!lua_isnoneornil(L, 2)) {
		luaL_checktype(L, 2, LUA_TFUNCTION);
	}
	lua_settop(L, 2);
	luaL_checkstack(L, 16, "too many nested calls");
	for (i = n / 2; i >= 1; i--) {
		lua_geti(L, 1, i);
		sink(L, i, n);
	}
	for (i = n; i > 1; i--) {
		lua_geti(L, 1, i);
		lua_geti(L, 1, 1);
		lua_seti(L, 1, i);
		sink(L, 1, i - 1);
	}
	return 0;
}

static const luaL_Reg functions[] = {
	{ "concat", table_concat },
	{ "insert", table_insert },
	{ "move", table_move },
	{ "pack", table_pack },
	{ "remove", table_remove },
	{ "sort", table_sort },
	{ "unpack", table_unpack },
	{ NULL, NULL },
};

void lib_table(lua_State *L)
{
	luaL_newlib(L, functions);
}
