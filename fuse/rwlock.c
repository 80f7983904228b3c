/* SPDX-License-Identifier: Apache-2.0 */
/* The state: how many readers, whether there is a writer, whether somebody sleeps. */
#include "config.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuse/rwlock.h"

static const uint32_t WRITER = 1U << 31, WAITERS = 1U << 30;

/* Sleeps unless the state is no longer the one that was seen. */
static void wait_for_change(struct rwlock *l, uint32_t seen)
{
	if (!(seen & WAITERS) &&
	    !atomic_compare_exchange_strong(&l->state, &seen, seen | WAITERS))
		return;
	syscall(SYS_futex, &l->state, FUTEX_WAIT_PRIVATE, seen | WAITERS, NULL, NULL, 0);
}

void rwlock_read(struct rwlock *l)
{
	uint32_t seen = atomic_load(&l->state);

	for (;;) {
		if (seen & WRITER) {
			wait_for_change(l, seen);
			seen = atomic_load(&l->state);
		} else if (atomic_compare_exchange_weak(&l->state, &seen, seen + 1)) {
			return;
		}
	}
}

void rwlock_write(struct rwlock *l)
{
	uint32_t seen = atomic_load(&l->state);

	for (;;) {
		if (seen & ~WAITERS) {
			wait_for_change(l, seen);
			seen = atomic_load(&l->state);
		} else if (atomic_compare_exchange_weak(&l->state, &seen, seen | WRITER)) {
			return;
		}
	}
}

void rwlock_unlock(struct rwlock *l)
{
	uint32_t seen = atomic_load(&l->state), left;

	do {
		left = seen & WRITER ? 0 : seen - 1;
		if (left == WAITERS)
			left = 0;
	} while (!atomic_compare_exchange_weak(&l->state, &seen, left));
	if (seen & WAITERS && !left)
		syscall(SYS_futex, &l->state, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
