/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's life in the shim: CREATE, START, ABORT, and its end.
 */
#ifndef CORE_SHIM_CONTAINER_H
#define CORE_SHIM_CONTAINER_H

struct conn;
struct shim;
struct shim_message;

/* Gets ready for CREATE, as far as that is possible before it.  Answers nothing. */
void container_warm(struct shim *shim, const struct shim_message *m);

/* These answer the connection, at once or when it is done. */
void container_create(struct shim *shim, struct conn *conn, struct shim_message *m);
void container_start(struct shim *shim, struct conn *conn);
void container_abort(struct shim *shim, struct conn *conn);

/* The init was reaped. */
void container_ended(struct shim *shim, int wait_status);
/* As a shell says it: 128 + signal. */
int container_exit_code(int wait_status);
/* A connection is gone: was it the one that was about to start the container? */
void container_conn_closed(struct shim *shim, struct conn *conn);

#endif
