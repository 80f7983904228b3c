/* SPDX-License-Identifier: Apache-2.0 */
/* Tests that need no more than a kind's life. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/latency.h"
#include "conformance/suite.h"
#include "helpers/reply.h"

#define THREADS 4

void test_open_close(struct kit *k)
{
	for (int i = 0; i < 20 && !kit_failed(k); i++) {
		kit_close(k);
		(void)kit_open(k);
	}
}

void test_life(struct kit *k)
{
	k->kind->life(k, "life");
}

/* Everything that may be repeated is: an answer that was lost is asked for again. */
void test_repetition(struct kit *k)
{
	k->repeats = 1;
	k->kind->life(k, "repeated");
}

/* A driver that is opened again finds what it left: a life, opened anew before each
 * of several, ends as the first did. */
void test_restart(struct kit *k)
{
	for (int i = 0; i < 3 && !kit_failed(k); i++) {
		k->kind->life(k, "again");
		kit_close(k);
		if (kit_open(k) < 0) {
			return;
		}
		k->kind->recover(k, "again");
	}
}

struct worker {
	struct kit k;
	pthread_t thread;
	int number;
	int same;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	char id[32];

	for (int round = 0; round < (suite_quick ? 2 : 10) && !kit_failed(&w->k); round++) {
		snprintf(id, sizeof(id), w->same ? "shared" : "thread%d-%d", w->number, round);
		w->k.kind->life(&w->k, id);
	}
	reply_done(&w->k.reply);
	return NULL;
}

static void run_threads(struct kit *k, int same)
{
	struct worker workers[THREADS];

	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .k = *k, .number = i, .same = same };
		workers[i].k.reply = (struct reply)REPLY_INIT;
		workers[i].k.tolerant = same;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
			abort();
		}
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
	}
}

void test_concurrency(struct kit *k)
{
	run_threads(k, 0);
}

/* Threads that get in each other's way may be refused, but nothing else may go wrong,
 * and afterwards the object can be used and removed. */
void test_one_object(struct kit *k)
{
	run_threads(k, 1);
	if (!kit_failed(k)) {
		k->kind->recover(k, "shared");
	}
	if (!kit_failed(k)) {
		k->kind->life(k, "shared");
	}
}

void test_latency(struct kit *k)
{
	char id[32];

	for (int i = 0; i < (suite_quick ? 2 : 50) && !kit_failed(k); i++) {
		snprintf(id, sizeof(id), "timed%d", i);
		k->kind->life(k, id);
	}
	latency_tell(k);
}
