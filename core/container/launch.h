/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting gantry-shim.  Who is going to start a container lets the shim be started while the
 * rest is prepared: it is the same for all containers until it is told which one is its.
 */
#ifndef CORE_CONTAINER_LAUNCH_H
#define CORE_CONTAINER_LAUNCH_H

#include <sys/types.h>

#include <gantry/error.h>

struct core;

/* A shim that waits for CREATE; it ends when the socket is closed before that. */
struct launched {
	int control; /* -1: there is none */
	pid_t pid;   /* 0: not yet known; -1: it could not be started */
};

/* Starts one for later; failure is told by launch_shim(), which tries again. */
void launch_ahead(struct core *core);
/* It may load the runtime driver meanwhile. */
void launch_warm(struct core *core, const char *runtime);
/* The one that was started ahead, else a new one.  The caller owns the socket. */
int launch_shim(struct core *core, struct launched *ret, struct gantry_error *err);
/* Nobody needed it. */
void launch_drop(struct core *core);

#endif
