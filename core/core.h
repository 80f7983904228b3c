/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door to the core for the programs that embed it: the command line and the
 * daemon.  They open a core on its directories and hand it requests of the
 * Engine API; nothing else of core/ is theirs to include.
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <gantry/api.h>
#include <gantry/error.h>

#include "helpers/reply.h"

struct core;

struct core_options {
	const char *root;        /* state; NULL: $GANTRY_ROOT, else the default for this user */
	const char *run_root;    /* what a reboot clears; NULL likewise */
	const char *config_file; /* NULL: the system's and the user's */
	const char *plugin_path; /* colon-separated folders; NULL: the build tree's or installed */
	const char *const *settings; /* "key=value" from flags, win over files; ends with NULL; or NULL */
	int bare;                /* for drivers only: looks after nothing, asks no policy */
	int daemon;              /* serves many requests: keep plugins open, run timers */
	int will_start;          /* a container is going to be started: begin with what takes longest */
};

/* Opens state and configuration; loads no plugin yet.  What an earlier process
 * left half-done is finished or undone first. */
int core_open(const struct core_options *options, struct core **ret, struct gantry_error *err);
/* Why that could not be finished, to be told to the user; NULL when it was. */
const struct gantry_error *core_warning(const struct core *core);
/* Waits for running threads of answered requests (streams) to end. */
struct core *core_close(struct core *core);

/* Serves one Engine API request with the api driver named (NULL: "docker").
 * Thread-safe.  Fields of ret: GANTRY_API_HANDLE_RET_*.  Failures of the request
 * are answers with a status; an error here means that no answer could be made. */
int core_handle(struct core *core, const char *api, const struct gantry_api_handle_args *request,
		struct reply *ret, struct gantry_error *err);

#endif
