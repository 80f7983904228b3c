/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's log: opens the log driver in this process and cuts output into
 * the records that it wants.
 */
#ifndef CORE_SHIM_LOGGER_H
#define CORE_SHIM_LOGGER_H

#include <gantry/error.h>
#include <stddef.h>

struct logger;
struct output;
struct shim;

/* Opens what the CREATE message asks for; *ret is NULL when it asks for none. */
int logger_open(struct shim *shim, struct logger **ret, struct gantry_error *err);
/* Flushes and closes.  NULL is fine; returns NULL. */
struct logger *logger_close(struct logger *l);

/* Writes the complete lines; what begins a line is kept in the output.  A driver
 * that fails is noted in shim.log and costs the record, not the container. */
void logger_feed(struct logger *l, struct output *o, const char *data, size_t len);
/* The output has ended: writes a last line without newline. */
void logger_end(struct logger *l, struct output *o);

#endif
