/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One running process of an isolated driver: started, greeted, opened; and what
 * became of it.
 */
#ifndef CORE_PLUGIN_INCARNATION_H
#define CORE_PLUGIN_INCARNATION_H

#include <stdatomic.h>
#include <sys/types.h>

#include "core/plugin/peer.h"
#include "core/plugin/process.h"

/* How a process ended. */
enum ending {
	ENDING_UNKNOWN = 1,
	ENDING_EXIT,     /* it ended by itself */
	ENDING_SIGNAL,   /* it crashed */
	ENDING_SYSCALL,  /* it used a system call that it may not */
	ENDING_MEMORY,   /* it used more memory than it may */
	ENDING_KILLED,   /* somebody else killed it */
	ENDING_BREACH,   /* it broke the protocol, and was killed for that */
};

struct incarnation {
	struct peer peer;
	atomic_int refs;
	uint64_t number;      /* counts up with each start */
	pid_t pid;            /* of its supervisor */
	int leash;            /* hung up: we are gone; it tells us how the process ended */
	int killed;           /* by us */
	enum ending ending;   /* when it ended before it was opened */
	const struct gantry_host *services;
	const struct process_spec *spec;
	char numbers[2][24];  /* of its command line */
	pthread_t listener;
	int listens;          /* listener reads when no call does */

	/* From its greeting. */
	uint64_t has;         /* bit per operation */
	uint32_t threads;
	char *plugin;         /* name and version of the package */
	char *version;
	char *config_keys;    /* JSON, or NULL */
	char *about;          /* JSON, or NULL */
};

/* Starts the process and greets it; with config, opens the driver, too.  One that is
 * killed meanwhile by others is started again. */
int incarnation_start(const struct process_spec *spec, const struct gantry_host *services,
		      uint64_t number, const char *config, int64_t deadline_ns, struct incarnation **ret,
		      struct gantry_error *err);
/* Probes or opens it ("probe", "open"). */
int incarnation_prepare(struct incarnation *i, const char *what, const char *config,
			int64_t deadline_ns, struct gantry_error *err);
/* From now on what it asks is answered although no call waits for it. */
void incarnation_listen(struct incarnation *i);
struct incarnation *incarnation_ref(struct incarnation *i);
/* The last one asks it to end, and sees to it. */
struct incarnation *incarnation_unref(struct incarnation *i);

void incarnation_kill(struct incarnation *i);
/* Says of an incarnation whose peer is broken how it ended: err gets cause and hint,
 * code UNAVAILABLE. */
enum ending incarnation_explain(struct incarnation *i, struct gantry_error *err);

/* Answers what a plugin asks of its host; the peer's handler. */
void serve_request(struct peer *p, struct message *m);

#endif
