/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How every listing command prints: its default table, "table TEMPLATE", "json"
 * or a template for each row.
 */
#ifndef CLI_FORMAT_LIST_H
#define CLI_FORMAT_LIST_H

#include <gantry/error.h>

#include "cli/format/template.h"

struct list_heading {
	const char *field;
	const char *heading;
};

struct list_spec {
	const char *type_name;     /* for messages: "*formatter.imageContext" */
	const char *default_table; /* "table {{.ID}}\t{{.Names}}" */
	const char *quiet;         /* template for --quiet; or NULL */
	const struct list_heading *headings; /* ends with a NULL field */
	int (*method)(struct json_object *row, const char *name, const char *arg,
		      struct json_object **ret);
};

struct list {
	const struct list_spec *spec;
	struct template *template; /* owned */
	int is_table;
	int is_json;    /* exactly "json" */
	int shows_json; /* rows may be printed as JSON: in Docker's order and escapes */
	struct buf out;
};

/* format is what the user gave, or NULL; quiet picks spec->quiet over the table. */
int list_open(struct list *list, const struct list_spec *spec, const char *format, int quiet,
	      struct gantry_error *err);
/* Does the output need this field? */
int list_uses(const struct list *list, const char *field);
/* One row; an object of text members, borrowed. */
int list_add(struct list *list, struct json_object *row, struct gantry_error *err);
/* The row as `json` prints it: in Docker's order and escapes; the caller's. */
struct json_object *list_sorted(struct json_object *row);
/* Prints what was collected. */
int list_print(struct list *list, struct gantry_error *err);
void list_done(struct list *list);
static inline void list_auto(struct list *list)
{
	list_done(list);
}

/* A template as one types it on a command line: "\t" and "\n" written out are a tab
 * and a new line. */
void list_unescape(const char *format, struct buf *out);

#endif
