/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/commands/commands.h"
#include "cli/commands/container.h"
#include "cli/terminal/attach.h"
#include "cli/text/units.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static int add_time(struct buf *target, const struct args *args, const char *flag,
		    struct gantry_error *err)
{
	const char *text = args_string(args, flag);
	char when[UNITS_MAX];

	if (!text || !*text) {
		return 0;
	}
	if (units_parse_when(text, when) < 0) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid value for \"%s\": failed to parse value as time or duration: "
				 "\"%s\"",
				 flag, text);
	}
	target_add(target, flag, when);
	return 0;
}

static int command_logs(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(client_response) struct client_response response = CLIENT_RESPONSE_INIT;
	auto_json struct json_object *o = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	int tty, r;

	/* Whether output comes in frames depends on the container having a terminal. */
	target_set(&target, "/containers/%s/json", args->argv[0]);
	r = api_call(cli, "GET", buf_str(&target), NULL, &o, err);
	if (r < 0) {
		return r;
	}
	tty = json_get_bool(json_get_object(o, "Config"), "Tty", 0);
	target_set(&target, "/containers/%s/logs", json_get_string(o, "Id"));
	target_add(&target, "stdout", "1");
	target_add(&target, "stderr", "1");
	target_add(&target, "details", args_bool(args, "details", 0) ? "1" : NULL);
	target_add(&target, "follow", args_bool(args, "follow", 0) ? "1" : NULL);
	target_add(&target, "timestamps", args_bool(args, "timestamps", 0) ? "1" : NULL);
	target_add(&target, "tail", args_string(args, "tail"));
	r = add_time(&target, args, "since", err);
	r = r < 0 ? r : add_time(&target, args, "until", err);
	r = r < 0 ? r : api_stream(cli, "GET", buf_str(&target), NULL, &response, err);
	return r < 0 ? r : attach_copy(&response.stream, tty, err);
}

static const struct flag logs_flags[] = {
	{ FLAG_BOOL, 0, "details", "Show extra details of the log", NULL, 0 },
	{ FLAG_BOOL, 'f', "follow", "Go on as more is logged", NULL, 0 },
	{ FLAG_STRING, 0, "since", "Show logs since a time (\"2024-01-02T13:23:37Z\") or for a span (\"42m\")",
	  NULL, 0 },
	{ FLAG_STRING, 'n', "tail", "Number of lines to show from the end", "all", 0 },
	{ FLAG_BOOL, 't', "timestamps", "Show timestamps", NULL, 0 },
	{ FLAG_STRING, 0, "until", "Show logs before a time or a span ago", NULL, 0 },
	{ FLAG_NONE },
};

const struct command logs_command = {
	.name = "logs",
	.summary = "Fetch the logs of a container",
	.usage = "[OPTIONS] CONTAINER",
	.aliases = "container logs, logs",
	.min_args = 1,
	.max_args = 1,
	.flags = logs_flags,
	.run = command_logs,
};
