/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log records on their way to a driver in another process: they are put into a file
 * in memory that both processes have, so that only a descriptor travels, and what the
 * driver has written is marked in it, so that its death loses and repeats nothing.
 */
#ifndef CORE_SHIM_BATCH_H
#define CORE_SHIM_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include <gantry/error.h>

struct driver;

struct batch {
	int fd;       /* -1: none */
	char *memory;
	size_t used;  /* bytes of records */
	size_t records;
};

/* Takes a batch into use. */
int batch_init(struct batch *b, struct gantry_error *err);
void batch_done(struct batch *b);

/* Adds a record; 0: it has no room, send first. */
int batch_add(struct batch *b, int stream, int64_t time_ns, int partial, const char *data, size_t len);

/* Has the driver append them all, on a new process if need be; for so long the
 * container is held up by a driver that cannot.  *ret_lost: records given up. */
int batch_send(struct batch *b, struct driver *driver, uint64_t log, int64_t patience_ns,
	       size_t *ret_lost, struct gantry_error *err);

#endif
