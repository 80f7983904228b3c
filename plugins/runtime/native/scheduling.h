/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduling, priorities, affinity, memory policy, personality and limits. */
#ifndef NATIVE_SCHEDULING_H
#define NATIVE_SCHEDULING_H

struct gantry_error;
struct process_spec;
struct spec;

/* Everything but the resource limits; container is NULL for an exec. */
int sched_apply(const struct process_spec *p, const struct spec *container,
		struct gantry_error *err);

/* The resource limits, no higher than this process's hard limits. */
int sched_apply_limits(const struct process_spec *p, struct gantry_error *err);

/* Binds this process to the processors of a list like "0-2,5". */
int sched_set_affinity(const char *cpus, struct gantry_error *err);

#endif
