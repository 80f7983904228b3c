/* SPDX-License-Identifier: Apache-2.0 */
/* An exec lives from its request until its clients have its output; afterwards
 * only its exit file tells of it.  Its code is in the file before its stream
 * closes, so that who saw the end can ask for the code. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/shim/container.h"
#include "core/shim/control.h"
#include "core/shim/exec.h"
#include "core/shim/shim.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define ID_MAX 128

static void exec_free(struct exec *e)
{
	struct exec **at = &e->shim->execs;

	while (*at && *at != e) {
		at = &(*at)->next;
	}
	if (*at) {
		*at = e->next;
	}
	helper_forget(&e->helper);
	stdio_done(&e->stdio);
	buf_done(&e->output);
	free(e->id);
	free(e);
}

static struct exec *exec_find(struct shim *shim, const char *id)
{
	for (struct exec *e = shim->execs; e && id; e = e->next) {
		if (e->id && !strcmp(e->id, id)) {
			return e;
		}
	}
	return NULL;
}

/* The id becomes part of a file's name. */
static int check_id(const char *id, struct gantry_error *err)
{
	if (!id || !*id || strlen(id) > ID_MAX || strchr(id, '/')) {
		return error_set(err, GANTRY_ERR_INVALID, "EXEC needs an id without slashes of at most %d bytes",
				 ID_MAX);
	}
	return 0;
}

static void write_code(struct exec *e)
{
	char name[ID_MAX + 16], text[16];
	int n = snprintf(text, sizeof(text), "%d\n", e->code);
	int r;

	snprintf(name, sizeof(name), "exec-%s.exit", e->id);
	r = write_file_atomic(e->shim->run_dir, name, text, (size_t)n, 0600, 0);
	if (r < 0) {
		shim_note(e->shim, "cannot write %s: %s", name, strerror(-r));
	}
}

static void streams_closed(struct stdio *s)
{
	exec_free(container_of(s, struct exec, stdio));
}

static void output_complete(struct stdio *s)
{
	struct exec *e = container_of(s, struct exec, stdio);

	if (e->done) {
		e->done(e, NULL);
		exec_free(e);
		return;
	}
	write_code(e);
	stdio_close(&e->stdio, streams_closed);
}

static void process_ended(struct exec *e, int wait_status)
{
	e->pid = 0;
	e->has_ended = 1;
	e->code = container_exit_code(wait_status);
	stdio_drain(&e->stdio, output_complete);
}

static void exec_failed(struct exec *e, const struct gantry_error *err)
{
	conn_error(e->conn, err);
	if (e->done) {
		e->done(e, err);
	}
	exec_free(e);
}

static void exec_started(struct exec *e, struct shim_message *m)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	int console = shim_message_take_fd(m, 0);
	struct conn *conn = e->conn;
	int status, r = 0;

	e->pid = (pid_t)shim_message_get_int(m, "pid", 0);
	if (e->stdio.tty) {
		r = console < 0 ? error_set(&err, GANTRY_ERR_INTERNAL, "the runtime driver gave no terminal")
				: stdio_set_console(&e->stdio, console, &err);
	} else if (console >= 0) {
		close(console);
	}
	if (r < 0) {
		kill(e->pid, SIGKILL);
		exec_failed(e, &err);
		return;
	}
	e->conn = NULL;
	conn_answer(conn, m);
	helper_forget(&e->helper);
	if (reap_claim(e->shim, e->pid, &status)) {
		process_ended(e, status);
	}
}

static void helper_answered(struct helper *h, struct shim_message *m)
{
	struct exec *e = container_of(h, struct exec, helper);
	struct gantry_error err = GANTRY_ERROR_INIT;

	if (m && m->type == SHIM_OK) {
		exec_started(e, m);
		return;
	}
	if (m) {
		shim_message_get_error(m, &err);
	} else {
		error_set(&err, GANTRY_ERR_INTERNAL, "the runtime driver died before the process was started");
	}
	exec_failed(e, &err);
}

/* Makes the record, its pipes and the helper; flags as for stdio_open. */
static int exec_new(struct shim *shim, unsigned flags, struct helper_job *job, struct exec **ret,
		    struct gantry_error *err)
{
	struct exec *e = calloc(1, sizeof(*e));
	int r;

	if (!e) {
		return error_no_memory(err);
	}
	e->shim = shim;
	e->helper.source.fd = -1;
	job->run = helper_run_exec;
	job->fds[HELPER_ROOT] = -1;
	r = stdio_open(&e->stdio, &shim->loop, flags, job->fds, err);
	if (r == 0) {
		r = helper_start(&e->helper, shim, job, helper_answered, err);
	}
	for (int i = HELPER_STDIN; i <= HELPER_STDERR; i++) {
		replace_fd(&job->fds[i], -1);
	}
	if (r < 0) {
		exec_free(e);
		return r;
	}
	e->next = shim->execs;
	shim->execs = e;
	*ret = e;
	return 0;
}

static int check_running(const struct shim *shim, struct gantry_error *err)
{
	return shim->status == SHIM_RUNNING
		       ? 0
		       : error_set(err, GANTRY_ERR_CONFLICT, "the container does not run");
}

static int start(struct shim *shim, struct conn *conn, struct shim_message *m, int sock,
		 struct gantry_error *err)
{
	const char *id = shim_message_get(m, "exec");
	struct helper_job job = {
		.process = shim_message_get(m, "process"),
		.seccomp = shim_message_get(m, "seccomp"),
		.width = shim_message_get_int(m, "width", 0),
		.height = shim_message_get_int(m, "height", 0),
	};
	unsigned flags = shim_message_get_int(m, "tty", 0) ? STDIO_TTY : 0;
	struct exec *e = NULL;
	int r = check_running(shim, err);

	r = r < 0 ? r : check_id(id, err);
	if (r == 0 && (!job.process || exec_find(shim, id))) {
		r = job.process ? error_set(err, GANTRY_ERR_EXISTS, "exec %s runs already", id)
				: error_set(err, GANTRY_ERR_INVALID, "EXEC names no process file");
	}
	if (sock >= 0) {
		flags |= (shim_message_get_int(m, "stdin", 0) ? STDIO_STDIN : 0) |
			 (shim_message_get_int(m, "stdout", 0) ? STDIO_STDOUT : 0) |
			 (shim_message_get_int(m, "stderr", 0) ? STDIO_STDERR : 0);
	}
	if (r == 0) {
		r = exec_new(shim, flags, &job, &e, err);
	}
	if (r < 0) {
		return r;
	}
	e->id = strdup(id);
	e->stdio.stdin_once = 1;
	r = e->id ? 0 : error_no_memory(err);
	if (r == 0 && sock >= 0) {
		r = stdio_attach(&e->stdio, sock, m, err);
	}
	if (r < 0) {
		helper_kill(&e->helper);
		exec_free(e);
		return r;
	}
	e->conn = conn;
	return 0;
}

void exec_start(struct shim *shim, struct conn *conn, struct shim_message *m)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_fd int sock = shim_message_take_fd(m, 0);

	shim_message_done(m);
	if (start(shim, conn, m, sock, &err) < 0) {
		conn_error(conn, &err);
		return;
	}
	steal_fd(&sock);
}

int exec_probe(struct shim *shim, char *const *argv, size_t output_max, void *owner,
	       void (*done)(struct exec *e, const struct gantry_error *err), struct exec **ret,
	       struct gantry_error *err)
{
	struct helper_job job = {
		.probe = argv,
		.seccomp = shim_message_get(&shim->create, "seccomp"),
	};
	int r = exec_new(shim, STDIO_STDOUT | STDIO_STDERR, &job, ret, err);

	if (r == 0) {
		(*ret)->stdio.capture = &(*ret)->output;
		(*ret)->stdio.capture_limit = output_max;
		(*ret)->done = done;
		(*ret)->owner = owner;
		stdio_settle(&(*ret)->stdio);
	}
	return r;
}

/* The exit file of one that is over. */
static int read_code(struct shim *shim, const char *id, int64_t *ret_code)
{
	auto_(buf) struct buf text = BUF_INIT;
	char name[ID_MAX + 16];

	snprintf(name, sizeof(name), "exec-%s.exit", id);
	if (shim->run_dir < 0 || read_file(shim->run_dir, name, &text, 64) < 0) {
		return 0;
	}
	*ret_code = atoi(buf_str(&text));
	return 1;
}

void exec_answer_state(struct shim *shim, struct conn *conn, const char *id)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct exec *e = exec_find(shim, id);
	int64_t code = e ? e->code : 0;
	pid_t pid = e ? e->pid : 0;
	int running = e && !e->has_ended;

	if (check_id(id, &err) < 0) {
		conn_error(conn, &err);
	} else if (!e && !read_code(shim, id, &code)) {
		error_set(&err, GANTRY_ERR_NOT_FOUND, "No such exec instance: %s", id);
		conn_error(conn, &err);
	} else {
		struct shim_message *m = &shim->scratch;

		shim_message_init(m, SHIM_OK);
		shim_message_add_int(m, "running", running);
		shim_message_add_int(m, "pid", pid);
		shim_message_add_int(m, "code", code);
		conn_answer(conn, m);
	}
}

void exec_resize(struct shim *shim, struct conn *conn, const struct shim_message *m)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct exec *e = exec_find(shim, shim_message_get(m, "exec"));

	if (!e) {
		error_set(&err, GANTRY_ERR_NOT_FOUND, "No such exec instance: %s", shim_message_get(m, "exec"));
		conn_error(conn, &err);
	} else if (stdio_resize(&e->stdio, shim_message_get_int(m, "width", 0),
				shim_message_get_int(m, "height", 0), &err) < 0) {
		conn_error(conn, &err);
	} else {
		conn_ok(conn);
	}
}

int exec_ended(struct shim *shim, pid_t pid, int wait_status)
{
	for (struct exec *e = shim->execs; e; e = e->next) {
		if (helper_is(&e->helper, pid)) {
			helper_ended(&e->helper);
			return 1;
		}
		if (e->pid == pid) {
			process_ended(e, wait_status);
			return 1;
		}
	}
	return 0;
}

void exec_conn_closed(struct shim *shim, struct conn *conn)
{
	for (struct exec *e = shim->execs; e; e = e->next) {
		if (e->conn == conn) {
			e->conn = NULL;
		}
	}
}

void exec_kill(struct exec *e)
{
	if (e->pid > 0) {
		kill(e->pid, SIGKILL);
	} else {
		helper_kill(&e->helper);
	}
}

void exec_kill_all(struct shim *shim)
{
	for (struct exec *e = shim->execs; e; e = e->next) {
		exec_kill(e);
	}
}
