/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event log: a table that every process appends to and any may follow.
 */
#ifndef CORE_EVENTS_EVENTS_H
#define CORE_EVENTS_EVENTS_H

#include <stdint.h>

#include <gantry/error.h>

struct db;
struct json_object;

/* attributes: a JSON object of strings as text, or NULL. */
int events_record(struct db *db, const char *type, const char *action, const char *actor,
		  const char *attributes, struct gantry_error *err);

/* Writes events as JSON lines (Engine API objects) to sink until until_ns (0: until
 * the sink is closed).  since_ns 0: only new ones.  filters: {key:[values]}. */
int events_follow(struct db *db, int64_t since_ns, int64_t until_ns, struct json_object *filters,
		  int sink, struct gantry_error *err);

/* Drops all but the newest few thousand. */
int events_trim(struct db *db, struct gantry_error *err);

#endif
