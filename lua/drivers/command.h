/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command that a script declared and was granted.
 */
#ifndef LUA_DRIVERS_COMMAND_H
#define LUA_DRIVERS_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include <gantry/error.h>

struct buf;

/* Runs argv (searched in the usual system folders) with input on stdin, a clean
 * environment and descriptors 0 to 2 only; stdout and stderr are collected, up
 * to 1 MiB.  Killed with its process group at the deadline (TIMEOUT).  Has the
 * shape of services.exec; ctx is not used. */
int command_run(void *ctx, const char *const *argv, const void *input, size_t input_len,
		int64_t deadline_ns, int *ret_status, struct buf *ret_output,
		struct gantry_error *err);

#endif
