/* SPDX-License-Identifier: Apache-2.0 */
/* Limits as files of version 2 control groups. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
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
			  "linux.resources.%s: the control group has no %s", field, file);
		return error_hint(err, "the controller must be delegated to this level: see "
				       "cgroup.subtree_control of the groups above");
	}
	if (r < 0)
		return error_errno(err, -r, "linux.resources.%s: cannot write \"%s\" to %s", field,
				   value, file);
	return 0;
}

/* -1 is "max". */
static int set_limit(int dir, const char *file, const char *field, int64_t value,
		     struct gantry_error *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return set_text(dir, file, field, value < 0 ? "max" : text, err);
}

int cgroup_check_usage(int dirfd, const char *file, const struct resources *res,
		       struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	int64_t used;
	int e;

	if (!res->memory.check_before_update || res->memory.limit <= 0)
		return 0;
	e = read_file(dirfd, file, &text, 64);
	if (e < 0)
		return error_errno(err, -e, "linux.resources.memory.checkBeforeUpdate: cannot read %s",
				   file);
	used = strtoll(buf_str(&text), NULL, 10);
	if (used <= res->memory.limit)
		return 0;
	return error_set(err, GANTRY_ERR_CONFLICT,
			 "linux.resources.memory.limit: %" PRId64 " bytes are used, more than %" PRId64,
			 used, res->memory.limit);
}

static int set_memory(int dir, const struct resources *r, struct gantry_error *err)
{
	int64_t limit = r->memory.limit, swap = r->memory.swap;
	int e = 0;

	if (swap != UNSET && swap != 0) {
		int64_t extra = swap;

		/* the configuration counts memory and swap together */
		if (swap > 0 && limit == UNSET)
			return error_set(err, GANTRY_ERR_INVALID,
					 "linux.resources.memory.swap: needs memory.limit");
		if (swap > 0)
			extra = limit > 0 ? swap - limit : -1;
		e = set_limit(dir, "memory.swap.max", "memory.swap", extra, err);
		if (e == GANTRY_ERR_UNSUPPORTED && extra <= 0) {
			error_clear(err);
			e = 0;
		}
	}
	if (e == 0)
		e = cgroup_check_usage(dir, "memory.current", r, err);
	if (e == 0 && limit != UNSET && limit != 0)
		e = set_limit(dir, "memory.max", "memory.limit", limit, err);
	if (e == 0 && r->memory.reservation != UNSET && r->memory.reservation != 0)
		e = set_limit(dir, "memory.low", "memory.reservation", r->memory.reservation, err);
	return e;
}

/* Version 1's 2..262144 (default 1024) as version 2's 1..10000 (default 100): a
 * curve through the three pairs of minimum, default and maximum. */
int64_t cgroup_weight_of_shares(int64_t shares)
{
	double l;

	if (shares < 2)
		shares = 2;
	if (shares > 262144)
		shares = 262144;
	l = log2((double)shares);
	return (int64_t)ceil(pow(10, (l * l + 125 * l) / 612.0 - 7.0 / 34.0));
}

static int set_cpu(int dir, const struct resources *r, struct gantry_error *err)
{
	char text[64];
	int e = 0;

	if (r->cpu.idle != UNSET)
		e = set_limit(dir, "cpu.idle", "cpu.idle", r->cpu.idle, err);
	if (e == 0 && r->cpu.shares > 0 && r->cpu.idle <= 0)
		e = set_limit(dir, "cpu.weight", "cpu.shares", cgroup_weight_of_shares(r->cpu.shares), err);
	if (e == 0 && ((r->cpu.quota != UNSET && r->cpu.quota != 0) || r->cpu.period > 0)) {
		int n = r->cpu.quota > 0 ? snprintf(text, sizeof(text), "%" PRId64, r->cpu.quota)
					 : snprintf(text, sizeof(text), "max");

		snprintf(text + n, sizeof(text) - (size_t)n, " %" PRId64,
			 r->cpu.period > 0 ? r->cpu.period : 100000);
		e = set_text(dir, "cpu.max", "cpu.quota", text, err);
	}
	if (e == 0 && r->cpu.burst > 0)
		e = set_limit(dir, "cpu.max.burst", "cpu.burst", r->cpu.burst, err);
	if (e == 0 && r->cpu.cpus && r->cpu.cpus[0])
		e = set_text(dir, "cpuset.cpus", "cpu.cpus", r->cpu.cpus, err);
	if (e == 0 && r->cpu.mems && r->cpu.mems[0])
		e = set_text(dir, "cpuset.mems", "cpu.mems", r->cpu.mems, err);
	return e;
}

/* blkio's 10..1000 as io.weight's 1..10000. */
static int64_t io_weight(int64_t weight)
{
	return 1 + (weight - 10) * 9999 / 990;
}

static int set_weight(int dir, const char *device, int64_t weight, struct gantry_error *err)
{
	bool bfq = faccessat(dir, "io.bfq.weight", F_OK, 0) == 0;
	char text[96];

	snprintf(text, sizeof(text), "%s %" PRId64, device, bfq ? weight : io_weight(weight));
	return set_text(dir, bfq ? "io.bfq.weight" : "io.weight", "blockIO.weight", text, err);
}

static int set_io(int dir, const struct resources *r, struct gantry_error *err)
{
	static const char *const keys[THROTTLE_MAX] = {
		[THROTTLE_READ_BPS] = "rbps", [THROTTLE_WRITE_BPS] = "wbps",
		[THROTTLE_READ_IOPS] = "riops", [THROTTLE_WRITE_IOPS] = "wiops",
	};
	char text[96];
	int e = 0;

	if (r->io.weight > 0)
		e = set_weight(dir, "default", r->io.weight, err);
	for (size_t i = 0; i < r->io.n_weights && e == 0; i++) {
		const struct weight_device *d = &r->io.weights[i];

		snprintf(text, sizeof(text), "%" PRId64 ":%" PRId64, d->major, d->minor);
		if (d->weight > 0)
			e = set_weight(dir, text, d->weight, err);
	}
	for (int k = 0; k < THROTTLE_MAX; k++) {
		for (size_t i = 0; i < r->io.n_throttles[k] && e == 0; i++) {
			const struct throttle_device *d = &r->io.throttles[k][i];
			int n = snprintf(text, sizeof(text), "%" PRId64 ":%" PRId64 " %s=", d->major,
					 d->minor, keys[k]);

			if (d->rate)
				snprintf(text + n, sizeof(text) - (size_t)n, "%" PRIu64, d->rate);
			else
				snprintf(text + n, sizeof(text) - (size_t)n, "max");
			e = set_text(dir, "io.max", "blockIO", text, err);
		}
	}
	return e;
}

static int set_others(int dir, const struct resources *r, struct gantry_error *err)
{
	char file[128], text[64];
	int e = 0;

	if (r->pids_limit != UNSET && r->pids_limit != 0)
		e = set_limit(dir, "pids.max", "pids.limit", r->pids_limit, err);
	for (size_t i = 0; i < r->n_hugepages && e == 0; i++) {
		snprintf(file, sizeof(file), "hugetlb.%s.max", r->hugepages[i].size);
		snprintf(text, sizeof(text), "%" PRIu64, r->hugepages[i].limit);
		e = set_text(dir, file, "hugepageLimits", text, err);
	}
	for (size_t i = 0; i < r->n_rdma && e == 0; i++) {
		int n = snprintf(text, sizeof(text), "%.30s", r->rdma[i].device);

		if (r->rdma[i].handles != UNSET)
			n += snprintf(text + n, sizeof(text) - (size_t)n, " hca_handle=%" PRId64,
				      r->rdma[i].handles);
		if (r->rdma[i].objects != UNSET)
			snprintf(text + n, sizeof(text) - (size_t)n, " hca_object=%" PRId64,
				 r->rdma[i].objects);
		e = set_text(dir, "rdma.max", "rdma", text, err);
	}
	return e;
}

/* Lines of a value are written one by one, as io.max wants them. */
static int set_unified(int dir, const struct resources *r, struct gantry_error *err)
{
	for (size_t i = 0; i < r->n_unified; i++) {
		const char *p = r->unified[i].value;
		char field[160];

		snprintf(field, sizeof(field), "unified[\"%.100s\"]", r->unified[i].file);
		do {
			size_t n = strcspn(p, "\n");
			auto_free char *line = strndup(p, n);
			int e;

			if (!line)
				return error_no_memory(err);
			e = set_text(dir, r->unified[i].file, field, line, err);
			if (e < 0)
				return e;
			p += n;
			p += *p == '\n';
		} while (*p);
	}
	return 0;
}

int cgroup_v2_set(int dir, const struct resources *r, struct gantry_error *err)
{
	int e;

	if ((e = set_memory(dir, r, err)) < 0 || (e = set_cpu(dir, r, err)) < 0 ||
	    (e = set_io(dir, r, err)) < 0 || (e = set_others(dir, r, err)) < 0 ||
	    (e = set_unified(dir, r, err)) < 0)
		return e;
	return 0;
}
