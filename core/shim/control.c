/* SPDX-License-Identifier: Apache-2.0 */
/* A connection is freed in its own callback only; everybody else just fails to
 * reach it.  Sockets do not block: a peer that does not take its answers loses
 * them, and the shim goes on. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "core/shim/container.h"
#include "core/shim/control.h"
#include "core/shim/exec.h"
#include "core/shim/finish.h"
#include "core/shim/health.h"
#include "core/shim/shim.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define MAX_CONNS 256

void conn_answer(struct conn *conn, struct shim_message *m)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	if (conn) {
		conn->busy = conn->waits = 0;
		(void)shim_send(conn->source.fd, m, NULL, 0, &ignored);
	}
}

void conn_ok(struct conn *conn)
{
	if (conn) {
		shim_message_init(&conn->shim->scratch, SHIM_OK);
		conn_answer(conn, &conn->shim->scratch);
	}
}

void conn_error(struct conn *conn, const struct gantry_error *err)
{
	if (conn) {
		shim_message_set_error(&conn->shim->scratch, err);
		conn_answer(conn, &conn->shim->scratch);
	}
}

static int refuse(struct conn *conn, int code, const char *why)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	error_set(&err, code, "%s", why);
	conn_error(conn, &err);
	return code;
}

static void handle_attach(struct shim *shim, struct conn *conn, struct shim_message *m)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_fd int sock = shim_message_take_fd(m, 0);

	shim_message_done(m);
	if (shim->status < SHIM_CREATED || shim->status > SHIM_RUNNING) {
		refuse(conn, GANTRY_ERR_CONFLICT, "the container does not run");
	} else if (sock < 0) {
		refuse(conn, GANTRY_ERR_INVALID, "ATTACH needs a descriptor");
	} else if (stdio_attach(&shim->stdio, sock, m, &err) < 0) {
		conn_error(conn, &err);
	} else {
		steal_fd(&sock);
		conn_ok(conn);
	}
}

static void handle_wait(struct shim *shim, struct conn *conn, const struct shim_message *m)
{
	conn->clean = shim_message_get_int(m, "clean", 0) != 0;
	if (shim->status == SHIM_FINISHING) {
		finish_send_exited(shim, conn, 0);
	} else {
		conn->waits = 1;
	}
}

static void handle_update(struct shim *shim, struct conn *conn, const struct shim_message *m)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	const char *policy = shim_message_get(m, "restart");
	int64_t paused = shim_message_get_int(m, "paused", -1);

	if (policy && finish_set_restart(shim, policy, &err) < 0) {
		conn_error(conn, &err);
		return;
	}
	shim->restart_max = shim_message_get_int(m, "restart_max", shim->restart_max);
	if (paused >= 0) {
		health_pause(shim, paused != 0);
	}
	conn_ok(conn);
}

static void handle_resize(struct shim *shim, struct conn *conn, const struct shim_message *m)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	if (shim_message_get(m, "exec")) {
		exec_resize(shim, conn, m);
	} else if (shim->status < SHIM_CREATED) {
		refuse(conn, GANTRY_ERR_CONFLICT, "the container does not run");
	} else if (stdio_resize(&shim->stdio, shim_message_get_int(m, "width", 0),
				shim_message_get_int(m, "height", 0), &err) < 0) {
		conn_error(conn, &err);
	} else {
		conn_ok(conn);
	}
}

static void handle_state(struct shim *shim, struct conn *conn)
{
	struct shim_message *m = &shim->scratch;

	shim_message_init(m, SHIM_OK);
	shim_message_add_int(m, "pid", shim->pid);
	shim_message_add_int(m, "started_ns", shim->started_ns);
	shim_message_add(m, "status",
			 shim->status < SHIM_RUNNING	  ? "created"
			 : shim->status == SHIM_RUNNING    ? "running"
			 : shim->status == SHIM_RESTARTING ? "restarting"
							   : "exited");
	conn_answer(conn, m);
}

/* m is the shim's scratch message: who answers writes over it. */
static void dispatch(struct shim *shim, struct conn *conn, struct shim_message *m)
{
	conn->busy = 1;
	switch (m->type) {
	case SHIM_CREATE:
		container_create(shim, conn, m);
		break;
	case SHIM_WARM:
		conn->busy = 0;
		container_warm(shim, m);
		break;
	case SHIM_START:
		container_start(shim, conn);
		break;
	case SHIM_ATTACH:
		handle_attach(shim, conn, m);
		break;
	case SHIM_WAIT:
		handle_wait(shim, conn, m);
		break;
	case SHIM_CLEANED:
		conn->busy = 0;
		if (conn == shim->cleaner) {
			finish_keep_leftovers(shim, m);
			finish_cleaned(shim);
		} else {
			shim_message_done(m);
		}
		break;
	case SHIM_STOPPING:
		conn_ok(conn);
		finish_stopping(shim, shim_message_get_int(m, "undo", 0) != 0);
		break;
	case SHIM_RESIZE:
		handle_resize(shim, conn, m);
		break;
	case SHIM_EXEC:
		exec_start(shim, conn, m);
		break;
	case SHIM_EXEC_STATE:
		exec_answer_state(shim, conn, shim_message_get(m, "exec"));
		break;
	case SHIM_UPDATE:
		handle_update(shim, conn, m);
		break;
	case SHIM_ABORT:
		container_abort(shim, conn);
		break;
	case SHIM_STATE:
		handle_state(shim, conn);
		break;
	default:
		refuse(conn, GANTRY_ERR_UNSUPPORTED, "the shim does not know this request");
	}
}

static void conn_close(struct conn *conn)
{
	struct shim *shim = conn->shim;
	struct conn **at = &shim->conns;

	while (*at != conn) {
		at = &(*at)->next;
	}
	*at = conn->next;
	exec_conn_closed(shim, conn);
	container_conn_closed(shim, conn);
	finish_conn_closed(shim, conn);
	source_close(&conn->source);
	free(conn);
}

static void conn_ready(struct source *s, uint32_t events)
{
	struct conn *conn = container_of(s, struct conn, source);
	struct shim_message *m = &conn->shim->scratch;
	struct gantry_error err = GANTRY_ERROR_INIT;
	int r = shim_receive(s->fd, m, &err);

	if (r == GANTRY_ERR_CORRUPT) {
		conn_error(conn, &err);
	} else if (r < 0 || conn->busy) {
		/* Gone, or it asks before it was answered: it does not speak the protocol. */
		shim_message_done(m);
		conn_close(conn);
	} else {
		if (m->type != SHIM_CREATE && m->type != SHIM_ATTACH && m->type != SHIM_EXEC &&
		    m->type != SHIM_CLEANED) {
			shim_message_done(m); /* nobody takes what came beside it */
		}
		dispatch(conn->shim, conn, m);
	}
}

int control_add(struct shim *shim, int sock, int is_first, struct gantry_error *err)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (!conn) {
		close(sock);
		return error_no_memory(err);
	}
	conn->shim = shim;
	conn->is_first = is_first;
	conn->next = shim->conns;
	shim->conns = conn;
	source_init(&conn->source, &shim->loop, sock, conn_ready);
	source_watch(&conn->source, EPOLLIN);
	return 0;
}

static void listener_ready(struct source *s, uint32_t events)
{
	struct shim *shim = container_of(s, struct shim, listener);
	struct gantry_error err = GANTRY_ERROR_INIT;
	int sock = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
	unsigned n = 0;

	for (struct conn *c = shim->conns; c; c = c->next) {
		n++;
	}
	if (sock >= 0 && n >= MAX_CONNS) {
		close(sock);
	} else if (sock >= 0 && control_add(shim, sock, 0, &err) < 0) {
		shim_note(shim, "%s", err.message);
	}
}

int control_listen(struct shim *shim, struct gantry_error *err)
{
	int sock;
	int r = shim_listen(shim_message_get(&shim->create, "run_dir"), &sock, err);

	if (r == 0) {
		source_init(&shim->listener, &shim->loop, sock, listener_ready);
		source_watch(&shim->listener, EPOLLIN);
	}
	return r;
}

void control_close_all(struct shim *shim)
{
	if (shim->run_dir >= 0) {
		unlinkat(shim->run_dir, "shim.sock", 0);
	}
	source_close(&shim->listener);
}
