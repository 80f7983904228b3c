/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies between JSON and Lua.  While JSON is built the thread counts as being
 * in the host (json-c allocates), every new object is attached to its parent at
 * once and the root is held by the sandbox, so a stop leaks nothing.
 */
#include <math.h>
#include <string.h>

#include <lauxlib.h>

#include "lua/sandbox/bridge.h"
#include "lua/sandbox/internal.h"

static const char array_metatable_key;

int is_utf8(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;

	while (p < end) {
		unsigned n, i;
		unsigned long c;

		if (*p < 0x80) {
			p++;
			continue;
		}
		n = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
		if (*p < 0xc2 || *p > 0xf4 || (size_t)(end - p) <= n) {
			return 0;
		}
		c = *p & (0x3fu >> n);
		for (i = 1; i <= n; i++) {
			if ((p[i] & 0xc0) != 0x80) {
				return 0;
			}
			c = c << 6 | (p[i] & 0x3f);
		}
		if ((n == 2 && (c < 0x800 || (c >= 0xd800 && c <= 0xdfff))) ||
		    (n == 3 && (c < 0x10000 || c > 0x10ffff))) {
			return 0;
		}
		p += n + 1;
	}
	return 1;
}

void bridge_push_null(lua_State *L)
{
	lua_pushlightuserdata(L, NULL);
}

void bridge_push_array_metatable(lua_State *L)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &array_metatable_key) == LUA_TTABLE) {
		return;
	}
	lua_pop(L, 1);
	lua_createtable(L, 0, 2);
	lua_pushliteral(L, "array");
	lua_setfield(L, -2, "__name");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &array_metatable_key);
}

static int is_marked_array(lua_State *L, int index)
{
	int same;

	if (!lua_getmetatable(L, index)) {
		return 0;
	}
	bridge_push_array_metatable(L);
	same = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	return same;
}

/* ---- JSON to Lua ---- */

static void push_value(lua_State *L, json_object *value, int depth);

static void push_array(lua_State *L, json_object *array, int depth)
{
	size_t i, n = json_object_array_length(array);

	lua_createtable(L, (int)(n < 65536 ? n : 65536), 0);
	bridge_push_array_metatable(L);
	lua_setmetatable(L, -2);
	for (i = 0; i < n; i++) {
		json_object *item = json_object_array_get_idx(array, i);

		if (item) {
			push_value(L, item, depth + 1);
		} else {
			bridge_push_null(L);
		}
		lua_rawseti(L, -2, (lua_Integer)i + 1);
		sandbox_tick(sandbox_of(L));
	}
}

static void push_object(lua_State *L, json_object *object, int depth)
{
	lua_createtable(L, 0, json_object_object_length(object));
	json_object_object_foreach(object, key, value)
	{
		lua_pushstring(L, key);
		push_value(L, value, depth + 1);
		lua_rawset(L, -3);
		sandbox_tick(sandbox_of(L));
	}
}

static void push_scalar(lua_State *L, json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_boolean:
		lua_pushboolean(L, json_object_get_boolean(value));
		break;
	case json_type_int:
		/* What does not fit is larger than any integer of Lua. */
		if (json_object_get_int64(value) == INT64_MAX &&
		    json_object_get_uint64(value) > (uint64_t)INT64_MAX) {
			lua_pushnumber(L, (lua_Number)json_object_get_uint64(value));
		} else {
			lua_pushinteger(L, json_object_get_int64(value));
		}
		break;
	case json_type_double:
		lua_pushnumber(L, json_object_get_double(value));
		break;
	case json_type_string:
		lua_pushlstring(L, json_object_get_string(value),
				(size_t)json_object_get_string_len(value));
		break;
	default:
		lua_pushnil(L);
	}
}

static void push_value(lua_State *L, json_object *value, int depth)
{
	if (depth > BRIDGE_DEPTH_MAX) {
		luaL_error(L, "JSON is nested deeper than %d levels", BRIDGE_DEPTH_MAX);
	}
	luaL_checkstack(L, 8, "JSON is nested too deeply");
	switch (json_object_get_type(value)) {
	case json_type_array:
		push_array(L, value, depth);
		break;
	case json_type_object:
		push_object(L, value, depth);
		break;
	default:
		push_scalar(L, value);
	}
}

void bridge_push(lua_State *L, json_object *object)
{
	push_value(L, object, 0);
}

/* ---- views ---- */

struct view {
	json_object *object;
	uint64_t generation;
};

static const char view_metatable_key;

static void push_view_metatable(lua_State *L);

void bridge_push_view(lua_State *L, json_object *object)
{
	enum json_type type = json_object_get_type(object);
	struct view *view;

	if (type != json_type_array && type != json_type_object) {
		push_scalar(L, object);
		return;
	}
	view = lua_newuserdatauv(L, sizeof(*view), 0);
	view->object = object;
	view->generation = sandbox_generation(sandbox_of(L));
	push_view_metatable(L);
	lua_setmetatable(L, -2);
}

/* The only userdata that scripts can hold are views and the buffers of the
 * auxiliary library, which they never see. */
static json_object *view_object(lua_State *L, int index)
{
	struct view *view = lua_touserdata(L, index);

	if (lua_type(L, index) != LUA_TUSERDATA ||
	    view->generation != sandbox_generation(sandbox_of(L))) {
		luaL_error(L, "this request is over: what a hook keeps for later it must copy");
	}
	return view->object;
}

static int view_index(lua_State *L)
{
	json_object *object = view_object(L, 1), *value = NULL;

	if (json_object_is_type(object, json_type_array)) {
		lua_Integer i = lua_isinteger(L, 2) ? lua_tointeger(L, 2) : 0;

		if (i >= 1 && (size_t)i <= json_object_array_length(object)) {
			value = json_object_array_get_idx(object, (size_t)i - 1);
		}
	} else if (lua_type(L, 2) == LUA_TSTRING) {
		json_object_object_get_ex(object, lua_tostring(L, 2), &value);
	}
	bridge_push_view(L, value);
	return 1;
}

static int view_len(lua_State *L)
{
	json_object *object = view_object(L, 1);

	lua_pushinteger(L, json_object_is_type(object, json_type_array) ?
			   (lua_Integer)json_object_array_length(object) : 0);
	return 1;
}

static int view_newindex(lua_State *L)
{
	return luaL_error(L, "a request is read-only: return rewrite { ... } to change it");
}

/* Upvalues: the view, and the entry (objects) or index (arrays) that is next. */
static int view_next(lua_State *L)
{
	json_object *object = view_object(L, lua_upvalueindex(1));

	if (json_object_is_type(object, json_type_array)) {
		lua_Integer i = lua_tointeger(L, lua_upvalueindex(2));

		if ((size_t)i >= json_object_array_length(object)) {
			return 0;
		}
		lua_pushinteger(L, i + 1);
		lua_pushvalue(L, -1);
		lua_replace(L, lua_upvalueindex(2));
		bridge_push_view(L, json_object_array_get_idx(object, (size_t)i));
	} else {
		struct lh_entry *entry = lua_touserdata(L, lua_upvalueindex(2));

		if (!entry) {
			return 0;
		}
		lua_pushstring(L, lh_entry_k(entry));
		lua_pushlightuserdata(L, entry->next);
		lua_replace(L, lua_upvalueindex(2));
		bridge_push_view(L, lh_entry_v(entry));
	}
	return 2;
}

static int view_pairs(lua_State *L)
{
	json_object *object = view_object(L, 1);

	lua_settop(L, 1);
	if (json_object_is_type(object, json_type_array)) {
		lua_pushinteger(L, 0);
	} else {
		lua_pushlightuserdata(L, json_object_get_object(object)->head);
	}
	lua_pushcclosure(L, view_next, 2);
	return 1;
}

static void push_view_metatable(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{ "__index", view_index },
		{ "__len", view_len },
		{ "__newindex", view_newindex },
		{ "__pairs", view_pairs },
		{ NULL, NULL },
	};

	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &view_metatable_key) == LUA_TTABLE) {
		return;
	}
	lua_pop(L, 1);
	lua_createtable(L, 0, 6);
	luaL_setfuncs(L, methods, 0);
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_pushliteral(L, "request");
	lua_setfield(L, -2, "__name");
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &view_metatable_key);
}

/* ---- Lua to JSON ---- */

/* Limits on what one conversion makes: JSON takes several times the memory of
 * the Lua value, and is not counted by the sandbox's allocator. */
#define VALUES_MAX 262144
#define TEXT_MAX ((size_t)16 << 20)

struct reader {
	struct sandbox *sb;
	json_object *holder; /* an array; its one element is the result */
	unsigned values;
	size_t text;
};

struct parent {
	json_object *object;
	const char *key; /* NULL: append to the array */
};

static void release_json(void *p)
{
	json_object_put(p);
}

/* Between enter_host and leave_host: returns -1 instead of raising. */
static int attach(const struct parent *parent, json_object *value)
{
	int r = parent->key ? json_object_object_add(parent->object, parent->key, value) :
			      json_object_array_add(parent->object, value);

	if (r < 0) {
		json_object_put(value);
	}
	return r;
}

/* Makes a value and attaches it to its parent in one uninterrupted step. */
#define ATTACH(L, reader, parent, make)                                \
	do {                                                           \
		int attached;                                          \
		sandbox_enter_host((reader)->sb);                      \
		attached = attach(parent, make);                       \
		sandbox_leave_host((reader)->sb);                      \
		if (attached < 0)                                      \
			luaL_error(L, "out of memory");                \
	} while (0)

static void count(lua_State *L, struct reader *reader, size_t text)
{
	sandbox_tick(reader->sb);
	reader->text += text;
	if (++reader->values > VALUES_MAX || reader->text > TEXT_MAX) {
		luaL_error(L, "a value is too large for JSON");
	}
}

static void read_value(lua_State *L, struct reader *reader, int index,
		       const struct parent *parent, int depth);

/* Are the keys 1..n?  Raises for what is neither that nor all names. */
static int is_sequence(lua_State *L, int index)
{
	lua_Unsigned n = lua_rawlen(L, index), found = 0;

	if (n == 0) {
		return is_marked_array(L, index);
	}
	lua_pushnil(L);
	while (lua_next(L, index)) {
		lua_pop(L, 1);
		if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1 ||
		    (lua_Unsigned)lua_tointeger(L, -1) > n) {
			luaL_error(L, "a table with both a list and named fields has no JSON form");
		}
		found++;
		sandbox_tick(sandbox_of(L));
	}
	if (found != n) {
		luaL_error(L, "a list with holes has no JSON form");
	}
	return 1;
}

static void read_array(lua_State *L, struct reader *reader, int index, json_object *array,
		       int depth)
{
	struct parent parent = { array, NULL };
	lua_Integer i, n = (lua_Integer)lua_rawlen(L, index);

	for (i = 1; i <= n; i++) {
		lua_rawgeti(L, index, i);
		read_value(L, reader, lua_gettop(L), &parent, depth + 1);
		lua_pop(L, 1);
	}
}

static void read_object(lua_State *L, struct reader *reader, int index, json_object *object,
			int depth)
{
	lua_pushnil(L);
	while (lua_next(L, index)) {
		struct parent parent = { object, NULL };
		size_t len;

		if (lua_type(L, -2) != LUA_TSTRING) {
			luaL_error(L, "a table key that is a %s has no JSON form",
				   luaL_typename(L, -2));
		}
		parent.key = lua_tolstring(L, -2, &len);
		if (strlen(parent.key) != len || !is_utf8(parent.key, len)) {
			luaL_error(L, "a table key is not text in UTF-8");
		}
		count(L, reader, len);
		read_value(L, reader, lua_gettop(L), &parent, depth + 1);
		lua_pop(L, 1);
	}
}

static json_object *last_of(const struct parent *parent)
{
	json_object *value = NULL;

	if (parent->key) {
		json_object_object_get_ex(parent->object, parent->key, &value);
		return value;
	}
	return json_object_array_get_idx(parent->object,
					 json_object_array_length(parent->object) - 1);
}

static void check_depth(lua_State *L, int depth)
{
	if (depth > BRIDGE_DEPTH_MAX) {
		luaL_error(L, "a table is nested deeper than %d levels, or contains itself",
			   BRIDGE_DEPTH_MAX);
	}
	luaL_checkstack(L, 8, "a table is nested too deeply");
}

static void read_table(lua_State *L, struct reader *reader, int index,
		       const struct parent *parent, int depth)
{
	check_depth(L, depth);
	if (is_sequence(L, index)) {
		ATTACH(L, reader, parent, json_object_new_array());
		read_array(L, reader, index, last_of(parent), depth);
	} else {
		ATTACH(L, reader, parent, json_object_new_object());
		read_object(L, reader, index, last_of(parent), depth);
	}
}

static void read_string(lua_State *L, struct reader *reader, int index,
			const struct parent *parent)
{
	size_t len;
	const char *text = lua_tolstring(L, index, &len);

	if (!is_utf8(text, len)) {
		luaL_error(L, "text that is not UTF-8 has no JSON form");
	}
	count(L, reader, len);
	ATTACH(L, reader, parent, json_object_new_string_len(text, (int)len));
}

static void read_number(lua_State *L, struct reader *reader, int index,
			const struct parent *parent)
{
	if (lua_isinteger(L, index)) {
		ATTACH(L, reader, parent, json_object_new_int64(lua_tointeger(L, index)));
		return;
	}
	if (!isfinite(lua_tonumber(L, index))) {
		luaL_error(L, "a number that is not finite has no JSON form");
	}
	ATTACH(L, reader, parent, json_object_new_double(lua_tonumber(L, index)));
}

/* A copy of what a view shows. */
static void read_json(lua_State *L, struct reader *reader, json_object *value,
		      const struct parent *parent, int depth)
{
	check_depth(L, depth);
	count(L, reader, 0);
	if (json_object_is_type(value, json_type_array)) {
		struct parent here = { NULL, NULL };
		size_t i, n = json_object_array_length(value);

		ATTACH(L, reader, parent, json_object_new_array());
		here.object = last_of(parent);
		for (i = 0; i < n; i++) {
			read_json(L, reader, json_object_array_get_idx(value, i), &here, depth + 1);
		}
	} else if (json_object_is_type(value, json_type_object)) {
		struct parent here = { NULL, NULL };

		ATTACH(L, reader, parent, json_object_new_object());
		here.object = last_of(parent);
		json_object_object_foreach(value, key, child)
		{
			here.key = key;
			count(L, reader, strlen(key));
			read_json(L, reader, child, &here, depth + 1);
		}
	} else {
		json_object *copy = NULL;

		if (json_object_is_type(value, json_type_string)) {
			count(L, reader, (size_t)json_object_get_string_len(value));
		}
		ATTACH(L, reader, parent,
		       value && json_object_deep_copy(value, &copy, NULL) < 0 ? NULL : copy);
	}
}

static void read_value(lua_State *L, struct reader *reader, int index,
		       const struct parent *parent, int depth)
{
	count(L, reader, 0);
	switch (lua_type(L, index)) {
	case LUA_TNIL:
	case LUA_TLIGHTUSERDATA:
		ATTACH(L, reader, parent, NULL);
		break;
	case LUA_TBOOLEAN:
		ATTACH(L, reader, parent, json_object_new_boolean(lua_toboolean(L, index)));
		break;
	case LUA_TNUMBER:
		read_number(L, reader, index, parent);
		break;
	case LUA_TSTRING:
		read_string(L, reader, index, parent);
		break;
	case LUA_TTABLE:
		read_table(L, reader, index, parent, depth);
		break;
	case LUA_TUSERDATA:
		read_json(L, reader, view_object(L, index), parent, depth);
		break;
	default:
		luaL_error(L, "a %s has no JSON form", luaL_typename(L, index));
	}
}

/* An array that the sandbox holds: what becomes its element is owned. */
static json_object *new_holder(lua_State *L)
{
	struct sandbox *sb = sandbox_of(L);
	json_object *holder;
	int r = -1;

	sandbox_enter_host(sb);
	holder = json_object_new_array();
	if (holder) {
		r = sandbox_hold(sb, holder, release_json);
	}
	if (r < 0) {
		json_object_put(holder);
	}
	sandbox_leave_host(sb);
	if (r < 0) {
		luaL_error(L, "out of memory");
	}
	return holder;
}

static int read_root(lua_State *L)
{
	struct reader *reader = lua_touserdata(L, 2);
	struct parent parent = { reader->holder, NULL };

	read_value(L, reader, 1, &parent, 0);
	return 0;
}

json_object *bridge_to_json(lua_State *L, int index)
{
	struct reader reader = { sandbox_of(L), NULL, 0, 0 };

	index = lua_absindex(L, index);
	reader.holder = new_holder(L);
	lua_pushcfunction(L, read_root);
	lua_pushvalue(L, index);
	lua_pushlightuserdata(L, &reader);
	if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
		sandbox_release(reader.sb, reader.holder);
		lua_error(L);
	}
	return json_object_array_get_idx(reader.holder, 0);
}

void bridge_release(lua_State *L)
{
	struct sandbox *sb = sandbox_of(L);

	if (sb->n_held) {
		sandbox_release(sb, sb->held[sb->n_held - 1].p);
	}
}

/* Between enter_host and leave_host.  Returns NULL and the reason on failure. */
static json_object *parse(const char *text, size_t len, const char **ret_why)
{
	struct json_tokener *tokener = json_tokener_new_ex(BRIDGE_DEPTH_MAX);
	enum json_tokener_error error;
	json_object *value;
	size_t end;

	if (!tokener) {
		*ret_why = "out of memory";
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	value = json_tokener_parse_ex(tokener, text, (int)len);
	error = json_tokener_get_error(tokener);
	end = json_tokener_get_parse_end(tokener);
	if (error == json_tokener_continue) {
		/* A number at the very end is only complete with its NUL. */
		value = json_tokener_parse_ex(tokener, "", 1);
		error = json_tokener_get_error(tokener);
		end = len;
	}
	json_tokener_free(tokener);
	while (end < len && (text[end] == ' ' || text[end] == '\t' || text[end] == '\r' ||
			     text[end] == '\n')) {
		end++;
	}
	if (error == json_tokener_success && end == len) {
		return value;
	}
	*ret_why = error == json_tokener_success ? "text follows the value" :
						   json_tokener_error_desc(error);
	json_object_put(value);
	return NULL;
}

json_object *bridge_parse(lua_State *L, const char *text, size_t len)
{
	struct sandbox *sb = sandbox_of(L);
	const char *why = NULL;
	json_object *holder;

	if (len > TEXT_MAX) {
		luaL_error(L, "JSON text is larger than 16 MiB");
	}
	holder = new_holder(L);
	sandbox_enter_host(sb);
	json_object_array_add(holder, parse(text, len, &why));
	sandbox_leave_host(sb);
	if (why) {
		sandbox_release(sb, holder);
		luaL_error(L, "not JSON: %s", why);
	}
	return json_object_array_get_idx(holder, 0);
}
