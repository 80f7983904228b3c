/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On which processor a thread serves.  Who asks waits for the answer, so its processor is
 * free meanwhile: serving there takes no wake-up of another one, and no turn in the queue
 * of whatever runs there.  The scheduler does not see that by itself.
 */
#ifndef FUSE_PLACE_H
#define FUSE_PLACE_H

#include <sched.h>
#include <stdint.h>

/* Of one thread; zeroed: it runs where the scheduler likes. */
struct place {
	int prepared;
	int bound;         /* only runs on cpu */
	int cpu;
	unsigned count;    /* requests since the last look */
	unsigned every;    /* looks are so many apart */
	cpu_set_t allowed; /* where it may run at all */
};

/* A request of the task came.  alone: no other thread serves right now. */
void place_follow(struct place *p, uint32_t task, int alone);

#endif
