/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Further processes of the container: those that users start, and health probes.
 */
#ifndef CORE_SHIM_EXEC_H
#define CORE_SHIM_EXEC_H

#include <sys/types.h>

#include "core/shim/helper.h"
#include "core/shim/stdio.h"

struct conn;
struct shim;

struct exec {
	struct exec *next;
	struct shim *shim;
	char *id; /* NULL: a probe */
	struct helper helper;
	struct stdio stdio;
	struct buf output;  /* of a probe */
	pid_t pid;          /* 0: not started, or reaped */
	int has_ended;
	int code;
	struct conn *conn;  /* to be answered; or NULL */
	void (*done)(struct exec *e, const struct gantry_error *err); /* a probe's owner */
	void *owner;
};

void exec_start(struct shim *shim, struct conn *conn, struct shim_message *m);
void exec_answer_state(struct shim *shim, struct conn *conn, const char *id);
void exec_resize(struct shim *shim, struct conn *conn, const struct shim_message *m);

/* Starts a probe; done is called once, with an error when it could not be started;
 * e is gone afterwards. */
int exec_probe(struct shim *shim, char *const *argv, size_t output_max, void *owner,
	       void (*done)(struct exec *e, const struct gantry_error *err), struct exec **ret,
	       struct gantry_error *err);

/* Is this one of them?  Then it has ended. */
int exec_ended(struct shim *shim, pid_t pid, int wait_status);
void exec_conn_closed(struct shim *shim, struct conn *conn);
/* The process, or the helper that is about to make it. */
void exec_kill(struct exec *e);
void exec_kill_all(struct shim *shim);

#endif
