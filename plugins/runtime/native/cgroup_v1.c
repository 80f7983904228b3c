/* SPDX-License-Identifier: Apache-2.0 */
/* Limits as files of version 1 control groups. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "cgroup.h"
#include "resources.h"

static int set_text(int dir, const char *file, const char *field, const char *value,
		    struct gantry_error *err)
{
	int r = write_control(dir, file, value);

	if (r == -ENOENT) {
		error_set(err, GANTRY_ERR_UNSUPPORTED,
			  "linux.resources.%s: this kernel has no %s", field, file);
		return err->code;
	}
	if (r < 0)
		return error_errno(err, -r, "linux.resources.%s: cannot write \"%s\" to %s", field,
				   value, file);
	return 0;
}

static int set_number(int dir, const char *file, const char *field, int64_t value,
		      struct gantry_error *err)
{
	char text[32];

	if (value == UNSET)
		return 0;
	snprintf(text, sizeof(text), "%" PRId64, value);
	return set_text(dir, file, field, text, err);
}

static bool limits_memory(const struct resources *r)
{
	return r->memory.limit != UNSET || r->memory.reservation > 0 || r->memory.swap != UNSET ||
	       r->memory.kernel_tcp != UNSET || r->memory.swappiness != UNSET ||
	       r->memory.use_hierarchy ||
	       (r->memory.has_disable_oom_killer && r->memory.disable_oom_killer);
}

static bool limits_cpu(const struct resources *r)
{
	return r->cpu.shares > 0 || (r->cpu.quota != UNSET && r->cpu.quota != 0) ||
	       r->cpu.period > 0 || r->cpu.burst > 0 || r->cpu.rt_runtime > 0 ||
	       r->cpu.rt_period > 0 || r->cpu.idle > 0;
}

static bool limits_io(const struct resources *r)
{
	bool throttled = false;

	for (int i = 0; i < THROTTLE_MAX; i++)
		throttled |= r->io.n_throttles[i] > 0;
	return r->io.weight > 0 || r->io.leaf_weight > 0 || r->io.n_weights || throttled;
}

bool cgroup_v1_wanted(const char *name, const struct resources *r, bool device_filter)
{
	if (cgroup_has_controller(name, "devices"))
		return !device_filter && !device_rules_allow_all(r);
	if (!r)
		return false;
	return (cgroup_has_controller(name, "memory") && limits_memory(r)) ||
	       (cgroup_has_controller(name, "cpu") && limits_cpu(r)) ||
	       (cgroup_has_controller(name, "cpuset") &&
		((r->cpu.cpus && r->cpu.cpus[0]) || (r->cpu.mems && r->cpu.mems[0]))) ||
	       (cgroup_has_controller(name, "pids") && r->pids_limit != UNSET &&
		r->pids_limit != 0) ||
	       (cgroup_has_controller(name, "blkio") && limits_io(r)) ||
	       (cgroup_has_controller(name, "hugetlb") && r->n_hugepages) ||
	       (cgroup_has_controller(name, "rdma") && r->n_rdma) ||
	       (cgroup_has_controller(name, "net_cls") && r->net.class_id > 0) ||
	       (cgroup_has_controller(name, "net_prio") && r->net.n_interfaces);
}

/* memory.limit may never exceed memory.memsw: which is written first depends on
 * whether the limit grows. */
static int set_limit_and_swap(int dir, const struct resources *r, struct gantry_error *err)
{
	int64_t limit = r->memory.limit, swap = r->memory.swap;
	int e;

	if (limit != UNSET && limit != 0 && swap != UNSET && swap != 0) {
		char text[32];

		snprintf(text, sizeof(text), "%" PRId64, limit);
		if (write_control(dir, "memory.limit_in_bytes", text) == 0)
			return set_number(dir, "memory.memsw.limit_in_bytes", "memory.swap", swap,
					  err);
		e = set_number(dir, "memory.memsw.limit_in_bytes", "memory.swap", swap, err);
		if (e < 0)
			return e;
	}
	if (limit != UNSET && limit != 0) {
		if (limit == -1 && swap == UNSET)
			write_control(dir, "memory.memsw.limit_in_bytes", "-1");
		e = set_number(dir, "memory.limit_in_bytes", "memory.limit", limit, err);
		if (e == GANTRY_ERR_IN_USE)
			error_hint(err, "the container uses more than that now");
		return e;
	}
	if (swap != UNSET && swap != 0)
		return set_number(dir, "memory.memsw.limit_in_bytes", "memory.swap", swap, err);
	return 0;
}

static int set_memory(int dir, const struct resources *r, struct gantry_error *err)
{
	int e = 0;

	if (r->memory.use_hierarchy)
		e = set_text(dir, "memory.use_hierarchy", "memory.useHierarchy", "1", err);
	if (e < 0 || (e = cgroup_check_usage(dir, "memory.usage_in_bytes", r, err)) < 0 ||
	    (e = set_limit_and_swap(dir, r, err)) < 0)
		return e;
	if (r->memory.reservation > 0 || r->memory.reservation == -1) {
		e = set_number(dir, "memory.soft_limit_in_bytes", "memory.reservation",
			       r->memory.reservation, err);
		if (e < 0)
			return e;
	}
	if ((e = set_number(dir, "memory.kmem.tcp.limit_in_bytes", "memory.kernelTCP",
			    r->memory.kernel_tcp, err)) < 0 ||
	    (e = set_number(dir, "memory.swappiness", "memory.swappiness", r->memory.swappiness,
			    err)) < 0)
		return e;
	if (r->memory.has_disable_oom_killer)
		return set_text(dir, "memory.oom_control", "memory.disableOOMKiller",
				r->memory.disable_oom_killer ? "1" : "0", err);
	return 0;
}

static int set_cpu(int dir, const struct resources *r, struct gantry_error *err)
{
	int e;

	if (r->cpu.shares > 0 &&
	    (e = set_number(dir, "cpu.shares", "cpu.shares", r->cpu.shares, err)) < 0)
		return e;
	/* the old quota may be too much for the new period and the other way round */
	if (r->cpu.period > 0) {
		char text[32];

		snprintf(text, sizeof(text), "%" PRId64, r->cpu.period);
		if (write_control(dir, "cpu.cfs_period_us", text) < 0) {
			if (r->cpu.quota != UNSET && r->cpu.quota != 0)
				set_number(dir, "cpu.cfs_quota_us", "cpu.quota", r->cpu.quota, err);
			e = set_text(dir, "cpu.cfs_period_us", "cpu.period", text, err);
			if (e < 0)
				return e;
		}
	}
	if (r->cpu.quota != UNSET && r->cpu.quota != 0 &&
	    (e = set_number(dir, "cpu.cfs_quota_us", "cpu.quota", r->cpu.quota, err)) < 0)
		return e;
	if ((e = set_number(dir, "cpu.cfs_burst_us", "cpu.burst", r->cpu.burst, err)) < 0 ||
	    (e = set_number(dir, "cpu.idle", "cpu.idle", r->cpu.idle, err)) < 0)
		return e;
	if (r->cpu.rt_period > 0 && (e = set_number(dir, "cpu.rt_period_us", "cpu.realtimePeriod",
						    r->cpu.rt_period, err)) < 0)
		return e;
	if (r->cpu.rt_runtime != UNSET && r->cpu.rt_runtime != 0)
		return set_number(dir, "cpu.rt_runtime_us", "cpu.realtimeRuntime",
				  r->cpu.rt_runtime, err);
	return 0;
}

static int set_cpuset(int dir, const struct resources *r, struct gantry_error *err)
{
	int e;

	if (r->cpu.cpus && r->cpu.cpus[0] &&
	    (e = set_text(dir, "cpuset.cpus", "cpu.cpus", r->cpu.cpus, err)) < 0)
		return e;
	if (r->cpu.mems && r->cpu.mems[0])
		return set_text(dir, "cpuset.mems", "cpu.mems", r->cpu.mems, err);
	return 0;
}

static int set_io(int dir, const struct resources *r, struct gantry_error *err)
{
	static const char *const files[THROTTLE_MAX] = {
		[THROTTLE_READ_BPS] = "blkio.throttle.read_bps_device",
		[THROTTLE_WRITE_BPS] = "blkio.throttle.write_bps_device",
		[THROTTLE_READ_IOPS] = "blkio.throttle.read_iops_device",
		[THROTTLE_WRITE_IOPS] = "blkio.throttle.write_iops_device",
	};
	bool bfq = faccessat(dir, "blkio.weight", F_OK, 0) < 0;
	char text[96];
	int e;

	if (r->io.weight > 0 &&
	    (e = set_number(dir, bfq ? "blkio.bfq.weight" : "blkio.weight", "blockIO.weight",
			    r->io.weight, err)) < 0)
		return e;
	if (r->io.leaf_weight > 0 && (e = set_number(dir, "blkio.leaf_weight", "blockIO.leafWeight",
						     r->io.leaf_weight, err)) < 0)
		return e;
	for (size_t i = 0; i < r->io.n_weights; i++) {
		const struct weight_device *d = &r->io.weights[i];

		if (d->weight == UNSET)
			continue;
		snprintf(text, sizeof(text), "%" PRId64 ":%" PRId64 " %" PRId64, d->major, d->minor,
			 d->weight);
		e = set_text(dir, bfq ? "blkio.bfq.weight_device" : "blkio.weight_device",
			     "blockIO.weightDevice", text, err);
		if (e < 0)
			return e;
	}
	for (int k = 0; k < THROTTLE_MAX; k++) {
		for (size_t i = 0; i < r->io.n_throttles[k]; i++) {
			const struct throttle_device *d = &r->io.throttles[k][i];

			snprintf(text, sizeof(text), "%" PRId64 ":%" PRId64 " %" PRIu64, d->major,
				 d->minor, d->rate);
			e = set_text(dir, files[k], "blockIO", text, err);
			if (e < 0)
				return e;
		}
	}
	return 0;
}

static int write_device_rule(int dir, const struct device_rule *d, struct gantry_error *err)
{
	const char *file = d->allow ? "devices.allow" : "devices.deny";
	char major[24] = "*", minor[24] = "*", text[96];

	if (d->type == 'a')
		return set_text(dir, file, "devices", "a", err);
	if (d->major >= 0)
		snprintf(major, sizeof(major), "%" PRId64, d->major);
	if (d->minor >= 0)
		snprintf(minor, sizeof(minor), "%" PRId64, d->minor);
	snprintf(text, sizeof(text), "%c %s:%s %s%s%s", d->type, major, minor, d->read ? "r" : "",
		 d->write ? "w" : "", d->mknod ? "m" : "");
	return set_text(dir, file, "devices", text, err);
}

static int set_devices(int dir, const struct resources *r, struct gantry_error *err)
{
	static const struct device_rule deny_all = { .type = 'a', .major = -1, .minor = -1,
						     .read = true, .write = true, .mknod = true };
	int e = write_device_rule(dir, &deny_all, err);

	for (size_t i = 0; r && i < r->n_devices && e == 0; i++)
		e = write_device_rule(dir, &r->devices[i], err);
	for (size_t i = 0; i < n_default_device_rules && e == 0; i++)
		e = write_device_rule(dir, &default_device_rules[i], err);
	return e;
}

static int set_others(int dir, const char *name, const struct resources *r,
		      struct gantry_error *err)
{
	char file[128], text[64];
	int e = 0;

	for (size_t i = 0; i < r->n_hugepages && e == 0; i++) {
		if (!cgroup_has_controller(name, "hugetlb"))
			break;
		snprintf(file, sizeof(file), "hugetlb.%s.limit_in_bytes", r->hugepages[i].size);
		snprintf(text, sizeof(text), "%" PRIu64, r->hugepages[i].limit);
		e = set_text(dir, file, "hugepageLimits", text, err);
	}
	if (e == 0 && cgroup_has_controller(name, "net_cls") && r->net.class_id > 0)
		e = set_number(dir, "net_cls.classid", "network.classID", r->net.class_id, err);
	for (size_t i = 0; i < r->net.n_interfaces && e == 0; i++) {
		if (cgroup_has_controller(name, "net_prio"))
			e = set_text(dir, "net_prio.ifpriomap", "network.priorities",
				     r->net.interfaces[i], err);
	}
	for (size_t i = 0; i < r->n_rdma && e == 0; i++) {
		if (!cgroup_has_controller(name, "rdma"))
			break;
		snprintf(text, sizeof(text), "%s", r->rdma[i].device);
		if (r->rdma[i].handles != UNSET)
			snprintf(text + strlen(text), sizeof(text) - strlen(text),
				 " hca_handle=%" PRId64, r->rdma[i].handles);
		if (r->rdma[i].objects != UNSET)
			snprintf(text + strlen(text), sizeof(text) - strlen(text),
				 " hca_object=%" PRId64, r->rdma[i].objects);
		e = set_text(dir, "rdma.max", "rdma", text, err);
	}
	return e;
}

int cgroup_v1_set(int dir, const char *name, const struct resources *r, bool device_filter,
		  bool update, struct gantry_error *err)
{
	int e = 0;

	if (cgroup_has_controller(name, "devices") && (!update || r->n_devices) &&
	    !device_filter && !device_rules_allow_all(r))
		e = set_devices(dir, r, err);
	if (!r)
		return e;
	if (e == 0 && cgroup_has_controller(name, "memory"))
		e = set_memory(dir, r, err);
	if (e == 0 && cgroup_has_controller(name, "cpu"))
		e = set_cpu(dir, r, err);
	if (e == 0 && cgroup_has_controller(name, "cpuset"))
		e = set_cpuset(dir, r, err);
	if (e == 0 && cgroup_has_controller(name, "blkio"))
		e = set_io(dir, r, err);
	if (e == 0 && cgroup_has_controller(name, "pids") && r->pids_limit != UNSET &&
	    r->pids_limit != 0)
		e = r->pids_limit < 0 ? set_text(dir, "pids.max", "pids.limit", "max", err)
				      : set_number(dir, "pids.max", "pids.limit", r->pids_limit, err);
	return e < 0 ? e : set_others(dir, name, r, err);
}
