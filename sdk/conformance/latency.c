/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "conformance/kit.h"
#include "conformance/latency.h"
#include "conformance/result.h"
#include "helpers/io.h"

#define OPS_MAX 64
#define SAMPLES_MAX 4096

static struct samples {
	int64_t ns[SAMPLES_MAX];
	unsigned n;
} *all[OPS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void latency_add(unsigned op, int64_t ns)
{
	pthread_mutex_lock(&lock);
	if (op < OPS_MAX && !all[op]) {
		all[op] = calloc(1, sizeof(*all[op]));
	}
	if (op < OPS_MAX && all[op] && all[op]->n < SAMPLES_MAX) {
		all[op]->ns[all[op]->n++] = ns;
	}
	pthread_mutex_unlock(&lock);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t limit_of(const struct gantry_op *op)
{
	return op->deadline == GANTRY_DEADLINE_SHORT  ? INT64_C(5000000000)
	       : op->deadline == GANTRY_DEADLINE_LONG ? INT64_C(60000000000)
						      : INT64_MAX;
}

void latency_tell(struct kit *k)
{
	for (unsigned i = 0; i < k->subject->iface->n_ops && i < OPS_MAX; i++) {
		const struct gantry_op *op = &k->subject->iface->ops[i];
		struct samples *s = all[i];
		int64_t longest;

		if (!s || !s->n) {
			continue;
		}
		qsort(s->ns, s->n, sizeof(s->ns[0]), compare);
		longest = s->ns[s->n - 1];
		dprintf(k->result->pipe, "L %u %u %lld %lld %lld\n", i, s->n, (long long)s->ns[s->n / 2],
			(long long)s->ns[s->n * 99 / 100], (long long)longest);
		if (longest > limit_of(op)) {
			kit_fail(k, "%s took %.1f s, longer than its deadline class allows", op->name,
				 (double)longest / 1e9);
		}
	}
}
