/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How `inspect` prints objects: an indented JSON array, or a template for each.
 */
#ifndef CLI_COMMANDS_INSPECT_H
#define CLI_COMMANDS_INSPECT_H

#include "cli/command.h"
#include "helpers/buf.h"

struct template;

struct inspect {
	const char *format; /* or NULL */
	struct template *template;
	int is_json;
	struct buf out;
	int n;
};

int inspect_open(struct inspect *in, const char *format, struct gantry_error *err);
/* One object as JSON text. */
int inspect_add(struct inspect *in, const char *text, size_t len, struct gantry_error *err);
/* Prints all of them. */
void inspect_finish(struct inspect *in);
void inspect_done(struct inspect *in);
static inline void inspect_auto(struct inspect *in)
{
	inspect_done(in);
}

/* Fetches an object's JSON text. */
int inspect_get(struct cli *cli, const char *target, struct buf *ret, struct gantry_error *err);
/* All arguments through get(); what fails is told after what was found. */
int inspect_objects(struct cli *cli, struct args *args,
		    int (*get)(struct cli *cli, struct args *args, const char *name,
			       struct buf *ret, struct gantry_error *err),
		    struct gantry_error *err);

#endif
