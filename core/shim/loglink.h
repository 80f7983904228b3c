/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One driver of the container's log: opened in this process or out of it, given
 * records, and replaced by its next version when it is reloaded.
 */
#ifndef CORE_SHIM_LOGLINK_H
#define CORE_SHIM_LOGLINK_H

#include <stddef.h>
#include <stdint.h>

#include <gantry/error.h>

struct loglink;
struct shim;

struct log_record {
	int stream;
	int partial; /* more of the line follows */
	int more;    /* another record follows at once */
	int64_t time_ns;
	const char *data;
	size_t len;
};

/* Opens the number-th driver that the CREATE message names; *ret is NULL when it names
 * fewer. */
int loglink_open(struct shim *shim, unsigned number, struct loglink **ret, struct gantry_error *err);
/* Closes the log.  NULL is fine; returns NULL. */
struct loglink *loglink_close(struct loglink *l);

/* A record that the driver does not take is counted and noted in shim.log: it costs
 * neither the container nor other drivers anything but time. */
void loglink_write(struct loglink *l, const struct log_record *record);
/* After the last record of what was read at once: what was collected is sent. */
void loglink_flush(struct loglink *l);
/* A record that never came to be. */
void loglink_lose(struct loglink *l);

#endif
