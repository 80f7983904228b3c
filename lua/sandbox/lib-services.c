/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of gantry.* that needs a grant: script storage, counters, HTTP,
 * secrets, declared commands.  Each function converts its arguments, calls the
 * embedder's function as host code, and pushes or raises last.
 */
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "helpers/buf.h"
#include "helpers/error.h"

#include "lua/sandbox/bridge.h"
#include "lua/sandbox/internal.h"
#include "lua/sandbox/services.h"

#define KEY_MAX 256
#define ARGS_MAX 64
#define HEADERS_MAX 32

static void need(lua_State *L, int present, const char *what, const char *name)
{
	if (!services_granted(services_of(L), what, name)) {
		luaL_error(L, "'%s%s%s' is not granted to this script: declare it in needs",
			   what, name ? ":" : "", name ? name : "");
	}
	if (!present) {
		luaL_error(L, "'%s' is not available here", what);
	}
}

static void raise_error(lua_State *L, const char *what, const struct gantry_error *err)
{
	luaL_error(L, "%s: %s", what, err->message);
}

static const char *check_text(lua_State *L, int arg, size_t max)
{
	size_t len;
	const char *text = luaL_checklstring(L, arg, &len);

	luaL_argcheck(L, len <= max && strlen(text) == len, arg, "too long, or with NUL bytes");
	return text;
}

/* ---- kv ---- */

static int kv_get(lua_State *L)
{
	const struct services *services = services_of(L);
	const char *key = check_text(L, 1, KEY_MAX);
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct buf *value;
	int r;

	need(L, services->kv_get != NULL, "kv", NULL);
	value = held_buf(L);
	sandbox_enter_host(sandbox_of(L));
	r = services->kv_get(services->ctx, key, value, &err);
	sandbox_leave_host(sandbox_of(L));
	if (r == 0) {
		lua_pushlstring(L, buf_str(value), value->len);
	} else if (r == GANTRY_ERR_NOT_FOUND) {
		lua_pushnil(L);
	}
	sandbox_release(sandbox_of(L), value);
	if (r < 0 && r != GANTRY_ERR_NOT_FOUND) {
		raise_error(L, "kv.get", &err);
	}
	return 1;
}

static int kv_put(lua_State *L)
{
	const struct services *services = services_of(L);
	const char *key = check_text(L, 1, KEY_MAX);
	const char *value = lua_isnoneornil(L, 2) ? NULL : check_text(L, 2, (size_t)1 << 20);
	struct gantry_error err = GANTRY_ERROR_INIT;
	int r;

	need(L, services->kv_put != NULL, "kv", NULL);
	sandbox_enter_host(sandbox_of(L));
	r = services->kv_put(services->ctx, key, value, &err);
	sandbox_leave_host(sandbox_of(L));
	if (r < 0) {
		raise_error(L, "kv.put", &err);
	}
	return 0;
}

static int kv_remove(lua_State *L)
{
	lua_settop(L, 1);
	return kv_put(L);
}

static int kv_list(lua_State *L)
{
	const struct services *services = services_of(L);
	const char *prefix = lua_isnoneornil(L, 1) ? "" : check_text(L, 1, KEY_MAX);
	struct gantry_error err = GANTRY_ERROR_INIT;
	const char *p, *line_end;
	struct buf *keys;
	lua_Integer n = 0;
	int r;

	need(L, services->kv_list != NULL, "kv", NULL);
	keys = held_buf(L);
	sandbox_enter_host(sandbox_of(L));
	r = services->kv_list(services->ctx, prefix, keys, &err);
	sandbox_leave_host(sandbox_of(L));
	if (r < 0) {
		sandbox_release(sandbox_of(L), keys);
		raise_error(L, "kv.list", &err);
	}
	lua_newtable(L);
	for (p = buf_str(keys); (line_end = strchr(p, '\n')) != NULL; p = line_end + 1) {
		lua_pushlstring(L, p, (size_t)(line_end - p));
		lua_rawseti(L, -2, ++n);
		sandbox_tick(sandbox_of(L));
	}
	sandbox_release(sandbox_of(L), keys);
	return 1;
}

/* update(key, f): replaces the value by f(value) in one step, however many
 * processes do so at once; f may be called again.  Returns the new value. */
static int kv_update(lua_State *L)
{
	const struct services *services = services_of(L);
	int attempt;

	check_text(L, 1, KEY_MAX);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	need(L, services->kv_swap != NULL, "kv", NULL);
	for (attempt = 0; attempt < 100; attempt++) {
		struct gantry_error err = GANTRY_ERROR_INIT;
		int r;

		lua_settop(L, 2);
		lua_pushcfunction(L, kv_get);
		lua_pushvalue(L, 1);
		lua_call(L, 1, 1);
		lua_pushvalue(L, 2);
		lua_pushvalue(L, 3);
		lua_call(L, 1, 1);
		sandbox_enter_host(sandbox_of(L));
		r = services->kv_swap(services->ctx, lua_tostring(L, 1),
				      lua_isnil(L, 3) ? NULL : lua_tostring(L, 3),
				      lua_isnil(L, 4) ? NULL : lua_tostring(L, 4), &err);
		sandbox_leave_host(sandbox_of(L));
		if (r == 0) {
			return 1;
		}
		if (r != GANTRY_ERR_CONFLICT) {
			raise_error(L, "kv.update", &err);
		}
		sandbox_check(sandbox_of(L));
	}
	return luaL_error(L, "kv.update: others keep changing '%s'", lua_tostring(L, 1));
}

/* ---- counters ---- */

/* add(key, amount, window_seconds): the sum in the window that ends now. */
static int counter_add(lua_State *L)
{
	const struct services *services = services_of(L);
	const char *key = check_text(L, 1, KEY_MAX);
	lua_Integer amount = luaL_checkinteger(L, 2);
	lua_Number window = luaL_checknumber(L, 3);
	struct gantry_error err = GANTRY_ERROR_INIT;
	int64_t sum = 0;
	int r;

	luaL_argcheck(L, window >= 1 && window <= 3.2e7, 3, "a window is 1 second to a year");
	need(L, services->count != NULL, "counter", NULL);
	sandbox_enter_host(sandbox_of(L));
	r = services->count(services->ctx, key, amount, (int64_t)(window * 1e9), &sum, &err);
	sandbox_leave_host(sandbox_of(L));
	if (r < 0) {
		raise_error(L, "counter", &err);
	}
	lua_pushinteger(L, sum);
	return 1;
}

/* sum(key, window_seconds) */
static int counter_sum(lua_State *L)
{
	lua_settop(L, 2);
	lua_pushinteger(L, 0);
	lua_insert(L, 2);
	return counter_add(L);
}

/* ---- http ---- */

/* The host part of a URL, pushed; raises for other schemes and for user@host. */
static const char *push_host(lua_State *L, const char *url)
{
	const char *host, *end;

	if (strncmp(url, "http://", 7) == 0) {
		host = url + 7;
	} else if (strncmp(url, "https://", 8) == 0) {
		host = url + 8;
	} else {
		luaL_error(L, "only http:// and https:// URLs can be asked");
		return NULL;
	}
	end = host + strcspn(host, "/?#");
	for (const char *p = url; *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == 127 || *p == '\\' || (p < end && *p == '@')) {
			luaL_error(L, "malformed URL '%s'", url);
		}
	}
	if (*host == '[') {
		luaL_error(L, "a URL names its host; addresses in brackets are not accepted");
	}
	end = host + strcspn(host, ":/?#");
	return lua_pushlstring(L, host, (size_t)(end - host));
}

/* Reads {Name = "value"} at index into lines that stay on the stack. */
static void read_headers(lua_State *L, int index, const char *lines[HEADERS_MAX + 1])
{
	int n = 0;

	lines[0] = NULL;
	if (lua_isnoneornil(L, index)) {
		return;
	}
	luaL_checktype(L, index, LUA_TTABLE);
	luaL_checkstack(L, HEADERS_MAX + 4, "too many headers");
	lua_pushnil(L);
	while (lua_next(L, index)) {
		if (n == HEADERS_MAX || lua_type(L, -2) != LUA_TSTRING ||
		    lua_type(L, -1) != LUA_TSTRING) {
			luaL_error(L, "headers are at most %d names with text values", HEADERS_MAX);
		}
		lines[n] = lua_pushfstring(L, "%s: %s", lua_tostring(L, -2), lua_tostring(L, -1));
		if (strpbrk(lines[n], "\r\n")) {
			luaL_error(L, "a header has a line break");
		}
		n++;
		lua_remove(L, -2); /* the value; the line stays below the key */
		lua_insert(L, -2);
	}
	lines[n] = NULL;
}

/* http(method, url[, headers[, body]]): status, body */
static int gantry_http(lua_State *L)
{
	const struct services *services = services_of(L);
	struct gantry_error err = GANTRY_ERROR_INIT;
	const char *lines[HEADERS_MAX + 1];
	struct service_http request;
	struct buf *answer;
	int r, status = 0;

	memset(&request, 0, sizeof(request));
	lua_settop(L, 4);
	request.method = check_text(L, 1, 16);
	request.url = check_text(L, 2, 4096);
	need(L, services->http != NULL, "http", push_host(L, request.url));
	read_headers(L, 3, lines);
	request.headers = lines;
	request.body = luaL_optlstring(L, 4, NULL, &request.body_len);
	request.deadline_ns = sandbox_left_ns(sandbox_of(L));
	answer = held_buf(L);
	sandbox_enter_host(sandbox_of(L));
	r = services->http(services->ctx, &request, &status, answer, &err);
	sandbox_leave_host(sandbox_of(L));
	if (r < 0) {
		sandbox_release(sandbox_of(L), answer);
		raise_error(L, "http", &err);
	}
	lua_pushinteger(L, status);
	lua_pushlstring(L, buf_str(answer), answer->len);
	sandbox_release(sandbox_of(L), answer);
	return 2;
}

/* ---- secrets and commands ---- */

static int gantry_secret(lua_State *L)
{
	const struct services *services = services_of(L);
	const char *name = check_text(L, 1, KEY_MAX);
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct buf *value;
	int r;

	need(L, services->secret != NULL, "secret", name);
	value = held_buf(L);
	sandbox_enter_host(sandbox_of(L));
	r = services->secret(services->ctx, name, value, &err);
	sandbox_leave_host(sandbox_of(L));
	if (r < 0) {
		sandbox_release(sandbox_of(L), value);
		raise_error(L, "secret", &err);
	}
	lua_pushlstring(L, buf_str(value), value->len);
	sandbox_release(sandbox_of(L), value);
	return 1;
}

/* exec({command, argument...}[, input]): status, output */
static int gantry_exec(lua_State *L)
{
	const struct services *services = services_of(L);
	struct gantry_error err = GANTRY_ERROR_INIT;
	const char *argv[ARGS_MAX + 1];
	struct buf *output;
	const char *input;
	size_t input_len = 0;
	int r, i, n, status = 0;

	lua_settop(L, 2);
	luaL_checktype(L, 1, LUA_TTABLE);
	n = (int)lua_rawlen(L, 1);
	luaL_argcheck(L, n >= 1 && n <= ARGS_MAX, 1, "a command has 1 to 64 words");
	luaL_checkstack(L, n + 4, "too many arguments");
	for (i = 0; i < n; i++) {
		lua_rawgeti(L, 1, i + 1);
		if (lua_type(L, -1) != LUA_TSTRING) {
			return luaL_error(L, "the words of a command are texts");
		}
		argv[i] = check_text(L, lua_gettop(L), 131072);
	}
	argv[n] = NULL;
	need(L, services->exec != NULL, "exec", argv[0]);
	input = luaL_optlstring(L, 2, NULL, &input_len);
	output = held_buf(L);
	sandbox_enter_host(sandbox_of(L));
	r = services->exec(services->ctx, argv, input, input_len, sandbox_left_ns(sandbox_of(L)),
			   &status, output, &err);
	sandbox_leave_host(sandbox_of(L));
	if (r < 0) {
		sandbox_release(sandbox_of(L), output);
		raise_error(L, argv[0], &err);
	}
	lua_pushinteger(L, status);
	lua_pushlstring(L, buf_str(output), output->len);
	sandbox_release(sandbox_of(L), output);
	return 2;
}

void lib_services(lua_State *L)
{
	static const luaL_Reg kv[] = {
		{ "get", kv_get },   { "put", kv_put },       { "remove", kv_remove },
		{ "list", kv_list }, { "update", kv_update }, { NULL, NULL },
	};
	static const luaL_Reg counter[] = {
		{ "add", counter_add }, { "sum", counter_sum }, { NULL, NULL },
	};
	static const luaL_Reg single[] = {
		{ "http", gantry_http }, { "secret", gantry_secret }, { "exec", gantry_exec },
		{ NULL, NULL },
	};

	luaL_newlib(L, kv);
	environment_freeze(L, "gantry.kv");
	lua_setfield(L, -2, "kv");
	luaL_newlib(L, counter);
	environment_freeze(L, "gantry.counter");
	lua_setfield(L, -2, "counter");
	luaL_setfuncs(L, single, 0);
}
