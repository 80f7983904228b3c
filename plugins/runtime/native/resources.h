/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources of a configuration: the limits of a container, checked but
 * not yet tied to one version of control groups.  Numbers are INT64_MIN when
 * they are not set, since 0 and -1 mean something.
 */
#ifndef NATIVE_RESOURCES_H
#define NATIVE_RESOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct gantry_error;
struct jref;

#define UNSET INT64_MIN

struct device_rule {
	bool allow;
	char type;            /* 'a', 'b' or 'c' */
	int64_t major, minor; /* -1: any */
	bool read, write, mknod;
};

struct weight_device {
	int64_t major, minor, weight, leaf_weight;
};

struct throttle_device {
	int64_t major, minor;
	uint64_t rate;
};

enum throttle {
	THROTTLE_READ_BPS,
	THROTTLE_WRITE_BPS,
	THROTTLE_READ_IOPS,
	THROTTLE_WRITE_IOPS,
	THROTTLE_MAX,
};

struct hugepage_limit {
	const char *size;
	uint64_t limit;
};

struct rdma_limit {
	const char *device;
	int64_t handles, objects;
};

struct unified_value {
	const char *file, *value;
};

struct resources {
	struct {
		int64_t limit, reservation, swap, kernel_tcp, swappiness;
		bool has_disable_oom_killer, disable_oom_killer, check_before_update, use_hierarchy;
	} memory;
	struct {
		int64_t shares, quota, burst, period, rt_runtime, rt_period, idle;
		const char *cpus, *mems;
	} cpu;
	int64_t pids_limit;
	struct {
		int64_t weight, leaf_weight;
		struct weight_device *weights;
		size_t n_weights;
		struct throttle_device *throttles[THROTTLE_MAX];
		size_t n_throttles[THROTTLE_MAX];
	} io;
	struct hugepage_limit *hugepages;
	size_t n_hugepages;
	struct {
		int64_t class_id;
		const char **interfaces; /* "name priority" */
		size_t n_interfaces;
	} net;
	struct rdma_limit *rdma;
	size_t n_rdma;
	struct unified_value *unified;
	size_t n_unified;
	struct device_rule *devices;
	size_t n_devices;
};

/* Parses linux.resources; memory is the arena's, strings are the document's. */
int resources_parse(const struct jref *at, struct arena *a, struct resources **ret,
		    struct gantry_error *err);

#endif
