/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into a container: top, port, diff; and taking it out: commit, export. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands/commands.h"
#include "cli/commands/container.h"
#include "cli/commands/transfer.h"
#include "cli/format/table.h"
#include "cli/image_name.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static void add_cells(struct json_object *row, struct buf *out)
{
	for (size_t i = 0; i < json_array_size(row); i++) {
		buf_addf(out, "%s%s", i ? "\t" : "", json_item_string(row, i));
	}
	buf_addc(out, '\n');
}

static int command_top(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	struct json_object *rows;
	auto_(buf) struct buf target = BUF_INIT;
	auto_(buf) struct buf ps = BUF_INIT;
	auto_(buf) struct buf text = BUF_INIT;
	auto_(buf) struct buf out = BUF_INIT;
	int r;

	for (int i = 1; i < args->argc; i++) {
		buf_addf(&ps, "%s%s", i > 1 ? " " : "", args->argv[i]);
	}
	target_set(&target, "/containers/%s/top", args->argv[0]);
	target_add(&target, "ps_args", ps.len ? ps.data : NULL);
	r = api_call(cli, "GET", buf_str(&target), NULL, &o, err);
	if (r < 0) {
		return r;
	}
	add_cells(json_get_array(o, "Titles"), &text);
	rows = json_get_array(o, "Processes");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		add_cells(json_object_array_get_idx(rows, i), &text);
	}
	/* Docker's top uses wider columns than its other tables. */
	table_align_wide(buf_str(&text), text.len, &out);
	fputs(buf_str(&out), stdout);
	return CLI_EXIT_OK;
}

struct port_line {
	int number;
	char text[200];
};

static int compare_lines(const void *a, const void *b)
{
	const struct port_line *x = a, *y = b;

	return x->number != y->number ? x->number - y->number : strcmp(x->text, y->text);
}

static size_t add_bindings(struct port_line *lines, size_t n, size_t max, const char *port,
			   struct json_object *bindings, int with_port)
{
	for (size_t i = 0; i < json_array_size(bindings) && n < max; i++) {
		struct json_object *b = json_object_array_get_idx(bindings, i);
		const char *ip = json_get_string(b, "HostIp");
		int v6 = ip && strchr(ip, ':') != NULL;

		lines[n].number = atoi(port);
		snprintf(lines[n].text, sizeof(lines[n].text), "%s%s%s%s%s:%s",
			 with_port ? port : "", with_port ? " -> " : "", v6 ? "[" : "", ip ? ip : "",
			 v6 ? "]" : "", json_get_string(b, "HostPort"));
		n++;
	}
	return n;
}

static int command_port(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	auto_free struct port_line *lines = calloc(1024, sizeof(*lines));
	struct json_object *ports;
	auto_(buf) struct buf target = BUF_INIT;
	char wanted[64];
	size_t n = 0;
	int r;

	target_set(&target, "/containers/%s/json", args->argv[0]);
	r = lines ? api_call(cli, "GET", buf_str(&target), NULL, &o, err) : error_no_memory(err);
	if (r < 0) {
		return r;
	}
	ports = json_get_object(json_get_object(o, "NetworkSettings"), "Ports");
	if (args->argc > 1) {
		snprintf(wanted, sizeof(wanted), "%s%s", args->argv[1],
			 strchr(args->argv[1], '/') ? "" : "/tcp");
		n = add_bindings(lines, 0, 1024, wanted, json_get_array(ports, wanted), 0);
		if (!n) {
			return error_set(err, GANTRY_ERR_NOT_FOUND,
					 "Error: No public port '%s' published for %s", args->argv[1],
					 args->argv[0]);
		}
	} else if (ports) {
		json_object_object_foreach(ports, key, value) {
			n = add_bindings(lines, n, 1024, key, value, 1);
		}
	}
	qsort(lines, n, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < n; i++) {
		printf("%s\n", lines[i].text);
	}
	return CLI_EXIT_OK;
}

static int command_diff(struct cli *cli, struct args *args, struct gantry_error *err)
{
	static const char kinds[] = "CAD";
	auto_json struct json_object *changes = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	int r;

	target_set(&target, "/containers/%s/changes", args->argv[0]);
	r = api_call(cli, "GET", buf_str(&target), NULL, &changes, err);
	for (size_t i = 0; r == 0 && i < json_array_size(changes); i++) {
		struct json_object *c = json_object_array_get_idx(changes, i);
		int64_t kind = json_get_int(c, "Kind", 0);

		printf("%c %s\n", kind >= 0 && kind < 3 ? kinds[kind] : '?',
		       json_get_string(c, "Path"));
	}
	return r;
}

static int command_commit(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *body = json_object_new_object();
	auto_json struct json_object *answer = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	struct image_name ref = { .tag = "" };
	const char *text;
	int r = 0;

	if (args->argc > 1) {
		r = image_name_parse(args->argv[1], &ref, err);
	}
	buf_adds(&target, "/commit");
	target_add(&target, "container", args->argv[0]);
	target_add(&target, "repo", ref.name[0] ? ref.name : NULL);
	target_add(&target, "tag", ref.tag[0] ? ref.tag : ref.name[0] ? "latest" : NULL);
	target_add(&target, "comment", args_string(args, "message"));
	target_add(&target, "author", args_string(args, "author"));
	for (size_t i = 0; (text = args_item(args, "change", i)); i++) {
		target_add(&target, "changes", text);
	}
	if (!args_bool(args, "pause", 1)) {
		target_add(&target, "pause", "0");
	}
	r = r < 0 ? r : api_call(cli, "POST", buf_str(&target), body, &answer, err);
	if (r == 0) {
		printf("%s\n", json_get_string(answer, "Id"));
	}
	return r;
}

static int command_export(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;

	target_set(&target, "/containers/%s/export", args->argv[0]);
	return transfer_to_output(cli, buf_str(&target), args_string(args, "output"), "export", err);
}

static const struct flag commit_flags[] = {
	{ FLAG_STRING, 'a', "author", "Author of the image", NULL, 0 },
	{ FLAG_LIST, 'c', "change", "Apply a Dockerfile instruction to the image", NULL, 0 },
	{ FLAG_STRING, 'm', "message", "Message of the commit", NULL, 0 },
	{ FLAG_BOOL, 'p', "pause", "Pause the container meanwhile", "true", 0 },
	{ FLAG_NONE },
};
static const struct flag export_flags[] = {
	{ FLAG_STRING, 'o', "output", "Write to a file instead of STDOUT", NULL, 0 },
	{ FLAG_NONE },
};

const struct command top_command = {
	.name = "top",
	.kind = COMMAND_LEAF_RAW,
	.summary = "Show the running processes of a container",
	.usage = "CONTAINER [ps OPTIONS]",
	.aliases = "container top, top",
	.min_args = 1,
	.max_args = -1,
	.run = command_top,
};

const struct command port_command = {
	.name = "port",
	.summary = "List the published ports of a container, or where one is published",
	.usage = "CONTAINER [PRIVATE_PORT[/PROTO]]",
	.aliases = "container port, port",
	.min_args = 1,
	.max_args = 2,
	.run = command_port,
};

const struct command diff_command = {
	.name = "diff",
	.summary = "List what changed in a container's file system",
	.usage = "CONTAINER",
	.aliases = "container diff, diff",
	.min_args = 1,
	.max_args = 1,
	.run = command_diff,
};

const struct command commit_command = {
	.name = "commit",
	.summary = "Create an image from a container's changes",
	.usage = "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
	.aliases = "container commit, commit",
	.min_args = 1,
	.max_args = 2,
	.flags = commit_flags,
	.run = command_commit,
};

const struct command export_command = {
	.name = "export",
	.summary = "Export a container's file system as a tar archive",
	.usage = "[OPTIONS] CONTAINER",
	.aliases = "container export, export",
	.min_args = 1,
	.max_args = 1,
	.flags = export_flags,
	.run = command_export,
};
