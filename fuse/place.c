/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers/cleanup.h"

#include "fuse/place.h"

enum {
	LOOK_EVERY = 64,
	LOOK_SELDOM = 8192,  /* when following leads nowhere */
	FIELD_CPU = 39,      /* of /proc/TASK/stat */
	STAT_BYTES = 1024,
};

/* The processor that a task ran on last, or -1. */
static int cpu_of(uint32_t task)
{
	char path[32], text[STAT_BYTES];
	auto_fd int fd = -1;
	const char *p;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/stat", task);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	/* The name, field 2, may hold anything; the last parenthesis ends it. */
	p = strrchr(text, ')');
	for (int field = 2; p && field < FIELD_CPU; field++)
		p = strchr(p + 1, ' ');
	return p ? atoi(p + 1) : -1;
}

static void bind_to(struct place *p, int cpu)
{
	cpu_set_t set;

	if (cpu < 0 || cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &p->allowed))
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	p->bound = sched_setaffinity(0, sizeof(set), &set) == 0;
	p->cpu = cpu;
}

static void unbind(struct place *p)
{
	p->bound = 0;
	(void)sched_setaffinity(0, sizeof(p->allowed), &p->allowed);
}

void place_follow(struct place *p, uint32_t task, int alone)
{
	int cpu;

	if (!alone) {
		if (p->bound)
			unbind(p);
		p->count = 0;
		return;
	}
	if (++p->count < p->every || !task)
		return;
	if (!p->prepared) {
		p->prepared = 1;
		p->every = LOOK_EVERY;
		if (sched_getaffinity(0, sizeof(p->allowed), &p->allowed) < 0)
			CPU_ZERO(&p->allowed);
	}
	p->count = 0;
	cpu = cpu_of(task);
	if (p->bound && cpu == p->cpu) {
		p->every = LOOK_EVERY;
		return;
	}
	/* Where there are idle processors the answer itself may send the task to one of
	 * them, away from here each time: then there is nothing to be won. */
	if (p->bound && p->every < LOOK_SELDOM)
		p->every *= 2;
	bind_to(p, cpu);
}
