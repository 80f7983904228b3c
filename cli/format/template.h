/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go's text templates over JSON, as Docker's users type them after --format.
 * Parsing and running have limits, so that a hostile template costs bounded
 * time, stack and memory.
 */
#ifndef CLI_FORMAT_TEMPLATE_H
#define CLI_FORMAT_TEMPLATE_H

#include <gantry/error.h>

#include "helpers/buf.h"

struct json_object;
struct template;

#define TEMPLATE_MAX_TEXT (64 * 1024)
#define TEMPLATE_MAX_DEPTH 100
#define TEMPLATE_MAX_STEPS 2000000
#define TEMPLATE_MAX_OUTPUT ((size_t)64 << 20)

/* How the data behaves beyond being JSON. */
struct template_data {
	struct json_object *dot; /* borrowed */
	/* Calls a method such as `.Label "x"` of dot: 1 and *ret set (owned), 0 when
	 * there is no such method.  NULL: there are none. */
	int (*method)(struct json_object *dot, const char *name, const char *arg,
		      struct json_object **ret);
	const char *type_name; /* what an unknown field is missing in; NULL: a map */
	int header;            /* string functions give back their argument (table headings) */
};

/* Compiles text.  Messages read "template: :1: unclosed action". */
int template_parse(const char *text, struct template **ret, struct gantry_error *err);
/* Takes NULL, returns NULL. */
struct template *template_free(struct template *t);
/* Appends what the template makes of the data. */
int template_execute(const struct template *t, const struct template_data *data, struct buf *out,
		     struct gantry_error *err);
/* Does it read a field of this name anywhere? */
int template_uses_field(const struct template *t, const char *name);

#endif
