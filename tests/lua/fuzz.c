/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random work for the sandbox, the same for the same seed:
 *
 *     fuzz library N [SEED]   our library against Lua's own: same results
 *     fuzz script N [SEED]    scripts made from a grammar: they end, in time
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>
#include <lualib.h>

#include "helpers/buf.h"
#include "helpers/error.h"
#include "lua/sandbox/sandbox.h"
#include "lua/sandbox/services.h"
#include "tests/lua/grammar.h"

#define PATIENT_NS INT64_C(60000000000) /* a busy machine is no difference */
#define HANG_NS INT64_C(5000000000)     /* of processor time */

static int64_t processor_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Results as one text; error messages without their place. */
static const char report[] =
	"local r = table.pack(pcall(function() return %s end)) local t = {} "
	"for i = 1, r.n do t[i] = type(r[i]) == 'string' and r[i]:gsub('^[^:]*:%%d+: ', '') or tostring(r[i]) end "
	"if not r[1] then t = { 'error' } end "
	"return table.concat(t, '\\1')";

static void take_result(lua_State *L, void *arg)
{
	size_t len;
	const char *text;

	lua_rawgetp(L, LUA_REGISTRYINDEX, &sandbox_result_key);
	text = lua_tolstring(L, -1, &len);
	buf_add(arg, text ? text : "?", text ? len : 1);
}

static int ours(const char *source, struct buf *out)
{
	struct sandbox_config config = { .memory_bytes = 16 << 20, .deadline_ns = PATIENT_NS };
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct sandbox *sb = sandbox_new(&config, &err);
	int r = sandbox_load(sb, "ours", source, strlen(source), 0, &err);

	if (r == 0) {
		r = sandbox_call(sb, take_result, out, 0, &err);
	}
	if (r < 0) {
		buf_addf(out, "failed: %s", err.message);
	}
	sandbox_free(sb);
	return r;
}

static void theirs(const char *source, struct buf *out)
{
	static lua_State *L;
	size_t len;
	const char *text;

	if (!L) {
		L = luaL_newstate();
		luaL_openlibs(L);
	}
	lua_settop(L, 0);
	(void)luaL_dostring(L, source);
	text = lua_tolstring(L, -1, &len);
	buf_add(out, text ? text : "?", text ? len : 1);
}

static int compare_once(void)
{
	struct buf call = BUF_INIT, source = BUF_INIT, a = BUF_INIT, b = BUF_INIT;
	int differ;

	grammar_call(&call);
	buf_addf(&source, report, buf_str(&call));
	ours(buf_str(&source), &a);
	theirs(buf_str(&source), &b);
	differ = a.len != b.len || (a.len && memcmp(a.data, b.data, a.len) != 0);
	if (differ) {
		printf("differs: %s\n  ours:   %s\n  theirs: %s\n", buf_str(&call), buf_str(&a), buf_str(&b));
	}
	buf_done(&call);
	buf_done(&source);
	buf_done(&a);
	buf_done(&b);
	return differ;
}

static void again(lua_State *L, void *arg)
{
	(void)arg;
	lua_getglobal(L, "f");
	if (lua_isfunction(L, -1)) {
		lua_pushinteger(L, 1);
		lua_call(L, 1, 0);
	}
}

static int run_script_once(void)
{
	static const char *const grants[] = { "kv", NULL };
	static const struct services services = { .grants = grants };
	struct sandbox_config config = { .memory_bytes = 4 << 20, .deadline_ns = 5000000,
					 .services = &services };
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct sandbox *sb = sandbox_new(&config, &err);
	struct buf text = BUF_INIT;
	int64_t start = processor_ns();
	int r, failed = 0;

	if (!sb) {
		printf("no state: %s\n", err.message);
		return 1;
	}
	grammar_script(&text, 600);
	r = sandbox_load(sb, "fuzz", text.data, text.len, 0, &err);
	if (!sandbox_stopped(sb)) {
		r = sandbox_call(sb, again, NULL, 0, &err);
	}
	if (r < 0 && strstr(err.message, " near ")) {
		printf("the grammar makes no Lua: %s\n", err.message);
		failed = 1;
	}
	sandbox_free(sb);
	if (processor_ns() - start > HANG_NS) {
		printf("too slow:\n%s\n", buf_str(&text));
		failed = 1;
	}
	buf_done(&text);
	return failed;
}

int main(int argc, char **argv)
{
	int library = argc > 1 ? strcmp(argv[1], "library") == 0 : 1;
	long i, n = argc > 2 ? atol(argv[2]) : 2000;
	int failed = 0;

	grammar_seed(argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
	for (i = 0; i < n; i++) {
		failed += library ? compare_once() : run_script_once();
	}
	if (argc <= 1) { /* as a test: some of each */
		for (i = 0; i < 500; i++) {
			failed += run_script_once();
		}
	}
	printf("%ld runs, %d failed\n", n, failed);
	return failed != 0;
}
