/* SPDX-License-Identifier: Apache-2.0 */
/* The order is fixed: output in the log, `exit` by rename, the waiters, the one who
 * finishes, the end of this process (and so of the lock).  Killed anywhere between,
 * the next who looks finds no lock and finishes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/shim/container.h"
#include "core/shim/control.h"
#include "core/shim/finish.h"
#include "core/shim/shim.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

/* As in Docker. */
#define FIRST_DELAY_MS 100
#define LAST_DELAY_MS 60000
#define GOOD_RUN_NS INT64_C(10000000000)
#define DELAY_FILE "restart.delay"

int finish_set_restart(struct shim *shim, const char *policy, struct gantry_error *err)
{
	if (!strcmp(policy, "no") || !*policy) {
		shim->restart = SHIM_RESTART_NO;
	} else if (!strcmp(policy, "on-failure")) {
		shim->restart = SHIM_RESTART_ON_FAILURE;
	} else if (!strcmp(policy, "always") || !strcmp(policy, "unless-stopped")) {
		shim->restart = SHIM_RESTART_ALWAYS;
	} else {
		return error_set(err, GANTRY_ERR_INVALID, "unknown restart policy %s", policy);
	}
	return 0;
}

void finish_read_delay(struct shim *shim)
{
	auto_(buf) struct buf text = BUF_INIT;

	if (shim->restart != SHIM_RESTART_NO &&
	    read_file(shim->run_dir, DELAY_FILE, &text, 64) == 0) {
		shim->restart_delay_ms = atoll(buf_str(&text));
	}
	unlinkat(shim->run_dir, DELAY_FILE, 0);
}

static int wants_restart(const struct shim *shim)
{
	int code = container_exit_code(shim->wait_status);
	int64_t count = shim_message_get_int(&shim->create, "restart_count", 0);

	if (shim->stopping || !shim_message_get(&shim->create, "reconcile")) {
		return 0;
	}
	return shim->restart == SHIM_RESTART_ALWAYS ||
	       (shim->restart == SHIM_RESTART_ON_FAILURE && code != 0 &&
		(shim->restart_max <= 0 || count < shim->restart_max));
}

enum { RECONCILE_ARGS = 16 };

/* argv for the reconcile program; borrows from the CREATE message. */
static void reconcile_args(const struct shim *shim, const char *verb, const char *status,
			   const char *argv[RECONCILE_ARGS])
{
	static const char *const options[][2] = {
		{ "root", "--root" },
		{ "run_root", "--run-root" },
		{ "config", "--config" },
		{ "plugin_path", "--plugin-path" },
	};
	const struct shim_message *m = &shim->create;
	unsigned n = 0;

	argv[n++] = shim_message_get(m, "reconcile");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const char *value = shim_message_get(m, options[i][0]);

		if (value && *value) {
			argv[n++] = options[i][1];
			argv[n++] = value;
		}
	}
	argv[n++] = verb;
	argv[n++] = shim_message_get(m, "id");
	argv[n++] = status;
	argv[n] = NULL;
}

int reconcile_spawn(struct shim *shim, const char *verb, const char *status, pid_t *ret,
		    struct gantry_error *err)
{
	const char *argv[RECONCILE_ARGS];
	posix_spawnattr_t attr;
	sigset_t none;
	int code;

	reconcile_args(shim, verb, status, argv);
	if (!argv[0]) {
		return error_set(err, GANTRY_ERR_UNAVAILABLE, "CREATE named no reconcile program");
	}
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	code = posix_spawn(ret, argv[0], NULL, &attr, (char *const *)(uintptr_t)argv, environ);
	posix_spawnattr_destroy(&attr);
	return code ? error_errno(err, code, "cannot run %s", argv[0]) : 0;
}

/* Becomes the program: the lock and all sockets close with the exec. */
static void become_reconciler(struct shim *shim, const char *verb)
{
	const char *argv[RECONCILE_ARGS];
	sigset_t none, old;

	reconcile_args(shim, verb, NULL, argv);
	if (!argv[0]) {
		return;
	}
	shim_unprotect(shim);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, &old);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	sigprocmask(SIG_SETMASK, &old, NULL);
	shim_note(shim, "cannot run %s %s: %s", argv[0], verb, strerror(errno));
}

void finish_abandoned(struct shim *shim)
{
	unlinkat(shim->run_dir, "shim.sock", 0);
	become_reconciler(shim, "exited");
}

/* How it ended, into a file of the run folder. */
static void write_end(struct shim *shim, const char *name)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%d %lld %d\n", container_exit_code(shim->wait_status),
			 (long long)shim->finished_ns,
			 WIFSIGNALED(shim->wait_status) ? WTERMSIG(shim->wait_status) : 0);
	int r = write_file_atomic(shim->run_dir, name, text, (size_t)n, 0600, 0);

	if (r < 0) {
		shim_note(shim, "cannot write the exit status %d: %s",
			  container_exit_code(shim->wait_status), strerror(-r));
	}
}

static void write_exit(struct shim *shim)
{
	unlinkat(shim->run_dir, "restarting", 0);
	write_end(shim, "exit");
}

static void restart_now(struct timer *t)
{
	struct shim *shim = container_of(t, struct shim, restart_timer);
	char text[32];
	int n = snprintf(text, sizeof(text), "%lld\n", (long long)shim->restart_delay_ms);

	write_exit(shim);
	(void)write_file_atomic(shim->run_dir, DELAY_FILE, text, (size_t)n, 0600, 0);
	unlinkat(shim->run_dir, "shim.sock", 0);
	become_reconciler(shim, "restart");
	finish_stopping(shim, 0);
}

static void streams_closed(struct stdio *s)
{
	struct shim *shim = container_of(s, struct shim, stdio);

	shim->streams_closed = 1;
	if (shim->cleaned) {
		loop_stop(&shim->loop);
	}
}

void finish_cleaned(struct shim *shim)
{
	shim->cleaner = NULL;
	shim->cleaned = 1;
	if (shim->streams_closed) {
		loop_stop(&shim->loop);
	}
}

void finish_keep_leftovers(struct shim *shim, struct shim_message *m)
{
	if (!shim->leftovers && shim_message_get(m, "mark")) {
		shim->leftovers = malloc(m->len);
	}
	if (shim->leftovers) {
		memcpy(shim->leftovers, m->fields, m->len);
		shim->leftovers_len = m->len;
		shim->leftovers_mark = shim_message_take_fd(m, 0);
	}
	shim_message_done(m);
}

/* Nobody waits any more: the lock is given up first.  If this process is killed, the mark
 * without an owner tells whoever looks next. */
void finish_delete_leftovers(struct shim *shim)
{
	struct shim_message *m = &shim->scratch;
	const char *path = NULL;

	if (!shim->leftovers || shim->leftovers_mark < 0) {
		return;
	}
	dup2(shim->leftovers_mark, SHIM_FD_CONTROL);
	close_range(SHIM_FD_CONTROL + 1, ~0U, 0);
	setpriority(PRIO_PROCESS, 0, 19);
	shim_message_init(m, SHIM_CLEANED);
	memcpy(m->fields, shim->leftovers, shim->leftovers_len);
	m->len = shim->leftovers_len;
	while ((path = shim_message_next(m, "rest", path))) {
		(void)remove_tree(AT_FDCWD, path);
	}
	unlink(shim_message_get(m, "mark"));
}

void finish_send_exited(struct shim *shim, struct conn *conn, int clean)
{
	struct shim_message *m = &shim->scratch;

	shim_message_init(m, SHIM_EXITED);
	shim_message_add_int(m, "code", container_exit_code(shim->wait_status));
	shim_message_add_int(m, "signal", WIFSIGNALED(shim->wait_status) ? WTERMSIG(shim->wait_status) : 0);
	shim_message_add_int(m, "finished_ns", shim->finished_ns);
	shim_message_add_int(m, "clean", clean);
	conn_answer(conn, m);
}

static void run_reconciler(struct shim *shim)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	if (reconcile_spawn(shim, "exited", NULL, &shim->reconciler, &err) < 0) {
		shim->reconciler = 0;
		shim_note(shim, "%s", err.message);
		finish_cleaned(shim); /* the next command finds it */
	}
}

static void answer_waiters(struct shim *shim)
{
	for (struct conn *c = shim->conns; c; c = c->next) {
		if (c->waits) {
			int chosen = c->clean && !shim->cleaner;

			shim->cleaner = chosen ? c : shim->cleaner;
			finish_send_exited(shim, c, chosen);
		}
	}
	if (!shim->cleaner) {
		run_reconciler(shim);
	}
}

/* What is deleted below a mount takes its space until the mount is gone. */
static void release_mounts(struct shim *shim)
{
	const char *dir = shim_message_get(&shim->create, "log.dir");

	if (shim->mounts >= 0 && (!dir || is_space_short(dir))) {
		replace_fd(&shim->mounts, -1);
	}
}

static void finish(struct shim *shim)
{
	shim->status = SHIM_FINISHING;
	release_mounts(shim);
	write_exit(shim);
	answer_waiters(shim);
	if (!shim->streams_closed) {
		stdio_close(&shim->stdio, streams_closed);
	}
}

void finish_begin(struct shim *shim)
{
	int was_good = time_monotonic_ns() - shim->ran_since_ns >= GOOD_RUN_NS;

	if (!wants_restart(shim)) {
		finish(shim);
		return;
	}
	shim->status = SHIM_RESTARTING;
	write_end(shim, "restarting");
	shim->restart_delay_ms = was_good || shim->restart_delay_ms <= 0 ? FIRST_DELAY_MS
									 : shim->restart_delay_ms * 2;
	if (shim->restart_delay_ms > LAST_DELAY_MS) {
		shim->restart_delay_ms = LAST_DELAY_MS;
	}
	timer_set(&shim->restart_timer, &shim->loop, shim->restart_delay_ms * 1000000, restart_now);
	stdio_close(&shim->stdio, streams_closed);
}

void finish_stopping(struct shim *shim, int undo)
{
	shim->stopping = !undo;
	if (!undo && shim->status == SHIM_RESTARTING) {
		timer_cancel(&shim->restart_timer);
		finish(shim);
	}
}

void finish_conn_closed(struct shim *shim, struct conn *conn)
{
	if (conn == shim->cleaner) {
		shim->cleaner = NULL;
		run_reconciler(shim);
	}
}
