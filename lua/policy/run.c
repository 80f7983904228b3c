/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy script can say: hook and policy while it loads; allow, deny and
 * rewrite from a hook.  And calling one hook's function on a request.
 */
#include <string.h>

#include <lauxlib.h>

#include "helpers/error.h"

#include "lua/policy/internal.h"
#include "lua/sandbox/bridge.h"

const char hook_functions_key;
static const char verdict_metatable_key;

/* The script that is loading, or raises. */
static struct policy_script *loading(lua_State *L, const char *what)
{
	struct policy_script *script = sandbox_user(sandbox_of(L));

	if (!script) {
		luaL_error(L, "%s is called while the script loads, not from a hook", what);
	}
	return script;
}

/* Pushes a copy of the table at 1 without its function `run`. */
static void push_declaration(lua_State *L)
{
	lua_newtable(L);
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		if (lua_type(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -2), "run") == 0) {
			lua_pop(L, 1);
			continue;
		}
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_rawset(L, -4);
	}
}

static int declare_hook(lua_State *L)
{
	struct policy_script *script = loading(L, "hook");
	struct sandbox *sb = sandbox_of(L);
	json_object *declared;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	if (lua_getfield(L, 1, "run") != LUA_TFUNCTION) {
		return luaL_error(L, "hook: run must be a function(request)");
	}
	if (json_object_array_length(script->declared) >= POLICY_HOOKS_MAX) {
		return luaL_error(L, "a script declares at most %d hooks", POLICY_HOOKS_MAX);
	}
	lua_rawgetp(L, LUA_REGISTRYINDEX, &hook_functions_key);
	lua_insert(L, 2);
	lua_rawseti(L, 2, (lua_Integer)json_object_array_length(script->declared) + 1);
	push_declaration(L);
	declared = bridge_to_json(L, -1);
	sandbox_enter_host(sb);
	json_object_array_add(script->declared, json_object_get(declared));
	sandbox_leave_host(sb);
	bridge_release(L);
	return 0;
}

static int declare_policy(lua_State *L)
{
	struct policy_script *script = loading(L, "policy");
	struct sandbox *sb = sandbox_of(L);
	json_object *declared;

	luaL_checktype(L, 1, LUA_TTABLE);
	declared = bridge_to_json(L, 1);
	sandbox_enter_host(sb);
	json_object_put(script->manifest);
	script->manifest = json_object_get(declared);
	sandbox_leave_host(sb);
	bridge_release(L);
	return 0;
}

/* A verdict is a table {verdict, payload} with a metatable of its own. */
static int push_verdict(lua_State *L, enum verdict verdict, int payload)
{
	lua_createtable(L, 2, 0);
	lua_pushinteger(L, verdict);
	lua_rawseti(L, -2, 1);
	if (payload) {
		lua_pushvalue(L, payload);
		lua_rawseti(L, -2, 2);
	}
	lua_rawgetp(L, LUA_REGISTRYINDEX, &verdict_metatable_key);
	lua_setmetatable(L, -2);
	return 1;
}

static int verdict_allow(lua_State *L)
{
	return push_verdict(L, VERDICT_PASS, 0);
}

static int verdict_deny(lua_State *L)
{
	luaL_checkstring(L, 1);
	return push_verdict(L, VERDICT_DENY, 1);
}

static int verdict_rewrite(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	return push_verdict(L, VERDICT_REWRITE, 1);
}

void hook_functions_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "hook", declare_hook },  { "policy", declare_policy },
		{ "allow", verdict_allow }, { "deny", verdict_deny },
		{ "rewrite", verdict_rewrite }, { NULL, NULL },
	};

	lua_pushglobaltable(L);
	luaL_setfuncs(L, functions, 0);
	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &hook_functions_key);
	lua_createtable(L, 0, 2);
	lua_pushliteral(L, "verdict");
	lua_setfield(L, -2, "__name");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_rawsetp(L, LUA_REGISTRYINDEX, &verdict_metatable_key);
}

/* ---- running ---- */

struct run {
	struct hook *hook;
	json_object *request;
	struct answer *answer;
};

/* A reason is one line of text for a user's terminal. */
static void set_reason(lua_State *L, int index, struct answer *answer)
{
	size_t i, len;
	const char *text = lua_tolstring(L, index, &len);

	if (!text || len == 0) {
		text = "refused by policy";
		len = strlen(text);
	}
	if (len >= sizeof(answer->reason)) {
		len = sizeof(answer->reason) - 1;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80) {
			len--; /* not in the middle of a character */
		}
	}
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		answer->reason[i] = c < ' ' || c == 127 ? ' ' : (char)c;
	}
	answer->reason[len] = '\0';
	if (!is_utf8(answer->reason, len)) {
		luaL_error(L, "the reason of a denial is not UTF-8");
	}
	answer->verdict = VERDICT_DENY;
}

static void take_patch(lua_State *L, int index, struct answer *answer)
{
	json_object *patch = bridge_to_json(L, index);

	answer->patch = json_object_get(patch);
	answer->verdict = VERDICT_REWRITE;
}

static int is_verdict(lua_State *L, int index)
{
	int same;

	if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index)) {
		return 0;
	}
	lua_rawgetp(L, LUA_REGISTRYINDEX, &verdict_metatable_key);
	same = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	return same;
}

/* Reads what the function returned, at 1 and 2. */
static void read_answer(lua_State *L, struct answer *answer)
{
	if (lua_isnil(L, 1) || (lua_isboolean(L, 1) && lua_toboolean(L, 1))) {
		return;
	}
	if (lua_isboolean(L, 1)) {
		set_reason(L, 2, answer);
		return;
	}
	if (!is_verdict(L, 1)) {
		luaL_error(L, "a hook returned a %s: return allow(), deny(reason) or rewrite { ... }",
			   luaL_typename(L, 1));
	}
	lua_rawgeti(L, 1, 1);
	lua_rawgeti(L, 1, 2);
	if (lua_tointeger(L, -2) == VERDICT_DENY) {
		set_reason(L, -1, answer);
	} else if (lua_tointeger(L, -2) == VERDICT_REWRITE) {
		take_patch(L, -1, answer);
	}
}

static void run_body(lua_State *L, void *arg)
{
	struct run *run = arg;

	lua_rawgetp(L, LUA_REGISTRYINDEX, &hook_functions_key);
	lua_rawgeti(L, -1, run->hook->number);
	bridge_push_view(L, run->request);
	lua_call(L, 1, 2);
	lua_remove(L, 1);
	read_answer(L, run->answer);
}

int hook_run(struct hook *hook, json_object *request, int64_t budget_ns, struct answer *ret,
	     struct gantry_error *err)
{
	struct run run = { hook, request, ret };
	int r;

	memset(ret, 0, sizeof(*ret));
	r = sandbox_call(hook->script->sb, run_body, &run, budget_ns, err);
	if (r < 0) {
		json_object_put(ret->patch);
		memset(ret, 0, sizeof(*ret));
	}
	return r;
}
