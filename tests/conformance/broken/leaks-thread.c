/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: leaks: threads after as many openings */
#include "broken.h"

#include <pthread.h>

static void *sleep_for_ever(void *arg)
{
	for (;;) {
		pause();
	}
	return arg;
}

static int broken_open(const struct gantry_host *host, const char *config, void **ret_self,
		       struct gantry_error *err)
{
	pthread_t thread;

	(void)pthread_create(&thread, NULL, sleep_for_ever, NULL);
	return open_driver(host, config, ret_self, err);
}

BROKEN_DRIVER(GANTRY_THREADS_PER_OBJECT, broken_open);
