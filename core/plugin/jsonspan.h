/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as it lies in a message: a text is checked once, whole, and from then on
 * values are spans of it.  Nothing is allocated and no library is needed, since
 * the shim, too, speaks to plugins.
 */
#ifndef CORE_PLUGIN_JSONSPAN_H
#define CORE_PLUGIN_JSONSPAN_H

#include <stddef.h>
#include <stdint.h>

#include "helpers/buf.h"

#define JSONSPAN_DEPTH 64

/* A value as written; at is NULL where there is none. */
struct jsonspan {
	const char *at;
	size_t len;
};

/* Is text one JSON value (RFC 8259, UTF-8, at most JSONSPAN_DEPTH levels) with
 * blanks around it?  *ret is that value without them. */
int jsonspan_check(const char *text, size_t len, struct jsonspan *ret);

/* The rest expects spans of checked text. */

/* Successive members of an object; *at starts as NULL.  0 at the end, and for
 * what is no object. */
int jsonspan_next(struct jsonspan object, const char **at, struct jsonspan *ret_key,
		  struct jsonspan *ret_value);
/* The member of that name, or an empty span. */
struct jsonspan jsonspan_get(struct jsonspan object, const char *name);
/* Successive elements of an array. */
int jsonspan_item(struct jsonspan array, const char **at, struct jsonspan *ret_value);

int jsonspan_key_is(struct jsonspan key, const char *name);

/* '{', '[', '"', 't' (true or false), '0' (a number), 'n' (null); 0: no value. */
char jsonspan_kind(struct jsonspan value);

/* Appends a string's text.  -1: no string, or a NUL in it. */
int jsonspan_text(struct jsonspan value, struct buf *out);
/* A number without fraction that fits; -1: none. */
int jsonspan_integer(struct jsonspan value, int64_t *ret);

/* Appends text as a JSON string.  -1: it is not UTF-8. */
int json_add_text(struct buf *out, const char *text, size_t len);
/* Appends a JSON value without the blanks between its parts; -1: malformed. */
int json_add_compact(struct buf *out, const char *text, size_t len);

#endif
