/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/commands/list.h"
#include "cli/commands/ports.h"
#include "cli/commands/rows.h"
#include "cli/text/units.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define COMMAND_WIDTH 20
#define MOUNT_WIDTH 15

const struct list_heading container_headings[] = {
	{ "ID", "CONTAINER ID" },     { "Names", "NAMES" },
	{ "Image", "IMAGE" },	      { "Command", "COMMAND" },
	{ "CreatedAt", "CREATED AT" }, { "RunningFor", "CREATED" },
	{ "Ports", "PORTS" },	      { "State", "STATE" },
	{ "Status", "STATUS" },	      { "Size", "SIZE" },
	{ "Labels", "LABELS" },	      { "Mounts", "MOUNTS" },
	{ "LocalVolumes", "LOCAL VOLUMES" }, { "Networks", "NETWORKS" },
	{ "Platform", "PLATFORM" },   { NULL, NULL },
};

#define COLUMNS                                                                                \
	"table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t"   \
	"{{.Names}}"

static const struct list_spec spec = {
	"*formatter.ContainerContext", COLUMNS, "{{.ID}}", container_headings, row_label_method,
};
static const struct list_spec spec_with_size = {
	"*formatter.ContainerContext", COLUMNS "\t{{.Size}}", "{{.ID}}", container_headings, row_label_method,
};

/* Names without the slash; those of links, with two, only untruncated. */
static void set_names(struct json_object *row, struct json_object *names, int no_trunc)
{
	auto_(buf) struct buf text = BUF_INIT;

	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_item_string(names, i);

		name = name && *name == '/' ? name + 1 : name;
		if (name && (no_trunc || !strchr(name, '/'))) {
			buf_addf(&text, "%s%s", text.len ? "," : "", name);
		}
	}
	row_set_buf(row, "Names", &text);
}

static void set_command(struct json_object *row, const char *command, int no_trunc)
{
	auto_(buf) struct buf cut = BUF_INIT;
	auto_(buf) struct buf text = BUF_INIT;

	if (no_trunc) {
		buf_adds(&cut, command);
	} else {
		ellipsis(command, COMMAND_WIDTH, &cut);
	}
	buf_addc(&text, '"');
	for (const char *p = buf_str(&cut); *p; p++) {
		if (*p == '"' || *p == '\\') {
			buf_addf(&text, "\\%c", *p);
		} else if (*p == '\n' || *p == '\t' || *p == '\r') {
			buf_addf(&text, "\\%c", *p == '\n' ? 'n' : *p == '\t' ? 't' : 'r');
		} else {
			buf_addc(&text, *p);
		}
	}
	buf_addc(&text, '"');
	row_set_buf(row, "Command", &text);
}

static void set_mounts(struct json_object *row, struct json_object *mounts, int no_trunc)
{
	auto_(buf) struct buf text = BUF_INIT;
	char volumes[16];
	int local = 0;

	for (size_t i = 0; i < json_array_size(mounts); i++) {
		struct json_object *m = json_object_array_get_idx(mounts, i);
		const char *driver = json_get_string(m, "Driver");
		const char *name = json_get_string(m, "Name");

		name = name && *name ? name : json_get_string(m, "Source");
		local += driver && strcmp(driver, "local") == 0;
		buf_adds(&text, i ? "," : "");
		if (no_trunc || !name) {
			buf_adds(&text, name ? name : "");
		} else {
			ellipsis(name, MOUNT_WIDTH, &text);
		}
	}
	row_set_buf(row, "Mounts", &text);
	snprintf(volumes, sizeof(volumes), "%d", local);
	json_set_string(row, "LocalVolumes", volumes);
}

static void set_networks(struct json_object *row, struct json_object *c)
{
	struct json_object *networks =
		json_get_object(json_get_object(c, "NetworkSettings"), "Networks");
	auto_(buf) struct buf text = BUF_INIT;

	if (networks) {
		json_object_object_foreach(networks, key, value) {
			(void)value;
			buf_addf(&text, "%s%s", text.len ? "," : "", key);
		}
	}
	row_set_buf(row, "Networks", &text);
}

static void set_size(struct json_object *row, struct json_object *c)
{
	int64_t all = json_get_int(c, "SizeRootFs", 0);
	char own[UNITS_MAX], whole[UNITS_MAX];
	auto_(buf) struct buf text = BUF_INIT;

	buf_adds(&text, units_human_size((double)json_get_int(c, "SizeRw", 0), 3, own));
	if (all > 0) {
		buf_addf(&text, " (virtual %s)", units_human_size((double)all, 3, whole));
	}
	row_set_buf(row, "Size", &text);
}

static void set_platform(struct json_object *row, struct json_object *c)
{
	struct json_object *p = json_get_object(json_get_object(c, "ImageManifestDescriptor"),
						"platform");

	if (p) {
		auto_(buf) struct buf text = BUF_INIT;

		buf_addf(&text, "%s/%s", json_get_string(p, "os"), json_get_string(p, "architecture"));
		json_set_string(p, "Platform", buf_str(&text));
		json_set(row, "Platform", json_object_get(p));
	} else {
		json_set(row, "Platform", NULL);
	}
}

struct json_object *container_row(struct json_object *c, int no_trunc)
{
	struct json_object *row = json_object_new_object();
	const char *image = json_get_string(c, "Image");
	const char *command = json_get_string(c, "Command");
	int64_t created = json_get_int(c, "Created", 0);
	auto_(buf) struct buf text = BUF_INIT;

	row_set_id(row, "ID", json_get_string(c, "Id"), no_trunc);
	set_names(row, json_get_array(c, "Names"), no_trunc);
	if (image && !no_trunc && strncmp(image, "sha256:", 7) == 0) {
		row_set_id(row, "Image", image, 0);
	} else {
		json_set_string(row, "Image", image && *image ? image : "<no image>");
	}
	set_command(row, command ? command : "", no_trunc);
	row_set_created(row, "RunningFor", "CreatedAt", created);
	ports_print(json_get_array(c, "Ports"), &text);
	row_set_buf(row, "Ports", &text);
	json_set_string(row, "State", json_get_string(c, "State"));
	json_set_string(row, "Status", json_get_string(c, "Status"));
	set_size(row, c);
	row_set_labels(row, json_get_object(c, "Labels"));
	set_mounts(row, json_get_array(c, "Mounts"), no_trunc);
	set_networks(row, c);
	set_platform(row, c);
	return row;
}

static int print_containers(struct list *list, struct json_object *containers, int no_trunc,
			    struct gantry_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(containers); i++) {
		auto_json struct json_object *row =
			container_row(json_object_array_get_idx(containers, i), no_trunc);

		r = list_add(list, row, err);
	}
	return r < 0 ? r : list_print(list, err);
}

static int command_ps(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(list) struct list list = { NULL };
	auto_json struct json_object *containers = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	int size = args_bool(args, "size", 0);
	const char *format = args_string(args, "format");
	int64_t last = args_bool(args, "latest", 0) ? 1 : args_int(args, "last", -1);
	int r = list_open(&list, size ? &spec_with_size : &spec, format,
			  args_bool(args, "quiet", 0), err);

	if (r < 0) {
		if (strncmp(err->message, "template", 8) == 0) {
			cli_print_error(err);
			return CLI_EXIT_BAD_TEMPLATE;
		}
		return r;
	}
	buf_adds(&target, "/containers/json");
	target_add(&target, "all", args_bool(args, "all", 0) ? "1" : NULL);
	if (last > 0) {
		target_addf(&target, "limit", "%lld", (long long)last);
	}
	if (size || (format && (template_uses_field(list.template, "Size") ||
			       (list.shows_json && !list.is_json)))) {
		target_add(&target, "size", "1");
	}
	target_add_filters(&target, args, "filter");
	r = api_call(cli, "GET", buf_str(&target), NULL, &containers, err);
	return r < 0 ? r : print_containers(&list, containers, args_bool(args, "no-trunc", 0), err);
}

static const struct flag ps_flags[] = {
	{ FLAG_BOOL, 'a', "all", "Show all containers (default: only running ones)", NULL, 0 },
	FILTER_FLAG,
	FORMAT_FLAG,
	{ FLAG_INT, 'n', "last", "Show the n last created containers, in any state", "-1", 0 },
	{ FLAG_BOOL, 'l', "latest", "Show the last created container, in any state", NULL, 0 },
	NO_TRUNC_FLAG,
	{ FLAG_BOOL, 'q', "quiet", "Show only IDs", NULL, 0 },
	{ FLAG_BOOL, 's', "size", "Show sizes", NULL, 0 },
	{ FLAG_NONE },
};

const struct command ps_command = {
	.name = "ps",
	.category = "Common Commands",
	.summary = "List containers",
	.usage = "[OPTIONS]",
	.aliases = "container ls, container list, container ps, ps",
	.flags = ps_flags,
	.run = command_ps,
};
