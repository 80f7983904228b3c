/* SPDX-License-Identifier: Apache-2.0 */
/* One request for each container named: stop, kill, rm, pause and their kin. */
#include <stdio.h>
#include <string.h>

#include "cli/commands/commands.h"
#include "cli/commands/container.h"
#include "cli/options/options.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

/* POST target, then the name as its answer. */
static int post_and_name(struct cli *cli, const struct buf *target, const char *name,
			 struct gantry_error *err)
{
	int r = api_call(cli, "POST", buf_str(target), NULL, NULL, err);

	if (r == 0) {
		printf("%s\n", name);
	}
	return r;
}

static int stop_like(struct cli *cli, struct args *args, const char *verb, const char *name,
		     struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;
	const char *timeout = args_string(args, "timeout");

	target_set(&target, "/containers/%s/%s", name, verb);
	target_add(&target, "signal", args_string(args, "signal"));
	target_add(&target, "t", timeout ? timeout : args_string(args, "time"));
	return post_and_name(cli, &target, name, err);
}

static int stop_one(struct cli *cli, struct args *args, const char *name, struct gantry_error *err)
{
	return stop_like(cli, args, "stop", name, err);
}

static int restart_one(struct cli *cli, struct args *args, const char *name,
		       struct gantry_error *err)
{
	return stop_like(cli, args, "restart", name, err);
}

static int kill_one(struct cli *cli, struct args *args, const char *name, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;

	target_set(&target, "/containers/%s/kill", name);
	target_add(&target, "signal", args_string(args, "signal"));
	return post_and_name(cli, &target, name, err);
}

static int pause_one(struct cli *cli, struct args *args, const char *name, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;

	target_set(&target, "/containers/%s/pause", name);
	return post_and_name(cli, &target, name, err);
}

static int unpause_one(struct cli *cli, struct args *args, const char *name,
		       struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;

	target_set(&target, "/containers/%s/unpause", name);
	return post_and_name(cli, &target, name, err);
}

static int rm_one(struct cli *cli, struct args *args, const char *name, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;
	int r;

	while (*name == '/') {
		name++;
	}
	target_set(&target, "/containers/%s", name);
	target_add(&target, "force", args_bool(args, "force", 0) ? "1" : NULL);
	target_add(&target, "v", args_bool(args, "volumes", 0) ? "1" : NULL);
	target_add(&target, "link", args_bool(args, "link", 0) ? "1" : NULL);
	r = api_call(cli, "DELETE", buf_str(&target), NULL, NULL, err);
	if (r == GANTRY_ERR_NOT_FOUND && args_bool(args, "force", 0)) {
		/* Docker tells it, and does not fail. */
		cli_print_error(err);
		return 0;
	}
	if (r == 0) {
		printf("%s\n", name);
	}
	return r;
}

static int wait_one(struct cli *cli, struct args *args, const char *name, struct gantry_error *err)
{
	auto_(client_response) struct client_response wait = CLIENT_RESPONSE_INIT;
	int code = 0, r = wait_open(cli, name, NULL, &wait, err);

	r = r < 0 ? r : wait_finish(&wait, &code, err);
	if (r == 0) {
		printf("%d\n", code);
		fflush(stdout);
	}
	return r;
}

static int update_one(struct cli *cli, struct args *args, const char *name,
		      struct gantry_error *err)
{
	auto_json struct json_object *body = json_object_new_object();
	auto_json struct json_object *answer = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	const char *restart = args_string(args, "restart");
	int r = options_resources(args, body, err);

	if (r == 0 && restart) {
		r = options_restart(restart, body, err);
	}
	target_set(&target, "/containers/%s/update", name);
	r = r < 0 ? r : api_call(cli, "POST", buf_str(&target), body, &answer, err);
	if (r < 0) {
		return r;
	}
	printf("%s\n", name);
	for (size_t i = 0; i < json_array_size(json_get_array(answer, "Warnings")); i++) {
		fprintf(stderr, "%s\n", json_item_string(json_get_array(answer, "Warnings"), i));
	}
	return 0;
}

#define EACH_RUN(verb)                                                                         \
	static int command_##verb(struct cli *cli, struct args *args, struct gantry_error *err) \
	{                                                                                      \
		return each_name(cli, args, verb##_one);                                       \
	}

EACH_RUN(stop)
EACH_RUN(restart)
EACH_RUN(kill)
EACH_RUN(pause)
EACH_RUN(unpause)
EACH_RUN(rm)
EACH_RUN(wait)

static int command_update(struct cli *cli, struct args *args, struct gantry_error *err)
{
	if (args->n_values == 0) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "you must provide one or more flags when using this command");
	}
	return each_name(cli, args, update_one);
}

static int command_rename(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;
	int r;

	if (!*args->argv[0] || !*args->argv[1]) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "Error: Neither old nor new names may be empty");
	}
	target_set(&target, "/containers/%s/rename", args->argv[0]);
	target_add(&target, "name", args->argv[1]);
	r = api_call(cli, "POST", buf_str(&target), NULL, NULL, err);
	if (r < 0) {
		error_prefix(err, "Error response from daemon: failed to rename container named %s",
			     args->argv[0]);
	}
	return r;
}

static const struct flag stop_flags[] = {
	{ FLAG_STRING, 's', "signal", "Signal to send", NULL, 0 },
	{ FLAG_INT, 't', "timeout", "Seconds to wait before it is killed", NULL, 0 },
	{ FLAG_INT, 0, "time", "Seconds to wait before it is killed", NULL, 1 },
	{ FLAG_NONE },
};
static const struct flag kill_flags[] = {
	{ FLAG_STRING, 's', "signal", "Signal to send", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag rm_flags[] = {
	{ FLAG_BOOL, 'f', "force", "Kill it first when it runs", NULL, 0 },
	{ FLAG_BOOL, 'l', "link", "Remove this link", NULL, 0 },
	{ FLAG_BOOL, 'v', "volumes", "Remove its anonymous volumes", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag update_flags[] = {
	{ FLAG_UINT16, 0, "blkio-weight", "Relative weight of block I/O, 10 to 1000; 0: none", "0", 0 },
	{ FLAG_INT, 0, "cpu-period", "Period of the CPU quota in microseconds", NULL, 0 },
	{ FLAG_INT, 0, "cpu-quota", "CPU time per period in microseconds", NULL, 0 },
	{ FLAG_INT, 0, "cpu-rt-period", "Period of the real-time quota in microseconds", NULL, 0 },
	{ FLAG_INT, 0, "cpu-rt-runtime", "Real-time CPU time per period in microseconds", NULL, 0 },
	{ FLAG_INT, 'c', "cpu-shares", "CPU shares (relative weight)", NULL, 0 },
	{ FLAG_DECIMAL, 0, "cpus", "Number of CPUs", NULL, 0 },
	{ FLAG_STRING, 0, "cpuset-cpus", "CPUs to run on (0-3, 0,1)", NULL, 0 },
	{ FLAG_STRING, 0, "cpuset-mems", "Memory nodes to use (0-3, 0,1)", NULL, 0 },
	{ FLAG_BYTES, 'm', "memory", "Memory limit", NULL, 0 },
	{ FLAG_BYTES, 0, "memory-reservation", "Memory soft limit", NULL, 0 },
	{ FLAG_BYTES, 0, "memory-swap", "Limit of memory plus swap; -1: no limit on swap", NULL, 0 },
	{ FLAG_INT, 0, "pids-limit", "Limit of processes (-1: none)", NULL, 0 },
	{ FLAG_STRING, 0, "restart", "What to do when the container exits", NULL, 0 },
	{ FLAG_NONE },
};

#define MANY "CONTAINER [CONTAINER...]"
#define CONTAINER_COMMAND(id, text, how, other, its_flags)                                     \
	const struct command id##_command = {                                                  \
		.name = #id,                                                                   \
		.summary = text,                                                               \
		.usage = how,                                                                  \
		.aliases = other,                                                              \
		.min_args = 1,                                                                 \
		.max_args = -1,                                                                \
		.flags = its_flags,                                                            \
		.run = command_##id,                                                           \
	}

CONTAINER_COMMAND(stop, "Stop one or more running containers", "[OPTIONS] " MANY,
		  "container stop, stop", stop_flags);
CONTAINER_COMMAND(restart, "Restart one or more containers", "[OPTIONS] " MANY,
		  "container restart, restart", stop_flags);
CONTAINER_COMMAND(kill, "Kill one or more running containers", "[OPTIONS] " MANY,
		  "container kill, kill", kill_flags);
CONTAINER_COMMAND(rm, "Remove one or more containers", "[OPTIONS] " MANY,
		  "container rm, container remove, rm", rm_flags);
CONTAINER_COMMAND(pause, "Pause all processes of one or more containers", MANY,
		  "container pause, pause", NULL);
CONTAINER_COMMAND(unpause, "Let the processes of paused containers go on", MANY,
		  "container unpause, unpause", NULL);
CONTAINER_COMMAND(wait, "Wait until containers stop, then print their exit codes", MANY,
		  "container wait, wait", NULL);
CONTAINER_COMMAND(update, "Change limits of one or more containers", "[OPTIONS] " MANY,
		  "container update, update", update_flags);

const struct command rename_command = {
	.name = "rename",
	.summary = "Rename a container",
	.usage = "CONTAINER NEW_NAME",
	.aliases = "container rename, rename",
	.min_args = 2,
	.max_args = 2,
	.run = command_rename,
};
