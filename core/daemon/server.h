/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepts clients on the listening sockets and serves each in a thread, within a
 * limit, until it is told to stop.
 */
#ifndef CORE_DAEMON_SERVER_H
#define CORE_DAEMON_SERVER_H

#include <gantry/error.h>

struct core;
struct server;
struct tls_context;

#define SERVER_MAX_LISTENERS 16

/* core and tls (NULL: none) are borrowed and must outlive the server. */
int server_new(struct core *core, struct tls_context *tls, unsigned max_connections,
	       struct server **ret, struct gantry_error *err);

/* Adds a listening socket, which the server owns from here on. */
enum server_security { SERVER_PLAIN, SERVER_TLS };
int server_listen(struct server *s, int fd, enum server_security security,
		  struct gantry_error *err);

/* Accepts until server_stop(). */
int server_run(struct server *s, struct gantry_error *err);

/* Makes server_run() return.  Safe in signal handlers. */
void server_stop(struct server *s);

/* After server_run(): closes the listeners, ends idle and streaming connections
 * and gives requests being served up to grace_ms.  Returns how many connections
 * are left; then the server must not be freed. */
unsigned server_drain(struct server *s, int grace_ms);

/* NULL is fine; returns NULL. */
struct server *server_free(struct server *s);

#endif
