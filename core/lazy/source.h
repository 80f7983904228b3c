/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where missing bytes of blobs come from: sessions of the registry transport, one for each
 * repository.  While a place cannot be reached, it is not asked for a while: readers get their
 * error at once, and what happened is said once in the log.
 */
#ifndef CORE_LAZY_SOURCE_H
#define CORE_LAZY_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include <gantry/error.h>

#include "core/lazy/transfer.h"

struct core;
struct source;

/* The source of a repository, made when it is first asked for and kept; auth and options (as
 * transport.open takes them) may be NULL. */
int source_get(struct core *core, const char *location, const char *auth, const char *options,
	       struct source **ret, struct gantry_error *err);

/* Who reads goes before who fetches ahead. */
enum source_urgency {
	SOURCE_AHEAD = 0,
	SOURCE_URGENT = 1,
};

/* For who fetches ahead: waits until nobody has been in a hurry for a moment.  Before it takes
 * anything that a reader could wait for. */
void source_wait_for_calm(void);

/* Brings length bytes from offset.  Errors: UNAVAILABLE (the place cannot be reached), CORRUPT (it
 * sent less). */
int source_fetch(struct source *s, const char *digest, int64_t offset, int64_t length,
		 enum source_urgency urgency, transfer_sink sink, void *ctx, struct gantry_error *err);

/* Milliseconds until it may be asked again; 0: now. */
int64_t source_rest_ms(struct source *s);

/* A line in <run_root>/lazy/log. */
void lazy_log(struct core *core, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
