/* SPDX-License-Identifier: Apache-2.0 */
/* How long calls took, by operation, of this process. */
#ifndef CONFORMANCE_LATENCY_H
#define CONFORMANCE_LATENCY_H

#include <stdint.h>

struct kit;

/* From any thread. */
void latency_add(unsigned op, int64_t ns);
/* Tells the kit of all, and fails the test for an operation that took longer than its
 * deadline class allows. */
void latency_tell(struct kit *k);

#endif
