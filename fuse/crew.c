/* SPDX-License-Identifier: Apache-2.0 */
/*
 * active counts the threads that read or serve, idle those of them that sit in
 * read(2), parked those that wait here.  A thread parks only while another one stays
 * active, and takes itself out of parked's count only by being woken.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "helpers/io.h"

#include "fuse/crew.h"

enum {
	QUICK_NS = 3000,     /* a read that took no longer found a request */
	BUSY_LIMIT = 6,
	BORED_LIMIT = 64,
	LARGE_REQUEST = 8192, /* copying it takes time by itself */
	WATCH_NS = 20000000,
};

static atomic_int active, idle, parked, dismissed;
static atomic_uint turns;  /* how often somebody began to read */
static sem_t wake, watch;
static atomic_int watch_sleeps;

int crew_join(struct crew_member *m)
{
	while (sem_wait(&wake) < 0 && errno == EINTR)
		;
	m->busy = m->bored = 0;
	return !atomic_load(&dismissed);
}

static void wake_one(void)
{
	int n = atomic_load(&parked);

	while (n > 0) {
		if (atomic_compare_exchange_weak(&parked, &n, n - 1)) {
			atomic_fetch_add(&active, 1);
			sem_post(&wake);
			return;
		}
	}
}

/* Whoever serves a request may wait for something that only another request brings
 * about, where no crew_may_block() says so.  While nobody reads and nobody finishes,
 * one more joins. */
static void *watch_over(void *arg)
{
	const struct timespec pause = { 0, WATCH_NS };
	unsigned before;

	while (!atomic_load(&dismissed)) {
		if (atomic_load(&idle) > 0) {
			atomic_store(&watch_sleeps, 1);
			while (sem_wait(&watch) < 0 && errno == EINTR)
				;
		}
		before = atomic_load(&turns);
		nanosleep(&pause, NULL);
		if (!atomic_load(&idle) && atomic_load(&turns) == before)
			wake_one();
	}
	return NULL;
}

static void wake_watch(void)
{
	if (atomic_exchange(&watch_sleeps, 0))
		sem_post(&watch);
}

int crew_init(unsigned n_threads)
{
	pthread_t thread;
	int r;

	sem_init(&wake, 0, 1);
	sem_init(&watch, 0, 0);
	atomic_store(&parked, (int)n_threads - 1);
	atomic_store(&active, 1);
	r = pthread_create(&thread, NULL, watch_over, NULL);
	if (r == 0)
		pthread_detach(thread);
	return r;
}

/* Unless this is the last one. */
static int try_park(void)
{
	int n = atomic_load(&active);

	while (n > 1) {
		if (atomic_compare_exchange_weak(&active, &n, n - 1)) {
			atomic_fetch_add(&parked, 1);
			return 1;
		}
	}
	return 0;
}

void crew_before(struct crew_member *m)
{
	atomic_fetch_add(&turns, 1);
	atomic_fetch_add(&idle, 1);
	m->before = time_monotonic_ns();
}

int crew_after(struct crew_member *m, size_t bytes)
{
	int64_t waited = time_monotonic_ns() - m->before;

	atomic_fetch_sub(&idle, 1);
	if (atomic_load_explicit(&watch_sleeps, memory_order_relaxed))
		wake_watch();
	if (bytes > LARGE_REQUEST)
		return 1;
	if (waited < QUICK_NS) {
		m->bored = 0;
		if (++m->busy >= BUSY_LIMIT && atomic_load(&idle) == 0) {
			m->busy = 0;
			wake_one();
		}
		return 1;
	}
	m->busy = 0;
	if (++m->bored < BORED_LIMIT)
		return 1;
	m->bored = 0;
	return !try_park();
}

void crew_may_block(void)
{
	if (atomic_load(&idle) == 0)
		wake_one();
}

int crew_is_one(void)
{
	return atomic_load_explicit(&active, memory_order_relaxed) == 1;
}

void crew_dismiss(void)
{
	atomic_store(&dismissed, 1);
	wake_watch();
	while (atomic_load(&parked) > 0)
		wake_one();
}
