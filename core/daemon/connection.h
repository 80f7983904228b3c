/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client connection: its requests, one after the other, each handed to the
 * core and answered.
 */
#ifndef CORE_DAEMON_CONNECTION_H
#define CORE_DAEMON_CONNECTION_H

#include <stdatomic.h>

struct core;

enum connection_state {
	CONNECTION_IDLE,      /* waits for a request */
	CONNECTION_SERVING,   /* the core works on one */
	CONNECTION_STREAMING, /* carries a stream that may never end */
};

struct connection {
	struct core *core;
	int sock;                   /* owned */
	const char *peer;           /* who asks, as JSON; borrowed */
	const atomic_int *stopping; /* no further request is taken when set; borrowed */
	int refuse;                 /* too many are open: say so to the first request */
	atomic_int state;           /* enum connection_state, for whoever wants to stop it */
};

/* Serves until the client goes, an answer ends the connection, or the server
 * stops.  Does not close sock. */
void connection_serve(struct connection *c);

#endif
