/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's log: cuts output into records, and gives each to all drivers of the
 * chain that the CREATE message names.
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

/* Writes the complete lines; what begins a line is kept in the output. */
void logger_feed(struct logger *l, struct output *o, const char *data, size_t len);
/* The output has ended: writes a last line without newline. */
void logger_end(struct logger *l, struct output *o);

#endif
