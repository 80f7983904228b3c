/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place in a JSON document that knows its own path, so that every error of a
 * parser names the field: `config.json: linux.resources.pids.limit: ...`.
 * References live on the stack and borrow the document and their parents.
 */
#ifndef NATIVE_JREF_H
#define NATIVE_JREF_H

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json_object.h>

#include <gantry/error.h>

struct arena;

struct jref {
	struct json_object *obj;
	const struct jref *up; /* NULL at the top */
	const char *key;       /* member name; at the top the document's name */
	int index;             /* in an array when key is NULL */
};

/* Parses text of at most 4 MiB and 64 levels; `what` names it in errors.  The
 * caller puts *ret. */
int jref_parse(const char *text, size_t len, const char *what, struct json_object **ret,
	       struct gantry_error *err);

/* Fills err with INVALID, the path of `at` and the message. */
int jref_fail(const struct jref *at, struct gantry_error *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The member `key`: 1 when it is there, 0 when absent or null, or an error when it
 * has another type. */
int jref_get(const struct jref *up, const char *key, enum json_type type, struct jref *ret,
	     struct gantry_error *err);

/* The item of an array; an error when it has another type. */
int jref_item(const struct jref *up, int index, enum json_type type, struct jref *ret,
	      struct gantry_error *err);

static inline int jref_len(const struct jref *array)
{
	return (int)json_object_array_length(array->obj);
}

/* Readers of members.  An absent member leaves *ret as it was and returns 0; a
 * present one returns 1.  Strings are borrowed and contain no NUL. */
int jref_string(const struct jref *up, const char *key, const char **ret,
		struct gantry_error *err);
int jref_bool(const struct jref *up, const char *key, bool *ret, struct gantry_error *err);
int jref_int(const struct jref *up, const char *key, int64_t min, int64_t max, int64_t *ret,
	     struct gantry_error *err);
int jref_uint64(const struct jref *up, const char *key, uint64_t *ret,
		struct gantry_error *err);
/* A NULL-terminated array in the arena. */
int jref_strings(const struct jref *up, const char *key, struct arena *a,
		 const char *const **ret, struct gantry_error *err);

#endif
