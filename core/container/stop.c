/* SPDX-License-Identifier: Apache-2.0 */
/* Ending, pausing and signalling.  A container is not locked while one waits for
 * it, so that others can look at it or kill it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/container/container.h"
#include "core/engine/leftovers.h"
#include "core/shim/protocol.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

int signal_from_text(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end != text && !*end) {
		return n > 0 && n < NSIG ? (int)n : -1;
	}
	if (!strncasecmp(text, "SIG", 3)) {
		text += 3;
	}
	for (int i = 1; i < SIGRTMIN; i++) {
		const char *name = sigabbrev_np(i);

		if (name && !strcasecmp(name, text)) {
			return i;
		}
	}
	if (!strncasecmp(text, "RTMIN", 5)) {
		n = strtol(text + 5, &end, 10);
		return !*end && n >= 0 && SIGRTMIN + n <= SIGRTMAX ? (int)(SIGRTMIN + n) : -1;
	}
	return -1;
}

static int send_signal(struct core *core, const struct container *c, int number, int all,
		       struct gantry_error *err)
{
	auto_free char *state_dir = container_runtime_dir(core, c->id);
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *runtime;
	int r = container_runtime(core, c, &runtime, err);

	return r < 0 ? r
		     : runtime_signal(runtime,
				      &GANTRY_RUNTIME_SIGNAL_ARGS(.id = c->id, .state_dir = state_dir,
								  .signal = number, .all = all),
				      &ret, err);
}

/* One message to the shim of a container and its answer. */
static int tell_shim(struct core *core, const char *id, struct shim_message *m,
		     struct gantry_error *err)
{
	auto_free char *run_dir = container_run_dir(core, id);
	auto_fd int sock = -1;
	int r = shim_connect(run_dir, &sock, err);

	return r < 0 ? r : shim_request(sock, m, NULL, 0, err);
}

int container_announce_stop(struct core *core, const char *id, int undo, struct gantry_error *err)
{
	auto_free struct shim_message *m = malloc(sizeof(*m));

	if (!m) {
		return error_no_memory(err);
	}
	shim_message_init(m, SHIM_STOPPING);
	shim_message_add_int(m, "undo", undo);
	return tell_shim(core, id, m, err);
}

int container_wait_shim(struct core *core, const char *id, int64_t timeout_ms,
			struct gantry_error *err)
{
	auto_free char *run_dir = container_run_dir(core, id);
	auto_free char *path = path_join(run_dir, "shim.lock", NULL);
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	int64_t end = time_monotonic_ns() + timeout_ms * 1000000;

	if (fd < 0) {
		return 0;
	}
	if (timeout_ms < 0) {
		while (flock(fd, LOCK_SH) < 0 && errno == EINTR) {
		}
		return 0;
	}
	while (flock(fd, LOCK_SH | LOCK_NB) < 0) {
		if (time_monotonic_ns() > end) {
			return error_set(err, GANTRY_ERR_TIMEOUT, "container %s did not end in time", id);
		}
		usleep(2000);
	}
	return 0;
}

/* Waits on an open WAIT request; TIMEOUT when it takes longer. */
static int wait_exited(int sock, struct shim_message *m, int64_t timeout_ms,
		       struct gantry_error *err)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	int n;

	do {
		n = poll(&pfd, 1, timeout_ms < 0 ? -1 : (int)timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (n == 0) {
		return error_set(err, GANTRY_ERR_TIMEOUT, "it is still running");
	}
	return shim_receive(sock, m, err);
}

/* After EXITED: finishes if the shim chose us, else waits for who does. */
static int settle(struct core *core, const char *id, int sock, struct shim_message *m,
		  struct gantry_error *err)
{
	int r = 0;

	if (m->type == SHIM_EXITED && shim_message_get_int(m, "clean", 0)) {
		r = container_finish(core, id, err);
		if (r == 0) {
			leftovers_tell_shim(core, sock, m);
		}
	}
	return r < 0 ? r : container_wait_shim(core, id, -1, err);
}

int container_stop_and_wait(struct core *core, const char *id, int number, int64_t timeout_s,
			    struct gantry_error *err)
{
	auto_container struct container *c = NULL;
	auto_free char *run_dir = container_run_dir(core, id);
	auto_free struct shim_message *m = malloc(sizeof(*m));
	auto_fd int sock = -1;
	int r = container_find(core, id, &c, err);

	if (r < 0 || !container_is_running(c)) {
		return r;
	}
	r = m ? shim_connect(run_dir, &sock, err) : error_no_memory(err);
	if (r < 0) {
		error_clear(err); /* it ended just now */
		return container_finish(core, id, err);
	}
	shim_message_init(m, SHIM_STOPPING);
	r = shim_request(sock, m, NULL, 0, err);
	shim_message_init(m, SHIM_WAIT);
	shim_message_add_int(m, "clean", 1);
	if (r == 0) {
		r = shim_send(sock, m, NULL, 0, err);
	}
	if (r == 0) {
		struct gantry_error ended = GANTRY_ERROR_INIT;

		(void)send_signal(core, c, number, 0, &ended);
		r = wait_exited(sock, m, timeout_s < 0 ? -1 : timeout_s * 1000, err);
		if (r == GANTRY_ERR_TIMEOUT) {
			error_clear(err);
			(void)send_signal(core, c, SIGKILL, 1, &ended);
			r = wait_exited(sock, m, -1, err);
		}
	}
	if (r < 0) {
		error_clear(err); /* the shim went away: whoever is left finishes */
		m->type = SHIM_INVALID;
		container_wait_shim(core, id, -1, err);
		return container_finish(core, id, err);
	}
	return settle(core, id, sock, m, err);
}

/* The signal and time that a stop uses: the request's, the container's, the default. */
static int stop_settings(struct core *core, const struct container *c, const char *signal_text,
			 int64_t timeout, int has_timeout, int *ret_signal, int64_t *ret_timeout,
			 struct gantry_error *err)
{
	struct json_object *config = container_config(c);

	if (!signal_text || !*signal_text) {
		signal_text = json_get_string(config, "StopSignal");
	}
	*ret_signal = signal_text && *signal_text ? signal_from_text(signal_text) : SIGTERM;
	if (*ret_signal < 0) {
		return error_set(err, GANTRY_ERR_INVALID, "Invalid signal: %s", signal_text);
	}
	*ret_timeout = has_timeout
			       ? timeout
			       : json_get_int(config, "StopTimeout",
					      config_int(core->config, "container.stop_timeout"));
	return 0;
}

static void mark_stopped(struct core *core, const char *id)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_container struct container *c = NULL;

	if (container_lock_by_id(core, id, &c, &ignored) == 0) {
		json_set_bool(c->state, "ManuallyStopped", 1);
		(void)container_save_state(core, c, &ignored);
	}
}

/* Between two runs that a restart policy asks for, a container looks as if it had ended; who
 * starts it again holds its lock, so that it is looked at once more after that. */
static int find_running(struct core *core, const char *name, struct container **ret,
			struct gantry_error *err)
{
	auto_container struct container *c = NULL;
	auto_free char *id = NULL;
	int r = container_find(core, name, &c, err);

	if (r == 0 && !container_is_running(c)) {
		id = strdup(c->id);
		c = container_free(c);
		r = id ? container_find_locked(core, id, &c, err) : error_no_memory(err);
		c = container_free(c); /* and with it the lock */
		r = r < 0 ? r : container_find(core, id, &c, err);
	}
	if (r == 0) {
		*ret = steal(&c);
	}
	return r;
}

ENGINE_OP(container_stop)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	int64_t timeout;
	int number;
	int r = find_running(core, args->name, &c, err);

	if (r == 0) {
		r = stop_settings(core, c, args->signal, args->timeout, (int)args->has_timeout, &number,
				  &timeout, err);
	}
	if (r < 0) {
		return r;
	}
	if (!container_is_running(c)) {
		return error_set(err, GANTRY_ERR_CONFLICT, "container %s is not running", c->name);
	}
	if (container_is(c, "paused")) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		(void)engine_container_unpause(
			core, &GANTRY_ENGINE_CONTAINER_UNPAUSE_ARGS(.name = c->id), reply, &ignored);
	}
	mark_stopped(core, c->id);
	r = container_stop_and_wait(core, c->id, number, timeout, err);
	if (r < 0) {
		return error_prefix(err, "cannot stop container %s", c->name);
	}
	container_event(core, c, "stop", NULL);
	return 0;
}

ENGINE_OP(container_restart)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	int64_t timeout;
	int number;
	int r = container_find(core, args->name, &c, err);

	if (r == 0) {
		r = stop_settings(core, c, args->signal, args->timeout, (int)args->has_timeout, &number,
				  &timeout, err);
	}
	if (r == 0 && container_is_running(c)) {
		/* A --rm container must outlive its own restart. */
		r = container_stop_and_wait(core, c->id, number, timeout, err);
	}
	if (r == 0) {
		auto_free char *id = strdup(c->id);

		c = container_free(c);
		r = container_find_locked(core, id, &c, err);
	}
	if (r == 0) {
		r = container_run(core, c, 0, 0, err);
	}
	if (r < 0) {
		return error_prefix(err, "Cannot restart container %s", args->name);
	}
	container_event(core, c, "restart", NULL);
	return 0;
}

ENGINE_OP(container_kill)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	const char *text = args->signal && *args->signal ? args->signal : "KILL";
	int number = signal_from_text(text);
	int r = container_find(core, args->name, &c, err);

	if (r < 0) {
		return r;
	}
	if (number < 0) {
		return error_set(err, GANTRY_ERR_INVALID, "Invalid signal: %s", text);
	}
	if (!container_is_running(c)) {
		return error_set(err, GANTRY_ERR_CONFLICT,
				 "cannot kill container: %s: container %s is not running", args->name, c->id);
	}
	if (number == SIGKILL || number == SIGTERM) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		mark_stopped(core, c->id);
		(void)container_announce_stop(core, c->id, 0, &ignored);
	}
	r = send_signal(core, c, number, 0, err);
	if (r < 0) {
		return error_prefix(err, "cannot kill container %s", c->name);
	}
	container_event(core, c, "kill", NULL);
	/* As Docker: KILL returns when it is dead. */
	if (number == SIGKILL) {
		r = container_stop_and_wait(core, c->id, SIGKILL, -1, err);
	}
	return r == GANTRY_ERR_NOT_FOUND ? (error_clear(err), 0) : r;
}

static int freeze(struct core *core, const char *name, int thaw, struct gantry_error *err)
{
	auto_container struct container *c = NULL;
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free char *state_dir = NULL;
	struct driver *runtime;
	int r = container_find_locked(core, name, &c, err);

	if (r < 0) {
		return r;
	}
	if (!container_is_running(c)) {
		return error_set(err, GANTRY_ERR_CONFLICT, "Container %s is not running", c->id);
	}
	if (!thaw && container_is(c, "paused")) {
		return error_set(err, GANTRY_ERR_CONFLICT, "Container %s is already paused", c->id);
	}
	if (thaw && !container_is(c, "paused")) {
		return error_set(err, GANTRY_ERR_CONFLICT, "Container %s is not paused", c->id);
	}
	state_dir = container_runtime_dir(core, c->id);
	r = container_runtime(core, c, &runtime, err);
	if (r == 0 && thaw) {
		r = runtime_resume(runtime,
				   &GANTRY_RUNTIME_RESUME_ARGS(.id = c->id, .state_dir = state_dir), &ret, err);
	} else if (r == 0) {
		r = runtime_pause(runtime,
				  &GANTRY_RUNTIME_PAUSE_ARGS(.id = c->id, .state_dir = state_dir), &ret, err);
	}
	if (r == 0) {
		r = container_set_status(core, c, thaw ? "running" : "paused", err);
	}
	if (r < 0) {
		return error_prefix(err, "cannot %s container %s", thaw ? "unpause" : "pause", c->name);
	}
	container_event(core, c, thaw ? "unpause" : "pause", NULL);
	return 0;
}

ENGINE_OP(container_pause)
{
	return freeze(self, args->name, 0, err);
}

ENGINE_OP(container_unpause)
{
	return freeze(self, args->name, 1, err);
}
