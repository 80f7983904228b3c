/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which points are wanted.  Looking at that is one load of a bit mask; it is read
 * anew once a second, and at once after any process has changed the policies,
 * which a counter in a file of the run folder tells that a daemon keeps mapped.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/engine/engine.h"
#include "core/policy/internal.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define LOOK_NS 1000000000LL

/* A tick of the coarse clock is a few milliseconds, and reading it a few
 * nanoseconds. */
static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static _Atomic uint64_t *map_stamp(struct policy *policy)
{
	auto_free char *path = path_join(policy->core->paths.run_root, "policy-stamp", NULL);
	auto_fd int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
	void *map;

	if (fd < 0 || ftruncate(fd, sizeof(uint64_t)) < 0) {
		return NULL;
	}
	map = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return map == MAP_FAILED ? NULL : map;
}

void policy_unmap(struct policy *policy)
{
	if (policy->stamp) {
		munmap((void *)policy->stamp, sizeof(uint64_t));
		policy->stamp = NULL;
	}
}

void policy_changed(struct policy *policy)
{
	_Atomic uint64_t *stamp = map_stamp(policy);

	if (stamp) {
		atomic_fetch_add(stamp, 1);
		munmap((void *)stamp, sizeof(uint64_t));
	}
	atomic_store(&policy->looked_at, 0);
}

int policy_is_stale(struct policy *policy)
{
	long long looked_at = atomic_load_explicit(&policy->looked_at, memory_order_acquire);

	return !looked_at || now_ns() - looked_at >= LOOK_NS ||
	       (policy->stamp && atomic_load_explicit(policy->stamp, memory_order_relaxed) !=
					 atomic_load_explicit(&policy->seen, memory_order_relaxed));
}

static unsigned read_points(struct policy *policy, struct driver *driver, struct gantry_error *err)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	const char *const *name;
	unsigned wanted = 0;

	if (policy_points(driver, &GANTRY_POLICY_POINTS_ARGS(), &reply, err) < 0) {
		return ~0u;
	}
	for (name = reply_list(&reply, GANTRY_POLICY_POINTS_RET_POINT); *name; name++) {
		for (unsigned i = 0; i < POLICY_AT_COUNT; i++) {
			wanted |= (unsigned)!strcmp(*name, policy_names[i]) << i;
		}
	}
	for (name = reply_list(&reply, GANTRY_POLICY_POINTS_RET_DETAIL); *name; name++) {
		if (!strcmp(*name, "usage")) {
			atomic_store(&policy->usage, 1);
		}
	}
	return wanted;
}

/* What a driver has not read yet is read before its points are. */
static void reload(struct driver *driver)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	(void)policy_reload(driver, &GANTRY_POLICY_RELOAD_ARGS(), &reply, &ignored);
}

void policy_look(struct policy *policy)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct driver *driver;
	unsigned wanted = 0, others;
	int r;

	pthread_mutex_lock(&policy->lock);
	if (!policy_is_stale(policy)) {
		pthread_mutex_unlock(&policy->lock);
		return;
	}
	if (!policy->stamp && policy->core->daemon) {
		policy->stamp = map_stamp(policy);
	}
	r = policy_driver(policy, &driver, &err);
	if (policy->stamp && atomic_load(policy->stamp) != policy->seen) {
		policy->seen = atomic_load(policy->stamp);
		if (r > 0) {
			reload(driver);
		}
	}
	atomic_store(&policy->usage, 0);
	if (r > 0) {
		wanted = read_points(policy, driver, &err);
	}
	/* Who cannot be asked is asked everywhere, and refuses. */
	wanted = r < 0 ? ~0u : wanted;
	others = chain_look(policy);
	atomic_store(&policy->wanted_first, wanted);
	atomic_store(&policy->wanted, wanted | others);
	atomic_store_explicit(&policy->looked_at, now_ns(), memory_order_release);
	pthread_mutex_unlock(&policy->lock);
}

int policy_wants(struct policy *policy, enum policy_at at)
{
	if (policy_is_stale(policy)) {
		policy_look(policy);
	}
	return (int)(atomic_load_explicit(&policy->wanted, memory_order_relaxed) >> at) & 1;
}
