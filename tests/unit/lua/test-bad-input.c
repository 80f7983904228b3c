/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever a script does, a request ends in a decision, denied or allowed as the hook's
 * `fail` says; with a line in the audit log that says what happened; within the deadline
 * and 50 ms of processor time; and with the memory that it took given back.
 */
#include <check.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"
#include "lua/policy/audit.h"
#include "lua/policy/manager.h"
#include "lua/policy/policy.h"

#define DEADLINE_MS 100
#define SLACK_MS 50
/* A call that is cut short by an instrumented build takes a multiple of that. */
#ifdef __SANITIZE_ADDRESS__
#define SLOWER 10
#else
#define SLOWER 1
#endif
/* What the allocator may keep for itself between calls. */
#define KEPT_BYTES (256 << 10)

static struct policy_config config;
static char folder[64];
static char audit_path[80];

static void setup(void)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	memset(&config, 0, sizeof(config));
	strcpy(folder, "/tmp/gantry-test-bad-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(audit_path, sizeof(audit_path), "%s/audit.log", folder);
	ck_assert_int_eq(audit_open(audit_path, &config.audit, &err), 0);
	config.limits.deadline_ns = DEADLINE_MS * INT64_C(1000000);
	/* Another program's turn on the processor is not the script's time. */
	config.limits.budget_ns = INT64_C(60000000000);
}

static void teardown(void)
{
	audit_close(config.audit);
	remove_tree(AT_FDCWD, folder);
}

static int64_t processor_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static size_t memory(void)
{
	malloc_trim(0);
	return mallinfo2().uordblks;
}

/* The end of the log. */
static const char *last_line(struct buf *text)
{
	char *start;

	buf_done(text);
	*text = (struct buf)BUF_INIT;
	ck_assert_int_eq(read_file(AT_FDCWD, audit_path, text, 64 << 20), 0);
	ck_assert_uint_gt(text->len, 1);
	text->data[--text->len] = '\0';
	start = strrchr(text->data, '\n');
	return start ? start + 1 : text->data;
}

struct bad {
	const char *what;
	const char *run;    /* the body of run(request) */
	const char *reason; /* a part of the refusal */
};

static const struct bad bads[] = {
	/* runtime errors */
	{ "an error", "error('boom')", "bad:1: boom" },
	{ "an error that is a table", "error({})", "failed and fails closed" },
	{ "an error without a value", "error()", "failed and fails closed" },
	{ "nil that is indexed", "return request.nothing.more", "attempt to index a nil value (field 'nothing')" },
	{ "a call of nil", "return absent()", "attempt to call a nil value (global 'absent')" },
	{ "a request that is written to", "request.object.Image = 'x'", "read-only" },
	/* wrong return types */
	{ "a number", "return 1", "a hook returned a number" },
	{ "a text", "return 'deny'", "a hook returned a string" },
	{ "a table", "return { deny = true }", "a hook returned a table" },
	{ "a function", "return print", "a hook returned a function" },
	{ "a forged verdict", "return setmetatable({ 1, 'x' }, getmetatable(deny('x')) or {})",
	  "failed and fails closed" },
	{ "a denial without words", "return deny()", "string expected, got no value" },
	{ "a denial with a table", "return deny({})", "string expected, got table" },
	{ "a denial in bytes that are no text", "return deny('\\xff\\xfe')", "not UTF-8" },
	{ "a rewrite with a number", "return rewrite(5)", "table expected, got number" },
	{ "a rewrite with a function", "return rewrite { Env = print }", "failed and fails closed" },
	{ "a rewrite with itself", "local t = {} t.Labels = t return rewrite(t)", "failed and fails closed" },
	{ "a rewrite with nan", "return rewrite { HostConfig = { Memory = 0/0 } }", "failed and fails closed" },
	/* a rewrite that makes an invalid configuration */
	{ "a limit that is a text", "return rewrite { HostConfig = { Memory = 'much' } }",
	  "HostConfig.Memory a string, which must be an integer" },
	{ "a list that is a text", "return rewrite { Env = 'A=b' }", "Env" },
	{ "a field that is none", "return rewrite { HostConfig = { Memry = 1 } }", "meant is perhaps Memory" },
	/* infinite loops */
	{ "a loop", "while true do end", "deadline" },
	{ "a loop of goto", "::again:: goto again", "deadline" },
	{ "recursion", "local function f() return f() end f()", "deadline" },
	{ "deep recursion", "local function f() return 1 + f() end f()", "failed and fails closed" },
	{ "a pattern bomb", "('a'):rep(40):find(('a-'):rep(30) .. 'b')", "deadline" },
	{ "a pattern bomb of 1 MB", "(('a'):rep(1048576)):find(('.-'):rep(8) .. 'b')", "deadline" },
	{ "a pattern of 1 MB", "(('a'):rep(1000)):find(('a?'):rep(524288) .. 'b')", "failed and fails closed" },
	{ "repetition", "local n = 0 while true do n = n + #('x'):rep(100000) end", "deadline" },
	{ "formats", "while true do local s = ('%99d'):rep(20):format(1,2,3,4,5,6,7,8,9,10,1,2,3,4,5,6,7,8,9,10) end",
	  "deadline" },
	{ "concatenation", "local t = {} for i = 1, 50000 do t[i] = 'x' end while true do table.concat(t) end",
	  "deadline" },
	{ "a comparator that lies",
	  "local t = {} for i = 1, 3000 do t[i] = i end while true do table.sort(t, function() return true end) end",
	  "failed and fails closed" },
	{ "a comparator that loops", "table.sort({ 1, 2, 3 }, function() while true do end end)", "deadline" },
	{ "a handler that loops", "xpcall(error, function() while true do end end)", "deadline" },
	{ "handlers without end", "local function h() xpcall(error, h) end while true do xpcall(error, h) end",
	  "failed and fails closed" },
	{ "a coroutine that loops", "coroutine.wrap(function() while true do end end)()", "deadline" },
	{ "coroutines in coroutines", "local function f() coroutine.wrap(f)() end f()", "failed and fails closed" },
	{ "a loop that is swallowed", "while true do pcall(function() while true do end end) end", "deadline" },
	{ "a swallowed loop that goes on", "pcall(function() while true do end end) return allow()", "deadline" },
	{ "a closing variable that loops",
	  "local x <close> = setmetatable({}, { __close = function() while true do end end }) error('x')", "deadline" },
	{ "globs", "while true do gantry.glob(('*a'):rep(100), ('a'):rep(1000)) end", "deadline" },
	{ "JSON", "while true do gantry.json.decode(('['):rep(60) .. (']'):rep(60)) end", "deadline" },
	/* memory */
	{ "1 GB at once", "return ('x'):rep(1 << 30)", "memory" },
	{ "1 GB bit by bit", "local t = {} while true do t[#t + 1] = ('x'):rep(65536) .. #t end", "failed and fails closed" },
	{ "1 GB by doubling", "local s = 'x' while true do s = s .. s end", "failed and fails closed" },
	{ "memory that is swallowed", "local t = {} while true do pcall(function() t[#t + 1] = ('x'):rep(65536) .. #t end) end",
	  "failed and fails closed" },
	{ "10,000 coroutines that are kept",
	  "local t = {} for i = 1, 1000000 do t[i] = coroutine.create(function() coroutine.yield() end) "
	  "coroutine.resume(t[i]) end", "failed and fails closed" },
};

static void evaluate(const struct bad *bad, int fail_open, json_object *request)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct policy_script *script = NULL;
	struct policy_set *set = NULL;
	struct policy_decision d;
	struct buf line = BUF_INIT;
	char text[800];
	const char *record;
	int64_t took;
	int r;

	snprintf(text, sizeof(text), "hook { point = 'container.create', fail = '%s', run = function(request) "
		 "do %s end end }", fail_open ? "open" : "closed", bad->run);
	r = policy_script_load(&config, "bad", text, strlen(text), &script, &err);
	ck_assert_msg(r == 0, "%s: %s", bad->what, err.message);
	ck_assert_int_eq(policy_set_new(&config, &script, 1, &set, &err), 0);
	policy_script_unref(script);
	took = processor_ms();
	r = policy_evaluate(set, policy_point_find("container.create"), request, &d, &err);
	took = processor_ms() - took;
	ck_assert_msg(r == 0, "%s: %s", bad->what, err.message);
	ck_assert_msg(took <= (DEADLINE_MS + SLACK_MS) * SLOWER, "%s took %lld ms", bad->what, (long long)took);
	ck_assert_msg(d.denied == !fail_open, "%s, fail %s: denied %d", bad->what, fail_open ? "open" : "closed",
		      d.denied);
	ck_assert_msg(fail_open || strstr(d.reason, bad->reason), "%s: %s", bad->what, d.reason);
	ck_assert_ptr_null(d.object);
	policy_decision_done(&d);
	record = last_line(&line);
	ck_assert_msg(strstr(record, fail_open ? "\"fail\":\"open\"" : "\"fail\":\"closed\"") &&
			      strstr(record, "\"error\":\"") && strstr(record, "\"script\":\"bad\""),
		      "%s: the log says %s", bad->what, record);
	buf_done(&line);
	/* The next request finds the script working, or failing the same way. */
	r = policy_evaluate(set, policy_point_find("container.create"), request, &d, &err);
	ck_assert_msg(r == 0 && d.denied == !fail_open, "%s, the second time: %d %s", bad->what, r, d.reason);
	policy_decision_done(&d);
	policy_set_unref(set);
}

START_TEST(every_end_is_decided)
{
	json_object *request = json_tokener_parse("{\"who\":{\"user\":\"ana\"},\"object\":{\"Image\":\"x\"}}");
	size_t before;

	evaluate(&bads[_i], 0, request); /* and what is made once is made */
	before = memory();
	evaluate(&bads[_i], 0, request);
	evaluate(&bads[_i], 1, request);
	ck_assert_msg(memory() < before + KEPT_BYTES, "%s kept %zu bytes", bads[_i].what, memory() - before);
	json_object_put(request);
}
END_TEST

/* ---- syntax ---- */

static void put(const char *name, const char *text)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/scripts/%s", folder, name);
	ck_assert_int_eq(write_file_atomic(AT_FDCWD, path, text, strlen(text), 0600, 0), 0);
}

static struct policy_manager *open_manager(void)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct policy_manager *manager = NULL;
	char path[100];

	snprintf(path, sizeof(path), "%s/scripts", folder);
	ck_assert_msg(policy_manager_open(&config, path, &manager, &err) == 0, "%s", err.message);
	return manager;
}

static int ask(struct policy_manager *manager, char *reason, size_t size)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	json_object *request = json_tokener_parse("{\"object\":{\"Image\":\"x\"}}");
	struct policy_decision d;
	int denied;

	ck_assert_int_eq(policy_manager_evaluate(manager, policy_point_find("container.create"), request,
						 &d, &err), 0);
	denied = d.denied;
	snprintf(reason, size, "%s", d.reason);
	policy_decision_done(&d);
	json_object_put(request);
	return denied;
}

START_TEST(syntax_errors)
{
	struct policy_manager *manager = open_manager();
	struct buf line = BUF_INIT;
	char reason[600];

	put("typo.lua", "hook { point = 'container.create' run = print }");
	policy_set_unref(policy_manager_set(manager, 1));
	ck_assert_ptr_nonnull(strstr(last_line(&line), "\"point\":\"policy.load\",\"decision\":\"broken\""));
	ck_assert_int_eq(ask(manager, reason, sizeof(reason)), 1);
	ck_assert_ptr_nonnull(strstr(reason, "policy script typo cannot be loaded: typo:1: '}' expected"));
	ck_assert_ptr_nonnull(strstr(last_line(&line), "\"decision\":\"deny\",\"hook\":\"typo\""));
	put("typo.lua", "hook { point = 'container.create', run = function() return deny('good') end }");
	policy_set_unref(policy_manager_set(manager, 1));
	ck_assert_int_eq(ask(manager, reason, sizeof(reason)), 1);
	ck_assert_str_eq(reason, "good");
	put("typo.lua", "hook {");
	policy_set_unref(policy_manager_set(manager, 1));
	ck_assert_ptr_nonnull(strstr(last_line(&line), "\"point\":\"policy.load\",\"decision\":\"old\""));
	ck_assert_int_eq(ask(manager, reason, sizeof(reason)), 1);
	ck_assert_str_eq(reason, "good");
	buf_done(&line);
	policy_manager_close(manager);
}
END_TEST

/* ---- a file that is replaced while it is loaded ---- */

struct replacing {
	atomic_int stop;
	int fd;
};

/* Not by rename: as an editor that writes in place does. */
static void *replace(void *arg)
{
	static const char *const texts[] = {
		"hook { point = 'container.create', run = function() return deny('one') end }",
		"hook { point = 'container.create', run = function() return deny('two') end }",
		"hook { point = 'container.create', run = func",
	};
	struct replacing *replacing = arg;
	char path[200];

	snprintf(path, sizeof(path), "%s/scripts/busy.lua", folder);
	for (unsigned i = 0; !atomic_load(&replacing->stop); i++) {
		const char *text = texts[i % 3];
		int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

		(void)!write(fd, text, strlen(text) / 2);
		(void)!write(fd, text + strlen(text) / 2, strlen(text) - strlen(text) / 2);
		close(fd);
	}
	return NULL;
}

START_TEST(replaced_while_loading)
{
	struct replacing replacing = { 0 };
	struct policy_manager *manager;
	pthread_t thread;
	char reason[600];
	int i;

	manager = open_manager();
	put("busy.lua", "hook { point = 'container.create', run = function() return deny('one') end }");
	policy_set_unref(policy_manager_set(manager, 1));
	ck_assert_int_eq(pthread_create(&thread, NULL, replace, &replacing), 0);
	for (i = 0; i < 200; i++) {
		policy_set_unref(policy_manager_set(manager, 1));
		ck_assert_int_eq(ask(manager, reason, sizeof(reason)), 1);
		ck_assert_msg(!strcmp(reason, "one") || !strcmp(reason, "two"), "%s", reason);
	}
	atomic_store(&replacing.stop, 1);
	pthread_join(thread, NULL);
	policy_manager_close(manager);
}
END_TEST

/* ---- requests ---- */

START_TEST(strange_requests)
{
	static const char text[] = "hook { point = 'container.create', run = function(request) "
				   "return deny(#request.object.Env .. ' ' .. #request.object.Image) end }";
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct policy_script *script = NULL;
	struct policy_set *set = NULL;
	struct policy_decision d;
	struct buf line = BUF_INIT;
	json_object *request, *object, *env;
	const char *record;
	size_t before;

	config.record_requests = 1;
	ck_assert_int_eq(policy_script_load(&config, "s", text, strlen(text), &script, &err), 0);
	ck_assert_int_eq(policy_set_new(&config, &script, 1, &set, &err), 0);
	policy_script_unref(script);
	for (int round = 0; round < 3; round++) {
		request = json_object_new_object();
		object = json_object_new_object();
		env = json_object_new_array();
		json_object_object_add(request, "object", object);
		json_object_object_add(object, "Env", env);
		json_object_object_add(object, "Image", json_object_new_string("\xff\xfe\x80x"));
		for (int i = 0; i < 65536; i++) { /* 64 bytes each: 4 MiB */
			json_object_array_add(env, json_object_new_string(
				"A_VARIABLE_OF_SIXTY_FOUR_BYTES=0123456789012345678901234567890123"));
		}
		ck_assert_int_eq(policy_evaluate(set, policy_point_find("container.create"), request, &d, &err),
				 0);
		ck_assert_str_eq(d.reason, "65536 4");
		policy_decision_done(&d);
		record = last_line(&line);
		ck_assert_ptr_nonnull(strstr(record, "\"object_digest\":\"sha256:"));
		ck_assert_uint_lt(strlen(record), 2000);
		buf_done(&line);
		line = (struct buf)BUF_INIT;
		json_object_put(request);
		if (round == 0) {
			before = memory();
		}
	}
	ck_assert_uint_lt(memory(), before + KEPT_BYTES);
	/* A small one is kept in the log, which stays valid JSON. */
	request = json_object_new_object();
	object = json_tokener_parse("{\"Env\":[]}");
	json_object_object_add(request, "object", object);
	json_object_object_add(object, "Image", json_object_new_string("\xff\xfe\x80x"));
	ck_assert_int_eq(policy_evaluate(set, policy_point_find("container.create"), request, &d, &err), 0);
	policy_decision_done(&d);
	json_object_put(request);
	record = last_line(&line);
	request = json_tokener_parse(record);
	ck_assert_ptr_nonnull(request);
	ck_assert_str_eq(json_get_string(json_get_object(request, "object"), "Image"),
			 "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx");
	json_object_put(request);
	buf_done(&line);
	policy_set_unref(set);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("bad input");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 240);
	tcase_add_loop_test(t, every_end_is_decided, 0, (int)ARRAY_SIZE(bads));
	tcase_add_test(t, syntax_errors);
	tcase_add_test(t, replaced_while_loading);
	tcase_add_test(t, strange_requests);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
