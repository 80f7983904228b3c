/* SPDX-License-Identifier: Apache-2.0 */
/* What this host offers and which plugins do the work. */
#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/commands/list.h"
#include "cli/format/table.h"
#include "cli/format/value.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static int is_bad(struct json_object *check)
{
	const char *status = json_get_string(check, "status");

	return status && (strcmp(status, "missing") == 0 || strcmp(status, "error") == 0 ||
			  strcmp(status, "failed") == 0);
}

static void add_check(struct json_object *check, struct buf *text)
{
	static const char *const fields[] = { "kind", "name", "status" };
	const char *detail = json_get_string(check, "detail");

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *value = json_get_string(check, fields[i]);

		buf_addf(text, "%s\t", value ? value : "");
	}
	buf_addf(text, "%s\t%s\n", json_get_bool(check, "chosen", 0) ? "yes" : "",
		 detail ? detail : "");
}

static int command_doctor(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *report = NULL;
	struct json_object *checks;
	auto_(buf) struct buf text = BUF_INIT;
	auto_(buf) struct buf out = BUF_INIT;
	const char *format = args_string(args, "format");
	int bad = 0, r = api_call(cli, args_bool(args, "clear", 0) ? "POST" : "GET",
				  "/gantry/doctor", NULL, &report, err);

	if (r < 0) {
		return r;
	}
	if (format && strcmp(format, "json") == 0) {
		json_print(report, &out);
		printf("%s\n", buf_str(&out));
		return CLI_EXIT_OK;
	}
	checks = json_get_array(report, "checks");
	buf_adds(&text, "KIND\tNAME\tSTATUS\tCHOSEN\tDETAIL\n");
	for (size_t i = 0; i < json_array_size(checks); i++) {
		add_check(json_object_array_get_idx(checks, i), &text);
	}
	table_align(buf_str(&text), text.len, &out);
	fputs(buf_str(&out), stdout);
	for (size_t i = 0; i < json_array_size(checks); i++) {
		struct json_object *check = json_object_array_get_idx(checks, i);
		const char *hint = json_get_string(check, "hint");

		bad += is_bad(check);
		if (hint && *hint) {
			printf("\n%s %s: %s\n", json_get_string(check, "kind"),
			       json_get_string(check, "name"), hint);
		}
	}
	return bad ? CLI_EXIT_FAILED : CLI_EXIT_OK;
}

/* What an administrator can do for this user, as a script to read and to run. */
static int command_setup_rootless(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *report = NULL;
	struct json_object *checks;
	size_t missing = 0;
	int r = api_call(cli, "GET", "/gantry/doctor", NULL, &report, err);

	if (r < 0) {
		return r;
	}
	checks = json_get_array(report, "checks");
	printf("#!/bin/sh\n# For an administrator to read and run; nothing of it has been done.\nset -e\n");
	for (size_t i = 0; i < json_array_size(checks); i++) {
		struct json_object *check = json_object_array_get_idx(checks, i);
		const char *line = json_get_string(check, "admin");

		if (line) {
			printf("\n# %s: %s\n%s\n", json_get_string(check, "name"),
			       json_get_string(check, "detail"), line);
			missing++;
		}
	}
	if (!missing) {
		printf("\n# nothing is missing\n");
	}
	return CLI_EXIT_OK;
}

static const struct flag doctor_flags[] = {
	{ FLAG_BOOL, 0, "clear", "Unmount what no server is left for", NULL, 0 },
	{ FLAG_STRING, 0, "format", "'json' prints the report as JSON", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag no_flags[] = { { FLAG_NONE } };
const struct command doctor_command = {
	.name = "doctor",
	.summary = "Show what this host offers, which driver serves each kind, and what to do",
	.usage = "[OPTIONS]",
	.flags = doctor_flags,
	.run = command_doctor,
};
const struct command system_setup_rootless_command = {
	.name = "setup-rootless",
	.summary = "Print what an administrator can do for this user's containers",
	.usage = "",
	.flags = no_flags,
	.run = command_setup_rootless,
};
