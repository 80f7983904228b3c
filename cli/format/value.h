/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value while a template runs: JSON, plus the few states that JSON has no
 * word for.  Each holds one reference.
 */
#ifndef CLI_FORMAT_VALUE_H
#define CLI_FORMAT_VALUE_H

#include "helpers/buf.h"
#include "helpers/json.h"

enum value_kind {
	VALUE_JSON,     /* o; NULL is nil */
	VALUE_NONE,     /* no such entry: prints "<no value>" */
	VALUE_NIL_MAP,  /* null where the engine's type is a map: prints "map[]" */
	VALUE_NIL_LIST, /* likewise: prints "[]" */
	VALUE_NIL_POINTER, /* likewise: prints "<nil>" */
};

struct value {
	enum value_kind kind;
	struct json_object *o;
};

static inline void value_auto(struct value *v)
{
	json_object_put(v->o);
}

/* Takes the reference. */
static inline struct value value_of(struct json_object *o)
{
	return (struct value){ VALUE_JSON, o };
}

/* Is it what `if` takes for true: not nil, zero or empty? */
int value_is_true(const struct value *v);
/* As Go prints it with %v. */
void value_print(const struct value *v, struct buf *out);
/* Text of a string value, else NULL. */
const char *value_string(const struct value *v);
/* "string", "int", "map": for messages. */
const char *value_type_name(const struct value *v);

/* Compact JSON as Go's encoder writes it, without HTML escapes but in objects that
 * json_mark_row() marked. */
void json_print(struct json_object *o, struct buf *out);
void json_mark_row(struct json_object *o);
/* Indents compact or indented JSON text anew, by four spaces, after prefix on each
 * line but the first; numbers and strings stay as they are. */
void json_indent(const char *text, size_t len, const char *prefix, struct buf *out);

/* Calls fn for each member in the order of its name; stops when it is not 0. */
int json_each_sorted(struct json_object *o,
		     int (*fn)(void *user, const char *key, struct json_object *value), void *user);

#endif
