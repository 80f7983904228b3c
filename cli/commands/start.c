/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands/commands.h"
#include "cli/commands/container.h"
#include "cli/terminal/terminal.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

/* What attach, start -a need to know of a container. */
struct target_container {
	char *id;
	int tty, open_stdin, running, paused, restarting;
	int exit_code;
};

static void target_container_auto(struct target_container *t)
{
	free(t->id);
}

static int look_up(struct cli *cli, const char *name, struct target_container *ret,
		   struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	struct json_object *config, *state;
	auto_(buf) struct buf target = BUF_INIT;
	int r;

	target_set(&target, "/containers/%s/json", name);
	r = api_call(cli, "GET", buf_str(&target), NULL, &o, err);
	if (r < 0) {
		return r;
	}
	config = json_get_object(o, "Config");
	state = json_get_object(o, "State");
	ret->id = strdup(json_get_string(o, "Id") ? json_get_string(o, "Id") : name);
	ret->tty = json_get_bool(config, "Tty", 0);
	ret->open_stdin = json_get_bool(config, "OpenStdin", 0);
	ret->running = json_get_bool(state, "Running", 0);
	ret->paused = json_get_bool(state, "Paused", 0);
	ret->restarting = json_get_bool(state, "Restarting", 0);
	ret->exit_code = (int)json_get_int(state, "ExitCode", 0);
	return ret->id ? 0 : error_no_memory(err);
}

static int open_attach(struct cli *cli, const struct target_container *c, int use_stdin,
		       const char *keys, struct client_response *ret, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;

	target_set(&target, "/containers/%s/attach", c->id);
	target_add(&target, "stream", "1");
	target_add(&target, "stdin", use_stdin ? "1" : NULL);
	target_add(&target, "stdout", "1");
	target_add(&target, "stderr", "1");
	target_add(&target, "detachKeys", keys);
	return session_open(cli, buf_str(&target), NULL, ret, err);
}

static void target_start(struct buf *target, struct args *args, const char *name)
{
	target_set(target, "/containers/%s/start", name);
	target_add(target, "checkpoint", args_string(args, "checkpoint"));
	target_add(target, "checkpoint-dir", args_string(args, "checkpoint-dir"));
}

static int start_one(struct cli *cli, struct args *args, const char *name, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;
	int r;

	target_start(&target, args, name);
	r = api_call(cli, "POST", buf_str(&target), NULL, NULL, err);
	if (r == 0) {
		printf("%s\n", name);
	}
	return r;
}

#define DETACHED 256 /* no exit code: the user left, the container runs on */

/* The session, from a stream that is open to the exit code. */
static int run_session(struct cli *cli, const struct target_container *c, int use_stdin,
		       const char *keys, int sig_proxy, struct client_response *stream,
		       struct client_response *wait, int *status, struct gantry_error *err)
{
	auto_(buf) struct buf resize = BUF_INIT;
	struct session_options o = { .id = c->id, .tty = c->tty, .use_stdin = use_stdin, .raw = 1,
				     .sig_proxy = sig_proxy, .detach_keys = keys };
	int detached = 0, r;

	target_set(&resize, "/containers/%s/resize", c->id);
	o.resize_path = buf_str(&resize);
	if (c->tty && terminal_is(STDOUT_FILENO)) {
		session_resize(cli, o.resize_path);
	}
	r = session_run(cli, &stream->stream, &o, &detached, err);
	if (r < 0 || detached) {
		*status = DETACHED;
		return r;
	}
	return wait_finish(wait, status, err);
}

static int start_attached(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(target_container) struct target_container c = { NULL };
	auto_(client_response) struct client_response stream = CLIENT_RESPONSE_INIT;
	auto_(client_response) struct client_response wait = CLIENT_RESPONSE_INIT;
	auto_(buf) struct buf target = BUF_INIT;
	const char *keys = args_string(args, "detach-keys");
	int use_stdin = 0, status = CLI_EXIT_OK;
	int r = look_up(cli, args->argv[0], &c, err);

	use_stdin = args_bool(args, "interactive", 0) && c.open_stdin;
	r = r < 0 ? r : open_attach(cli, &c, use_stdin, keys, &stream, err);
	r = r < 0 ? r : wait_open(cli, c.id, "next-exit", &wait, err);
	if (r < 0) {
		return r;
	}
	target_start(&target, args, c.id);
	r = api_call(cli, "POST", buf_str(&target), NULL, NULL, err);
	r = r < 0 ? r : run_session(cli, &c, use_stdin, keys, 1, &stream, &wait, &status, err);
	return r < 0 ? r : status == DETACHED ? CLI_EXIT_OK : status;
}

static int command_start(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(buf) struct buf failed = BUF_INIT;

	cli->will_start = 1;
	if (args_bool(args, "attach", 0) || args_bool(args, "interactive", 0)) {
		if (args->argc > 1) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "you cannot start and attach multiple containers at once");
		}
		return start_attached(cli, args, err);
	}
	if (args_has(args, "checkpoint") && args->argc > 1) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "you cannot restore multiple containers at once");
	}
	for (int i = 0; i < args->argc; i++) {
		struct gantry_error one = GANTRY_ERROR_INIT;

		if (start_one(cli, args, args->argv[i], &one) < 0) {
			cli_print_error(&one);
			buf_addf(&failed, "%s%s", failed.len ? ", " : "", args->argv[i]);
		}
	}
	return failed.len ? error_set(err, GANTRY_ERR_INTERNAL,
				      "Error: failed to start containers: %s", failed.data)
			  : CLI_EXIT_OK;
}

static int command_attach(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(target_container) struct target_container c = { NULL };
	auto_(client_response) struct client_response stream = CLIENT_RESPONSE_INIT;
	auto_(client_response) struct client_response wait = CLIENT_RESPONSE_INIT;
	const char *keys = args_string(args, "detach-keys");
	int use_stdin, status = CLI_EXIT_OK;
	int r = look_up(cli, args->argv[0], &c, err);

	if (r < 0) {
		return r;
	}
	if (!c.running || c.paused || c.restarting) {
		return error_set(err, GANTRY_ERR_CONFLICT,
				 !c.running ? "You cannot attach to a stopped container, start it first"
				 : c.paused ? "You cannot attach to a paused container, unpause it first"
					    : "You cannot attach to a restarting container, wait until "
					      "it is running");
	}
	use_stdin = !args_bool(args, "no-stdin", 0) && c.open_stdin;
	if (use_stdin && c.tty && !terminal_is(STDIN_FILENO)) {
		return error_set(err, GANTRY_ERR_INVALID, "the input device is not a TTY");
	}
	r = wait_open(cli, c.id, NULL, &wait, err);
	r = r < 0 ? r : open_attach(cli, &c, use_stdin, keys, &stream, err);
	r = r < 0 ? r : run_session(cli, &c, use_stdin, keys, args_bool(args, "sig-proxy", 1), &stream,
				    &wait, &status, err);
	return r == 0 && status == DETACHED ? session_left(err) : r < 0 ? r : status;
}

static const struct flag start_flags[] = {
	{ FLAG_BOOL, 'a', "attach", "Attach STDOUT and STDERR and pass signals on", NULL, 0 },
	DETACH_KEYS_FLAG,
	{ FLAG_BOOL, 'i', "interactive", "Attach STDIN", NULL, 0 },
	{ FLAG_STRING, 0, "checkpoint", "Start from this checkpoint", NULL, 0 },
	{ FLAG_STRING, 0, "checkpoint-dir", "Folder of the checkpoint, when it is not the container's own",
	  NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag attach_flags[] = {
	DETACH_KEYS_FLAG,
	{ FLAG_BOOL, 0, "no-stdin", "Do not attach STDIN", NULL, 0 },
	{ FLAG_BOOL, 0, "sig-proxy", "Pass received signals on to the process", "true", 0 },
	{ FLAG_NONE },
};

const struct command start_command = {
	.name = "start",
	.summary = "Start one or more stopped containers",
	.usage = "[OPTIONS] CONTAINER [CONTAINER...]",
	.aliases = "container start, start",
	.min_args = 1,
	.max_args = -1,
	.flags = start_flags,
	.run = command_start,
};

const struct command attach_command = {
	.name = "attach",
	.summary = "Attach to the standard streams of a running container",
	.usage = "[OPTIONS] CONTAINER",
	.aliases = "container attach, attach",
	.min_args = 1,
	.max_args = 1,
	.flags = attach_flags,
	.run = command_attach,
};
