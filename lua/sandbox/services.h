/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What gantry.* can do, given by the embedder as a table, so that tests fake it
 * and nothing can be reached that was not put in.  A missing function, or a
 * grant that does not name it, is an error of the script with a hint.
 */
#ifndef LUA_SANDBOX_SERVICES_H
#define LUA_SANDBOX_SERVICES_H

#include <stddef.h>
#include <stdint.h>

#include <gantry/error.h>

struct buf;

struct service_http {
	const char *method;
	const char *url;
	const char *const *headers; /* "Name: value", ends with NULL; or NULL */
	const void *body;
	size_t body_len;
	int64_t deadline_ns;        /* CLOCK_MONOTONIC time left */
};

/* All functions may be called from the thread that runs the script, fill err on
 * failure, append results to the struct buf given, and do not keep pointers.
 * Keys are at most 256 bytes; the store's size limits are the embedder's. */
struct services {
	void *ctx;

	/* "kv", "counter", "http:HOST", "secret:NAME", "exec:COMMAND"; a trailing
	 * `*` in the part after the colon is a glob.  Ends with NULL; NULL: none. */
	const char *const *grants;

	void (*log)(void *ctx, int level, const char *text);
	int64_t (*now_ns)(void *ctx); /* wall clock; NULL: the system's */

	/* get: NOT_FOUND is an ordinary answer. */
	int (*kv_get)(void *ctx, const char *key, struct buf *ret, struct gantry_error *err);
	/* value NULL removes. */
	int (*kv_put)(void *ctx, const char *key, const char *value, struct gantry_error *err);
	/* Appends each key that starts with prefix, a newline after each. */
	int (*kv_list)(void *ctx, const char *prefix, struct buf *ret, struct gantry_error *err);
	/* Replaces value old (NULL: absent) by new in one step; CONFLICT when it is
	 * not old any more. */
	int (*kv_swap)(void *ctx, const char *key, const char *old_value, const char *new_value,
		       struct gantry_error *err);

	/* Adds amount to what the window that ends now counted; the sum goes to
	 * *ret_sum.  amount 0 only reads. */
	int (*count)(void *ctx, const char *key, int64_t amount, int64_t window_ns,
		     int64_t *ret_sum, struct gantry_error *err);

	int (*http)(void *ctx, const struct service_http *request, int *ret_status,
		    struct buf *ret_body, struct gantry_error *err);
	int (*secret)(void *ctx, const char *name, struct buf *ret, struct gantry_error *err);
	/* argv[0] is a command that the manifest declared. */
	int (*exec)(void *ctx, const char *const *argv, const void *input, size_t input_len,
		    int64_t deadline_ns, int *ret_status, struct buf *ret_output,
		    struct gantry_error *err);
	/* The text of another file of the script's package, for require. */
	int (*module)(void *ctx, const char *name, struct buf *ret, struct gantry_error *err);
};

/* Is `what` ("kv", or "http" with name "example.com") granted? */
int services_granted(const struct services *services, const char *what, const char *name);

/* A grant list that allows everything in `needs`?  The first that it does not
 * allow goes to *ret_missing. */
int services_covers(const char *const *grants, const char *const *needs,
		    const char **ret_missing);

#endif
