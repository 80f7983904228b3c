/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader that goes away is an error code, not a signal: SIGPIPE is held back
 * for this thread, and dropped if it came meanwhile.
 */
#ifndef HELPERS_SIGPIPE_H
#define HELPERS_SIGPIPE_H

#include <signal.h>
#include <time.h>

struct sigpipe_hold {
	sigset_t old;
	int was_pending;
};

static inline void sigpipe_hold(struct sigpipe_hold *h)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigpending(&h->old);
	h->was_pending = sigismember(&h->old, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, &h->old);
}

static inline void sigpipe_release(const struct sigpipe_hold *h)
{
	static const struct timespec now;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	if (!h->was_pending)
		(void)sigtimedwait(&set, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &h->old, NULL);
}

#endif
