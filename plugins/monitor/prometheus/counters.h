/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters that outlive a process and are shared by all: a file of fixed slots,
 * mapped, whose numbers are added to atomically.  A slot is claimed by writing its
 * label under a lock on the file; a process that dies in between leaves a slot
 * that is not in use.
 */
#ifndef MONITOR_PROMETHEUS_COUNTERS_H
#define MONITOR_PROMETHEUS_COUNTERS_H

#include <gantry/error.h>

struct buf;
struct counters;

int counters_open(const char *folder, struct counters **ret, struct gantry_error *err);
void counters_close(struct counters *c);

/* Adds one to the counter of this label; LIMIT when all slots have others. */
int counters_add(struct counters *c, const char *label, struct gantry_error *err);

/* Appends "NAME{LABEL} VALUE" lines. */
void counters_print(struct counters *c, const char *name, struct buf *out);

#endif
