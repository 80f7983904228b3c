/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of a container: the shim serves them on a socket that it gets from here;
 * no byte passes through the engine. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/container/container.h"
#include "core/container/frames.h"
#include "core/shim/protocol.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static int send_attach(struct core *core, const char *id, const struct pending_attach *a,
		       struct gantry_error *err)
{
	auto_free char *run_dir = container_run_dir(core, id);
	auto_free struct shim_message *m = malloc(sizeof(*m));
	auto_fd int sock = -1;
	int r = m ? shim_connect(run_dir, &sock, err) : error_no_memory(err);

	if (r < 0) {
		return r;
	}
	shim_message_init(m, SHIM_ATTACH);
	shim_message_add_int(m, "stdin", a->want_stdin);
	shim_message_add_int(m, "stdout", a->want_stdout);
	shim_message_add_int(m, "stderr", a->want_stderr);
	shim_message_add(m, "detach_keys", a->detach_keys);
	return shim_request(sock, m, &a->connection, 1, err);
}

ENGINE_OP(container_attach)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	struct pending_attach a = { .next = NULL };
	int pair[2];
	int r = container_find(core, args->name, &c, err);

	if (r < 0) {
		return r;
	}
	if (container_is(c, "paused")) {
		return error_set(err, GANTRY_ERR_CONFLICT, "container %s is paused, unpause the container "
				 "before attach", c->id);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		return error_errno(err, errno, "cannot make a socket pair");
	}
	a.connection = pair[1];
	a.want_stdin = args->stdin && json_get_bool(container_config(c), "OpenStdin", 0);
	a.want_stdout = (int)args->stdout;
	a.want_stderr = (int)args->stderr;
	strncpy(a.detach_keys, args->detach_keys && *args->detach_keys ? args->detach_keys : "ctrl-p,ctrl-q",
		sizeof(a.detach_keys) - 1);
	if (args->logs) {
		r = frames_replay_log(core, c, pair[1], err);
	}
	if (r == 0 && !args->stream) {
		close(pair[1]);
	} else if (r == 0 && container_is_running(c)) {
		r = send_attach(core, c->id, &a, err);
		close(pair[1]);
	} else if (r == 0) {
		r = container_attach_later(core, c->id, &a, err);
	} else {
		close(pair[1]);
	}
	if (r < 0) {
		close(pair[0]);
		return r;
	}
	container_event(core, c, "attach", NULL);
	r = gantry_engine_container_attach_set_connection(reply, pair[0]);
	return r < 0 ? r : gantry_engine_container_attach_set_tty(reply, container_has_tty(c));
}

ENGINE_OP(container_resize)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	auto_free char *run_dir = NULL;
	auto_free struct shim_message *m = malloc(sizeof(*m));
	auto_fd int sock = -1;
	int r = container_find(core, args->name, &c, err);

	if (r < 0) {
		return r;
	}
	if (!container_is_running(c)) {
		return error_set(err, GANTRY_ERR_CONFLICT, "cannot resize a stopped container: container %s is "
				 "not running", c->id);
	}
	run_dir = container_run_dir(core, c->id);
	r = m && run_dir ? shim_connect(run_dir, &sock, err) : error_no_memory(err);
	if (r < 0) {
		return r;
	}
	shim_message_init(m, SHIM_RESIZE);
	shim_message_add_int(m, "width", args->width);
	shim_message_add_int(m, "height", args->height);
	return shim_request(sock, m, NULL, 0, err);
}
