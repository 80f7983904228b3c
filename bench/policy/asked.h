/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_POLICY_ASKED_H
#define BENCH_POLICY_ASKED_H

/* Nanoseconds of processor time of one decision through the policy driver; run from the build folder. */
double asked_ns(const char *script, const char *request_text, int rounds);

#endif
