/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "core/container/spec.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define CPU_PERIOD 100000

/* Copies a number when it is set. */
static void copy_int(struct json_object *from, const char *key, struct json_object *to,
		     const char *as)
{
	int64_t value = json_get_int(from, key, 0);

	if (value) {
		json_set_int(to, as, value);
	}
}

static void copy_text(struct json_object *from, const char *key, struct json_object *to,
		      const char *as)
{
	const char *text = json_get_string(from, key);

	if (text && *text) {
		json_set_string(to, as, text);
	}
}

static void set_if_used(struct json_object *o, const char *key, struct json_object *part)
{
	if (json_member_count(part) > 0) {
		json_set(o, key, part);
	} else {
		json_object_put(part);
	}
}

static struct json_object *make_memory(struct json_object *hc)
{
	struct json_object *o = json_object_new_object();

	copy_int(hc, "Memory", o, "limit");
	copy_int(hc, "MemorySwap", o, "swap");
	copy_int(hc, "MemoryReservation", o, "reservation");
	if (json_get_int(hc, "MemorySwappiness", -1) >= 0) {
		json_set_int(o, "swappiness", json_get_int(hc, "MemorySwappiness", -1));
	}
	if (json_get_bool(hc, "OomKillDisable", 0)) {
		json_set_bool(o, "disableOOMKiller", 1);
	}
	return o;
}

static struct json_object *make_cpu(struct json_object *hc)
{
	struct json_object *o = json_object_new_object();
	int64_t nano = json_get_int(hc, "NanoCpus", 0);

	copy_int(hc, "CpuShares", o, "shares");
	copy_int(hc, "CpuQuota", o, "quota");
	copy_int(hc, "CpuPeriod", o, "period");
	if (nano > 0) {
		json_set_int(o, "period", CPU_PERIOD);
		json_set_int(o, "quota", nano / (1000000000 / CPU_PERIOD));
	}
	copy_int(hc, "CpuRealtimePeriod", o, "realtimePeriod");
	copy_int(hc, "CpuRealtimeRuntime", o, "realtimeRuntime");
	copy_text(hc, "CpusetCpus", o, "cpus");
	copy_text(hc, "CpusetMems", o, "mems");
	return o;
}

static int add_throttle(struct json_object *hc, const char *key, struct json_object *io,
			const char *as, struct gantry_error *err)
{
	struct json_object *asked = json_get_array(hc, key);
	struct json_object *list;

	if (!json_array_size(asked)) {
		return 0;
	}
	list = json_object_new_array();
	json_set(io, as, list);
	for (size_t i = 0; i < json_array_size(asked); i++) {
		struct json_object *a = json_object_array_get_idx(asked, i);
		struct json_object *o = json_object_new_object();
		const char *path = json_get_string(a, "Path");
		struct stat st;

		json_object_array_add(list, o);
		if (!path || stat(path, &st) < 0 || !S_ISBLK(st.st_mode)) {
			return error_set(err, GANTRY_ERR_INVALID, "%s: \"%s\" is not a block device", key,
					 path ? path : "");
		}
		json_set_int(o, "major", major(st.st_rdev));
		json_set_int(o, "minor", minor(st.st_rdev));
		json_set_int(o, "rate", json_get_int(a, "Rate", 0));
	}
	return 0;
}

static int make_io(struct json_object *hc, struct json_object **ret, struct gantry_error *err)
{
	static const char *const keys[][2] = {
		{ "BlkioDeviceReadBps", "throttleReadBpsDevice" },
		{ "BlkioDeviceWriteBps", "throttleWriteBpsDevice" },
		{ "BlkioDeviceReadIOps", "throttleReadIOPSDevice" },
		{ "BlkioDeviceWriteIOps", "throttleWriteIOPSDevice" },
	};
	struct json_object *o = json_object_new_object();
	int r = 0;

	copy_int(hc, "BlkioWeight", o, "weight");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(keys); i++) {
		r = add_throttle(hc, keys[i][0], o, keys[i][1], err);
	}
	*ret = o;
	return r;
}

static void allow(struct json_object *list, const char *type, int64_t major_number,
		  int64_t minor_number, const char *access)
{
	struct json_object *o = json_object_new_object();

	json_set_bool(o, "allow", 1);
	json_set_string(o, "type", type);
	if (major_number >= 0) {
		json_set_int(o, "major", major_number);
	}
	if (minor_number >= 0) {
		json_set_int(o, "minor", minor_number);
	}
	json_set_string(o, "access", access);
	json_object_array_add(list, o);
}

/* "c 1:3 rwm", as --device-cgroup-rule takes it. */
static int add_rule(struct json_object *list, const char *text, struct gantry_error *err)
{
	char type, major_text[16], minor_text[16], access[8];

	if (sscanf(text, "%c %15[0-9*]:%15[0-9*] %7[rwm]", &type, major_text, minor_text, access) != 4 ||
	    !strchr("abc", type)) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid device cgroup rule format: '%s'", text);
	}
	allow(list, (char[]){ type, '\0' }, *major_text == '*' ? -1 : atoll(major_text),
	      *minor_text == '*' ? -1 : atoll(minor_text), access);
	return 0;
}

static int device_of(const char *path, struct stat *st, struct gantry_error *err)
{
	if (stat(path, st) < 0 || !(S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))) {
		error_set(err, GANTRY_ERR_INVALID,
			  "error gathering device information while adding custom device \"%s\": no such "
			  "device on this host",
			  path);
		return error_hint(err, "`ls -l %s` shows whether it is there", path);
	}
	return 0;
}

/* What a container may open: nothing but the harmless devices, and what was asked. */
static int make_device_rules(struct json_object *hc, struct json_object **ret,
			     struct gantry_error *err)
{
	struct json_object *list = json_object_new_array();
	struct json_object *deny = json_object_new_object();
	struct json_object *devices = json_get_array(hc, "Devices");
	struct json_object *rules = json_get_array(hc, "DeviceCgroupRules");
	int r = 0;

	*ret = list;
	if (json_get_bool(hc, "Privileged", 0)) {
		json_object_put(deny);
		allow(list, "a", -1, -1, "rwm");
		return 0;
	}
	json_set_bool(deny, "allow", 0);
	json_set_string(deny, "access", "rwm");
	json_object_array_add(list, deny);
	allow(list, "c", -1, -1, "m");
	allow(list, "b", -1, -1, "m");
	for (int minor_number = 3; minor_number <= 9; minor_number++) { /* null zero full random urandom */
		if (minor_number != 4 && minor_number != 6) {
			allow(list, "c", 1, minor_number, "rwm");
		}
	}
	allow(list, "c", 5, 0, "rwm"); /* tty */
	allow(list, "c", 5, 1, "rwm"); /* console */
	allow(list, "c", 5, 2, "rwm"); /* ptmx */
	allow(list, "c", 136, -1, "rwm"); /* pts */
	for (size_t i = 0; r == 0 && i < json_array_size(devices); i++) {
		struct json_object *d = json_object_array_get_idx(devices, i);
		const char *access = json_get_string(d, "CgroupPermissions");
		const char *path = json_get_string(d, "PathOnHost");
		struct stat st;

		r = device_of(path ? path : "", &st, err);
		if (r == 0) {
			allow(list, S_ISBLK(st.st_mode) ? "b" : "c", major(st.st_rdev), minor(st.st_rdev),
			      access && *access ? access : "rwm");
		}
	}
	for (size_t i = 0; r == 0 && i < json_array_size(rules); i++) {
		r = add_rule(list, json_item_string(rules, i), err);
	}
	return r;
}

int spec_resources(struct json_object *hc, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *o = json_object_new_object();
	int64_t pids = json_get_int(hc, "PidsLimit", 0);
	struct json_object *part;
	int r;

	set_if_used(o, "memory", make_memory(hc));
	set_if_used(o, "cpu", make_cpu(hc));
	r = make_io(hc, &part, err);
	set_if_used(o, "blockIO", part);
	if (r < 0) {
		return r;
	}
	if (pids != 0) {
		part = json_object_new_object();
		json_set_int(part, "limit", pids);
		json_set(o, "pids", part);
	}
	r = make_device_rules(hc, &part, err);
	json_set(o, "devices", part);
	if (r == 0) {
		*ret = steal(&o);
	}
	return r;
}

int spec_devices(const struct container *c, struct json_object *spec, struct gantry_error *err)
{
	struct json_object *asked = json_get_array(container_host_config(c), "Devices");
	struct json_object *list;

	list = json_object_new_array();
	json_set(json_get_object(spec, "linux"), "devices", list);
	if (spec_is_privileged(c)) {
		spec_host_devices(list);
	}
	for (size_t i = 0; i < json_array_size(asked); i++) {
		struct json_object *d = json_object_array_get_idx(asked, i);
		struct json_object *o = json_object_new_object();
		const char *inside = json_get_string(d, "PathInContainer");
		const char *path = json_get_string(d, "PathOnHost");
		struct stat st;
		int r = device_of(path ? path : "", &st, err);

		json_object_array_add(list, o);
		if (r < 0) {
			return r;
		}
		spec_describe_device(o, inside && *inside ? inside : path, &st);
	}
	return 0;
}
