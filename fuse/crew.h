/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many of the threads read requests.  A reader that is woken on another
 * processor costs several times what a request takes, so there is one as long as
 * one is enough; others join when requests queue up, or when one may block.
 */
#ifndef FUSE_CREW_H
#define FUSE_CREW_H

#include <stddef.h>
#include <stdint.h>

/* What a thread remembers of its last reads. */
struct crew_member {
	int64_t before;  /* ns; when it began to read */
	unsigned busy;   /* reads in a row that found a request waiting */
	unsigned bored;  /* reads in a row that had to wait */
};

/* To be called before the threads start; each then calls crew_join() first.  0 or an
 * errno value. */
int crew_init(unsigned n_threads);

/* Waits until this thread is to read.  0: the crew is dismissed. */
int crew_join(struct crew_member *m);

/* Around each read.  crew_after() may make the thread wait in crew_join() before its
 * next read: then it returns 0. */
void crew_before(struct crew_member *m);
int crew_after(struct crew_member *m, size_t bytes);

/* The calling thread may be away for long: somebody else must read, at once.  (Where
 * nobody says so, somebody else reads after a moment.) */
void crew_may_block(void);

/* Whether no other thread reads or serves. */
int crew_is_one(void);

/* Nobody reads any more; wakes all who wait. */
void crew_dismiss(void);

#endif
