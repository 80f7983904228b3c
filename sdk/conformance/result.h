/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test found, as it is told by the test's process through a pipe, and the
 * reports made of it.
 */
#ifndef CONFORMANCE_RESULT_H
#define CONFORMANCE_RESULT_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#include "helpers/buf.h"

enum kit_status { KIT_PASSED = 1, KIT_FAILED, KIT_SKIPPED };

/* In the test's process. */
struct kit_result {
	pthread_mutex_t lock;
	int pipe;
	int failed;
	int skipped;
};

/* In the kit's process. */
struct kit_outcome {
	char *name;
	enum kit_status status;
	struct buf text; /* lines: why it failed or was skipped */
	int64_t ns;
};

struct kit_latency {
	const char *op;
	unsigned n;
	int64_t p50_ns, p99_ns, max_ns;
};

struct kit_report {
	const char *subject; /* "volume driver local (native, isolation none)" */
	struct kit_outcome *outcomes;
	size_t n;
	struct kit_latency latencies[64];
	size_t n_latencies;
};

struct kit_outcome *report_add(struct kit_report *report, const char *name);
void report_done(struct kit_report *report);
size_t report_count(const struct kit_report *report, enum kit_status status);

void report_text(const struct kit_report *report, int verbose, FILE *out);
void report_tap(const struct kit_report *report, FILE *out);
void report_junit(const struct kit_report *report, FILE *out);

#endif
