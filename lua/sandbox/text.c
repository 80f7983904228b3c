/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Printable forms of values.  Unlike Lua's own they show no address, which would
 * help an attack and make the same script log differently each time.
 */
#include <lauxlib.h>

#include "lua/sandbox/internal.h"

const char *push_text(lua_State *L, int index, size_t *ret_len)
{
	index = lua_absindex(L, index);
	if (luaL_callmeta(L, index, "__tostring")) {
		if (!lua_isstring(L, -1)) {
			luaL_error(L, "'__tostring' must return a string");
		}
		return lua_tolstring(L, -1, ret_len);
	}
	switch (lua_type(L, index)) {
	case LUA_TNUMBER:
	case LUA_TSTRING:
	case LUA_TBOOLEAN:
	case LUA_TNIL:
		return luaL_tolstring(L, index, ret_len);
	case LUA_TLIGHTUSERDATA:
		lua_pushliteral(L, "null");
		break;
	default:
		if (luaL_getmetafield(L, index, "__name") == LUA_TSTRING) {
			break;
		}
		lua_pushstring(L, luaL_typename(L, index));
	}
	return lua_tolstring(L, -1, ret_len);
}
