/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands/commands.h"
#include "cli/commands/container.h"
#include "cli/options/flags.h"
#include "cli/options/options.h"
#include "cli/terminal/terminal.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

/* Which of 125, 126 and 127 a failure to start means, from what the engine says. */
static int start_status(const char *message)
{
	if (strstr(message, "executable file not found") ||
	    strstr(message, "no such file or directory") ||
	    strstr(message, "No such file or directory")) {
		return CLI_EXIT_NOT_FOUND;
	}
	if (strstr(message, "ermission denied") || strstr(message, "s a directory") ||
	    strstr(message, "xec format error")) {
		return CLI_EXIT_NOT_EXECUTABLE;
	}
	return CLI_EXIT_USAGE;
}

static int check_pull(const struct args *args, struct gantry_error *err)
{
	const char *pull = args_string(args, "pull");

	if (pull && *pull && strcmp(pull, "always") != 0 && strcmp(pull, "missing") != 0 &&
	    strcmp(pull, "never") != 0 && strcmp(pull, "lazy") != 0) {
		/* In docker's words, which know no "lazy". */
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid pull option: '%s': must be one of \"always\", \"missing\" or "
				 "\"never\"",
				 pull);
	}
	return 0;
}

static int write_cidfile(const char *path, const char *id, struct gantry_error *err)
{
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 && errno == EEXIST) {
		error_set(err, GANTRY_ERR_EXISTS, "container ID file found, make sure the other "
			  "container isn't running or delete %s", path);
		return err->code;
	}
	if (fd < 0 || write_all(fd, id, strlen(id)) < 0) {
		return error_errno(err, errno, "failed to create the container ID file: open %s", path);
	}
	return 0;
}

/* "busybox" becomes "busybox:latest" in what the user reads. */
static void print_missing(const char *image)
{
	const char *slash = strrchr(image, '/');
	const char *name = slash ? slash : image;
	const char *tag = strchr(name, ':') || strchr(name, '@') ? "" : ":latest";

	fprintf(stderr, "Unable to find image '%s%s' locally\n", image, tag);
}

static int send_create(struct cli *cli, const struct args *args, struct json_object *body,
		       struct client_response *ret, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;
	struct client_request request = { .method = "POST", .json = body };

	buf_adds(&target, "/containers/create");
	target_add(&target, "name", args_string(args, "name"));
	target_add(&target, "platform", args_string(args, "platform"));
	request.target = buf_str(&target);
	return api_send(cli, &request, ret, err);
}

int container_create(struct cli *cli, const struct args *args, struct json_object *body,
		     char **ret_id, struct gantry_error *err)
{
	auto_(client_response) struct client_response response = CLIENT_RESPONSE_INIT;
	auto_json struct json_object *answer = NULL;
	const char *image = json_get_string(body, "Image");
	const char *platform = args_string(args, "platform");
	const char *pull = args_string(args, "pull");
	const char *cidfile = args_string(args, "cidfile");
	int quiet = args_bool(args, "quiet", 0);
	int lazy = pull && strcmp(pull, "lazy") == 0;
	int r = 0;

	if (cidfile && access(cidfile, F_OK) == 0) {
		return write_cidfile(cidfile, "", err);
	}
	if (pull && strcmp(pull, "always") == 0) {
		r = image_pull(cli, image, platform, lazy, quiet, 1, err);
	}
	r = r < 0 ? r : send_create(cli, args, body, &response, err);
	if (r == 0 && response.status == 404 && strstr(buf_str(&response.body), "image") &&
	    (!pull || lazy || strcmp(pull, "missing") == 0 || !*pull)) {
		if (!quiet) {
			print_missing(image);
		}
		client_response_done(&response);
		r = image_pull(cli, image, platform, lazy, quiet, 1, err);
		r = r < 0 ? r : send_create(cli, args, body, &response, err);
	}
	r = r < 0 ? r : api_check(&response, err);
	r = r < 0 ? r : json_parse(buf_str(&response.body), response.body.len, "the answer to create",
				   &answer, err);
	if (r < 0) {
		return r;
	}
	for (size_t i = 0; i < json_array_size(json_get_array(answer, "Warnings")); i++) {
		fprintf(stderr, "WARNING: %s\n",
			json_item_string(json_get_array(answer, "Warnings"), i));
	}
	*ret_id = strdup(json_get_string(answer, "Id") ? json_get_string(answer, "Id") : "");
	if (!*ret_id) {
		return error_no_memory(err);
	}
	return cidfile ? write_cidfile(cidfile, *ret_id, err) : 0;
}

struct run {
	struct cli *cli;
	const struct args *args;
	struct json_object *body;
	char *id;
	int detach, tty, use_stdin, attached;
	const char *keys;
	struct client_response stream, wait;
};

static int open_stream(struct run *run, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;

	target_set(&target, "/containers/%s/attach", run->id);
	target_add(&target, "stream", "1");
	if (run->use_stdin) {
		target_add(&target, "stdin", "1");
	}
	if (json_get_bool(run->body, "AttachStdout", 0)) {
		target_add(&target, "stdout", "1");
	}
	if (json_get_bool(run->body, "AttachStderr", 0)) {
		target_add(&target, "stderr", "1");
	}
	target_add(&target, "detachKeys", run->keys);
	return session_open(run->cli, buf_str(&target), NULL, &run->stream, err);
}

/* POST /start; when it fails, *status is one of 125, 126, 127. */
static int start(struct run *run, int *status, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;
	int r;

	target_set(&target, "/containers/%s/start", run->id);
	r = api_call(run->cli, "POST", buf_str(&target), NULL, NULL, err);
	*status = r < 0 ? start_status(err->message) : 0;
	return r;
}

static int run_attached(struct run *run, int *status, struct gantry_error *err)
{
	auto_(buf) struct buf resize = BUF_INIT;
	int rm = args_bool(run->args, "rm", 0);
	int detached = 0, r = 0;

	*status = CLI_EXIT_USAGE;
	if (run->attached) {
		r = open_stream(run, err);
	}
	r = r < 0 ? r : wait_open(run->cli, run->id, rm ? "removed" : "next-exit", &run->wait, err);
	r = r < 0 ? r : start(run, status, err);
	if (r < 0) {
		return r;
	}
	target_set(&resize, "/containers/%s/resize", run->id);
	if (run->tty && run->attached && terminal_is(STDOUT_FILENO)) {
		session_resize(run->cli, buf_str(&resize));
	}
	if (run->attached) {
		struct session_options o = {
			.id = run->id,
			.tty = run->tty,
			.use_stdin = run->use_stdin,
			.raw = 1,
			.sig_proxy = args_bool(run->args, "sig-proxy", 1),
			.detach_keys = run->keys,
			.resize_path = buf_str(&resize),
		};

		r = session_run(run->cli, &run->stream.stream, &o, &detached, err);
	}
	if (r < 0 || detached) {
		*status = r < 0 ? CLI_EXIT_FAILED : CLI_EXIT_OK;
		return r;
	}
	*status = CLI_EXIT_USAGE;
	return wait_finish(&run->wait, status, err);
}

static int run_container(struct run *run, int *status, struct gantry_error *err)
{
	int r;

	*status = CLI_EXIT_USAGE;
	r = check_pull(run->args, err);
	r = r < 0 ? r : options_container(run->args, &run->body, err);
	if (r < 0) {
		return r;
	}
	run->tty = json_get_bool(run->body, "Tty", 0);
	run->use_stdin = json_get_bool(run->body, "AttachStdin", 0);
	run->attached = run->use_stdin || json_get_bool(run->body, "AttachStdout", 0) ||
			json_get_bool(run->body, "AttachStderr", 0);
	r = container_create(run->cli, run->args, run->body, &run->id, err);
	if (r < 0) {
		return r;
	}
	if (!run->detach) {
		return run_attached(run, status, err);
	}
	r = start(run, status, err);
	if (r == 0) {
		printf("%s\n", run->id);
	}
	return r;
}

static int command_run(struct cli *cli, struct args *args, struct gantry_error *err)
{
	struct run run = { .cli = cli,
			   .args = args,
			   .detach = args_bool(args, "detach", 0),
			   .keys = args_string(args, "detach-keys"),
			   .stream = CLIENT_RESPONSE_INIT,
			   .wait = CLIENT_RESPONSE_INIT };
	int status = CLI_EXIT_USAGE, r;

	if (run.detach && args_has(args, "attach")) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "conflicting options: cannot specify both --attach and --detach");
	}
	if (args_bool(args, "tty", 0) && args_bool(args, "interactive", 0) && !run.detach &&
	    !args_has(args, "attach") && !terminal_is(STDIN_FILENO)) {
		return error_set(err, GANTRY_ERR_INVALID, "the input device is not a TTY");
	}
	cli->will_start = 1;
	r = run_container(&run, &status, err);
	if (r < 0) {
		status = report(cli, args, err, status);
	}
	client_response_done(&run.stream);
	client_response_done(&run.wait);
	json_object_put(run.body);
	free(run.id);
	return status;
}

static int command_create(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *body = NULL;
	auto_free char *id = NULL;
	int r = check_pull(args, err);

	if (r < 0) {
		return report(cli, args, err, CLI_EXIT_USAGE);
	}
	r = options_container(args, &body, err);
	if (r < 0) {
		return report(cli, args, err, CLI_EXIT_USAGE);
	}
	r = container_create(cli, args, body, &id, err);
	if (r < 0) {
		return r;
	}
	printf("%s\n", id);
	return CLI_EXIT_OK;
}

static const struct flag run_flags[] = {
	CONTAINER_FLAGS,
	{ FLAG_BOOL, 'd', "detach", "Run in the background and print the container's ID", NULL, 0 },
	{ FLAG_STRING, 0, "detach-keys", "Keys that detach from the container", NULL, 0 },
	{ FLAG_BOOL, 0, "sig-proxy", "Pass received signals on to the process", "true", 0 },
	{ FLAG_NONE },
};

static const struct flag create_flags[] = { CONTAINER_FLAGS, { FLAG_NONE } };

const struct command run_command = {
	.name = "run",
	.kind = COMMAND_LEAF_RAW,
	.category = "Common Commands",
	.summary = "Create and run a new container from an image",
	.usage = "[OPTIONS] IMAGE [COMMAND] [ARG...]",
	.aliases = "container run, run",
	.min_args = 1,
	.max_args = -1,
	.flags = run_flags,
	.run = command_run,
};

const struct command create_command = {
	.name = "create",
	.kind = COMMAND_LEAF_RAW,
	.summary = "Create a new container",
	.usage = "[OPTIONS] IMAGE [COMMAND] [ARG...]",
	.aliases = "container create, create",
	.min_args = 1,
	.max_args = -1,
	.flags = create_flags,
	.run = command_create,
};
