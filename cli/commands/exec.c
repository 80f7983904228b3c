/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands/commands.h"
#include "cli/commands/container.h"
#include "cli/options/options.h"
#include "cli/terminal/terminal.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static int exec_body(const struct args *args, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *o = json_object_new_object();
	struct json_object *command = json_object_new_array();
	struct json_object *env;
	int detach = args_bool(args, "detach", 0);
	int r = options_env(args, &env, err);

	if (env) {
		json_set(o, "Env", env);
	}
	for (int i = 1; i < args->argc; i++) {
		json_add_string(command, args->argv[i]);
	}
	json_set(o, "Cmd", command);
	json_set_bool(o, "AttachStdin", !detach && args_bool(args, "interactive", 0));
	json_set_bool(o, "AttachStdout", !detach);
	json_set_bool(o, "AttachStderr", !detach);
	json_set_bool(o, "Tty", args_bool(args, "tty", 0));
	json_set_bool(o, "Privileged", args_bool(args, "privileged", 0));
	json_set_string(o, "User", args_string(args, "user"));
	json_set_string(o, "WorkingDir", args_string(args, "workdir"));
	json_set_string(o, "DetachKeys", args_string(args, "detach-keys"));
	if (r == 0) {
		*ret = steal(&o);
	}
	return r;
}

static int create_exec(struct cli *cli, const char *container, struct json_object *body, char **ret,
		       struct gantry_error *err)
{
	auto_json struct json_object *answer = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	const char *id;
	int r;

	target_set(&target, "/containers/%s/exec", container);
	r = api_call(cli, "POST", buf_str(&target), body, &answer, err);
	if (r < 0) {
		return r;
	}
	id = json_get_string(answer, "Id");
	if (!id || !*id) {
		return error_set(err, GANTRY_ERR_INTERNAL, "exec ID empty");
	}
	*ret = strdup(id);
	return *ret ? 0 : error_no_memory(err);
}

static int exit_code(struct cli *cli, const char *id, int *ret, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	int r;

	target_set(&target, "/exec/%s/json", id);
	r = api_call(cli, "GET", buf_str(&target), NULL, &o, err);
	if (r == 0) {
		*ret = (int)json_get_int(o, "ExitCode", 0);
	}
	return r;
}

static int exec_attached(struct cli *cli, const struct args *args, const char *id, int *status,
			 struct gantry_error *err)
{
	auto_(client_response) struct client_response stream = CLIENT_RESPONSE_INIT;
	auto_json struct json_object *body = json_object_new_object();
	auto_(buf) struct buf target = BUF_INIT;
	auto_(buf) struct buf resize = BUF_INIT;
	struct session_options o = {
		.id = id,
		.tty = args_bool(args, "tty", 0),
		.use_stdin = args_bool(args, "interactive", 0),
		.raw = 1,
		.detach_keys = args_string(args, "detach-keys"),
	};
	int detached = 0, rows, columns, r;

	json_set_bool(body, "Detach", 0);
	json_set_bool(body, "Tty", o.tty);
	if (o.tty && terminal_size(STDOUT_FILENO, &rows, &columns) == 0) {
		struct json_object *size = json_object_new_array();

		json_object_array_add(size, json_object_new_int(rows));
		json_object_array_add(size, json_object_new_int(columns));
		json_set(body, "ConsoleSize", size);
	}
	target_set(&target, "/exec/%s/start", id);
	target_set(&resize, "/exec/%s/resize", id);
	o.resize_path = buf_str(&resize);
	r = session_open(cli, buf_str(&target), body, &stream, err);
	if (r < 0) {
		return r;
	}
	if (o.tty && terminal_is(STDOUT_FILENO)) {
		session_resize(cli, o.resize_path);
	}
	r = session_run(cli, &stream.stream, &o, &detached, err);
	if (r == 0 && detached) {
		return session_left(err);
	}
	return r < 0 ? r : exit_code(cli, id, status, err);
}

static int exec_status(const struct gantry_error *err)
{
	if (strstr(err->message, "executable file not found") ||
	    strstr(err->message, "no such file or directory")) {
		return CLI_EXIT_NOT_FOUND;
	}
	return strstr(err->message, "ermission denied") ? CLI_EXIT_NOT_EXECUTABLE : CLI_EXIT_FAILED;
}

static int command_exec(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *body = NULL;
	auto_free char *id = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	int detach = args_bool(args, "detach", 0), status = CLI_EXIT_OK, r;

	if (!detach && args_bool(args, "tty", 0) && args_bool(args, "interactive", 0) &&
	    !terminal_is(STDIN_FILENO)) {
		return error_set(err, GANTRY_ERR_INVALID, "the input device is not a TTY");
	}
	r = exec_body(args, &body, err);
	r = r < 0 ? r : create_exec(cli, args->argv[0], body, &id, err);
	if (r < 0) {
		return r;
	}
	if (detach) {
		auto_json struct json_object *start = json_object_new_object();

		json_set_bool(start, "Detach", 1);
		json_set_bool(start, "Tty", args_bool(args, "tty", 0));
		target_set(&target, "/exec/%s/start", id);
		return api_call(cli, "POST", buf_str(&target), start, NULL, err);
	}
	r = exec_attached(cli, args, id, &status, err);
	if (r < 0) {
		status = exec_status(err);
		if (status == CLI_EXIT_FAILED) {
			return r;
		}
		cli_print_error(err);
	}
	return status;
}

static const struct flag exec_flags[] = {
	{ FLAG_BOOL, 'd', "detach", "Run the command in the background", NULL, 0 },
	DETACH_KEYS_FLAG,
	{ FLAG_LIST, 'e', "env", "Set environment variables", NULL, 0 },
	{ FLAG_LIST, 0, "env-file", "Read environment variables from a file", NULL, 0 },
	{ FLAG_BOOL, 'i', "interactive", "Keep STDIN open even if not attached", NULL, 0 },
	{ FLAG_BOOL, 0, "privileged", "Give the command all privileges", NULL, 0 },
	{ FLAG_BOOL, 't', "tty", "Allocate a pseudo-terminal", NULL, 0 },
	{ FLAG_STRING, 'u', "user", "User name or UID (format: \"<name|uid>[:<group|gid>]\")", NULL, 0 },
	{ FLAG_STRING, 'w', "workdir", "Working directory", NULL, 0 },
	{ FLAG_NONE },
};

const struct command exec_command = {
	.name = "exec",
	.kind = COMMAND_LEAF_RAW,
	.category = "Common Commands",
	.summary = "Execute a command in a running container",
	.usage = "[OPTIONS] CONTAINER COMMAND [ARG...]",
	.aliases = "container exec, exec",
	.min_args = 2,
	.max_args = -1,
	.flags = exec_flags,
	.run = command_exec,
};
