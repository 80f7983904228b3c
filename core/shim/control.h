/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to the shim and their requests.
 */
#ifndef CORE_SHIM_CONTROL_H
#define CORE_SHIM_CONTROL_H

#include "core/shim/loop.h"
#include "core/shim/protocol.h"

struct shim;

struct conn {
	struct conn *next;
	struct shim *shim;
	struct source source;
	int is_first; /* inherited; the container lives no longer than it, until START */
	int busy;     /* a request is not answered yet */
	int waits;    /* that request is WAIT */
	int clean;    /* and offers to finish */
};

/* Takes the socket. */
int control_add(struct shim *shim, int sock, int is_first, struct gantry_error *err);
int control_listen(struct shim *shim, struct gantry_error *err);
void control_close_all(struct shim *shim);

/* Answer a request; conn may be NULL (gone).  A peer that is gone is noticed by the
 * loop, not here. */
void conn_answer(struct conn *conn, struct shim_message *m);
void conn_ok(struct conn *conn);
void conn_error(struct conn *conn, const struct gantry_error *err);

#endif
