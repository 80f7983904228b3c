/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/commands/container.h"
#include "cli/commands/list.h"
#include "cli/commands/rows.h"
#include "cli/options/options.h"
#include "cli/text/units.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

const struct list_heading volume_headings[] = {
	{ "Name", "VOLUME NAME" }, { "Driver", "DRIVER" },	   { "Scope", "SCOPE" },
	{ "Labels", "LABELS" },	   { "Mountpoint", "MOUNTPOINT" }, { "Links", "LINKS" },
	{ "Size", "SIZE" },	   { "Group", "GROUP" },	   { "Availability", "AVAILABILITY" },
	{ "Status", "STATUS" },	   { NULL, NULL },
};
static const struct list_spec spec = { "*formatter.volumeContext",
				       "table {{.Driver}}\t{{.Name}}", "{{.Name}}", volume_headings,
				       row_label_method };

static int compare_volumes(const void *a, const void *b)
{
	struct json_object *const *x = a;
	struct json_object *const *y = b;

	return strverscmp(json_get_string(*x, "Name") ?: "", json_get_string(*y, "Name") ?: "");
}

struct json_object *volume_row(struct json_object *v)
{
	static const char *const fields[] = { "Name", "Driver", "Scope", "Mountpoint" };
	struct json_object *row = json_object_new_object();
	struct json_object *usage = json_get_object(v, "UsageData");
	char size[UNITS_MAX], links[24];

	snprintf(links, sizeof(links), "%lld", (long long)json_get_int(usage, "RefCount", 0));
	units_human_size((double)json_get_int(usage, "Size", 0), 4, size);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		json_set_string(row, fields[i], json_get_string(v, fields[i]) ?: "");
	}
	row_set_labels(row, json_get_object(v, "Labels"));
	json_set_string(row, "Links", usage ? links : "N/A");
	json_set_string(row, "Size", usage ? size : "N/A");
	json_set_string(row, "Group", "N/A");
	json_set_string(row, "Availability", "N/A");
	json_set_string(row, "Status", "N/A");
	return row;
}

static int command_volume_ls(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(list) struct list list = { NULL };
	auto_json struct json_object *answer = NULL;
	struct json_object *volumes;
	auto_(buf) struct buf target = BUF_INIT;
	int r = list_open(&list, &spec, args_string(args, "format"), args_bool(args, "quiet", 0),
			  err);

	buf_adds(&target, "/volumes");
	target_add_filters(&target, args, "filter");
	r = r < 0 ? r : api_call(cli, "GET", buf_str(&target), NULL, &answer, err);
	if (r < 0) {
		return r;
	}
	volumes = json_get_array(answer, "Volumes");
	if (volumes) {
		json_object_array_sort(volumes, compare_volumes);
	}
	for (size_t i = 0; r == 0 && i < json_array_size(volumes); i++) {
		auto_json struct json_object *row =
			volume_row(json_object_array_get_idx(volumes, i));

		r = list_add(&list, row, err);
	}
	return r < 0 ? r : list_print(&list, err);
}

static int command_volume_create(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *body = json_object_new_object();
	auto_json struct json_object *answer = NULL;
	struct json_object *map;
	const char *name = args->argc ? args->argv[0] : args_string(args, "name");
	int r = options_map(args, "opt", NULL, &map, err);

	if (args->argc && args_has(args, "name")) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "conflicting options: cannot specify a volume-name through both --name "
				 "and as a positional arg");
	}
	json_set_string(body, "Driver", args_string(args, "driver") ?: "local");
	json_set_string(body, "Name", name);
	if (r == 0 && map) {
		json_set(body, "DriverOpts", map);
	}
	r = r < 0 ? r : options_map(args, "label", NULL, &map, err);
	if (r == 0 && map) {
		json_set(body, "Labels", map);
	}
	r = r < 0 ? r : api_call(cli, "POST", "/volumes/create", body, &answer, err);
	if (r == 0) {
		printf("%s\n", json_get_string(answer, "Name"));
	}
	return r;
}

static int remove_volume(struct cli *cli, struct args *args, const char *name,
			 struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;
	int r;

	target_set(&target, "/volumes/%s", name);
	target_add(&target, "force", args_bool(args, "force", 0) ? "1" : NULL);
	r = api_call(cli, "DELETE", buf_str(&target), NULL, NULL, err);
	if (r == 0) {
		printf("%s\n", name);
	}
	return r;
}

static int command_volume_rm(struct cli *cli, struct args *args, struct gantry_error *err)
{
	return each_name(cli, args, remove_volume);
}

static const struct flag ls_flags[] = {
	FILTER_FLAG,
	FORMAT_FLAG,
	{ FLAG_BOOL, 'q', "quiet", "Show only names", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag create_flags[] = {
	{ FLAG_STRING, 'd', "driver", "Driver of the volume", "local", 0 },
	{ FLAG_LIST, 0, "label", "Set labels", NULL, 0 },
	{ FLAG_STRING, 0, "name", "Name of the volume", NULL, 1 },
	{ FLAG_MAP, 'o', "opt", "Options for the driver", "map[]", 0 },
	{ FLAG_NONE },
};
static const struct flag rm_flags[] = {
	{ FLAG_BOOL, 'f', "force", "Do not fail when it does not exist", NULL, 0 },
	{ FLAG_NONE },
};

const struct command volume_ls_command = {
	.name = "ls",
	.summary = "List volumes",
	.usage = "[OPTIONS]",
	.aliases = "volume ls, volume list",
	.flags = ls_flags,
	.run = command_volume_ls,
};
const struct command volume_create_command = {
	.name = "create",
	.summary = "Create a volume",
	.usage = "[OPTIONS] [VOLUME]",
	.max_args = 1,
	.flags = create_flags,
	.run = command_volume_create,
};
const struct command volume_rm_command = {
	.name = "rm",
	.summary = "Remove one or more volumes that no container uses",
	.usage = "[OPTIONS] VOLUME [VOLUME...]",
	.aliases = "volume rm, volume remove",
	.min_args = 1,
	.max_args = -1,
	.flags = rm_flags,
	.run = command_volume_rm,
};
