/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The string library, written again over pattern.h: every loop is bounded by
 * the sandbox's clock and every result by its memory.  string.dump, pack and
 * unpack do not exist.
 */
#include <ctype.h>
#include <string.h>

#include <lauxlib.h>

#include "lua/sandbox/internal.h"
#include "lua/sandbox/pattern.h"

static void tick(void *arg)
{
	sandbox_check(arg);
}

/* A position as scripts give it (1 first, -1 last) as an offset from 1; what
 * lies before the text is 0 or less. */
static lua_Integer from_start(lua_Integer position, size_t len)
{
	if (position >= 0) {
		return position;
	}
	return position < -(lua_Integer)len ? 0 : (lua_Integer)len + position + 1;
}

static int string_len(lua_State *L)
{
	size_t len;

	luaL_checklstring(L, 1, &len);
	lua_pushinteger(L, (lua_Integer)len);
	return 1;
}

/* Reads the optional range in arguments 2 and 3; returns how many bytes. */
static size_t read_range(lua_State *L, size_t len, lua_Integer last_default, size_t *ret_first)
{
	lua_Integer first = from_start(luaL_optinteger(L, 2, 1), len);
	lua_Integer last = from_start(luaL_optinteger(L, 3, last_default), len);

	if (first < 1) {
		first = 1;
	}
	if (last > (lua_Integer)len) {
		last = (lua_Integer)len;
	}
	*ret_first = (size_t)first - 1;
	return first > last ? 0 : (size_t)(last - first + 1);
}

static int string_sub(lua_State *L)
{
	size_t len, first;
	const char *s = luaL_checklstring(L, 1, &len);
	size_t n = read_range(L, len, -1, &first);

	lua_pushlstring(L, n ? s + first : "", n);
	return 1;
}

static int string_byte(lua_State *L)
{
	size_t len, first, i, n;
	const char *s = luaL_checklstring(L, 1, &len);
	lua_Integer at = luaL_optinteger(L, 2, 1);

	n = read_range(L, len, from_start(at, len), &first);
	if (n > 100000) {
		return luaL_error(L, "string slice too long");
	}
	luaL_checkstack(L, (int)n, "string slice too long");
	for (i = 0; i < n; i++) {
		lua_pushinteger(L, (unsigned char)s[first + i]);
	}
	return (int)n;
}

static int string_char(lua_State *L)
{
	int i, n = lua_gettop(L);
	luaL_Buffer b;
	char *out = luaL_buffinitsize(L, &b, (size_t)n);

	for (i = 1; i <= n; i++) {
		lua_Integer c = luaL_checkinteger(L, i);

		luaL_argcheck(L, c >= 0 && c <= 255, i, "value out of range");
		out[i - 1] = (char)c;
	}
	luaL_pushresultsize(&b, (size_t)n);
	return 1;
}

static int map_bytes(lua_State *L, int (*map)(int c))
{
	size_t len, i;
	const char *s = luaL_checklstring(L, 1, &len);
	luaL_Buffer b;
	char *out = luaL_buffinitsize(L, &b, len);

	for (i = 0; i < len; i++) {
		out[i] = (char)map((unsigned char)s[i]);
	}
	luaL_pushresultsize(&b, len);
	return 1;
}

static int string_lower(lua_State *L)
{
	return map_bytes(L, tolower);
}

static int string_upper(lua_State *L)
{
	return map_bytes(L, toupper);
}

static int string_reverse(lua_State *L)
{
	size_t len, i;
	const char *s = luaL_checklstring(L, 1, &len);
	luaL_Buffer b;
	char *out = luaL_buffinitsize(L, &b, len);

	for (i = 0; i < len; i++) {
		out[i] = s[len - 1 - i];
	}
	luaL_pushresultsize(&b, len);
	return 1;
}

static int string_rep(lua_State *L)
{
	size_t len, sep_len, total;
	const char *s = luaL_checklstring(L, 1, &len);
	lua_Integer i, n = luaL_checkinteger(L, 2);
	const char *sep = luaL_optlstring(L, 3, "", &sep_len);
	luaL_Buffer b;
	char *out;

	if (n <= 0 || len + sep_len == 0) {
		lua_pushliteral(L, "");
		return 1;
	}
	if ((size_t)n > ((size_t)1 << 30) / (len + sep_len)) {
		return luaL_error(L, "resulting string too large");
	}
	total = (size_t)n * len + (size_t)(n - 1) * sep_len;
	out = luaL_buffinitsize(L, &b, total);
	for (i = 0; i < n; i++) {
		if (i > 0) {
			memcpy(out, sep, sep_len);
			out += sep_len;
		}
		memcpy(out, s, len);
		out += len;
		sandbox_tick(sandbox_of(L));
	}
	luaL_pushresultsize(&b, total);
	return 1;
}

/* ---- patterns ---- */

struct search {
	struct pattern m;
	const char *subject;
	size_t subject_len;
	const char *text;     /* of the pattern, without ^ */
	size_t text_len;
	int anchored;
};

static void search_init(lua_State *L, struct search *search, const char *subject,
			size_t subject_len, const char *text, size_t text_len, int may_anchor)
{
	search->anchored = may_anchor && text_len > 0 && *text == '^';
	search->subject = subject;
	search->subject_len = subject_len;
	search->text = text + search->anchored;
	search->text_len = text_len - (size_t)search->anchored;
	pattern_init(&search->m, subject, subject_len, search->text, search->text_len, tick,
		     sandbox_of(L));
}

static const char *match_at(lua_State *L, struct search *search, const char *at)
{
	const char *end = pattern_match(&search->m, at, search->text);

	if (search->m.error) {
		luaL_error(L, "%s", search->m.error);
	}
	return end;
}

/* The first match at or after `at`. */
static const char *match_after(lua_State *L, struct search *search, const char *at,
			       const char **ret_start)
{
	const char *last = search->subject + search->subject_len;

	for (; at <= last; at++) {
		const char *end = match_at(L, search, at);

		if (end) {
			*ret_start = at;
			return end;
		}
		if (search->anchored) {
			break;
		}
	}
	return NULL;
}

static void push_capture(lua_State *L, struct search *search, int i, const char *start,
			 const char *end)
{
	const struct pattern_capture *c = &search->m.captures[i];

	if (i >= search->m.n_captures) {
		if (i != 0) {
			luaL_error(L, "invalid capture index %%%d", i + 1);
		}
		lua_pushlstring(L, start, (size_t)(end - start));
	} else if (c->len == PATTERN_CAPTURE_POSITION) {
		lua_pushinteger(L, c->start - search->subject + 1);
	} else if (c->len == PATTERN_CAPTURE_OPEN) {
		luaL_error(L, "unfinished capture");
	} else {
		lua_pushlstring(L, c->start, (size_t)c->len);
	}
}

/* The captures, or the whole match (when whole) if there are none. */
static int push_captures(lua_State *L, struct search *search, const char *start, const char *end,
			 int whole)
{
	int i, n = search->m.n_captures;

	if (n == 0 && whole) {
		n = 1;
	}
	luaL_checkstack(L, n, "too many captures");
	for (i = 0; i < n; i++) {
		push_capture(L, search, i, start, end);
	}
	return n;
}

static int find_plain(lua_State *L, const char *s, size_t len, size_t init, const char *text,
		      size_t text_len)
{
	/* glibc's memmem is linear. */
	const char *found = memmem(s + init, len - init, text, text_len);

	if (!found) {
		luaL_pushfail(L);
		return 1;
	}
	lua_pushinteger(L, found - s + 1);
	lua_pushinteger(L, found - s + (lua_Integer)text_len);
	return 2;
}

static int find_or_match(lua_State *L, int find)
{
	size_t len, text_len;
	const char *s = luaL_checklstring(L, 1, &len);
	const char *text = luaL_checklstring(L, 2, &text_len);
	lua_Integer init = from_start(luaL_optinteger(L, 3, 1), len);
	const char *start = NULL, *end;
	struct search search;

	init = init < 1 ? 0 : init - 1;
	if (init > (lua_Integer)len) {
		luaL_pushfail(L);
		return 1;
	}
	if (find && (lua_toboolean(L, 4) || pattern_is_plain(text, text_len))) {
		return find_plain(L, s, len, (size_t)init, text, text_len);
	}
	search_init(L, &search, s, len, text, text_len, 1);
	end = match_after(L, &search, s + init, &start);
	if (!end) {
		luaL_pushfail(L);
		return 1;
	}
	if (!find) {
		return push_captures(L, &search, start, end, 1);
	}
	lua_pushinteger(L, start - s + 1);
	lua_pushinteger(L, end - s);
	return 2 + push_captures(L, &search, start, end, 0);
}

static int string_find(lua_State *L)
{
	return find_or_match(L, 1);
}

static int string_match(lua_State *L)
{
	return find_or_match(L, 0);
}

/* Upvalues: subject, pattern, next position, end of the last match (offsets). */
static int gmatch_next(lua_State *L)
{
	size_t len, text_len;
	const char *s = lua_tolstring(L, lua_upvalueindex(1), &len);
	const char *text = lua_tolstring(L, lua_upvalueindex(2), &text_len);
	lua_Integer at = lua_tointeger(L, lua_upvalueindex(3));
	lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
	const char *start = NULL, *end;
	struct search search;

	search_init(L, &search, s, len, text, text_len, 0);
	while (at <= (lua_Integer)len) {
		end = match_after(L, &search, s + at, &start);
		if (!end) {
			break;
		}
		if (end - s != last) {
			lua_pushinteger(L, end - s);
			lua_copy(L, -1, lua_upvalueindex(3));
			lua_replace(L, lua_upvalueindex(4));
			return push_captures(L, &search, start, end, 1);
		}
		at = start - s + 1;
	}
	return 0;
}

static int string_gmatch(lua_State *L)
{
	size_t len;
	lua_Integer init;

	luaL_checklstring(L, 1, &len);
	luaL_checkstring(L, 2);
	init = from_start(luaL_optinteger(L, 3, 1), len);
	init = init < 1 ? 0 : init - 1;
	lua_settop(L, 2);
	lua_pushinteger(L, init > (lua_Integer)len ? (lua_Integer)len + 1 : init);
	lua_pushinteger(L, -1);
	lua_pushcclosure(L, gmatch_next, 4);
	return 1;
}

/* Adds a replacement text in which %0 to %9 stand for captures. */
static void add_template(lua_State *L, luaL_Buffer *b, struct search *search, const char *start,
			 const char *end)
{
	size_t len;
	const char *p = lua_tolstring(L, 3, &len);
	const char *text_end = p + len;

	while (p < text_end) {
		const char *mark = memchr(p, '%', (size_t)(text_end - p));

		if (!mark) {
			luaL_addlstring(b, p, (size_t)(text_end - p));
			return;
		}
		luaL_addlstring(b, p, (size_t)(mark - p));
		p = mark + 1;
		if (p < text_end && *p == '%') {
			luaL_addchar(b, '%');
		} else if (p < text_end && *p == '0') {
			luaL_addlstring(b, start, (size_t)(end - start));
		} else if (p < text_end && isdigit((unsigned char)*p)) {
			push_capture(L, search, *p - '1', start, end);
			luaL_tolstring(L, -1, NULL);
			lua_remove(L, -2);
			luaL_addvalue(b);
		} else {
			luaL_error(L, "invalid use of '%%' in replacement string");
		}
		p++;
	}
}

/* Adds what stands for one match; returns whether it differs from nothing done. */
static void add_replacement(lua_State *L, luaL_Buffer *b, struct search *search,
			    const char *start, const char *end, int kind)
{
	int n;

	switch (kind) {
	case LUA_TFUNCTION:
		lua_pushvalue(L, 3);
		n = push_captures(L, search, start, end, 1);
		lua_call(L, n, 1);
		break;
	case LUA_TTABLE:
		push_capture(L, search, 0, start, end);
		lua_gettable(L, 3);
		break;
	default:
		add_template(L, b, search, start, end);
		return;
	}
	if (!lua_toboolean(L, -1)) {
		lua_pop(L, 1);
		luaL_addlstring(b, start, (size_t)(end - start));
	} else if (!lua_isstring(L, -1)) {
		luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
	} else {
		luaL_addvalue(b);
	}
}

static int string_gsub(lua_State *L)
{
	size_t len, text_len;
	const char *s = luaL_checklstring(L, 1, &len);
	const char *text = luaL_checklstring(L, 2, &text_len);
	int kind = lua_type(L, 3);
	lua_Integer max = luaL_optinteger(L, 4, (lua_Integer)len + 1);
	const char *at = s, *last = NULL, *end;
	lua_Integer n = 0;
	struct search search;
	luaL_Buffer b;

	luaL_argexpected(L, kind == LUA_TNUMBER || kind == LUA_TSTRING || kind == LUA_TTABLE ||
			 kind == LUA_TFUNCTION, 3, "string/function/table");
	luaL_checkstack(L, 64, "too many nested calls");
	search_init(L, &search, s, len, text, text_len, 1);
	luaL_buffinit(L, &b);
	while (n < max) {
		end = match_at(L, &search, at);
		if (end && end != last) {
			n++;
			add_replacement(L, &b, &search, at, end, kind);
			at = last = end;
		} else if (at < s + len) {
			luaL_addchar(&b, *at++);
		} else {
			break;
		}
		if (search.anchored) {
			break;
		}
	}
	luaL_addlstring(&b, at, (size_t)(s + len - at));
	luaL_pushresult(&b);
	lua_pushinteger(L, n);
	return 2;
}

static const luaL_Reg functions[] = {
	{ "byte", string_byte },
	{ "char", string_char },
	{ "find", string_find },
	{ "format", string_format },
	{ "gmatch", string_gmatch },
	{ "gsub", string_gsub },
	{ "len", string_len },
	{ "lower", string_lower },
	{ "match", string_match },
	{ "rep", string_rep },
	{ "reverse", string_reverse },
	{ "sub", string_sub },
	{ "upper", string_upper },
	{ NULL, NULL },
};

/* Also the metatable of all strings, which scripts can neither get nor set. */
void lib_string(lua_State *L)
{
	luaL_newlib(L, functions);
	lua_createtable(L, 0, 2);
	lua_pushvalue(L, -2);
	lua_setfield(L, -2, "__index");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_pushliteral(L, "");
	lua_insert(L, -2);
	lua_setmetatable(L, -2);
	lua_pop(L, 1);
}
