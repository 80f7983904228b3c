/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The permissions of a plugin, as its manifest lists them and its host enforces
 * them.  docs/plugin-permissions.md says what each means.
 */
#ifndef CORE_PLUGIN_PERMISSIONS_H
#define CORE_PLUGIN_PERMISSIONS_H

#include <stdint.h>

#include <gantry/error.h>

enum {
	PERMIT_FORK = 1 << 0,    /* processes of its own */
	PERMIT_EXEC = 1 << 1,    /* other programs */
	PERMIT_NET = 1 << 2,     /* the host's network */
	PERMIT_UNIX = 1 << 3,    /* sockets of other programs */
	PERMIT_MOUNT = 1 << 4,   /* mounts */
	PERMIT_DAEMON = 1 << 5,  /* processes that outlive it */
	PERMIT_HOST = 1 << 6,    /* everything */
};

#define PERMIT_PATHS_MAX 32

struct permit_path {
	const char *path; /* absolute, or starts with "~/" or "$NAME" */
	int writable;
};

struct permits {
	unsigned groups;       /* PERMIT_* */
	uint64_t capabilities; /* bit per CAP_* */
	struct permit_path paths[PERMIT_PATHS_MAX];
	unsigned n_paths;
};

/* Adds one; paths are borrowed from text.  INVALID names one that is unknown. */
int permits_add(struct permits *p, const char *text, struct gantry_error *err);

/* "net_raw" for CAP_NET_RAW; NULL past the last. */
const char *capability_name(unsigned number);

#endif
