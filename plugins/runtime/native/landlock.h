/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock for the container's process: process.landlock, as it is proposed for the
 * runtime-spec, or the same object as the text of the annotation org.gantry.landlock.
 *
 *   { "ruleset": { "handledAccessFS": ["execute", ...], "handledAccessNet": ["bind_tcp", ...],
 *                  "scoped": ["signal", ...] },
 *     "rules": { "pathBeneath": [ { "allowedAccess": [...], "paths": ["/usr"] } ],
 *                "netPort": [ { "allowedAccess": [...], "ports": [443] } ] },
 *     "disableBestEffort": false }
 *
 * What is handled is denied but for what a rule allows.  Rights that the kernel does not
 * know are left out, or with disableBestEffort an error.
 */
#ifndef NATIVE_LANDLOCK_H
#define NATIVE_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct gantry_error;
struct jref;

#define LANDLOCK_ANNOTATION "org.gantry.landlock"

struct landlock_rule {
	uint64_t access;
	const char *path; /* NULL: a port */
	uint16_t port;
};

struct landlock_spec {
	bool present, strict;
	uint64_t fs, net, scoped; /* LANDLOCK_ACCESS_* and LANDLOCK_SCOPE_* that are handled */
	struct landlock_rule *rules;
	size_t n_rules;
};

/* Parses the object itself; strings are borrowed from it. */
int landlock_parse(const struct jref *at, struct arena *a, struct landlock_spec *ret,
		   struct gantry_error *err);

/* Confines this process for ever; it has set no_new_privs or has CAP_SYS_ADMIN. */
int landlock_apply(const struct landlock_spec *l, struct gantry_error *err);

#endif
