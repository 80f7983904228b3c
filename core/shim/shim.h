/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One container's shim: what its rooms share.  There is one struct shim in the
 * process; the rooms are control (requests), container (its life), finish (what
 * follows the end), exec, health and reap (children).
 */
#ifndef CORE_SHIM_SHIM_H
#define CORE_SHIM_SHIM_H

#include <gantry/plugin.h>
#include <sys/types.h>

#include "core/shim/helper.h"
#include "core/shim/loop.h"
#include "core/shim/protocol.h"
#include "core/shim/stdio.h"

struct conn;
struct exec;
struct health;
struct logger;

enum shim_status {
	SHIM_NEW = 1, /* no CREATE yet */
	SHIM_CREATING,
	SHIM_CREATED,
	SHIM_STARTING,
	SHIM_RUNNING,
	SHIM_DRAINING,   /* the init has ended, its output has not */
	SHIM_RESTARTING, /* waits before it is started again */
	SHIM_FINISHING,  /* `exit` is written */
	SHIM_ABORTING,
};

enum shim_restart { SHIM_RESTART_NO = 1, SHIM_RESTART_ON_FAILURE, SHIM_RESTART_ALWAYS };

struct ended {
	pid_t pid;
	int status; /* as of waitpid */
};

struct shim {
	struct loop loop;
	struct source signals;
	struct source listener;
	struct conn *conns;
	struct shim_message create;  /* what the container is, for as long as it lives */
	struct shim_message scratch; /* the message being handled or answered */

	enum shim_status status;
	int run_dir; /* descriptor */
	int lock;    /* descriptor; held until the end */
	int mounts;  /* the container's mount namespace, so that its end is not waited for; or -1 */
	char *title; /* the argument that ps shows; or NULL */
	pid_t spare; /* the helper that waits to become the creator */
	int spare_sock; /* to it; -1: there is none */
	pid_t pid;   /* the init; 0: none */
	int64_t started_ns;
	int64_t finished_ns;
	int64_t ran_since_ns; /* monotonic */
	int wait_status;
	struct stdio stdio;
	struct logger *logger;
	struct helper creator; /* makes and starts the container */
	struct conn *asker;    /* who waits for the creator's answer; or NULL */
	int starter_gone;      /* the first connection is closed */
	int abandoned;    /* gave up since the starter vanished: the record may say "running" */
	int stopping;          /* the user's wish: no restart */
	int init_ended;        /* wait_status counts */
	struct timer abort_timer;

	enum shim_restart restart;
	int64_t restart_max;
	int64_t restart_delay_ms;
	struct timer restart_timer;

	struct conn *cleaner;
	pid_t reconciler; /* runs `exited`; 0: none */
	int streams_closed;
	int cleaned;
	char *leftovers;      /* CLEANED's fields, when there is something to delete; or NULL */
	size_t leftovers_len;
	int leftovers_mark;   /* descriptor */

	struct exec *execs;
	struct health *health;
	struct ended unclaimed[8]; /* ended before anybody said whose they are */
	unsigned n_unclaimed;
	unsigned helpers; /* at work */
	int oom_score_adj; /* what the shim was started with */
};

/* Notes what has nobody to be told to, in <run_dir>/shim.log. */
void shim_note(struct shim *shim, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Gives up the protection from the OOM killer that children must not inherit. */
void shim_unprotect(const struct shim *shim);

/* The host that drivers in the shim and its helpers see: service "log" only. */
struct shim_host {
	struct gantry_host public;
	struct shim *shim;
	const char *driver;
};
void shim_host_init(struct shim_host *h, struct shim *shim, const char *state_dir,
		    const char *run_dir, const char *driver);

/* <run_dir>/name, and the runtime driver's state_dir; the caller frees. */
char *shim_path(const struct shim_message *create, const char *name);
char *shim_state_dir(const struct shim_message *create);

/* reap.c */
void reap_children(struct shim *shim);
/* A helper told of a process: has it ended already?  1 with its status. */
int reap_claim(struct shim *shim, pid_t pid, int *ret_status);

#endif
