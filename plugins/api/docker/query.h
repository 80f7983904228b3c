/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Query strings and percent-encoding.  Text is decoded in place, once, in the
 * request's own copy of the target; nothing is allocated.
 */
#ifndef API_DOCKER_QUERY_H
#define API_DOCKER_QUERY_H

#include <stdint.h>

#include <gantry/error.h>

#define QUERY_MAX_PAIRS 64

struct query_pair {
	const char *key;
	const char *value;
};

struct query {
	unsigned n;
	struct query_pair pairs[QUERY_MAX_PAIRS];
};

/* Decodes %XX (and + when plus is set) in place.  INVALID for a broken escape
 * or an encoded NUL. */
enum query_plus { QUERY_PLUS_KEEP, QUERY_PLUS_SPACE };
int percent_decode(char *text, enum query_plus plus, struct gantry_error *err);

/* Splits and decodes text, which ret borrows from then on. */
int query_parse(char *text, struct query *ret, struct gantry_error *err);

/* The first value of key, or NULL when it is not there. */
const char *query_get(const struct query *q, const char *key);

/* The same, where an empty value counts as absent. */
const char *query_text(const struct query *q, const char *key);

/* Docker's booleans: absent reads as fallback; "", 0, no, false and none are
 * false in any case; all else is true. */
int query_bool(const struct query *q, const char *key, int fallback);

/* A decimal number; absent or empty leaves *ret alone. */
int query_int(const struct query *q, const char *key, int64_t *ret, struct gantry_error *err);

/* "seconds[.fraction]" since 1970 in nanoseconds; absent leaves *ret alone. */
int query_time_ns(const struct query *q, const char *key, int64_t *ret, struct gantry_error *err);

/* All values of key, NULL-terminated, at most max - 1.  Returns the count. */
unsigned query_all(const struct query *q, const char *key, const char **ret, unsigned max);

#endif
