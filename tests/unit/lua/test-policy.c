/* SPDX-License-Identifier: Apache-2.0 */
/* The policy engine: order, verdicts, failure, rewrites, the audit chain, and a
 * folder of scripts that changes while it is in use. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"
#include "lua/policy/audit.h"
#include "lua/policy/manager.h"
#include "lua/policy/policy.h"
#include "lua/policy/test.h"

static struct policy_config config;
static char folder[64];
static char audit_path[80];

static void setup(void)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	memset(&config, 0, sizeof(config));
	strcpy(folder, "/tmp/gantry-test-policy-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(audit_path, sizeof(audit_path), "%s/audit.log", folder);
	ck_assert_int_eq(audit_open(audit_path, &config.audit, &err), 0);
	config.record_requests = 1;
}

static void teardown(void)
{
	audit_close(config.audit);
	remove_tree(AT_FDCWD, folder);
}

/* Loads texts as scripts "s1", "s2", ... */
static struct policy_set *set_of(const char *const *texts)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct policy_script *scripts[8] = { NULL };
	struct policy_set *set = NULL;
	size_t n;

	for (n = 0; texts[n]; n++) {
		char name[32];

		snprintf(name, sizeof(name), "s%zu", n + 1);
		ck_assert_msg(policy_script_load(&config, name, texts[n], strlen(texts[n]),
						 &scripts[n], &err) == 0, "%s", err.message);
	}
	ck_assert_int_eq(policy_set_new(&config, scripts, n, &set, &err), 0);
	while (n) {
		policy_script_unref(scripts[--n]);
	}
	return set;
}

static void decide(struct policy_set *set, const char *point, const char *request,
		   struct policy_decision *ret)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	json_object *parsed = json_tokener_parse(request);

	ck_assert_msg(policy_evaluate(set, policy_point_find(point), parsed, ret, &err) == 0, "%s",
		      err.message);
	json_object_put(parsed);
}

static void decide_one(const char *text, const char *point, const char *request,
		       struct policy_decision *ret)
{
	const char *const texts[] = { text, NULL };
	struct policy_set *set = set_of(texts);

	decide(set, point, request, ret);
	policy_set_unref(set);
}

#define CREATE(rest) "hook { point = 'container.create', " rest " }"

START_TEST(no_hook_allows)
{
	struct policy_decision d;

	decide_one(CREATE("run = function() return deny('x') end"), "container.start", "{}", &d);
	ck_assert(!d.denied && d.hooks_run == 0);
	policy_decision_done(&d);
}
END_TEST

START_TEST(verdicts)
{
	static const struct {
		const char *body;
		int denied;
		const char *reason;
	} cases[] = {
		{ "", 0, "" },
		{ "return true", 0, "" },
		{ "return allow()", 0, "" },
		{ "return allow", 1, "a hook returned a function" },
		{ "return deny('no')", 1, "no" },
		{ "return deny('a\\nb\\27[2J')", 1, "a b [2J" },
		{ "return deny('')", 1, "refused by policy" },
		{ "return deny('\\xff')", 1, "not UTF-8" },
		{ "return false, 'why'", 1, "why" },
		{ "return false", 1, "refused by policy" },
		{ "return 'allow'", 1, "a hook returned a string" },
		{ "return {}", 1, "a hook returned a table" },
		{ "return 0", 1, "a hook returned a number" },
		{ "error('boom')", 1, "s1:1: boom" },
		{ "error(nil)", 1, "fails closed: nil" },
		{ "while true do end", 1, "deadline" },
		{ "local s = 'x' while true do s = s .. s end", 1, "memory" },
		{ "request.object = {}", 1, "read-only" },
		{ "return rewrite('x')", 1, "table expected" },
		{ "return rewrite { f = print }", 1, "no JSON form" },
		{ "hook { point = 'tick', run = print }", 1, "while the script loads" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy_decision d;
		char text[400];

		snprintf(text, sizeof(text), CREATE("deadline = 0.5, run = function(request) %s end"),
			 cases[i].body);
		decide_one(text, "container.create", "{\"object\":{}}", &d);
		ck_assert_msg(d.denied == cases[i].denied && strstr(d.reason, cases[i].reason),
			      "%s: %d %s", cases[i].body, d.denied, d.reason);
		policy_decision_done(&d);
	}
}
END_TEST

START_TEST(fail_open_goes_on)
{
	static const char *const bad[] = { "error('x')", "while true do end", "return 7",
					   "return rewrite { Memory = 'lots' }" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct policy_decision d;
		char text[300];

		snprintf(text, sizeof(text),
			 CREATE("fail = 'open', deadline = 0.02, run = function(request) %s end"), bad[i]);
		decide_one(text, "container.create", "{\"object\":{\"Memory\":1}}", &d);
		ck_assert_msg(!d.denied && !d.object && d.hooks_run == 1, "%s", bad[i]);
		policy_decision_done(&d);
	}
}
END_TEST

START_TEST(stopped_script_works_again)
{
	static const char *const texts[] = {
		CREATE("deadline = 0.02, run = function(r) if r.object.Loop then while true do end end end"),
		NULL };
	struct policy_set *set = set_of(texts);
	struct policy_decision d;
	int i;

	for (i = 0; i < 3; i++) {
		decide(set, "container.create", "{\"object\":{\"Loop\":true}}", &d);
		ck_assert(d.denied);
		policy_decision_done(&d);
		decide(set, "container.create", "{\"object\":{}}", &d);
		ck_assert_msg(!d.denied, "%s", d.reason);
		policy_decision_done(&d);
	}
	policy_set_unref(set);
}
END_TEST

START_TEST(order_and_first_denial)
{
	static const char *const texts[] = {
		CREATE("priority = 60, run = function() return deny('late') end"),
		CREATE("priority = 40, run = function(r) return rewrite { Labels = { a = 'by s2' } } end"),
		CREATE("run = function(r) return deny('saw ' .. r.object.Labels.a) end"), NULL };
	struct policy_set *set = set_of(texts);
	struct policy_decision d;

	decide(set, "container.create", "{\"object\":{\"Labels\":null}}", &d);
	ck_assert_str_eq(d.reason, "saw by s2");
	ck_assert_str_eq(d.hook, "s3/s3");
	ck_assert_int_eq(d.hooks_run, 2);
	policy_decision_done(&d);
	policy_set_unref(set);
}
END_TEST

START_TEST(one_budget_for_all)
{
	static const char *const texts[] = {
		CREATE("fail = 'open', deadline = 5, run = function() while true do end end"),
		CREATE("run = function() end"), NULL };
	struct policy_set *set;
	struct policy_decision d;

	config.limits.budget_ns = 30000000;
	set = set_of(texts);
	decide(set, "container.create", "{\"object\":{}}", &d);
	ck_assert_msg(d.denied && strstr(d.reason, "used up"), "%s", d.reason);
	ck_assert_str_eq(d.hook, "s2/s2");
	policy_decision_done(&d);
	policy_set_unref(set);
}
END_TEST

START_TEST(filters)
{
	static const struct {
		const char *match;
		int runs;
	} cases[] = {
		{ "['who.user'] = 'ana'", 1 },
		{ "['who.user'] = 'a*'", 1 },
		{ "['who.user'] = 'bo'", 0 },
		{ "['who.user'] = { 'bo', 'ana' }", 1 },
		{ "['who.user'] = {}", 0 },
		{ "['who.uid'] = 1000", 1 },
		{ "['who.uid'] = '1000'", 0 },
		{ "['object.Privileged'] = true", 0 },
		{ "['object.Privileged'] = false", 1 },
		{ "['object.Tty'] = true", 1 },
		{ "['object.Env'] = 'SECRET=*'", 1 },
		{ "['object.Labels.a\\\\.b'] = 'c'", 1 },
		{ "['object.Image'] = 'docker.io/*'", 0 },
		{ "['object.Image'] = 'docker.io/**'", 1 },
		{ "['who.user.name'] = '*'", 0 },
		{ "['who.user'] = 'ana', ['who.uid'] = 1", 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy_decision d;
		char text[300];

		snprintf(text, sizeof(text), CREATE("match = { %s }, run = function() end"),
			 cases[i].match);
		decide_one(text, "container.create",
			   "{\"who\":{\"user\":\"ana\",\"uid\":1000},\"object\":{\"Tty\":true,"
			   "\"Env\":[\"A=1\",\"SECRET=x\"],\"Labels\":{\"a.b\":\"c\"},"
			   "\"Image\":\"docker.io/library/nginx\"}}", &d);
		ck_assert_msg(d.hooks_run == cases[i].runs, "%s ran %d", cases[i].match, d.hooks_run);
		policy_decision_done(&d);
	}
}
END_TEST

START_TEST(rewrites)
{
	struct policy_decision d;

	decide_one(CREATE("run = function(r) return rewrite { Memory = 2, Cmd = { 'a' }, Drop = gantry.json.null,"
			  " Deep = { Same = 1, New = { X = true } }, Empty = {} } end"),
		   "container.create",
		   "{\"object\":{\"Memory\":1,\"Cmd\":[\"b\"],\"Drop\":3,\"Deep\":{\"Same\":1,\"Other\":2},"
		   "\"Empty\":[1],\"Kept\":\"k\"}}", &d);
	ck_assert_msg(!d.denied, "%s", d.reason);
	ck_assert_str_eq(json_text(d.object),
			 "{\"Memory\":2,\"Cmd\":[\"a\"],\"Deep\":{\"Same\":1,\"Other\":2,\"New\":{\"X\":true}},"
			 "\"Empty\":[],\"Kept\":\"k\"}");
	ck_assert_uint_eq(json_object_array_length(d.changes), 5);
	ck_assert_ptr_nonnull(strstr(json_text(d.changes),
				     "{\"hook\":\"s1/s1\",\"path\":\"object.Memory\",\"old\":1,\"new\":2}"));
	policy_decision_done(&d);
	decide_one(CREATE("run = function(r) return rewrite { Memory = 1 } end"), "container.create",
		   "{\"object\":{\"Memory\":1}}", &d);
	ck_assert(!d.denied && !d.object && !d.changes);
	policy_decision_done(&d);
}
END_TEST

START_TEST(rewrite_refused)
{
	struct policy_decision d;

	decide_one(CREATE("run = function(r) return rewrite { Memory = 'x' } end"), "container.create",
		   "{\"object\":{\"Memory\":1}}", &d);
	ck_assert_msg(d.denied && strstr(d.reason, "object.Memory makes a string of what is a int"),
		      "%s", d.reason);
	policy_decision_done(&d);
	decide_one(CREATE("run = function(r) return rewrite { HostConfig = { Memory = 'x' } } end"),
		   "container.create", "{\"object\":{}}", &d);
	ck_assert_msg(d.denied && strstr(d.reason, "object.HostConfig.Memory a string, which must be an integer"),
		      "%s", d.reason);
	policy_decision_done(&d);
	decide_one(CREATE("run = function(r) return rewrite { HostConfig = { Memry = 1 } } end"),
		   "container.create", "{\"object\":{}}", &d);
	ck_assert_msg(d.denied && strstr(d.reason, "object.HostConfig.Memry, which is no field at "
					 "container.create; meant is perhaps Memory"), "%s", d.reason);
	policy_decision_done(&d);
	decide_one("hook { point = 'container.start', run = function() return rewrite { a = 1 } end }",
		   "container.start", "{\"object\":{}}", &d);
	ck_assert_msg(d.denied && strstr(d.reason, "nothing can be rewritten"), "%s", d.reason);
	policy_decision_done(&d);
	decide_one("hook { point = 'event', run = function() return deny('x') end }", "event", "{}", &d);
	ck_assert(!d.denied);
	policy_decision_done(&d);
}
END_TEST

static int validate(void *ctx, const char *point, json_object *object, struct gantry_error *err)
{
	(void)ctx;
	(void)point;
	return json_get_int(object, "Memory", 0) >= 0 ?
		       0 : error_set(err, GANTRY_ERR_INVALID, "Memory is negative");
}

START_TEST(rewrite_is_validated)
{
	struct policy_decision d;

	config.validate = validate;
	decide_one(CREATE("run = function(r) return rewrite { Memory = -1 } end"), "container.create",
		   "{\"object\":{\"Memory\":1}}", &d);
	ck_assert_msg(d.denied && strstr(d.reason, "the rewrite is not valid: Memory is negative"),
		      "%s", d.reason);
	ck_assert_ptr_null(d.object);
	policy_decision_done(&d);
}
END_TEST

START_TEST(views_end_with_the_call)
{
	static const char *const texts[] = {
		CREATE("run = function(r) if kept then return deny(kept.Image) end kept = r.object end"),
		NULL };
	struct policy_set *set = set_of(texts);
	struct policy_decision d;

	decide(set, "container.create", "{\"object\":{\"Image\":\"a\"}}", &d);
	ck_assert(!d.denied);
	policy_decision_done(&d);
	decide(set, "container.create", "{\"object\":{\"Image\":\"b\"}}", &d);
	ck_assert_msg(d.denied && strstr(d.reason, "this request is over"), "%s", d.reason);
	policy_decision_done(&d);
	policy_set_unref(set);
}
END_TEST

START_TEST(views_read_like_tables)
{
	struct policy_decision d;

	decide_one(CREATE("run = function(r) local o = r.object "
			  "assert(type(o) == 'table' and #o.List == 3 and o.List[2] == 'b' and o.List[4] == nil) "
			  "assert(table.concat(o.List, ',') == 'a,b,c') "
			  "local keys = {} for k, v in pairs(o) do keys[#keys + 1] = k end "
			  "assert(table.concat(keys, ' ') == 'List Map Null Big Real') "
			  "local n = 0 for i, v in ipairs(o.List) do n = n + i end assert(n == 6) "
			  "assert(o.Null == nil and o.Map.x.y == true and o.Nothing == nil) "
			  "assert(o.Big == 18446744073709551615.0 and o.Real == 0.5) "
			  "assert(gantry.json.encode(o.Map) == '{\"x\":{\"y\":true}}') end"),
		   "container.create",
		   "{\"object\":{\"List\":[\"a\",\"b\",\"c\"],\"Map\":{\"x\":{\"y\":true}},\"Null\":null,"
		   "\"Big\":18446744073709551615,\"Real\":0.5}}", &d);
	ck_assert_msg(!d.denied, "%s", d.reason);
	policy_decision_done(&d);
}
END_TEST

START_TEST(large_and_strange_requests)
{
	struct buf text = BUF_INIT;
	struct policy_decision d;
	int i;

	buf_adds(&text, "{\"object\":{\"Env\":[");
	for (i = 0; i < 200000; i++) {
		buf_addf(&text, "%s\"VARIABLE_%d=value\"", i ? "," : "", i);
	}
	buf_adds(&text, "],\"Bad\":\"\xff\xfe\"}}");
	ck_assert_uint_gt(text.len, 4 << 20);
	decide_one(CREATE("deadline = 1, run = function(r) for i, v in ipairs(r.object.Env) do "
			  "if v == 'VARIABLE_199999=value' then return deny('found ' .. #r.object.Bad) end end end"),
		   "container.create", buf_str(&text), &d);
	ck_assert_str_eq(d.reason, "found 2");
	policy_decision_done(&d);
	buf_done(&text);
}
END_TEST

START_TEST(bad_scripts)
{
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
		{ "hook {", "bad:1:" },
		{ "", "declares no hook" },
		{ "error('at load')", "bad:1: at load" },
		{ "while true do end", "deadline" },
		{ "hook { point = 'container.crate', run = print }", "'container.crate' is not a point" },
		{ "hook { run = print }", "is not a point" },
		{ "hook { point = {}, run = print }", "is not a point" },
		{ "hook { point = 'tick' }", "run must be a function" },
		{ "hook { point = 'tick', run = print, prioritee = 1 }", "unknown field 'prioritee'" },
		{ "hook { point = 'tick', run = print, fail = 'maybe' }", "\"closed\" or \"open\"" },
		{ "hook { point = 'tick', run = print, deadline = 1000 }", "up to 10" },
		{ "hook { point = 'tick', run = print, match = { a = {{}} } }", "takes a text" },
		{ "policy { need = {} } hook { point = 'tick', run = print }", "unknown field 'need'" },
		{ "policy { 'a' } hook { point = 'tick', run = print }", "named fields, not a list" },
		{ "hook { 'a', run = print }", "named fields, not a list" },
		{ "\033Lua", "attempt to load a binary chunk" },
		{ "for i = 1, 100 do hook { point = 'tick', run = print } end", "at most 64 hooks" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gantry_error err = GANTRY_ERROR_INIT;
		struct policy_script *script = NULL;
		int r = policy_script_load(&config, "bad", cases[i].text, strlen(cases[i].text), &script,
					   &err);

		ck_assert_msg(r < 0 && r == err.code && strstr(err.message, cases[i].message),
			      "%s: %d %s", cases[i].text, r, err.message);
	}
}
END_TEST

/* ---- audit ---- */

static void write_lines(int n)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	while (n--) {
		ck_assert_int_eq(audit_append(config.audit, "\"type\":\"t\"", 10, &err), 0);
	}
}

static void edit_log(const char *from, const char *to, size_t nth)
{
	struct buf text = BUF_INIT, out = BUF_INIT;
	char *p;

	ck_assert_int_eq(read_file(AT_FDCWD, audit_path, &text, 1 << 20), 0);
	p = text.data;
	do {
		p = strstr(p + (p != text.data), from);
		ck_assert_ptr_nonnull(p);
	} while (nth--);
	buf_add(&out, text.data, (size_t)(p - text.data));
	buf_adds(&out, to);
	buf_adds(&out, p + strlen(from));
	ck_assert_int_eq(write_file_atomic(AT_FDCWD, audit_path, out.data, out.len, 0600, 0), 0);
	buf_done(&text);
	buf_done(&out);
}

static void check_broken(int64_t line, const char *problem)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct audit_report report;

	ck_assert_int_eq(audit_verify(audit_path, &report, &err), GANTRY_ERR_CORRUPT);
	ck_assert_msg(report.bad_line == line && strstr(report.problem, problem), "line %d: %s",
		      (int)report.bad_line, report.problem);
}

START_TEST(audit_is_sound)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct audit_report report;
	struct audit *second = NULL;

	write_lines(3);
	ck_assert_int_eq(audit_open(audit_path, &second, &err), 0);
	ck_assert_int_eq(audit_append(second, "\"type\":\"u\"", 10, &err), 0);
	audit_close(second);
	write_lines(2);
	ck_assert_msg(audit_verify(audit_path, &report, &err) == 0, "%s", err.message);
	ck_assert_int_eq(report.lines, 6);
}
END_TEST

START_TEST(audit_shows_a_changed_line)
{
	write_lines(5);
	edit_log("\"type\":\"t\"", "\"type\":\"x\"", 2);
	check_broken(3, "was changed");
}
END_TEST

static void drop_line(int which)
{
	struct buf text = BUF_INIT;
	char *start, *end;

	ck_assert_int_eq(read_file(AT_FDCWD, audit_path, &text, 1 << 20), 0);
	for (start = text.data; --which > 0; start = strchr(start, '\n') + 1) {
	}
	end = strchr(start, '\n') + 1;
	memmove(start, end, strlen(end) + 1);
	ck_assert_int_eq(write_file_atomic(AT_FDCWD, audit_path, text.data, strlen(text.data), 0600, 0),
			 0);
	buf_done(&text);
}

START_TEST(audit_shows_a_missing_line)
{
	write_lines(5);
	drop_line(2);
	check_broken(2, "missing");
}
END_TEST

START_TEST(audit_shows_a_cut_end)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	write_lines(5);
	drop_line(5);
	check_broken(5, "at the end are missing");
	audit_close(config.audit);
	ck_assert_int_eq(audit_open(audit_path, &config.audit, &err), 0);
	ck_assert_int_eq(audit_append(config.audit, "\"a\":1", 5, &err), GANTRY_ERR_CORRUPT);
}
END_TEST

START_TEST(audit_heals_after_a_crash)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct audit_report report;
	struct buf head = BUF_INIT;
	char head_path[100];
	int fd;

	/* A crash between line and head, then one in the middle of a line. */
	snprintf(head_path, sizeof(head_path), "%s.head", audit_path);
	write_lines(2);
	ck_assert_int_eq(read_file(AT_FDCWD, head_path, &head, 4096), 0);
	write_lines(2);
	audit_close(config.audit);
	ck_assert_int_eq(write_file_atomic(AT_FDCWD, head_path, head.data, head.len, 0600, 0), 0);
	fd = open(audit_path, O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_eq(write(fd, "{\"seq\":5,\"pre", 13), 13);
	close(fd);
	ck_assert_int_eq(audit_open(audit_path, &config.audit, &err), 0);
	write_lines(1);
	ck_assert_msg(audit_verify(audit_path, &report, &err) == 0, "%s", err.message);
	ck_assert_int_eq(report.lines, 5);
	buf_done(&head);
}
END_TEST

START_TEST(decisions_are_recorded)
{
	struct buf text = BUF_INIT;
	struct policy_decision d;

	decide_one("policy { version = '1.2' }"
		   CREATE("name = 'n', run = function(r) return deny('no \"x\"') end"),
		   "container.create",
		   "{\"who\":{\"user\":\"ana\"},\"target\":{\"name\":\"web\"},\"object\":{\"Bad\":\"\xff\"}}", &d);
	policy_decision_done(&d);
	ck_assert_int_eq(read_file(AT_FDCWD, audit_path, &text, 1 << 20), 0);
	ck_assert_ptr_nonnull(strstr(text.data, "\"point\":\"container.create\",\"decision\":\"deny\","
				     "\"hook\":\"s1/n\",\"reason\":\"no \\\"x\\\"\",\"who\":{\"user\":\"ana\"}"));
	ck_assert_ptr_nonnull(strstr(text.data, "\"version\":\"1.2\""));
	ck_assert_ptr_nonnull(strstr(text.data, "\"Bad\":\"\\ufffd\""));
	buf_done(&text);
}
END_TEST

START_TEST(replay_tells_what_would_change)
{
	static const char stricter[] =
		CREATE("run = function(r) if r.object.Privileged then return deny('privileged') end end");
	struct policy_limits limits = { 0 };
	struct gantry_error err = GANTRY_ERROR_INIT;
	json_object *report = NULL, *changed;
	struct policy_decision d;

	decide_one(CREATE("run = function() end"), "container.create", "{\"object\":{\"Privileged\":true}}", &d);
	policy_decision_done(&d);
	decide_one(CREATE("run = function() end"), "container.create", "{\"object\":{}}", &d);
	policy_decision_done(&d);
	ck_assert_msg(policy_replay(&limits, "strict", stricter, strlen(stricter), audit_path, &report,
				    &err) == 0, "%s", err.message);
	changed = json_get_array(report, "changed");
	ck_assert_int_eq(json_get_int(report, "replayed", 0), 2);
	ck_assert_uint_eq(json_array_size(changed), 1);
	ck_assert_str_eq(json_get_string(json_object_array_get_idx(changed, 0), "reason"), "privileged");
	json_object_put(report);
}
END_TEST

/* ---- a folder of scripts ---- */

static void put(const char *name, const char *text)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/scripts/%s", folder, name);
	make_dirs(AT_FDCWD, folder, 0700);
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

/* The reason of a denial, or "allow". */
static const char *ask(struct policy_manager *manager)
{
	static char answer[600];
	struct gantry_error err = GANTRY_ERROR_INIT;
	json_object *request = json_tokener_parse("{\"object\":{}}");
	struct policy_decision d;

	policy_set_unref(policy_manager_set(manager, 1));
	ck_assert_int_eq(policy_manager_evaluate(manager, policy_point_find("container.create"), request,
						 &d, &err), 0);
	snprintf(answer, sizeof(answer), "%s", d.denied ? d.reason : "allow");
	policy_decision_done(&d);
	json_object_put(request);
	return answer;
}

START_TEST(manager_reloads)
{
	struct policy_manager *manager = open_manager();

	ck_assert_str_eq(ask(manager), "allow");
	put("a.lua", CREATE("run = function() return deny('one') end"));
	ck_assert_str_eq(ask(manager), "one");
	put("a.lua", CREATE("run = function() return deny('two') end"));
	ck_assert_str_eq(ask(manager), "two");
	put("a.lua", "this is no Lua");
	ck_assert_str_eq(ask(manager), "two");
	policy_manager_close(manager);

	/* A new process keeps the good version, too. */
	manager = open_manager();
	ck_assert_str_eq(ask(manager), "two");
	put("a_test.lua", "test('x', function() denies('container.create', { object = {} }, 'four') end)");
	put("a.lua", CREATE("run = function() return deny('three') end"));
	ck_assert_str_eq(ask(manager), "two");
	put("a.lua", CREATE("run = function() return deny('four') end"));
	ck_assert_str_eq(ask(manager), "four");
	policy_manager_close(manager);
}
END_TEST

START_TEST(manager_denies_for_broken)
{
	struct policy_manager *manager = open_manager();
	json_object *list = NULL;
	struct gantry_error err = GANTRY_ERROR_INIT;

	put("broken.lua", "nonsense");
	ck_assert_ptr_nonnull(strstr(ask(manager), "policy script broken cannot be loaded: broken:1:"));
	ck_assert(policy_manager_has(manager, policy_point_find("image.pull")));
	ck_assert_int_eq(policy_manager_list(manager, &list, &err), 0);
	ck_assert_ptr_nonnull(strstr(json_text(list), "\"state\":\"broken\""));
	json_object_put(list);
	ck_assert_int_eq(policy_manager_disable(manager, "broken", &err), 0);
	ck_assert_str_eq(ask(manager), "allow");
	policy_manager_close(manager);
}
END_TEST

START_TEST(manager_enables)
{
	static const char text[] = CREATE("run = function() return deny('no') end");
	static const char wrong[] = "test('it allows', function() allows('container.create', {}) end)";
	static const char right[] = "test('it denies', function() denies('container.create', {}) end)";
	struct policy_manager *manager = open_manager();
	struct gantry_error err = GANTRY_ERROR_INIT;
	json_object *report = NULL;
	struct buf shown = BUF_INIT;

	ck_assert_int_eq(policy_manager_enable(manager, "p", text, strlen(text), wrong, strlen(wrong),
					       &report, &err), GANTRY_ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err.message, "test \"it allows\" failed"));
	ck_assert_int_eq(json_get_int(report, "failed", 0), 1);
	json_object_put(report);
	ck_assert_str_eq(ask(manager), "allow");
	error_clear(&err);
	ck_assert_msg(policy_manager_enable(manager, "p", text, strlen(text), right, strlen(right), NULL,
					    &err) == 0, "%s", err.message);
	ck_assert_str_eq(ask(manager), "no");
	ck_assert_int_eq(policy_manager_read(manager, "p", 0, &shown, &err), 0);
	ck_assert_str_eq(buf_str(&shown), text);
	buf_done(&shown);
	ck_assert_int_eq(policy_manager_enable(manager, "../x", text, strlen(text), NULL, 0, NULL, &err),
			 GANTRY_ERR_INVALID);
	ck_assert_int_eq(policy_manager_disable(manager, "nothing", &err), GANTRY_ERR_NOT_FOUND);
	policy_manager_close(manager);
}
END_TEST

START_TEST(lint_finds_slips)
{
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
		{ CREATE("run = function(r) if r.object.HostConfg then end end"), "did you mean HostConfig?" },
		{ CREATE("run = function(r) if r.object.HostConfig.Memroy then end end"), "did you mean Memory?" },
		{ CREATE("run = function(r) if r.whom then end end"), "did you mean who?" },
		{ CREATE("run = function(r) x = 1 end"), "'x' becomes a global" },
		{ CREATE("run = function(r) return denny('x') end"), "'denny' is not defined; did you mean deny?" },
		{ CREATE("run = function(r) gantry.kv.get('x') end"), "gantry.kv is used but not declared" },
		{ "policy { needs = { 'counter' } }" CREATE("run = function(r) end"), "declared in needs but not used" },
		{ CREATE("match = { ['object.HostConfig.Privilegd'] = true }, run = function() end"), "never reached" },
		{ CREATE("match = { ['who.user'] = {} }, run = function() end"), "empty list" },
		{ "\n\nhook {", "\"line\":3" },
		{ CREATE("run = function(r) -- r.nonsense\n local t = { denny = 1 } goto a ::a:: return t.denny and nil end"), "[]" },
	};
	struct policy_limits limits = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gantry_error err = GANTRY_ERROR_INIT;
		json_object *findings = NULL;
		char quoted[200];

		ck_assert_int_eq(policy_check(&limits, "p", cases[i].text, strlen(cases[i].text), &findings,
					      &err), 0);
		snprintf(quoted, sizeof(quoted), "%s", cases[i].message);
		ck_assert_msg(strstr(json_text(findings), quoted), "%s: %s", cases[i].text,
			      json_text(findings));
		json_object_put(findings);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("policy");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, no_hook_allows);
	tcase_add_test(t, verdicts);
	tcase_add_test(t, fail_open_goes_on);
	tcase_add_test(t, stopped_script_works_again);
	tcase_add_test(t, order_and_first_denial);
	tcase_add_test(t, one_budget_for_all);
	tcase_add_test(t, filters);
	tcase_add_test(t, rewrites);
	tcase_add_test(t, rewrite_refused);
	tcase_add_test(t, rewrite_is_validated);
	tcase_add_test(t, views_end_with_the_call);
	tcase_add_test(t, views_read_like_tables);
	tcase_add_test(t, large_and_strange_requests);
	tcase_add_test(t, bad_scripts);
	tcase_add_test(t, audit_is_sound);
	tcase_add_test(t, audit_shows_a_changed_line);
	tcase_add_test(t, audit_shows_a_missing_line);
	tcase_add_test(t, audit_shows_a_cut_end);
	tcase_add_test(t, audit_heals_after_a_crash);
	tcase_add_test(t, decisions_are_recorded);
	tcase_add_test(t, replay_tells_what_would_change);
	tcase_add_test(t, manager_reloads);
	tcase_add_test(t, manager_denies_for_broken);
	tcase_add_test(t, manager_enables);
	tcase_add_test(t, lint_finds_slips);
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
