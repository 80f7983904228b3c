/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: scripts that decide what may be done, and the log of what they decided. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/format/table.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define TEXT_MAX ((size_t)256 << 10)

static const char new_script[] =
	"-- SPDX-License-Identifier: Apache-2.0\n"
	"-- What this policy is for, in one sentence.\n"
	"policy { version = \"1.0\" }\n"
	"\n"
	"hook {\n"
	"  name = \"example\",\n"
	"  point = \"container.create\",\n"
	"  run = function(request)\n"
	"    local config = request.object.HostConfig or {}\n"
	"    if config.Privileged then\n"
	"      return deny(\"privileged containers are forbidden\")\n"
	"    end\n"
	"  end,\n"
	"}\n";

static const char new_test[] =
	"-- SPDX-License-Identifier: Apache-2.0\n"
	"test(\"privileged containers are refused\", function()\n"
	"  denies(\"container.create\", { object = { HostConfig = { Privileged = true } } }, \"privileged\")\n"
	"  allows(\"container.create\", { object = { HostConfig = { Privileged = false } } })\n"
	"end)\n";

/* POST /gantry/policy */
static int send(struct cli *cli, const char *command, struct json_object *body,
		struct json_object **ret, struct gantry_error *err)
{
	json_set_string(body, "Command", command);
	return api_call(cli, "POST", "/gantry/policy", body, ret, err);
}

static int read_text(const char *path, struct json_object *body, const char *key,
		     struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	int r = read_file(AT_FDCWD, path, &text, TEXT_MAX);

	if (r < 0) {
		return error_errno(err, -r, "cannot read %s", path);
	}
	return json_set_string(body, key, buf_str(&text)) < 0 ? error_no_memory(err) : 0;
}

/* A file "folder/NAME.lua", with NAME_test.lua beside it when there, or the name of
 * a policy that the engine has. */
static int add_script(const char *argument, struct json_object *body, struct gantry_error *err)
{
	const char *slash = strrchr(argument, '/');
	const char *name = slash ? slash + 1 : argument;
	size_t len = strlen(name), folder = (size_t)(name - argument);
	char text[4096];
	int r;

	if (len < 5 || strcmp(name + len - 4, ".lua") != 0) {
		return json_set_string(body, "Name", argument);
	}
	snprintf(text, sizeof(text), "%.*s", (int)len - 4, name);
	json_set_string(body, "Name", text);
	r = read_text(argument, body, "Text", err);
	snprintf(text, sizeof(text), "%.*s%.*s_test.lua", (int)folder, argument, (int)len - 4, name);
	if (r == 0 && access(text, F_OK) == 0) {
		r = read_text(text, body, "Test", err);
	}
	return r;
}

/* Sends the command for the script of the first argument. */
static int send_script(struct cli *cli, struct args *args, const char *command,
		       struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *body = json_object_new_object();
	int r = add_script(args->argv[0], body, err);

	json_set_int(body, "Number", args_int(args, "rounds", 0));
	return r < 0 ? r : send(cli, command, body, ret, err);
}

static int print_tests(struct json_object *report)
{
	struct json_object *tests = json_get_array(report, "tests");
	const char *error = json_get_string(report, "error");

	for (size_t i = 0; i < json_array_size(tests); i++) {
		struct json_object *test = json_object_array_get_idx(tests, i);
		const char *why = json_get_string(test, "error");

		printf("%s %s%s%s\n", json_get_bool(test, "ok", 0) ? "ok" : "FAILED",
		       json_get_string(test, "name"), why ? ": " : "", why ? why : "");
	}
	if (error) {
		fprintf(stderr, "%s\n", error);
	}
	printf("%lld passed, %lld failed\n", (long long)json_get_int(report, "passed", 0),
	       (long long)json_get_int(report, "failed", 0));
	return error || json_get_int(report, "failed", 0) ? CLI_EXIT_FAILED : CLI_EXIT_OK;
}

static int command_new(struct cli *cli, struct args *args, struct gantry_error *err)
{
	const char *const texts[] = { new_script, new_test };
	const char *const suffixes[] = { ".lua", "_test.lua" };
	char path[4096];

	(void)cli;
	for (size_t i = 0; i < 2; i++) {
		auto_fd int fd = -1;

		snprintf(path, sizeof(path), "%s%s", args->argv[0], suffixes[i]);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0 || write_all(fd, texts[i], strlen(texts[i])) < 0) {
			return error_errno(err, errno, "cannot make %s", path);
		}
		printf("%s\n", path);
	}
	return CLI_EXIT_OK;
}

static int command_test(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *report = NULL;
	int r = send_script(cli, args, "test", &report, err);

	return r < 0 ? r : print_tests(report);
}

static int command_check(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *findings = NULL;
	int errors = 0, r = send_script(cli, args, "check", &findings, err);

	for (size_t i = 0; r == 0 && i < json_array_size(findings); i++) {
		struct json_object *one = json_object_array_get_idx(findings, i);
		const char *severity = json_get_string(one, "severity");

		printf("%s:%lld: %s: %s\n", args->argv[0], (long long)json_get_int(one, "line", 0),
		       severity, json_get_string(one, "message"));
		errors += strcmp(severity, "error") == 0;
	}
	return r < 0 ? r : errors ? CLI_EXIT_FAILED : CLI_EXIT_OK;
}

static int command_enable(struct cli *cli, struct args *args, struct gantry_error *err)
{
	for (int i = 0; i < args->argc; i++) {
		auto_json struct json_object *body = json_object_new_object();
		auto_json struct json_object *report = NULL;
		int r = add_script(args->argv[i], body, err);

		/* By name: one that was disabled. */
		if (r == 0 && !json_get(body, "Text")) {
			auto_json struct json_object *stored = NULL;

			r = send(cli, "show", body, &stored, err);
			json_set_string(body, "Text", json_get_string(stored, "text"));
			json_set_string(body, "Test", json_get_string(stored, "test"));
		}
		r = r < 0 ? r : send(cli, "enable", body, &report, err);
		if (r < 0) {
			return error_prefix(err, "%s is not enabled", args->argv[i]);
		}
		printf("%s\n", json_get_string(body, "Name"));
	}
	return CLI_EXIT_OK;
}

static int command_disable(struct cli *cli, struct args *args, struct gantry_error *err)
{
	for (int i = 0; i < args->argc; i++) {
		auto_json struct json_object *body = json_object_new_object();
		int r;

		json_set_string(body, "Name", args->argv[i]);
		r = send(cli, "disable", body, NULL, err);
		if (r < 0) {
			return r;
		}
		printf("%s\n", args->argv[i]);
	}
	return CLI_EXIT_OK;
}

static void add_row(struct json_object *policy, struct buf *rows)
{
	struct json_object *hooks = json_get_array(policy, "hooks");
	const char *version = json_get_string(policy, "version");
	const char *error = json_get_string(policy, "error");

	buf_addf(rows, "%s\t%s\t%s\t", json_get_string(policy, "name"), version ? version : "",
		 json_get_string(policy, "state"));
	for (size_t i = 0; i < json_array_size(hooks); i++) {
		struct json_object *hook = json_object_array_get_idx(hooks, i);
		struct json_object *points = json_get_array(hook, "points");

		for (size_t k = 0; k < json_array_size(points); k++) {
			buf_addf(rows, "%s%s", i || k ? ", " : "", json_item_string(points, k));
		}
	}
	buf_addf(rows, "\t%s\n", error ? error : "");
}

static int command_ls(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *body = json_object_new_object();
	auto_json struct json_object *list = NULL;
	auto_(buf) struct buf rows = BUF_INIT;
	auto_(buf) struct buf out = BUF_INIT;
	const char *format = args_string(args, "format");
	int r = send(cli, "list", body, &list, err);

	if (r < 0) {
		return r;
	}
	if (format && strcmp(format, "json") == 0) {
		printf("%s\n", json_text(list));
		return CLI_EXIT_OK;
	}
	buf_adds(&rows, "NAME\tVERSION\tSTATE\tPOINTS\tPROBLEM\n");
	for (size_t i = 0; i < json_array_size(list); i++) {
		add_row(json_object_array_get_idx(list, i), &rows);
	}
	table_align(buf_str(&rows), rows.len, &out);
	fputs(buf_str(&out), stdout);
	return CLI_EXIT_OK;
}

static int command_show(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *report = NULL;
	int r = send_script(cli, args, "show", &report, err);
	const char *text = json_get_string(report, args_bool(args, "tests", 0) ? "test" : "text");

	if (r == 0) {
		fputs(text ? text : "", stdout);
	}
	return r < 0 ? r : CLI_EXIT_OK;
}

/* TIME WHO DECISION POINT TARGET HOOK: REASON */
static void print_record(const char *line)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_json struct json_object *record = NULL;
	struct json_object *who, *target;
	const char *user, *name, *hook, *reason;

	if (json_parse(line, strlen(line), "record", &record, &ignored) < 0) {
		printf("%s\n", line);
		return;
	}
	who = json_get_object(record, "who");
	target = json_get_object(record, "target");
	user = json_get_string(who, "user");
	name = json_get_string(target, "name");
	name = name ? name : json_get_string(target, "reference");
	hook = json_get_string(record, "hook");
	reason = json_get_string(record, "reason");
	printf("%s %s %s %s %s%s%s%s%s\n", json_get_string(record, "time"), user ? user : "-",
	       json_get_string(record, "decision"), json_get_string(record, "point"),
	       name ? name : "-", hook ? " " : "", hook ? hook : "", reason ? ": " : "",
	       reason ? reason : "");
}

static int read_audit(struct cli *cli, int64_t lines, struct json_object **ret,
		      struct gantry_error *err)
{
	auto_json struct json_object *body = json_object_new_object();

	json_set_int(body, "Number", lines);
	return send(cli, "audit", body, ret, err);
}

static int command_logs(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *report = NULL;
	struct json_object *tail;
	int raw = args_bool(args, "json", 0);
	int r = read_audit(cli, args_int(args, "tail", 20), &report, err);

	tail = json_get_array(report, "tail");
	for (size_t i = 0; r == 0 && i < json_array_size(tail); i++) {
		if (raw) {
			printf("%s\n", json_item_string(tail, i));
		} else {
			print_record(json_item_string(tail, i));
		}
	}
	return r < 0 ? r : CLI_EXIT_OK;
}

static int command_replay(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *report = NULL;
	struct json_object *changed;
	int r = send_script(cli, args, "replay", &report, err);

	if (r < 0) {
		return r;
	}
	changed = json_get_array(report, "changed");
	for (size_t i = 0; i < json_array_size(changed); i++) {
		struct json_object *one = json_object_array_get_idx(changed, i);
		const char *reason = json_get_string(one, "reason");

		printf("%s %s: %s would be %s%s%s\n", json_get_string(one, "time"),
		       json_get_string(one, "point"), json_get_string(one, "was"),
		       json_get_string(one, "now"), reason ? ": " : "", reason ? reason : "");
	}
	printf("%lld of %lld recorded requests replayed, %zu would be decided otherwise\n",
	       (long long)json_get_int(report, "replayed", 0),
	       (long long)json_get_int(report, "seen", 0), json_array_size(changed));
	return CLI_EXIT_OK;
}

static int command_bench(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *report = NULL;
	int r = send_script(cli, args, "bench", &report, err);

	for (size_t i = 0; r == 0 && i < json_array_size(report); i++) {
		struct json_object *one = json_object_array_get_idx(report, i);

		printf("%-20s %8.2f us\n", json_get_string(one, "point"),
		       (double)json_get_int(one, "ns", 0) / 1000);
	}
	return r < 0 ? r : CLI_EXIT_OK;
}

static int command_verify(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *report = NULL;
	int r = read_audit(cli, 0, &report, err);
	const char *path = json_get_string(report, "path");

	(void)args;
	if (r < 0) {
		return r;
	}
	if (json_get_int(report, "bad_line", 0)) {
		fprintf(stderr, "%s: line %lld: %s\n", path,
			(long long)json_get_int(report, "bad_line", 0),
			json_get_string(report, "problem"));
		return CLI_EXIT_FAILED;
	}
	printf("%s: %lld lines are sound\n", path, (long long)json_get_int(report, "lines", 0));
	return CLI_EXIT_OK;
}

static const struct flag ls_flags[] = {
	{ FLAG_STRING, 0, "format", "'json' prints JSON", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag show_flags[] = {
	{ FLAG_BOOL, 't', "tests", "Show its tests instead", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag logs_flags[] = {
	{ FLAG_INT, 'n', "tail", "Show so many decisions", "20", 0 },
	{ FLAG_BOOL, 0, "json", "Show the lines as they were recorded", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag bench_flags[] = {
	{ FLAG_INT, 0, "rounds", "Ask so often", "10000", 0 },
	{ FLAG_NONE },
};

#define SCRIPT "POLICY|FILE.lua"
#define LEAF(id, label, text, args_text, least, most, flag_table)                              \
	const struct command policy_##id##_command = {                                         \
		.name = label, .summary = text, .usage = args_text, .min_args = least,          \
		.max_args = most, .flags = flag_table, .run = command_##id,                     \
	}

LEAF(new, "new", "Make a script and its tests to start from", "NAME", 1, 1, NULL);
LEAF(test, "test", "Run a script's tests, without touching the engine", SCRIPT, 1, 1, NULL);
LEAF(check, "check", "Find slips in a script", SCRIPT, 1, 1, NULL);
LEAF(enable, "enable", "Test scripts and put them in force", SCRIPT " [" SCRIPT "...]", 1, -1, NULL);
LEAF(disable, "disable", "Take policies out of force", "POLICY [POLICY...]", 1, -1, NULL);
LEAF(ls, "ls", "List policies", "[OPTIONS]", 0, 0, ls_flags);
LEAF(show, "show", "Show a policy's script", "[OPTIONS] POLICY", 1, 1, show_flags);
LEAF(logs, "logs", "Show what was decided", "[OPTIONS]", 0, 0, logs_flags);
LEAF(replay, "replay", "Show what a script would have decided of what was recorded", SCRIPT, 1, 1,
     NULL);
LEAF(bench, "bench", "Measure what a script costs", "[OPTIONS] " SCRIPT, 1, 1, bench_flags);

const struct command audit_verify_command = {
	.name = "verify",
	.summary = "Check that no line of the audit log was changed, removed or added",
	.usage = "",
	.run = command_verify,
};
