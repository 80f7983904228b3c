/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls as they happen, for `gantry plugin trace`: a datagram of JSON each, sent to
 * whoever listens in the driver's run folder, and dropped when that one is slow.
 */
#ifndef CORE_PLUGIN_TRACE_H
#define CORE_PLUGIN_TRACE_H

#include <gantry/error.h>

#include "helpers/reply.h"

struct driver;

void trace_call(struct driver *d, const struct gantry_op *op, const void *args, const struct reply *ret,
		int result, const struct gantry_error *err, int64_t started_ns, int64_t took_ns);

#endif
