/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body that is too large or too slow to collect: a thread decodes it from the
 * connection into a pipe while the request is served and answered.
 */
#ifndef CORE_DAEMON_UPLOAD_H
#define CORE_DAEMON_UPLOAD_H

#include <gantry/error.h>

#include "core/daemon/http.h"

struct buf;
struct upload;

/* Starts it.  sock and in are borrowed until upload_end(), and nobody else may
 * read from them.  *ret_fd, the pipe's end to read from, is the caller's. */
int upload_start(int sock, struct buf *in, const struct http_body *body, struct upload **ret,
		 int *ret_fd, struct gantry_error *err);

/* Stops reading from the connection, which is of no use for requests any more,
 * and waits for the thread.  NULL is fine; returns NULL. */
struct upload *upload_end(struct upload *u);

#endif
