/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shim's event loop: descriptors and timers, one thread.  Sources and timers
 * are members of what they serve; the loop never owns or allocates.
 */
#ifndef CORE_SHIM_LOOP_H
#define CORE_SHIM_LOOP_H

#include <stdint.h>

#include <gantry/error.h>

struct loop {
	int epoll;
	int stopped;
	struct timer *timers; /* the soonest first */
};

struct source {
	struct loop *loop;
	int fd; /* owned; -1: none */
	uint32_t events; /* watched now; 0: not watched at all */
	void (*ready)(struct source *s, uint32_t events);
};

struct timer {
	struct loop *loop; /* NULL: not running */
	struct timer *next;
	int64_t at_ns;
	void (*fire)(struct timer *t);
};

int loop_init(struct loop *l, struct gantry_error *err);
/* Runs until loop_stop(). */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* Takes fd; nothing is watched yet. */
void source_init(struct source *s, struct loop *l, int fd,
		 void (*ready)(struct source *s, uint32_t events));
/* EPOLLHUP alone watches for hang-ups only; 0 for nothing, not even those. */
void source_watch(struct source *s, uint32_t events);
void source_close(struct source *s);
static inline int source_is_open(const struct source *s)
{
	return s->fd >= 0;
}

/* Fires once after delay_ns; set again, it starts anew. */
void timer_set(struct timer *t, struct loop *l, int64_t delay_ns, void (*fire)(struct timer *t));
void timer_cancel(struct timer *t);

/* The struct that a source or timer is a member of. */
#define container_of(member_ptr, type, member) \
	((type *)(void *)((char *)(member_ptr) - offsetof(type, member)))

#endif
