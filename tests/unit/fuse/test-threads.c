/* SPDX-License-Identifier: Apache-2.0 */
/* The lock of the inodes, and the threads that take turns to read requests. */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "fuse/crew.h"
#include "fuse/rwlock.h"

enum { THREADS = 4, ROUNDS = 20000 };

static struct rwlock lock;
static long written[2];        /* always equal while nobody writes */
static atomic_int writers, torn;

static void *use_lock(void *arg)
{
	unsigned seed = (unsigned)(long)arg;

	for (int i = 0; i < ROUNDS; i++) {
		if (rand_r(&seed) % 4) {
			rwlock_read(&lock);
			/* Once more: a reader may. */
			rwlock_read(&lock);
			if (atomic_load(&writers) || written[0] != written[1])
				atomic_store(&torn, 1);
			rwlock_unlock(&lock);
		} else {
			rwlock_write(&lock);
			if (atomic_fetch_add(&writers, 1))
				atomic_store(&torn, 1);
			written[0]++;
			if (i % 16 == 0)
				sched_yield();
			written[1]++;
			atomic_fetch_sub(&writers, 1);
		}
		rwlock_unlock(&lock);
	}
	return NULL;
}

START_TEST(writers_are_alone)
{
	pthread_t threads[THREADS];

	for (long i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, use_lock, (void *)(i + 1)), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(atomic_load(&torn), 0);
	ck_assert_int_eq(written[0], written[1]);
	ck_assert_uint_eq(atomic_load(&lock.state), 0);
}
END_TEST

static sem_t release;
static atomic_int served;

/* A thread that takes a request and waits, without a word, for what another one does. */
static void *serve_and_wait(void *arg)
{
	struct crew_member m = { 0 };

	if (!crew_join(&m))
		return NULL;
	crew_before(&m);
	(void)crew_after(&m, 1);
	if (atomic_fetch_add(&served, 1) == 0)
		sem_wait(&release);
	else
		sem_post(&release);
	return NULL;
}

START_TEST(somebody_reads_while_another_is_stuck)
{
	pthread_t threads[2];

	sem_init(&release, 0, 0);
	ck_assert_int_eq(crew_init(2), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, serve_and_wait, NULL), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(atomic_load(&served), 2);
	crew_dismiss();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fuse-threads");
	TCase *tc = tcase_create("threads");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, writers_are_alone);
	tcase_add_test(tc, somebody_reads_while_another_is_stuck);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
