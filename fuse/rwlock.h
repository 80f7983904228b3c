/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock for many readers or one writer whose waiters always sleep.  The one of the C
 * library spins while a lock passes between readers and writers: for ever where the
 * thread that passes it on cannot run, as with real-time priorities on one processor.
 * Readers may take it again while they hold it; they come before waiting writers.
 */
#ifndef FUSE_RWLOCK_H
#define FUSE_RWLOCK_H

#include <stdatomic.h>
#include <stdint.h>

/* All zero is free. */
struct rwlock {
	_Atomic uint32_t state;
};

void rwlock_read(struct rwlock *l);
void rwlock_write(struct rwlock *l);

/* By a reader or the writer. */
void rwlock_unlock(struct rwlock *l);

#endif
