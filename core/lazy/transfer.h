/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of a blob from a session of a transport: the driver's call runs in a thread of its own
 * and writes into a pipe that the caller's thread reads.
 */
#ifndef CORE_LAZY_TRANSFER_H
#define CORE_LAZY_TRANSFER_H

#include <stddef.h>
#include <stdint.h>

#include <gantry/error.h>

struct buf;
struct driver;

/* Takes bytes as they come; a negative code ends the transfer. */
typedef int (*transfer_sink)(void *ctx, const void *data, size_t len, struct gantry_error *err);

/* All of the range, or an error: the driver's, or CORRUPT when less came. */
int transfer_range(struct driver *transport, uint64_t session, const char *digest, int64_t offset,
		   int64_t length, transfer_sink sink, void *ctx, struct gantry_error *err);

/* The same into memory. */
int transfer_to_buf(struct driver *transport, uint64_t session, const char *digest, int64_t offset,
		    int64_t length, struct buf *to, struct gantry_error *err);

#endif
