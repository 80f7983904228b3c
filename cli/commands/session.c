/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands/container.h"
#include "cli/terminal/attach.h"
#include "cli/terminal/terminal.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

struct session_user {
	struct cli *cli;
	const struct session_options *o;
};

static const int proxied[] = { SIGHUP,	SIGINT,	 SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM,
			       SIGTERM, SIGWINCH, 0 };
static const int on_terminal[] = { SIGWINCH, SIGHUP, SIGINT, SIGTERM, SIGQUIT, 0 };

int session_open(struct cli *cli, const char *target, struct json_object *json,
		 struct client_response *ret, struct gantry_error *err)
{
	struct client_request request = {
		.method = "POST", .target = target, .json = json, .want = CLIENT_UPGRADE
	};
	int r = api_send(cli, &request, ret, err);

	return r < 0 ? r : api_check(ret, err);
}

void session_resize(struct cli *cli, const char *resize_path)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_(buf) struct buf target = BUF_INIT;
	int rows, columns;

	if (!resize_path || terminal_size(STDOUT_FILENO, &rows, &columns) < 0) {
		return;
	}
	buf_adds(&target, resize_path);
	target_addf(&target, "h", "%d", rows);
	target_addf(&target, "w", "%d", columns);
	/* A container that has just ended needs no size. */
	api_call(cli, "POST", buf_str(&target), NULL, NULL, &ignored);
}

static void forward_resize(void *user)
{
	struct session_user *u = user;

	session_resize(u->cli, u->o->resize_path);
}

static void forward_signal(void *user, int number)
{
	struct session_user *u = user;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_(buf) struct buf target = BUF_INIT;

	target_set(&target, "/containers/%s/kill", u->o->id);
	target_add(&target, "signal", signals_name(number));
	api_call(u->cli, "POST", buf_str(&target), NULL, NULL, &ignored);
}

int session_run(struct cli *cli, struct stream *stream, const struct session_options *o,
		int *ret_detached, struct gantry_error *err)
{
	struct session_user user = { cli, o };
	struct attach a = { .stream = stream, .tty = o->tty, .use_stdin = o->use_stdin,
			    .user = &user, .signal_fd = -1 };
	enum attach_end end = ATTACH_ENDED;
	int r = 0;

	if (o->tty && o->use_stdin && terminal_is(STDIN_FILENO)) {
		r = attach_parse_keys(o->detach_keys, &a, err);
		if (r < 0) {
			return r;
		}
	}
	if (o->sig_proxy && !o->tty) {
		a.on_signal = forward_signal;
		a.signal_fd = signals_open(proxied);
	} else if (o->tty) {
		a.on_resize = forward_resize;
		a.signal_fd = signals_open(on_terminal);
	}
	if (o->raw && o->tty && o->use_stdin && terminal_is(STDIN_FILENO)) {
		terminal_raw(STDIN_FILENO);
	}
	fflush(stdout);
	r = attach_run(&a, &end, err);
	terminal_restore();
	*ret_detached = end != ATTACH_ENDED;
	return r;
}

int session_left(struct gantry_error *err)
{
	return error_set(err, GANTRY_ERR_CONFLICT, "read escape sequence");
}

int wait_open(struct cli *cli, const char *id, const char *condition, struct client_response *ret,
	      struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;

	target_set(&target, "/containers/%s/wait", id);
	target_add(&target, "condition", condition);
	return api_stream(cli, "POST", buf_str(&target), NULL, ret, err);
}

int wait_finish(struct client_response *wait, int *ret_code, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_json struct json_object *o = NULL;
	const char *message;
	char data[1024];
	ssize_t n;
	int r;

	while ((n = stream_read(&wait->stream, data, sizeof(data))) > 0) {
		buf_add(&text, data, (size_t)n);
	}
	if (n < 0 || !text.len) {
		return error_set(err, GANTRY_ERR_UNAVAILABLE,
				 "the engine did not tell how the container ended");
	}
	r = json_parse(text.data, text.len, "the answer to wait", &o, err);
	if (r < 0) {
		return r;
	}
	message = json_get_string(json_get_object(o, "Error"), "Message");
	if (message && *message) {
		return error_set(err, GANTRY_ERR_INTERNAL, "%s", message);
	}
	*ret_code = (int)json_get_int(o, "StatusCode", 0);
	return 0;
}

int each_name(struct cli *cli, struct args *args,
	      int (*fn)(struct cli *cli, struct args *args, const char *name,
			struct gantry_error *err))
{
	int status = CLI_EXIT_OK;

	for (int i = 0; i < args->argc; i++) {
		struct gantry_error one = GANTRY_ERROR_INIT;

		if (fn(cli, args, args->argv[i], &one) < 0) {
			cli_print_error(&one);
			status = CLI_EXIT_FAILED;
		}
	}
	return status;
}

int report(const struct cli *cli, const struct args *args, const struct gantry_error *err, int status)
{
	fflush(stdout);
	if (strncmp(err->message, "invalid argument \"", 18) == 0) {
		/* A flag's value, found wrong only when all flags were known. */
		fprintf(stderr, "%s\n\n", err->message);
		help_usage_line(stderr, cli->program, args->command, args->path);
		fprintf(stderr, "\nRun '%s %s --help' for more information\n", cli->program, args->path);
		return CLI_EXIT_USAGE;
	}
	fprintf(stderr, "%s: %s\n", cli->program, err->message);
	if (err->hint[0]) {
		fprintf(stderr, "hint: %s\n", err->hint);
	}
	fprintf(stderr, "\nRun '%s %s --help' for more information\n", cli->program, args->path);
	return status;
}
