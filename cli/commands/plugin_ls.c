/* SPDX-License-Identifier: Apache-2.0 */
/* The plugins that are there, and what their drivers did. */
#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/commands/plugin_time.h"
#include "cli/format/list.h"
#include "cli/commands/list.h"
#include "cli/text/units.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static const struct list_heading headings[] = {
	{ "ID", "ID" },	{ "Name", "NAME" }, { "Description", "DESCRIPTION" },
	{ "Enabled", "ENABLED" }, { "PluginReference", "PLUGIN REFERENCE" },
	{ "Calls", "CALLS" }, { "Errors", "ERRORS" }, { "P50", "P50" }, { "P99", "P99" },
	{ "Restarts", "RESTARTS" }, { "Memory", "MEMORY" }, { "Health", "HEALTH" }, { NULL, NULL },
};
static const struct list_spec spec = {
	"*plugin.pluginContext",
	"table {{.ID}}\t{{.Name}}\t{{.Description}}\t{{.Enabled}}\t{{.Calls}}\t{{.Errors}}\t{{.P50}}\t"
	"{{.P99}}\t{{.Restarts}}\t{{.Memory}}\t{{.Health}}",
	"{{.ID}}", headings, NULL
};

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Of all drivers of a plugin together; times are those of the slowest. */
static void add_stats(struct json_object *row, struct json_object *drivers)
{
	int64_t calls = 0, errors = 0, restarts = 0, memory = 0, p50 = 0, p99 = 0;
	const char *health = "";
	char text[UNITS_MAX];

	for (size_t i = 0; i < json_array_size(drivers); i++) {
		struct json_object *s = json_get_object(json_object_array_get_idx(drivers, i), "Stats");
		const char *one = json_get_string(s, "Health");

		calls += json_get_int(s, "Calls", 0);
		errors += json_get_int(s, "Errors", 0);
		restarts += json_get_int(s, "Crashes", 0);
		memory += json_get_int(s, "MemoryBytes", 0);
		p50 = larger(p50, json_get_int(s, "P50Ns", 0));
		p99 = larger(p99, json_get_int(s, "P99Ns", 0));
		health = one && strcmp(health, "failing") != 0 ? one : health;
	}
	json_set_int(row, "Calls", calls);
	json_set_int(row, "Errors", errors);
	json_set_int(row, "Restarts", restarts);
	json_set_string(row, "Memory", memory ? units_binary_size((double)memory, text) : "");
	json_set_string(row, "P50", "");
	json_set_string(row, "P99", "");
	if (calls) {
		plugin_set_time(row, "P50", p50);
		plugin_set_time(row, "P99", p99);
	}
	json_set_string(row, "Health", health);
}

static int command_plugin_ls(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(list) struct list list = { NULL };
	auto_json struct json_object *plugins = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	int no_trunc = args_bool(args, "no-trunc", 0);
	int r = list_open(&list, &spec, args_string(args, "format"), args_bool(args, "quiet", 0),
			  err);

	buf_adds(&target, "/plugins");
	target_add_filters(&target, args, "filter");
	r = r < 0 ? r : api_call(cli, "GET", buf_str(&target), NULL, &plugins, err);
	for (size_t i = 0; r == 0 && i < json_array_size(plugins); i++) {
		struct json_object *p = json_object_array_get_idx(plugins, i);
		const char *about = json_get_string(json_get_object(p, "Config"), "Description");
		auto_json struct json_object *row = json_object_new_object();
		auto_(buf) struct buf text = BUF_INIT;

		row_set_id(row, "ID", json_get_string(p, "Id"), no_trunc);
		json_set_string(row, "Name", json_get_string(p, "Name"));
		json_set_string(row, "PluginReference", json_get_string(p, "PluginReference") ?: "");
		ellipsis(about ? about : "", no_trunc ? 4096 : 45, &text);
		row_set_buf(row, "Description", &text);
		json_set_bool(row, "Enabled", json_get_bool(p, "Enabled", 0));
		add_stats(row, json_get_array(p, "Drivers"));
		r = list_add(&list, row, err);
	}
	return r < 0 ? r : list_print(&list, err);
}

static const struct flag ls_flags[] = {
	FILTER_FLAG, FORMAT_FLAG, NO_TRUNC_FLAG,
	{ FLAG_BOOL, 'q', "quiet", "Show only IDs", NULL, 0 },
	{ FLAG_NONE },
};

const struct command plugin_ls_command = {
	.name = "ls",
	.summary = "List plugins, and what they did",
	.usage = "[OPTIONS]",
	.aliases = "plugin ls, plugin list",
	.flags = ls_flags,
	.run = command_plugin_ls,
};
