/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread owns the pipe's writing end.  When the reader has closed its own,
 * it goes on reading from the client and drops what it gets: clients look for an
 * answer only after they have sent some of the body.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/daemon/upload.h"
#include "core/daemon/wire.h"

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define IDLE_MS (10 * 60 * 1000)

struct upload {
	pthread_t thread;
	int sock;
	int pipe; /* -1 once the reader has gone */
	struct buf *in;
	struct http_body body;
};

static void deliver(struct upload *u, const char *data, size_t len)
{
	if (u->pipe >= 0 && write_all(u->pipe, data, len) < 0) {
		replace_fd(&u->pipe, -1);
	}
}

/* All of the body that is in the buffer.  -1 when it is malformed. */
static int decode(struct upload *u)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	size_t at = 0, used, len;
	const char *data;

	do {
		if (http_body_take(&u->body, u->in->data + at, u->in->len - at, &used, &data, &len,
				   &ignored) < 0) {
			return -1;
		}
		if (len > 0) {
			deliver(u, data, len);
		}
		at += used;
	} while (used > 0);
	buf_consume(u->in, at);
	return 0;
}

static void *upload_run(void *arg)
{
	struct upload *u = arg;

	while (decode(u) == 0 && u->body.state != HTTP_BODY_DONE &&
	       wire_receive(u->sock, u->in, IDLE_MS) > 0) {
	}
	replace_fd(&u->pipe, -1);
	return NULL;
}

int upload_start(int sock, struct buf *in, const struct http_body *body, struct upload **ret,
		 int *ret_fd, struct gantry_error *err)
{
	auto_free struct upload *u = calloc(1, sizeof(*u));
	int ends[2];
	int r;

	if (!u) {
		return error_no_memory(err);
	}
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return error_errno(err, errno, "cannot take the request body");
	}
	*u = (struct upload){ .sock = sock, .pipe = ends[1], .in = in, .body = *body };
	r = pthread_create(&u->thread, NULL, upload_run, u);
	if (r) {
		close(ends[0]);
		close(ends[1]);
		return error_errno(err, r, "cannot take the request body");
	}
	*ret = steal(&u);
	*ret_fd = ends[0];
	return 0;
}

struct upload *upload_end(struct upload *u)
{
	if (u) {
		wire_linger(u->sock);
		shutdown(u->sock, SHUT_RD);
		pthread_join(u->thread, NULL);
		free(u);
	}
	return NULL;
}
