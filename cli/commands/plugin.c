/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins do: statistics, logs, calls as they happen; and starting them anew. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/commands/plugin_time.h"
#include "cli/format/list.h"
#include "cli/text/units.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

static const struct list_heading headings[] = {
	{"Name", "NAME"},
	{"Calls", "CALLS"},
	{"Errors", "ERRORS"},
	{"P50", "P50"},
	{"P90", "P90"},
	{"P99", "P99"},
	{"Processes", "PROCESSES"},
	{"Restarts", "RESTARTS"},
	{"Crashes", "CRASHES"},
	{"Memory", "MEMORY"},
	{"Health", "HEALTH"},
	{NULL, NULL},
};
static const struct list_spec spec = {"*plugin.statsContext",
				      "table "
				      "{{.Name}}\t{{.Calls}}\t{{.Errors}}\t{{.P50}}\t{{.P90}}\t{{."
				      "P99}}\t{{.Processes}}\t{{.Restarts}}\t"
				      "{{.Crashes}}\t{{.Memory}}\t{{.Health}}",
				      "{{.Name}}", headings, NULL};

void plugin_set_time(struct json_object *row, const char *key, int64_t ns)
{
	char text[32];

	if (ns < 1000) {
		snprintf(text, sizeof(text), "%lldns", (long long)ns);
	} else if (ns < 1000000) {
		snprintf(text, sizeof(text), "%.1fµs", (double)ns / 1e3);
	} else if (ns < 1000000000) {
		snprintf(text, sizeof(text), "%.1fms", (double)ns / 1e6);
	} else {
		snprintf(text, sizeof(text), "%.1fs", (double)ns / 1e9);
	}
	json_set_string(row, key, text);
}

static int add_row(struct list *list, struct json_object *p, struct gantry_error *err)
{
	static const char *const counts[] = {"Calls", "Errors", "Processes", "Crashes"};
	auto_json struct json_object *row = json_object_new_object();
	int64_t starts = json_get_int(p, "Starts", 0);
	char memory[UNITS_MAX];

	json_set_string(row, "Name", json_get_string(p, "Name"));
	json_set_string(row, "Health", json_get_string(p, "Health"));
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		json_set_int(row, counts[i], json_get_int(p, counts[i], 0));
	}
	json_set_int(row, "Restarts", starts);
	json_set_string(row, "Memory",
			units_binary_size((double)json_get_int(p, "MemoryBytes", 0), memory));
	plugin_set_time(row, "P50", json_get_int(p, "P50Ns", 0));
	plugin_set_time(row, "P90", json_get_int(p, "P90Ns", 0));
	plugin_set_time(row, "P99", json_get_int(p, "P99Ns", 0));
	return list_add(list, row, err);
}

static int command_plugin_stats(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(list) struct list list = {NULL};
	auto_json struct json_object *plugins = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	int r = list_open(&list, &spec, args_string(args, "format"), 0, err);

	if (args->argc > 0) {
		target_set(&target, "/gantry/plugin-stats/%s", args->argv[0]);
	} else {
		buf_adds(&target, "/gantry/plugin-stats");
	}
	r = r < 0 ? r : api_call(cli, "GET", buf_str(&target), NULL, &plugins, err);
	for (size_t i = 0; r == 0 && i < json_array_size(plugins); i++) {
		r = add_row(&list, json_object_array_get_idx(plugins, i), err);
	}
	return r < 0 ? r : list_print(&list, err);
}

static int command_plugin_reload(struct cli *cli, struct args *args, struct gantry_error *err)
{
	for (int i = 0; i < args->argc; i++) {
		auto_(buf) struct buf target = BUF_INIT;

		target_set(&target, "/gantry/plugin-reload/%s", args->argv[i]);
		if (api_call(cli, "POST", buf_str(&target), NULL, NULL, err) < 0) {
			return err->code;
		}
		printf("%s\n", args->argv[i]);
	}
	return CLI_EXIT_OK;
}

/* Prints what comes, as it comes. */
static int print_stream(struct cli *cli, const char *target, struct gantry_error *err)
{
	auto_(client_response) struct client_response response = CLIENT_RESPONSE_INIT;
	char data[8192];
	ssize_t n = 0;
	int r = api_stream(cli, "GET", target, NULL, &response, err);

	while (r == 0 && (n = stream_read(&response.stream, data, sizeof(data))) > 0) {
		if (write_all(STDOUT_FILENO, data, (size_t)n) < 0) {
			return error_errno(err, errno, "cannot write");
		}
	}
	return r < 0   ? r
	       : n < 0 ? error_set(err, GANTRY_ERR_UNAVAILABLE, "the answer broke off")
		       : CLI_EXIT_OK;
}

static int command_plugin_logs(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;
	const char *tail = args_string(args, "tail");

	target_set(&target, "/gantry/plugin-logs/%s", args->argv[0]);
	if (tail && strcmp(tail, "all") != 0) {
		target_add(&target, "tail", tail);
	}
	if (args_bool(args, "follow", 0)) {
		target_add(&target, "follow", "1");
	}
	return print_stream(cli, buf_str(&target), err);
}

static int command_plugin_trace(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;

	target_set(&target, "/gantry/plugin-trace/%s", args->argv[0]);
	return print_stream(cli, buf_str(&target), err);
}

static const struct flag no_flags[] = {{FLAG_NONE}};
static const struct flag stats_flags[] = {FORMAT_FLAG, {FLAG_NONE}};
static const struct flag logs_flags[] = {
	{FLAG_BOOL, 'f', "follow", "Follow log output", NULL, 0},
	{FLAG_STRING, 'n', "tail", "Number of lines to show from the end of the logs", "all", 0},
	{FLAG_NONE},
};

const struct command plugin_stats_command = {
	.name = "stats",
	.summary = "Show calls, errors, latency, restarts and memory of plugins",
	.usage = "[OPTIONS] [KIND/DRIVER]",
	.min_args = 0,
	.max_args = 1,
	.flags = stats_flags,
	.run = command_plugin_stats,
};

const struct command plugin_reload_command = {
	.name = "reload",
	.summary = "Start plugins anew wherever they are used",
	.usage = "KIND/DRIVER [KIND/DRIVER...]",
	.min_args = 1,
	.max_args = -1,
	.flags = no_flags,
	.run = command_plugin_reload,
};

const struct command plugin_logs_command = {
	.name = "logs",
	.summary = "Fetch the log of a plugin",
	.usage = "[OPTIONS] KIND/DRIVER",
	.min_args = 1,
	.max_args = 1,
	.flags = logs_flags,
	.run = command_plugin_logs,
};

const struct command plugin_trace_command = {
	.name = "trace",
	.summary = "Show the calls of a plugin as they happen",
	.usage = "KIND/DRIVER",
	.min_args = 1,
	.max_args = 1,
	.flags = no_flags,
	.run = command_plugin_trace,
};
