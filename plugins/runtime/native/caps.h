/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capability names and sets, and the order in which a process gives them up.
 * Raw system calls: five words do not need a library on the start-up path.
 */
#ifndef NATIVE_CAPS_H
#define NATIVE_CAPS_H

#include <stdint.h>

struct gantry_error;

/* The number of "CAP_CHOWN", or -1; case is ignored and "CAP_" may be left out. */
int cap_from_name(const char *name);

/* "CAP_CHOWN", or NULL. */
const char *cap_name(int cap);

/* How many capabilities have names here. */
int cap_count(void);

/* Removes everything from the bounding set that is not in `keep`.  What the
 * kernel does not know is skipped. */
int caps_limit_bounding(uint64_t keep, struct gantry_error *err);

/* capset(2) of this process. */
int caps_set(uint64_t effective, uint64_t permitted, uint64_t inheritable,
	     struct gantry_error *err);

/* The permitted set of this process. */
uint64_t caps_permitted(void);

/* Replaces the ambient set; what is not permitted and inheritable is skipped. */
int caps_set_ambient(uint64_t ambient, struct gantry_error *err);

#endif
