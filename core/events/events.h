/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event log: a file of JSON lines, <root>/events.log, that every process appends
 * to with one write(2) and any may follow.  Appending costs microseconds, which a
 * transaction would not.
 */
#ifndef CORE_EVENTS_EVENTS_H
#define CORE_EVENTS_EVENTS_H

#include <stdint.h>

#include <gantry/error.h>

struct events;
struct json_object;

/* folder is borrowed and outlives it; the file is opened when first needed. */
int events_new(const char *folder, struct events **ret, struct gantry_error *err);
struct events *events_free(struct events *e);

/* attributes: a JSON object of strings as text, or NULL.  Thread-safe. */
int events_record(struct events *e, const char *type, const char *action, const char *actor,
		  const char *attributes, struct gantry_error *err);

/* Writes events as JSON lines (Engine API objects) to sink until until_ns (0: until
 * the sink is closed).  since_ns 0: only new ones.  filters: {key:[values]}. */
int events_follow(struct events *e, int64_t since_ns, int64_t until_ns,
		  struct json_object *filters, int sink, struct gantry_error *err);

#endif
