/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting in sliding windows over any key-value store with compare-and-swap:
 * a window is sixteen buckets, so a sum is right to a sixteenth of the window.
 */
#ifndef LUA_POLICY_COUNTER_H
#define LUA_POLICY_COUNTER_H

#include <stdint.h>

#include <gantry/error.h>

struct services;

/* As services.count, over services.kv_get and services.kv_swap. */
int counter_add(const struct services *services, const char *key, int64_t amount,
		int64_t window_ns, int64_t now_ns, int64_t *ret_sum, struct gantry_error *err);

#endif
