/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/container/present.h"
#include "core/container/stats.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

static void copy_int(struct json_object *from, const char *key, struct json_object *to,
		     const char *as)
{
	json_set_int(to, as, json_get_int(from, key, 0));
}

/* What all processors did since boot, for the client's percentage. */
static int64_t system_cpu_ns(void)
{
	auto_(buf) struct buf text = BUF_INIT;
	long long v[8] = { 0 };
	long long total = 0;

	if (read_file(AT_FDCWD, "/proc/stat", &text, 1 << 20) < 0 ||
	    sscanf(buf_str(&text), "cpu %lld %lld %lld %lld %lld %lld %lld %lld", v, v + 1, v + 2, v + 3,
		   v + 4, v + 5, v + 6, v + 7) < 4) {
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		total += v[i];
	}
	return total * (1000000000LL / sysconf(_SC_CLK_TCK));
}

static struct json_object *make_cpu(struct json_object *raw)
{
	struct json_object *cpu = json_get_object(raw, "cpu");
	struct json_object *o = json_object_new_object();
	struct json_object *usage = json_object_new_object();
	struct json_object *throttling = json_object_new_object();

	copy_int(cpu, "usage_ns", usage, "total_usage");
	copy_int(cpu, "system_ns", usage, "usage_in_kernelmode");
	copy_int(cpu, "user_ns", usage, "usage_in_usermode");
	copy_int(cpu, "periods", throttling, "periods");
	copy_int(cpu, "throttled_periods", throttling, "throttled_periods");
	copy_int(cpu, "throttled_ns", throttling, "throttled_time");
	json_set(o, "cpu_usage", usage);
	json_set_int(o, "system_cpu_usage", raw ? system_cpu_ns() : 0);
	json_set_int(o, "online_cpus", json_get_int(cpu, "online", sysconf(_SC_NPROCESSORS_ONLN)));
	json_set(o, "throttling_data", throttling);
	return o;
}

static int64_t total_memory(void)
{
	return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

static struct json_object *make_memory(struct json_object *raw)
{
	struct json_object *memory = json_get_object(raw, "memory");
	struct json_object *detail = json_get_object(memory, "stats");
	struct json_object *o = json_object_new_object();
	struct json_object *stats = NULL;
	struct json_object *limit_value = json_get(memory, "limit");
	int64_t limit;

	if (!raw) {
		return o;
	}
	/* No limit is told as all bits set; clients then expect what the host has. */
	limit = limit_value ? json_object_get_int64(limit_value) : -1;
	if (detail) {
		json_object_deep_copy(detail, &stats, NULL);
	} else {
		stats = json_object_new_object();
	}
	if (!json_get(stats, "inactive_file")) {
		json_set_int(stats, "inactive_file", json_get_int(memory, "cache", 0));
	}
	json_set_int(o, "usage", json_get_int(memory, "usage", 0));
	copy_int(memory, "peak", o, "max_usage");
	json_set(o, "stats", stats);
	json_set_int(o, "limit", limit < 0 || limit > total_memory() ? total_memory() : limit);
	return o;
}

static void add_io(struct json_object *list, struct json_object *device, const char *op,
		   const char *key)
{
	struct json_object *o = json_object_new_object();

	copy_int(device, "major", o, "major");
	copy_int(device, "minor", o, "minor");
	json_set_string(o, "op", op);
	copy_int(device, key, o, "value");
	json_object_array_add(list, o);
}

static struct json_object *make_blkio(struct json_object *raw)
{
	struct json_object *devices = json_get_array(raw, "io");
	struct json_object *o = json_object_new_object();
	struct json_object *bytes = json_object_new_array();
	struct json_object *count = json_object_new_array();

	for (size_t i = 0; i < json_array_size(devices); i++) {
		struct json_object *d = json_object_array_get_idx(devices, i);

		add_io(bytes, d, "read", "read_bytes");
		add_io(bytes, d, "write", "write_bytes");
		add_io(count, d, "read", "reads");
		add_io(count, d, "write", "writes");
	}
	json_set(o, "io_service_bytes_recursive", bytes);
	json_set(o, "io_serviced_recursive", count);
	return o;
}

static void set_pids(struct json_object *o, struct json_object *raw)
{
	struct json_object *pids = json_get_object(raw, "pids");
	struct json_object *stats = json_object_new_object();

	if (pids) {
		copy_int(pids, "current", stats, "current");
		json_set(stats, "limit", json_object_get(json_get(pids, "limit")));
	}
	json_set(o, "pids_stats", stats);
}

struct json_object *stats_present(const struct container *c, struct json_object *raw)
{
	struct json_object *o = json_object_new_object();
	struct json_object *networks = json_get_object(raw, "network");
	struct json_object *pressure = json_get_object(raw, "pressure");
	auto_free char *now = present_time(raw ? time_now_ns() : 0);
	auto_free char *name = NULL;

	if (asprintf(&name, "/%s", c->name) < 0) {
		name = NULL;
	}
	json_set_string(o, "name", name);
	json_set_string(o, "id", c->id);
	json_set_string(o, "read", now);
	set_pids(o, raw);
	json_set(o, "blkio_stats", make_blkio(raw));
	json_set_int(o, "num_procs", 0);
	json_set(o, "storage_stats", json_object_new_object());
	json_set(o, "cpu_stats", make_cpu(raw));
	json_set(o, "memory_stats", make_memory(raw));
	if (networks) {
		json_set(o, "networks", json_object_get(networks));
	}
	if (pressure) {
		json_set(o, "pressure", json_object_get(pressure));
	}
	return o;
}

void stats_add_previous(struct json_object *now, struct json_object *before)
{
	struct json_object *cpu = json_get_object(before, "cpu_stats");

	json_set_string(now, "preread", before ? json_get_string(before, "read") : "0001-01-01T00:00:00Z");
	json_set(now, "precpu_stats", cpu ? json_object_get(cpu) : make_cpu(NULL));
}
