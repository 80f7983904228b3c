/* SPDX-License-Identifier: Apache-2.0 */
/* One event is fetched at a time: a callback may close and free any other source,
 * and no event of it can be under way.  The extra system calls are few, since the
 * streams move up to 64 KiB per event. */
#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/shim/loop.h"
#include "helpers/error.h"
#include "helpers/io.h"

int loop_init(struct loop *l, struct gantry_error *err)
{
	*l = (struct loop){ .epoll = epoll_create1(EPOLL_CLOEXEC) };
	return l->epoll < 0 ? error_errno(err, errno, "cannot create an epoll descriptor") : 0;
}

void loop_stop(struct loop *l)
{
	l->stopped = 1;
}

/* Fires what is due; returns the milliseconds to the next, or -1. */
static int run_timers(struct loop *l)
{
	while (l->timers && !l->stopped) {
		struct timer *t = l->timers;
		int64_t left = t->at_ns - time_monotonic_ns();

		if (left > 0) {
			return left > INT64_C(86400000000000) ? 86400000 : (int)((left + 999999) / 1000000);
		}
		timer_cancel(t);
		t->fire(t);
	}
	return -1;
}

void loop_run(struct loop *l)
{
	while (!l->stopped) {
		struct epoll_event event;
		int timeout = run_timers(l);

		if (!l->stopped && epoll_wait(l->epoll, &event, 1, timeout) == 1) {
			struct source *s = event.data.ptr;

			s->ready(s, event.events);
		}
	}
}

void source_init(struct source *s, struct loop *l, int fd,
		 void (*ready)(struct source *s, uint32_t events))
{
	*s = (struct source){ .loop = l, .fd = fd, .ready = ready };
}

void source_watch(struct source *s, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = s };
	int op = !s->events ? EPOLL_CTL_ADD : events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;

	if (s->fd >= 0 && events != s->events && epoll_ctl(s->loop->epoll, op, s->fd, &event) == 0) {
		s->events = events;
	}
}

void source_close(struct source *s)
{
	if (s->fd >= 0) {
		/* Removed by hand: a copy in a helper would keep it in the set. */
		source_watch(s, 0);
		close(s->fd);
		s->fd = -1;
	}
}

void timer_set(struct timer *t, struct loop *l, int64_t delay_ns, void (*fire)(struct timer *t))
{
	struct timer **at = &l->timers;

	timer_cancel(t);
	t->loop = l;
	t->at_ns = time_monotonic_ns() + delay_ns;
	t->fire = fire;
	while (*at && (*at)->at_ns <= t->at_ns) {
		at = &(*at)->next;
	}
	t->next = *at;
	*at = t;
}

void timer_cancel(struct timer *t)
{
	if (t->loop) {
		struct timer **at = &t->loop->timers;

		while (*at != t) {
			at = &(*at)->next;
		}
		*at = t->next;
		t->loop = NULL;
	}
}
