/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd units that run containers: made from a container that there is (gantry generate
 * systemd), or from a *.container file (gantry-generator).
 */
#ifndef CLI_UNITS_UNIT_H
#define CLI_UNITS_UNIT_H

#include <stddef.h>

#include <gantry/error.h>

struct buf;

/* Appends one argument as ExecStart= wants it: quoted, with % and $ doubled. */
void unit_add_argument(struct buf *line, const char *text);

/* The service for a .container file's text.  name: of the unit, without a suffix;
 * program: the path of gantry.  INVALID names file, line and what is wrong. */
int unit_from_container(const char *file, const char *text, const char *name, const char *program,
			struct buf *ret, struct gantry_error *err);

/* Calls fn for each word of the WantedBy= (which is "wants") and RequiredBy=
 * ("requires") lines of [Install]; a generator makes these links itself. */
int unit_each_install(const char *text, int (*fn)(void *ctx, const char *kind, const char *target),
		      void *ctx);

#endif
