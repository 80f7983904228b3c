/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>

#include "processes.h"

#define EVENTS 64

static int loop = -1;

int loop_open(void)
{
	loop = epoll_create1(EPOLL_CLOEXEC);
	return loop < 0 ? -errno : 0;
}

int64_t loop_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int watch_add(int fd, uint32_t events, struct watch *w)
{
	struct epoll_event event = { .events = events, .data.ptr = w };

	return epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

void watch_change(int fd, uint32_t events, struct watch *w)
{
	struct epoll_event event = { .events = events, .data.ptr = w };

	(void)epoll_ctl(loop, EPOLL_CTL_MOD, fd, &event);
}

void watch_remove(int fd)
{
	(void)epoll_ctl(loop, EPOLL_CTL_DEL, fd, NULL);
}

void loop_run(void (*after)(void), int (*next)(void))
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int n = epoll_wait(loop, events, EVENTS, next());

		for (int i = 0; i < n; i++) {
			struct watch *w = events[i].data.ptr;

			w->ready(w, events[i].events);
		}
		after();
	}
}
