/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gantry.*: the part that needs no grant (log, json, time, digest, matching) and
 * the package-local require.  What touches the world is in lib-services.c.
 */
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "helpers/buf.h"
#include "helpers/error.h"
#include "helpers/io.h"

#include "lua/sandbox/bridge.h"
#include "lua/sandbox/internal.h"
#include "lua/sandbox/match.h"
#include "lua/sandbox/services.h"
#include "lua/sandbox/sha256.h"
#include "lua/sandbox/signature.h"

#define LOG_LINE_MAX 4096
#define GLOB_MAX 1024
#define GLOB_TEXT_MAX 4096

static const struct services nothing;

const struct services *services_of(lua_State *L)
{
	const struct services *services = sandbox_services(sandbox_of(L));

	return services ? services : &nothing;
}

/* ---- log ---- */

/* The arguments from `first` on as one line, without control characters. */
static void write_log(lua_State *L, int level, int first)
{
	const struct services *services = services_of(L);
	char line[LOG_LINE_MAX];
	size_t used = 0;
	int i, n = lua_gettop(L);

	for (i = first; i <= n; i++) {
		size_t len, k;
		const char *text = push_text(L, i, &len);

		if (i > first && used < sizeof(line) - 1) {
			line[used++] = ' ';
		}
		for (k = 0; k < len && used < sizeof(line) - 1; k++) {
			line[used++] = (unsigned char)text[k] < ' ' || text[k] == 127 ? '?' : text[k];
		}
		lua_pop(L, 1);
	}
	line[used] = '\0';
	if (services->log) {
		sandbox_enter_host(sandbox_of(L));
		services->log(services->ctx, level, line);
		sandbox_leave_host(sandbox_of(L));
	}
}

static int base_print(lua_State *L)
{
	write_log(L, 2, 1);
	return 0;
}

static int log_at_level(lua_State *L)
{
	write_log(L, (int)lua_tointeger(L, lua_upvalueindex(1)), 1);
	return 0;
}

static void push_log(lua_State *L)
{
	static const char *const levels[] = { "debug", "info", "warning", "error" };
	int i;

	lua_createtable(L, 0, 4);
	for (i = 0; i < 4; i++) {
		lua_pushinteger(L, i + 1);
		lua_pushcclosure(L, log_at_level, 1);
		lua_setfield(L, -2, levels[i]);
	}
}

/* ---- json ---- */

static int json_encode(lua_State *L)
{
	json_object *value;
	const char *text;
	size_t len = 0;

	luaL_checkany(L, 1);
	value = bridge_to_json(L, 1);
	sandbox_enter_host(sandbox_of(L));
	text = json_object_to_json_string_length(value, JSON_C_TO_STRING_PLAIN |
						 JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	sandbox_leave_host(sandbox_of(L));
	if (!value) {
		text = "null";
		len = 4;
	}
	lua_pushlstring(L, text, len);
	bridge_release(L);
	return 1;
}

static int json_decode(lua_State *L)
{
	size_t len;
	const char *text = luaL_checklstring(L, 1, &len);

	bridge_push(L, bridge_parse(L, text, len));
	bridge_release(L);
	return 1;
}

static int json_array(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	if (lua_getmetatable(L, 1)) {
		return luaL_error(L, "this table has a metatable already");
	}
	bridge_push_array_metatable(L);
	lua_setmetatable(L, 1);
	return 1;
}

static int json_copy(lua_State *L)
{
	luaL_checkany(L, 1);
	bridge_push(L, bridge_to_json(L, 1));
	bridge_release(L);
	return 1;
}

static void push_json(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "encode", json_encode }, { "decode", json_decode }, { "array", json_array },
		{ "copy", json_copy },     { NULL, NULL },
	};

	luaL_newlib(L, functions);
	bridge_push_null(L);
	lua_setfield(L, -2, "null");
}

/* ---- time, digest, matching ---- */

static int64_t now_ns(lua_State *L)
{
	const struct services *services = services_of(L);

	return services->now_ns ? services->now_ns(services->ctx) : time_now_ns();
}

static int gantry_now(lua_State *L)
{
	lua_pushnumber(L, (lua_Number)now_ns(L) / 1e9);
	return 1;
}

/* Civil date from days since 1970, proleptic Gregorian. */
static void civil(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * of_year + 2) / 153;

	*day = (int)(of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(y + era * 400 + (*month <= 2));
}

static void set_integer(lua_State *L, const char *name, lua_Integer value)
{
	lua_pushinteger(L, value);
	lua_setfield(L, -2, name);
}

/* date([seconds[, offset_minutes]]): a table; weekday is 1 (Monday) to 7. */
static int gantry_date(lua_State *L)
{
	lua_Number seconds = luaL_optnumber(L, 1, (lua_Number)now_ns(L) / 1e9);
	lua_Integer offset = luaL_optinteger(L, 2, 0);
	int64_t t, days, rest;
	int year, month, day;
	char text[64];

	luaL_argcheck(L, seconds >= -6e10 && seconds < 2.5e11, 1, "time out of range");
	luaL_argcheck(L, offset > -1440 && offset < 1440, 2, "offset out of range");
	t = (int64_t)seconds + offset * 60;
	days = t / 86400 - (t % 86400 < 0);
	rest = t - days * 86400;
	civil(days, &year, &month, &day);
	lua_createtable(L, 0, 8);
	set_integer(L, "year", year);
	set_integer(L, "month", month);
	set_integer(L, "day", day);
	set_integer(L, "hour", rest / 3600);
	set_integer(L, "minute", rest / 60 % 60);
	set_integer(L, "second", rest % 60);
	set_integer(L, "weekday", ((days + 3) % 7 + 7) % 7 + 1);
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day,
		 (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
	lua_pushstring(L, text);
	lua_setfield(L, -2, "text");
	return 1;
}

static int gantry_digest(lua_State *L)
{
	size_t len;
	const char *text = luaL_checklstring(L, 1, &len);
	char digest[SHA256_TEXT];

	sandbox_enter_host(sandbox_of(L));
	sha256_text(text, len, digest);
	sandbox_leave_host(sandbox_of(L));
	lua_pushfstring(L, "sha256:%s", digest);
	return 1;
}

static int gantry_glob(lua_State *L)
{
	size_t len, text_len;
	const char *text = luaL_checklstring(L, 2, &text_len);
	lua_Integer i = 0;

	luaL_argcheck(L, text_len <= GLOB_TEXT_MAX && strlen(text) == text_len, 2,
		      "text too long, or with NUL bytes");
	if (lua_type(L, 1) == LUA_TSTRING) {
		const char *glob = luaL_checklstring(L, 1, &len);

		luaL_argcheck(L, len <= GLOB_MAX, 1, "glob too long");
		lua_pushboolean(L, glob_match(glob, text));
		return 1;
	}
	/* A list: does any match?  Returns which. */
	for (i = 1; lua_geti(L, 1, i) != LUA_TNIL; i++) {
		const char *glob = luaL_checklstring(L, -1, &len);

		luaL_argcheck(L, len <= GLOB_MAX, 1, "glob too long");
		if (glob_match(glob, text)) {
			return 1;
		}
		lua_pop(L, 1);
		sandbox_check(sandbox_of(L));
	}
	lua_pushboolean(L, 0);
	return 1;
}

static int gantry_cidr(lua_State *L)
{
	int r = cidr_contains(luaL_checkstring(L, 1), luaL_checkstring(L, 2));

	if (r < 0) {
		return luaL_error(L, "not a network and an address: '%s', '%s'",
				  lua_tostring(L, 1), lua_tostring(L, 2));
	}
	lua_pushboolean(L, r);
	return 1;
}

static int gantry_semver(lua_State *L)
{
	int r = semver_matches(luaL_checkstring(L, 1), luaL_checkstring(L, 2));

	if (r < 0) {
		return luaL_error(L, "not a version and a range: '%s', '%s'", lua_tostring(L, 1),
				  lua_tostring(L, 2));
	}
	lua_pushboolean(L, r);
	return 1;
}

/* ---- require ---- */

static const char loaded_key;

static void free_buf(void *p)
{
	buf_done(p);
	free(p);
}

struct buf *held_buf(lua_State *L)
{
	struct sandbox *sb = sandbox_of(L);
	struct buf *b;
	int r = -1;

	sandbox_enter_host(sb);
	b = calloc(1, sizeof(*b));
	if (b) {
		r = sandbox_hold(sb, b, free_buf);
		if (r < 0) {
			free(b);
		}
	}
	sandbox_leave_host(sb);
	if (r < 0) {
		luaL_error(L, "out of memory");
	}
	return b;
}

/* Module names are parts of letters, digits, _ and -, joined by dots. */
static void check_module_name(lua_State *L, const char *name)
{
	const char *p;

	for (p = name; *p; p++) {
		int word = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			   (*p >= '0' && *p <= '9') || *p == '_' || *p == '-';

		if (!word && !(*p == '.' && p > name && p[-1] != '.' && p[1])) {
			luaL_error(L, "'%s' is not the name of a module", name);
		}
	}
	if (p == name || p - name > 64) {
		luaL_error(L, "'%s' is not the name of a module", name);
	}
}

/* Compiles the module's text and leaves the function on the stack. */
static void load_module(lua_State *L, const char *name)
{
	const struct services *services = services_of(L);
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct buf *text;
	int r;

	if (!services->module) {
		luaL_error(L, "module '%s' not found: this script has no package", name);
	}
	text = held_buf(L);
	sandbox_enter_host(sandbox_of(L));
	r = services->module(services->ctx, name, text, &err);
	sandbox_leave_host(sandbox_of(L));
	if (r < 0) {
		luaL_error(L, "module '%s': %s", name, err.message);
	}
	lua_pushfstring(L, "=%s", name);
	if (text->len > SANDBOX_SOURCE_MAX ||
	    luaL_loadbufferx(L, buf_str(text), text->len, lua_tostring(L, -1), "t") != LUA_OK) {
		luaL_error(L, "module '%s' cannot be loaded: %s", name,
			   text->len > SANDBOX_SOURCE_MAX ? "too large" : lua_tostring(L, -1));
	}
	sandbox_release(sandbox_of(L), text);
}

static int base_require(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);

	check_module_name(L, name);
	lua_settop(L, 1);
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key) != LUA_TTABLE) {
		lua_settop(L, 1);
		lua_newtable(L);
		lua_pushvalue(L, -1);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded_key);
	}
	if (lua_getfield(L, 2, name) != LUA_TNIL) {
		return 1;
	}
	lua_pop(L, 1);
	load_module(L, name);
	lua_call(L, 0, 1);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		lua_pushboolean(L, 1);
	}
	lua_pushvalue(L, -1);
	lua_setfield(L, 2, name);
	return 1;
}

/* gantry.verify(key, text, signature): is it by the owner of this public key? */
static int gantry_verify(lua_State *L)
{
	size_t key_len, text_len, signature_len;
	const char *key = luaL_checklstring(L, 1, &key_len);
	const char *text = luaL_checklstring(L, 2, &text_len);
	const char *signature = luaL_checklstring(L, 3, &signature_len);
	int r;

	sandbox_enter_host(sandbox_of(L));
	r = signature_verify(key, key_len, text, text_len, signature, signature_len);
	sandbox_leave_host(sandbox_of(L));
	luaL_argcheck(L, r >= 0, 1, "not a public key in PEM: Ed25519, ECDSA or RSA");
	lua_pushboolean(L, r);
	return 1;
}

void lib_gantry(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "now", gantry_now },   { "date", gantry_date }, { "digest", gantry_digest },
		{ "glob", gantry_glob }, { "cidr", gantry_cidr }, { "semver", gantry_semver },
		{ "verify", gantry_verify },
		{ NULL, NULL },
	};

	lua_pushcfunction(L, base_print);
	lua_setfield(L, -2, "print");
	lua_pushcfunction(L, base_require);
	lua_setfield(L, -2, "require");
	luaL_newlib(L, functions);
	push_log(L);
	environment_freeze(L, "gantry.log");
	lua_setfield(L, -2, "log");
	push_json(L);
	environment_freeze(L, "gantry.json");
	lua_setfield(L, -2, "json");
	lib_services(L);
	environment_freeze(L, "gantry");
	lua_setfield(L, -2, "gantry");
}
