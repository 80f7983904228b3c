/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy test: the test file runs in a sandbox of its own, and its evaluate()
 * crosses into the script under test, which has another.
 *
 *     test("privileged is refused", function()
 *       denies("container.create", { object = { HostConfig = { Privileged = true } } }, "privileged")
 *     end)
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

#include "lua/policy/fakes.h"
#include "lua/policy/internal.h"
#include "lua/policy/test.h"
#include "lua/sandbox/bridge.h"

#define TESTS_NS INT64_C(5000000000)

static const char tests_key;

struct tester {
	struct policy_config config;
	const char *name;
	const char *text;
	size_t len;
	struct fakes fakes;
	struct policy_set *set; /* for the test that runs now */
	json_object *names;     /* of the declared tests */
	struct policy_decision decision;
	json_object *result;    /* of the last evaluate; owned */
};

static int get_fakes(void *ctx, const char *script, const char *const *needs,
		     struct services *ret, struct gantry_error *err)
{
	struct tester *tester = ctx;
	static const char *const none[] = { NULL };

	(void)script;
	(void)err;
	fakes_services(&tester->fakes, ret);
	ret->grants = needs ? needs : none; /* what was not declared is missing here too */
	return 0;
}

static struct tester *tester_of(lua_State *L)
{
	return sandbox_user(sandbox_of(L));
}

/* test(name, function) */
static int declare_test(lua_State *L)
{
	struct tester *tester = tester_of(L);
	const char *name = luaL_checkstring(L, 1);

	luaL_checktype(L, 2, LUA_TFUNCTION);
	sandbox_enter_host(sandbox_of(L));
	json_add_string(tester->names, name);
	sandbox_leave_host(sandbox_of(L));
	lua_rawgetp(L, LUA_REGISTRYINDEX, &tests_key);
	lua_pushvalue(L, 2);
	lua_rawseti(L, -2, (lua_Integer)json_object_array_length(tester->names));
	return 0;
}

/* Runs the chain; host code, so it raises nothing. */
static int evaluate_request(struct tester *tester, int point, json_object *request,
			    struct gantry_error *err)
{
	struct policy_decision *d = &tester->decision;
	json_object *o;
	int r;

	policy_decision_done(d);
	json_object_put(tester->result);
	tester->result = NULL;
	r = policy_evaluate(tester->set, point, request, d, err);
	if (r < 0) {
		return r;
	}
	o = tester->result = json_object_new_object();
	json_set_string(o, "decision", d->denied ? "deny" : d->changes ? "rewrite" : "allow");
	json_set_string(o, "reason", d->reason);
	json_set_string(o, "hook", d->hook);
	json_set(o, "object", json_object_get(d->object ? d->object : json_get(request, "object")));
	json_set(o, "answer", json_object_get(d->answer ? d->answer : json_get(request, "answer")));
	json_set(o, "changes", json_object_get(d->changes));
	json_set(o, "trace", json_object_get(d->trace));
	return 0;
}

/* evaluate(point, request): {decision, reason, hook, object, answer, changes} */
static int test_evaluate(lua_State *L)
{
	struct tester *tester = tester_of(L);
	struct gantry_error err = GANTRY_ERROR_INIT;
	const char *name = luaL_checkstring(L, 1);
	int r, point = policy_point_find(name);
	json_object *request;

	luaL_argcheck(L, point >= 0, 1, "not a point at which hooks run");
	luaL_checktype(L, 2, LUA_TTABLE);
	if (!tester->set) {
		return luaL_error(L, "evaluate is called inside a test");
	}
	request = bridge_to_json(L, 2);
	sandbox_enter_host(sandbox_of(L));
	r = evaluate_request(tester, point, request, &err);
	sandbox_leave_host(sandbox_of(L));
	bridge_release(L);
	if (r < 0) {
		return luaL_error(L, "%s", err.message);
	}
	bridge_push(L, tester->result);
	return 1;
}

/* at("2026-01-05T20:00:00") puts the clock. */
static int test_at(lua_State *L)
{
	const char *text = luaL_checkstring(L, 1);
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	luaL_argcheck(L, strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) != NULL, 1,
		      "a time looks like 2026-01-05T20:00:00");
	tester_of(L)->fakes.now_ns = (int64_t)timegm(&tm) * 1000000000;
	return 0;
}

static int test_secret(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1), *value = luaL_checkstring(L, 2);

	sandbox_enter_host(sandbox_of(L));
	json_set_string(tester_of(L)->fakes.secrets, name, value);
	sandbox_leave_host(sandbox_of(L));
	return 0;
}

/* respond(url or command, status, text) */
static int test_respond(lua_State *L)
{
	const char *what = luaL_checkstring(L, 1);
	lua_Integer status = luaL_checkinteger(L, 2);
	const char *text = luaL_optstring(L, 3, "");
	struct fakes *fakes = &tester_of(L)->fakes;
	json_object *pair;

	sandbox_enter_host(sandbox_of(L));
	pair = json_object_new_array();
	json_object_array_add(pair, json_object_new_int64(status));
	json_object_array_add(pair, json_object_new_string(text));
	json_set(strstr(what, "://") ? fakes->http : fakes->exec, what, pair);
	sandbox_leave_host(sandbox_of(L));
	return 0;
}

/* The usual questions, in Lua over evaluate. */
static const char prelude[] =
	"local function get(value, path)\n"
	"  for part in path:gmatch('[^.]+') do\n"
	"    if type(value) ~= 'table' then return nil end\n"
	"    value = value[tonumber(part) or part]\n"
	"  end\n"
	"  return value\n"
	"end\n"
	"function allows(point, request)\n"
	"  local answer = evaluate(point, request)\n"
	"  if answer.decision == 'deny' then error('expected allow, got deny: ' .. answer.reason, 2) end\n"
	"  return answer\n"
	"end\n"
	"function denies(point, request, text)\n"
	"  local answer = evaluate(point, request)\n"
	"  if answer.decision ~= 'deny' then error('expected deny, got ' .. answer.decision, 2) end\n"
	"  if text and not answer.reason:find(text, 1, true) then\n"
	"    error('expected a reason with \"' .. text .. '\", got: ' .. answer.reason, 2)\n"
	"  end\n"
	"  return answer\n"
	"end\n"
	"function rewrites(point, request, expected)\n"
	"  local answer = evaluate(point, request)\n"
	"  if answer.decision ~= 'rewrite' then\n"
	"    error('expected rewrite, got ' .. answer.decision .. ': ' .. answer.reason, 2)\n"
	"  end\n"
	"  for path, want in pairs(expected) do\n"
	"    local have = get(answer, path)\n"
	"    if have ~= want then\n"
	"      error(path .. ' is ' .. tostring(have) .. ', expected ' .. tostring(want), 2)\n"
	"    end\n"
	"  end\n"
	"  return answer\n"
	"end\n";

static void open_test_functions(lua_State *L, void *arg)
{
	static const luaL_Reg functions[] = {
		{ "test", declare_test }, { "evaluate", test_evaluate },
		{ "at", test_at },        { "secret", test_secret },
		{ "respond", test_respond }, { NULL, NULL },
	};

	(void)arg;
	lua_pushglobaltable(L);
	luaL_setfuncs(L, functions, 0);
	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &tests_key);
}

static void run_test(lua_State *L, void *arg)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &tests_key);
	lua_rawgeti(L, -1, *(int *)arg);
	lua_call(L, 0, 0);
}

/* A set with a fresh state of the script and fresh fakes. */
static int fresh_set(struct tester *tester, struct gantry_error *err)
{
	struct policy_script *script = NULL;
	int r;

	tester->set = policy_set_unref(tester->set);
	fakes_done(&tester->fakes);
	fakes_init(&tester->fakes);
	r = policy_script_load(&tester->config, tester->name, tester->text, tester->len, &script,
			       err);
	if (r == 0) {
		r = policy_set_new(&tester->config, &script, 1, &tester->set, err);
	}
	policy_script_unref(script);
	return r;
}

static int open_tests(struct tester *tester, const char *text, size_t len, struct sandbox **ret,
		      struct gantry_error *err)
{
	struct sandbox_config config = { .memory_bytes = 64 << 20, .deadline_ns = TESTS_NS };
	struct sandbox *sb = sandbox_new(&config, err);
	char name[160];
	int r;

	if (!sb) {
		return err->code;
	}
	snprintf(name, sizeof(name), "%.120s_test", tester->name);
	sandbox_set_user(sb, tester);
	r = sandbox_call(sb, open_test_functions, NULL, 0, err);
	if (r == 0) {
		r = sandbox_load(sb, "test", prelude, sizeof(prelude) - 1, 0, err);
	}
	if (r == 0) {
		r = sandbox_load(sb, name, text, len, 0, err);
	}
	if (r < 0) {
		sandbox_free(sb);
		return r;
	}
	*ret = sb;
	return 0;
}

static int run_tests(struct tester *tester, struct sandbox *sb, json_object *tests,
		     struct gantry_error *err)
{
	int i, n = (int)json_object_array_length(tester->names), failed = 0;

	for (i = 1; i <= n; i++) {
		struct gantry_error why = GANTRY_ERROR_INIT;
		json_object *result = json_object_new_object();
		int r = fresh_set(tester, &why);

		if (r == 0) {
			r = sandbox_call(sb, run_test, &i, 0, &why);
		}
		json_set_string(result, "name", json_item_string(tester->names, (size_t)i - 1));
		json_set_bool(result, "ok", r == 0);
		if (r < 0) {
			json_set_string(result, "error", why.message);
			if (failed++ == 0) {
				error_set(err, GANTRY_ERR_INVALID, "test \"%s\" failed: %s",
					  json_item_string(tester->names, (size_t)i - 1), why.message);
			}
		}
		json_object_array_add(tests, result);
	}
	return failed;
}

static void tester_done(struct tester *tester)
{
	policy_decision_done(&tester->decision);
	json_object_put(tester->result);
	json_object_put(tester->names);
	policy_set_unref(tester->set);
	fakes_done(&tester->fakes);
}

int policy_test(const struct policy_limits *limits, const char *name, const char *text, size_t len,
		const char *test_text, size_t test_len, json_object **ret,
		struct gantry_error *err)
{
	struct tester tester = { .name = name, .text = text, .len = len };
	json_object *report = json_object_new_object(), *tests = json_object_new_array();
	struct sandbox *sb = NULL;
	int failed = 0, r;

	tester.config = (struct policy_config){ .limits = *limits, .get_services = get_fakes };
	tester.config.ctx = &tester;
	tester.names = json_object_new_array();
	r = fresh_set(&tester, err);
	if (r == 0 && test_text) {
		r = open_tests(&tester, test_text, test_len, &sb, err);
	}
	if (r == 0 && sb) {
		failed = run_tests(&tester, sb, tests, err);
	}
	json_set(report, "tests", tests);
	json_set_int(report, "passed", (int64_t)json_object_array_length(tests) - failed);
	json_set_int(report, "failed", failed);
	if (r < 0) {
		json_set_string(report, "error", err->message);
	}
	sandbox_free(sb);
	tester_done(&tester);
	*ret = report;
	return r < 0 ? r : failed ? err->code : 0;
}
