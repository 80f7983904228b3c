/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/commands/container.h"
#include "cli/commands/list.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static int command_checkpoint_create(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *body = json_object_new_object();
	auto_(buf) struct buf target = BUF_INIT;
	int r;

	json_set_string(body, "CheckpointID", args->argv[1]);
	json_set_string(body, "CheckpointDir", args_string(args, "checkpoint-dir"));
	json_set_bool(body, "Exit", !args_bool(args, "leave-running", 0));
	target_set(&target, "/containers/%s/checkpoints", args->argv[0]);
	r = api_call(cli, "POST", buf_str(&target), body, NULL, err);
	if (r == 0) {
		printf("%s\n", args->argv[1]);
	}
	return r;
}

static const struct list_heading headings[] = { { "Name", "CHECKPOINT NAME" }, { NULL, NULL } };
static const struct list_spec spec = { "*checkpoint.checkpointContext", "table {{.Name}}", "{{.Name}}",
				       headings, NULL };

static int command_checkpoint_ls(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(list) struct list list = { NULL };
	auto_json struct json_object *answer = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	int r = list_open(&list, &spec, NULL, 0, err);

	target_set(&target, "/containers/%s/checkpoints", args->argv[0]);
	target_add(&target, "dir", args_string(args, "checkpoint-dir"));
	r = r < 0 ? r : api_call(cli, "GET", buf_str(&target), NULL, &answer, err);
	for (size_t i = 0; r == 0 && i < json_array_size(answer); i++) {
		r = list_add(&list, json_object_array_get_idx(answer, i), err);
	}
	return r < 0 ? r : list_print(&list, err);
}

static int command_checkpoint_rm(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;

	target_set(&target, "/containers/%s/checkpoints/", args->argv[0]);
	buf_adds(&target, args->argv[1]);
	target_add(&target, "dir", args_string(args, "checkpoint-dir"));
	return api_call(cli, "DELETE", buf_str(&target), NULL, NULL, err);
}

#define DIR_FLAG                                                                               \
	{ FLAG_STRING, 0, "checkpoint-dir", "Use this folder and not the container's own", NULL, 0 }

static const struct flag create_flags[] = {
	DIR_FLAG,
	{ FLAG_BOOL, 0, "leave-running", "Leave the container running", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag dir_flags[] = { DIR_FLAG, { FLAG_NONE } };

const struct command checkpoint_create_command = {
	.name = "create",
	.summary = "Save what a running container's processes are at (with CRIU)",
	.usage = "[OPTIONS] CONTAINER CHECKPOINT",
	.min_args = 2,
	.max_args = 2,
	.flags = create_flags,
	.run = command_checkpoint_create,
};
const struct command checkpoint_ls_command = {
	.name = "ls",
	.summary = "List the checkpoints of a container",
	.usage = "[OPTIONS] CONTAINER",
	.aliases = "checkpoint ls, checkpoint list",
	.min_args = 1,
	.max_args = 1,
	.flags = dir_flags,
	.run = command_checkpoint_ls,
};
const struct command checkpoint_rm_command = {
	.name = "rm",
	.summary = "Remove a checkpoint",
	.usage = "[OPTIONS] CONTAINER CHECKPOINT",
	.aliases = "checkpoint rm, checkpoint remove",
	.min_args = 2,
	.max_args = 2,
	.flags = dir_flags,
	.run = command_checkpoint_rm,
};
