/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles of an isolated driver.  Its callers see numbers of the host's own, so that
 * a handle of another driver is refused before it gets there, and a handle survives
 * the process that gave it: what opened it is called again when it may be.
 */
#ifndef CORE_PLUGIN_HANDLES_H
#define CORE_PLUGIN_HANDLES_H

#include <pthread.h>
#include <stdint.h>

struct incarnation;

struct handle {
	struct handle *next;
	uint64_t number;      /* ours, 1 and up */
	uint64_t theirs;
	struct incarnation *home; /* in which theirs is valid; a reference */
	unsigned op;          /* what opened it */
	char *args;           /* with these, as JSON; NULL: cannot be opened again */
	pthread_mutex_t lock; /* held while it is opened again */
	int refs;
};

struct handles {
	pthread_mutex_t lock;
	struct handle *first;
	uint64_t last;
};

void handles_init(struct handles *h);
void handles_done(struct handles *h);
/* Adds one; args is copied, home is referred to.  0: out of memory. */
uint64_t handles_add(struct handles *h, uint64_t theirs, struct incarnation *home, unsigned op,
		     const char *args);
/* Borrows one until handles_put; NULL: unknown. */
struct handle *handles_get(struct handles *h, uint64_t number);
void handles_put(struct handles *h, struct handle *one);
void handles_remove(struct handles *h, uint64_t number);

#endif
