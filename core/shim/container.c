/* SPDX-License-Identifier: Apache-2.0 */
/* Until START has succeeded nothing outlives its starter: an error, an ABORT and a
 * starter that vanishes all end in give_up().  The creating helper stays until
 * then, with the runtime loaded, and starts or deletes what it made. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/shim/container.h"
#include "core/shim/control.h"
#include "core/shim/emulator.h"
#include "core/shim/exec.h"
#include "core/shim/finish.h"
#include "core/shim/health.h"
#include "core/shim/logger.h"
#include "core/shim/shim.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define ABORT_NS INT64_C(10000000000)

int container_exit_code(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

static void give_up_over(struct timer *t)
{
	struct shim *shim = container_of(t, struct shim, abort_timer);

	shim_note(shim, "the runtime driver did not delete the container in time");
	helper_kill(&shim->creator);
	loop_stop(&shim->loop);
}

static void abort_done(struct shim *shim)
{
	if (shim->asker) {
		conn_ok(shim->asker);
	}
	loop_stop(&shim->loop);
}

/* Deletes what was made and ends the shim. */
static void give_up(struct shim *shim)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	shim->status = SHIM_ABORTING;
	if (shim->pid > 0) {
		kill(shim->pid, SIGKILL);
	}
	if (helper_tell(&shim->creator, SHIM_ABORT, &ignored) < 0) {
		/* It has ended by itself, and nobody has noticed yet. */
		abort_done(shim);
		return;
	}
	timer_set(&shim->abort_timer, &shim->loop, ABORT_NS, give_up_over);
}

static void answer_asker(struct shim *shim, struct shim_message *m)
{
	struct conn *asker = shim->asker;

	shim->asker = NULL;
	conn_answer(asker, m);
}

static void fail_asker(struct shim *shim, const struct gantry_error *err)
{
	struct conn *asker = shim->asker;

	shim->asker = NULL;
	conn_error(asker, err);
}

/* The kernel takes a mount namespace apart before it tells of the end of the last process in
 * it.  Where nobody can be waiting for a mount to be gone, that is put off until this process
 * ends. */
static void hold_mounts(struct shim *shim)
{
	char path[64];

	if (shim_message_get_int(&shim->create, "hold_mounts", 0)) {
		snprintf(path, sizeof(path), "/proc/%d/ns/mnt", shim->pid);
		shim->mounts = open(path, O_RDONLY | O_CLOEXEC);
	}
}

static void container_created(struct shim *shim, struct shim_message *m)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	int console = shim_message_take_fd(m, 0);
	int status, r = 0;

	shim->pid = (pid_t)shim_message_get_int(m, "pid", 0);
	if (shim->stdio.tty) {
		r = console < 0 ? error_set(&err, GANTRY_ERR_INTERNAL,
					    "the runtime driver gave no terminal for a container that asks "
					    "for one")
				: stdio_set_console(&shim->stdio, console, &err);
	} else if (console >= 0) {
		close(console);
	}
	if (r < 0) {
		fail_asker(shim, &err);
		return;
	}
	shim->status = SHIM_CREATED;
	hold_mounts(shim);
	answer_asker(shim, m);
	if (reap_claim(shim, shim->pid, &status)) {
		container_ended(shim, status);
	}
}

static void container_started(struct shim *shim, struct shim_message *m)
{
	shim->status = SHIM_RUNNING;
	shim->ran_since_ns = time_monotonic_ns();
	shim_message_add_int(m, "started_ns", shim->started_ns);
	if (!shim->init_ended) {
		health_begin(shim); /* who asks after START's answer finds "starting" */
	}
	answer_asker(shim, m);
	helper_forget(&shim->creator);
	if (shim->init_ended) {
		container_ended(shim, shim->wait_status);
	}
}

static void creator_ended(struct shim *shim)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	if (shim->status == SHIM_ABORTING) {
		timer_cancel(&shim->abort_timer);
		abort_done(shim);
		return;
	}
	if (shim->status == SHIM_CREATING || shim->status == SHIM_STARTING) {
		shim->status = shim->status == SHIM_CREATING ? SHIM_NEW : SHIM_CREATED;
		error_set(&err, GANTRY_ERR_INTERNAL,
			  "the runtime driver %s died before the container %s",
			  shim_message_get(&shim->create, "runtime.driver"),
			  shim->status == SHIM_NEW ? "was created" : "was started");
		fail_asker(shim, &err);
	}
}

static void creator_answered(struct helper *h, struct shim_message *m)
{
	struct shim *shim = container_of(h, struct shim, creator);
	struct gantry_error err = GANTRY_ERROR_INIT;

	if (!m) {
		creator_ended(shim);
	} else if (shim->status == SHIM_ABORTING) {
		/* CREATE's belated answer; the helper finds the ABORT next. */
		shim_message_done(m);
	} else if (m->type == SHIM_ERROR) {
		shim->status = shim->status == SHIM_CREATING ? SHIM_NEW : SHIM_CREATED;
		shim_message_get_error(m, &err);
		fail_asker(shim, &err);
		if (shim->starter_gone) {
			shim->abandoned = 1;
			give_up(shim);
		}
	} else if (shim->status == SHIM_CREATING) {
		container_created(shim, m);
	} else if (shim->status == SHIM_STARTING) {
		container_started(shim, m);
	} else {
		shim_message_done(m); /* of a CREATE that failed for another reason */
	}
}

/* For ps, in the place of the argument, which the kernel reads from our memory. */
static void show_id(struct shim *shim)
{
	const char *id = shim_message_get(&shim->create, "id");

	if (shim->title && strlen(id) <= strlen(shim->title)) {
		strcpy(shim->title, id);
	}
}

void container_warm(struct shim *shim, const struct shim_message *m)
{
	const char *path = shim_message_get(m, "runtime.path");

	if (shim->status == SHIM_NEW && path) {
		helper_prepare(shim, path);
	}
}

/* Keeps the request, opens the run folder and listens there. */
static int move_in(struct shim *shim, const struct shim_message *m, struct gantry_error *err)
{
	const char *run_dir = shim_message_get(m, "run_dir");
	const char *policy = shim_message_get(m, "restart");
	int r;

	if (!run_dir || run_dir[0] != '/' || !shim_message_get(m, "id")) {
		return error_set(err, GANTRY_ERR_INVALID, "CREATE needs an id and an absolute run_dir");
	}
	shim_message_init(&shim->create, SHIM_CREATE);
	memcpy(shim->create.fields, m->fields, m->len);
	shim->create.len = m->len;
	replace_fd(&shim->run_dir, open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (shim->run_dir < 0) {
		return error_errno(err, errno, "cannot open the run folder %s", run_dir);
	}
	show_id(shim);
	shim->restart_max = shim_message_get_int(m, "restart_max", 0);
	r = finish_set_restart(shim, policy ? policy : "no", err);
	finish_read_delay(shim);
	if (r == 0 && shim->listener.fd < 0) {
		r = control_listen(shim, err);
	}
	return r < 0 ? r : emulator_start(shim, err);
}

static int start_creator(struct shim *shim, int root, struct gantry_error *err)
{
	const struct shim_message *m = &shim->create;
	int tty = shim_message_get_int(m, "tty", 0) != 0;
	unsigned flags = STDIO_STDOUT | STDIO_STDERR | (tty ? STDIO_TTY : 0) |
			 (shim_message_get_int(m, "stdin", 0) ? STDIO_STDIN : 0);
	struct helper_job job = {
		.run = helper_run_container,
		.width = shim_message_get_int(m, "width", 0),
		.height = shim_message_get_int(m, "height", 0),
	};
	int r = stdio_open(&shim->stdio, &shim->loop, flags, job.fds, err);

	if (r < 0) {
		return r;
	}
	shim->stdio.stdin_once = shim_message_get_int(m, "stdin_once", 0) != 0;
	job.fds[HELPER_ROOT] = root;
	r = helper_start(&shim->creator, shim, &job, creator_answered, err);
	for (int i = HELPER_STDIN; i <= HELPER_STDERR; i++) {
		replace_fd(&job.fds[i], -1);
	}
	/* The helper loads the runtime meanwhile. */
	if (r == 0) {
		r = logger_open(shim, &shim->logger, err);
		shim->stdio.logger = shim->logger;
	}
	/* Read from now on, whether or not anybody attaches. */
	stdio_settle(&shim->stdio);
	return r;
}

void container_create(struct shim *shim, struct conn *conn, struct shim_message *m)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_fd int lock = shim_message_take_fd(m, 0);
	auto_fd int root = shim_message_take_fd(m, 1);
	int r;

	shim_message_done(m);
	if (shim->status != SHIM_NEW || shim->creator.shim) {
		error_set(&err, GANTRY_ERR_CONFLICT, "this shim has a container already");
		conn_error(conn, &err);
		return;
	}
	shim->asker = conn;
	shim->status = SHIM_CREATING;
	replace_fd(&shim->lock, steal_fd(&lock));
	r = move_in(shim, m, &err);
	if (r == 0) {
		r = start_creator(shim, root, &err);
	}
	if (r < 0) {
		/* A helper at work hears of it, and deletes what it makes, when the
		 * starter goes or sends ABORT. */
		shim->status = SHIM_NEW;
		fail_asker(shim, &err);
	}
}

void container_start(struct shim *shim, struct conn *conn)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	int r = 0;

	if (shim->status != SHIM_CREATED || shim->asker) {
		r = error_set(&err, GANTRY_ERR_CONFLICT, "the container is not one that waits to be started");
	} else if (shim->init_ended) {
		r = error_set(&err, GANTRY_ERR_INTERNAL, "the container's first process died (status %d) "
			      "before it was started", container_exit_code(shim->wait_status));
	}
	shim->asker = r == 0 ? conn : shim->asker;
	if (r == 0) {
		r = helper_tell(&shim->creator, SHIM_START, &err);
	}
	if (r < 0) {
		shim->asker = shim->asker == conn ? NULL : shim->asker;
		conn_error(conn, &err);
		return;
	}
	shim->started_ns = time_now_ns();
	shim->status = SHIM_STARTING;
}

void container_abort(struct shim *shim, struct conn *conn)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	if (shim->status > SHIM_STARTING) {
		error_set(&err, GANTRY_ERR_CONFLICT, "the container was started");
		conn_error(conn, &err);
		return;
	}
	if (!source_is_open(&shim->creator.source)) {
		conn_ok(conn);
	} else {
		shim->asker = conn;
	}
	give_up(shim);
}

void container_conn_closed(struct shim *shim, struct conn *conn)
{
	if (shim->asker == conn) {
		shim->asker = NULL;
	}
	shim->starter_gone |= conn->is_first;
	/* While START is under way it goes on: the record says "running" already. */
	if (conn->is_first && shim->status < SHIM_STARTING) {
		shim->abandoned = 1;
		give_up(shim);
	}
}

static void output_complete(struct stdio *s)
{
	struct shim *shim = container_of(s, struct shim, stdio);

	shim->stdio.logger = NULL;
	shim->logger = logger_close(shim->logger);
	finish_begin(shim);
}

void container_ended(struct shim *shim, int wait_status)
{
	shim->pid = 0;
	shim->init_ended = 1;
	shim->wait_status = wait_status;
	shim->finished_ns = time_now_ns();
	if (shim->status != SHIM_RUNNING) {
		return; /* START's answer, or ABORT, is under way */
	}
	shim->status = SHIM_DRAINING;
	health_end(shim);
	exec_kill_all(shim);
	stdio_drain(&shim->stdio, output_complete);
}
