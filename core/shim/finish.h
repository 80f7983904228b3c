/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows the end of the container: a restart, or the exit file, the waiters,
 * and somebody who finishes what the shim cannot.
 */
#ifndef CORE_SHIM_FINISH_H
#define CORE_SHIM_FINISH_H

#include <sys/types.h>

#include <gantry/error.h>

struct conn;
struct shim;
struct shim_message;

/* Sets the policy by its name. */
int finish_set_restart(struct shim *shim, const char *policy, struct gantry_error *err);
/* How long the shim before this one waited, if this is a restart. */
void finish_read_delay(struct shim *shim);
/* The output is complete. */
void finish_begin(struct shim *shim);
/* The user wants it to end: no restart, not even one that is waited for. */
void finish_stopping(struct shim *shim, int undo);
/* The chosen waiter, or the reconcile program, is through. */
void finish_cleaned(struct shim *shim);
/* What CLEANED says is to be deleted is kept for finish_delete_leftovers(), the last act. */
void finish_keep_leftovers(struct shim *shim, struct shim_message *m);
void finish_delete_leftovers(struct shim *shim);
void finish_conn_closed(struct shim *shim, struct conn *conn);
void finish_send_exited(struct shim *shim, struct conn *conn, int clean);

/* Starts the reconcile program with these words. */
int reconcile_spawn(struct shim *shim, const char *verb, const char *status, pid_t *ret,
		    struct gantry_error *err);

/* The last act of a shim whose starter vanished before START: who started it may have recorded
 * "running" already, and nobody else would look. */
void finish_abandoned(struct shim *shim);

#endif
