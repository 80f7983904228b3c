/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers: children of the shim that load the runtime driver, make a process of the
 * container a child of the shim (CLONE_PARENT), tell what came of it and end.  So
 * the runtime plugin and its libraries never weigh on the shim.
 */
#ifndef CORE_SHIM_HELPER_H
#define CORE_SHIM_HELPER_H

#include <stddef.h>
#include <sys/types.h>

#include <gantry/error.h>

#include "core/shim/loop.h"
#include "core/shim/protocol.h"

struct driver;
struct shim;

struct helper {
	struct shim *shim;
	struct source source; /* our end of the socket; closed: no helper */
	pid_t pid;
	int ended;            /* its process is gone */
	/* An answer came; NULL: the helper ended.  m is borrowed. */
	void (*answered)(struct helper *h, struct shim_message *m);
};

/* What the child does: side is its end of the socket, runtime the opened driver. */
struct helper_side {
	struct shim *shim;
	int sock;
	struct driver *runtime;
	struct shim_message *message; /* for answers */
};

enum { HELPER_MAX_FDS = 4 };

struct helper_job {
	int (*run)(struct helper_side *side, const struct helper_job *job, struct gantry_error *err);
	const char *id;           /* of the exec; or NULL */
	const char *process;      /* path of the process object, or NULL */
	char *const *probe;       /* argument vector, or NULL */
	const char *seccomp;
	int64_t width, height;
	int fds[HELPER_MAX_FDS];  /* stdin, stdout, stderr, root; -1: none; stay open there */
};

enum { HELPER_STDIN, HELPER_STDOUT, HELPER_STDERR, HELPER_ROOT };

/* Starts the helper that will create the container before there is one, so that it loads the
 * runtime's plugin, this file, meanwhile. */
void helper_prepare(struct shim *shim, const char *runtime);

int helper_start(struct helper *h, struct shim *shim, const struct helper_job *job,
		 void (*answered)(struct helper *h, struct shim_message *m),
		 struct gantry_error *err);
/* Sends a helper that waits for more on its way. */
int helper_tell(struct helper *h, enum shim_type type, struct gantry_error *err);
/* Closes our end; a helper that waits ends. */
void helper_forget(struct helper *h);
void helper_kill(const struct helper *h);
/* Is this the process of a helper that is at work? */
static inline int helper_is(const struct helper *h, pid_t pid)
{
	return h->shim && source_is_open(&h->source) && !h->ended && h->pid == pid;
}
/* Its process was reaped.  h may be freed by what is called. */
void helper_ended(struct helper *h);

/* The jobs. */

/* Creates the container, then waits for START or ABORT and does it. */
int helper_run_container(struct helper_side *side, const struct helper_job *job,
			 struct gantry_error *err);
int helper_run_exec(struct helper_side *side, const struct helper_job *job,
		    struct gantry_error *err);

/* The OCI process object of the bundle with another argument vector and no
 * terminal; the caller frees. */
int probe_process(const char *spec, char *const *argv, char **ret, struct gantry_error *err);

#endif
