/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts in the sandbox.  An input that starts with a letter or "-" is the text of a
 * script; of another, each byte is a choice of the grammar.  However a script ends, the
 * state goes without a leak, and what it took is within its limits.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>

#include "helpers/buf.h"
#include "helpers/error.h"
#include "lua/policy/fakes.h"
#include "lua/sandbox/sandbox.h"
#include "lua/sandbox/services.h"
#include "tests/lua/grammar.h"

#define MEMORY ((size_t)4 << 20)
#define HANG_NS INT64_C(5000000000) /* of processor time */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t processor_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Calls what the script left, as a host would. */
static void call_result(lua_State *L, void *arg)
{
	(void)arg;
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &sandbox_result_key) == LUA_TFUNCTION) {
		lua_pushinteger(L, 1);
		lua_call(L, 1, 0);
	}
	lua_getglobal(L, "f");
	if (lua_isfunction(L, -1)) {
		lua_pushinteger(L, 1);
		lua_call(L, 1, 0);
	}
}

static void run(const char *text, size_t len)
{
	struct fakes fakes;
	struct services services;
	struct sandbox_config config = { .memory_bytes = MEMORY, .deadline_ns = 20000000,
					 .services = &services };
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct sandbox *sb;

	fakes_init(&fakes);
	fakes_services(&fakes, &services);
	sb = sandbox_new(&config, &err);
	if (sb) {
		(void)sandbox_load(sb, "fuzz", text, len, 0, &err);
		error_clear(&err);
		(void)sandbox_call(sb, call_result, NULL, 0, &err);
		if (sandbox_memory_peak(sb) > MEMORY) {
			abort();
		}
	}
	sandbox_free(sb);
	fakes_done(&fakes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t start = processor_ns();

	if (size > 0 && (isalpha(data[0]) || data[0] == '-')) {
		run((const char *)data, size);
	} else {
		struct buf text = BUF_INIT;

		grammar_bytes(data, size);
		grammar_script(&text, 2000);
		run(buf_str(&text), text.len);
		buf_done(&text);
	}
	if (processor_ns() - start > HANG_NS) {
		abort();
	}
	return 0;
}
