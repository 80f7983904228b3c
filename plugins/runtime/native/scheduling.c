/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "process.h"
#include "scheduling.h"
#include "spec.h"

#define MAX_LIST 8192 /* processors or memory nodes */

/* The kernel's struct sched_attr (SCHED_ATTR_SIZE_VER0). */
struct sched_attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/* Sets the bits of a list like "0-2,5".  Returns 0, or -1 when it is malformed. */
static int parse_list(const char *list, unsigned long *bits)
{
	const size_t width = sizeof(*bits) * CHAR_BIT;

	for (const char *p = list; *p;) {
		char *end;
		unsigned long first = strtoul(p, &end, 10), last = first;

		if (end == p)
			return -1;
		if (*end == '-') {
			p = end + 1;
			last = strtoul(p, &end, 10);
			if (end == p)
				return -1;
		}
		if (last < first || last >= MAX_LIST || (*end && *end != ','))
			return -1;
		for (; first <= last; first++)
			bits[first / width] |= 1UL << (first % width);
		p = end + (*end == ',');
	}
	return 0;
}

int sched_set_affinity(const char *cpus, struct gantry_error *err)
{
	unsigned long bits[MAX_LIST / (sizeof(long) * CHAR_BIT)] = { 0 };

	if (parse_list(cpus, bits) < 0)
		return error_set(err, GANTRY_ERR_INVALID,
				 "process.execCPUAffinity: \"%s\" is not a list of processors", cpus);
	if (syscall(SYS_sched_setaffinity, 0, sizeof(bits), bits) < 0)
		return error_errno(err, errno, "process.execCPUAffinity: cannot use \"%s\"", cpus);
	return 0;
}

static int set_scheduler(const struct scheduler_spec *s, struct gantry_error *err)
{
	struct sched_attributes a = {
		.size = sizeof(a), .policy = s->policy, .flags = s->flags, .nice = s->nice,
		.priority = s->priority, .runtime = s->runtime, .deadline = s->deadline,
		.period = s->period,
	};

	if (s->present && syscall(SYS_sched_setattr, 0, &a, 0) < 0)
		return error_errno(err, errno, "process.scheduler");
	return 0;
}

static int set_memory_policy(const struct memory_policy *m, struct gantry_error *err)
{
	unsigned long nodes[MAX_LIST / (sizeof(long) * CHAR_BIT)] = { 0 };

	if (!m->present)
		return 0;
	if (m->nodes && parse_list(m->nodes, nodes) < 0)
		return error_set(err, GANTRY_ERR_INVALID,
				 "linux.memoryPolicy.nodes: \"%s\" is not a list of nodes",
				 m->nodes);
	if (syscall(SYS_set_mempolicy, m->mode, m->nodes && m->nodes[0] ? nodes : NULL,
		    m->nodes && m->nodes[0] ? 1024UL : 0UL) < 0)
		return error_errno(err, errno, "linux.memoryPolicy");
	return 0;
}

int sched_apply(const struct process_spec *p, const struct spec *container,
		struct gantry_error *err)
{
	int r;

	if ((r = set_scheduler(&p->scheduler, err)) < 0)
		return r;
	if (p->has_ioprio && syscall(SYS_ioprio_set, 1, 0, p->ioprio) < 0)
		return error_errno(err, errno, "process.ioPriority");
	if (p->cpu_affinity_final && p->cpu_affinity_final[0] &&
	    (r = sched_set_affinity(p->cpu_affinity_final, err)) < 0)
		return r;
	if (!container)
		return 0;
	if (container->has_personality && personality(container->personality) < 0)
		return error_errno(err, errno, "linux.personality");
	return set_memory_policy(&container->memory_policy, err);
}

int sched_apply_limits(const struct process_spec *p, struct gantry_error *err)
{
	for (size_t i = 0; i < p->n_rlimits; i++) {
		const struct rlimit_spec *l = &p->rlimits[i];
		struct rlimit now, want = { l->soft, l->hard };

		if (setrlimit((__rlimit_resource_t)l->resource, &want) == 0)
			continue;
		if (errno != EPERM || getrlimit((__rlimit_resource_t)l->resource, &now) < 0)
			return error_errno(err, errno, "process.rlimits: %s", l->name);
		/* the creator has warned that it could not be raised */
		want.rlim_max = want.rlim_max < now.rlim_max ? want.rlim_max : now.rlim_max;
		want.rlim_cur = want.rlim_cur < want.rlim_max ? want.rlim_cur : want.rlim_max;
		if (setrlimit((__rlimit_resource_t)l->resource, &want) < 0)
			return error_errno(err, errno, "process.rlimits: %s", l->name);
	}
	return 0;
}

void process_raise_limits(const struct process_spec *p, char *refused, int size)
{
	refused[0] = '\0';
	for (size_t i = 0; i < p->n_rlimits; i++) {
		const struct rlimit_spec *l = &p->rlimits[i];
		struct rlimit now;

		if (getrlimit((__rlimit_resource_t)l->resource, &now) < 0 || now.rlim_max >= l->hard)
			continue;
		now.rlim_max = l->hard;
		if (setrlimit((__rlimit_resource_t)l->resource, &now) < 0 && !refused[0])
			snprintf(refused, (size_t)size, "%s", l->name);
	}
}
