/* SPDX-License-Identifier: Apache-2.0 */
/* Running a whole suite, and the tests that are the same for every kind. */
#ifndef CONFORMANCE_SUITE_H
#define CONFORMANCE_SUITE_H

#include "conformance/kit.h"

struct kit_report;

struct suite_options {
	const char *only;   /* run tests whose name contains this; NULL: all */
	const char *folder; /* below which each test gets one */
	int timeout_s;      /* for one test */
	int quick;          /* fewer rounds: under valgrind */
};

/* Runs the suite of the subject's kind; fills report. */
int suite_run(const struct kit_subject *subject, const struct suite_options *options,
	      struct kit_report *report, struct gantry_error *err);

extern int suite_quick; /* of the options, for tests */

/* generic.c */
void test_open_close(struct kit *k);
void test_life(struct kit *k);
void test_repetition(struct kit *k);
void test_restart(struct kit *k);
void test_concurrency(struct kit *k);
void test_one_object(struct kit *k);
void test_latency(struct kit *k);
/* leaks.c */
void test_leaks(struct kit *k);
/* crash.c: killed at many places of a life; forks from the kit's process. */
void test_crash(struct kit *k);
/* hostile.c */
void test_hostile(struct kit *k, unsigned op);

/* Files and folders below a folder, without itself; their allocated bytes. */
unsigned count_files(const char *folder, uint64_t *ret_bytes);

#endif
