/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options/options.h"
#include "cli/text/units.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/quantity.h"

static const struct {
	const char *flag;
	const char *member;
} integers[] = {
	{ "blkio-weight", "BlkioWeight" },	{ "cpu-period", "CpuPeriod" },
	{ "cpu-quota", "CpuQuota" },		{ "cpu-rt-period", "CpuRealtimePeriod" },
	{ "cpu-rt-runtime", "CpuRealtimeRuntime" }, { "cpu-shares", "CpuShares" },
	{ "pids-limit", "PidsLimit" },		{ "oom-score-adj", "OomScoreAdj" },
};

static const struct {
	const char *flag;
	const char *member;
} sizes[] = {
	{ "memory", "Memory" },
	{ "memory-reservation", "MemoryReservation" },
	{ "memory-swap", "MemorySwap" },
	{ "kernel-memory", "KernelMemory" },
	{ "shm-size", "ShmSize" },
};

static const struct {
	const char *flag;
	const char *member;
	const char *value; /* name of the number */
	int is_size;
} throttles[] = {
	{ "blkio-weight-device", "BlkioWeightDevice", "Weight", 0 },
	{ "device-read-bps", "BlkioDeviceReadBps", "Rate", 1 },
	{ "device-write-bps", "BlkioDeviceWriteBps", "Rate", 1 },
	{ "device-read-iops", "BlkioDeviceReadIOps", "Rate", 0 },
	{ "device-write-iops", "BlkioDeviceWriteIOps", "Rate", 0 },
};

/* "/dev/sda:1mb". */
static int add_throttle(struct json_object *list, const char *text, const char *flag,
			const char *member, int is_size, struct gantry_error *err)
{
	const char *colon = strchr(text, ':');
	struct json_object *item;
	auto_free char *path = NULL;
	int64_t number = 0;
	char *end = NULL;

	if (!colon || colon == text || strncmp(text, "/dev/", 5) != 0) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid argument \"%s\" for \"--%s\" flag: bad format: %s", text, flag,
				 text);
	}
	if (is_size) {
		if (parse_bytes(colon + 1, &number) < 0) {
			end = (char[]){ "x" };
		}
	} else {
		number = strtoll(colon + 1, &end, 10);
	}
	if ((end && *end) || !colon[1] || number < 0) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid argument \"%s\" for \"--%s\" flag: invalid rate for device: "
				 "%s",
				 text, flag, text);
	}
	path = strndup(text, (size_t)(colon - text));
	item = json_object_new_object();
	json_set_string(item, "Path", path);
	json_set_int(item, member, number);
	return json_object_array_add(list, item);
}

/* "nofile=1024:2048". */
static int add_ulimit(struct json_object *list, const char *text, struct gantry_error *err)
{
	const char *equals = strchr(text, '=');
	struct json_object *item;
	auto_free char *name = NULL;
	long long soft, hard;
	char *end;

	if (!equals || equals == text || !equals[1]) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid argument \"%s\" for \"--ulimit\" flag: invalid ulimit "
				 "argument: %s",
				 text, text);
	}
	soft = hard = strtoll(equals + 1, &end, 10);
	if (*end == ':') {
		hard = strtoll(end + 1, &end, 10);
	}
	if (*end) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid argument \"%s\" for \"--ulimit\" flag: the limits are no "
				 "numbers",
				 text);
	}
	if (hard != -1 && (soft > hard || soft == -1)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid argument \"%s\" for \"--ulimit\" flag: ulimit soft limit must "
				 "be less than or equal to hard limit: %lld > %lld",
				 text, soft, hard);
	}
	name = strndup(text, (size_t)(equals - text));
	item = json_object_new_object();
	json_set_string(item, "Name", name);
	json_set_int(item, "Hard", hard);
	json_set_int(item, "Soft", soft);
	return json_object_array_add(list, item);
}

static int each_throttle(const struct args *args, size_t k, struct json_object *host,
			 struct gantry_error *err)
{
	struct json_object *list;
	const char *text;
	int r = 0;

	if (!args_has(args, throttles[k].flag)) {
		return 0;
	}
	list = json_object_new_array();
	json_set(host, throttles[k].member, list);
	for (size_t i = 0; r == 0 && (text = args_item(args, throttles[k].flag, i)); i++) {
		r = add_throttle(list, text, throttles[k].flag, throttles[k].value,
				 throttles[k].is_size, err);
	}
	return r;
}

int options_restart(const char *text, struct json_object *host, struct gantry_error *err)
{
	const char *colon = strchr(text, ':');
	auto_free char *name = strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	struct json_object *policy = json_object_new_object();
	long count = 0;
	char *end;

	json_set(host, "RestartPolicy", policy);
	if (colon) {
		count = strtol(colon + 1, &end, 10);
		if (!colon[1] || *end) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "invalid restart policy format: maximum retry count must be an "
					 "integer");
		}
		if (colon == text) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "invalid restart policy format: no policy provided before "
					 "colon");
		}
	}
	json_set_string(policy, "Name", name);
	json_set_int(policy, "MaximumRetryCount", count);
	return 0;
}

int options_resources(const struct args *args, struct json_object *host, struct gantry_error *err)
{
	const char *text;
	int64_t nano;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(integers); i++) {
		if (args_has(args, integers[i].flag)) {
			json_set_int(host, integers[i].member, args_int(args, integers[i].flag, 0));
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (args_has(args, sizes[i].flag)) {
			json_set_int(host, sizes[i].member, args_bytes(args, sizes[i].flag, 0));
		}
	}
	if ((text = args_string(args, "cpus")) && units_parse_nano(text, &nano) == 0) {
		json_set_int(host, "NanoCpus", nano);
	}
	if (args_int(args, "memory-swappiness", -1) != -1) {
		nano = args_int(args, "memory-swappiness", -1);
		if (nano < 0 || nano > 100) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "invalid value: %lld. Valid memory swappiness range is 0-100",
					 (long long)nano);
		}
		json_set_int(host, "MemorySwappiness", nano);
	}
	json_set_string(host, "CpusetCpus", args_string(args, "cpuset-cpus"));
	json_set_string(host, "CpusetMems", args_string(args, "cpuset-mems"));
	if (args_bool(args, "oom-kill-disable", 0)) {
		json_set_bool(host, "OomKillDisable", 1);
	}
	for (size_t k = 0; r == 0 && k < ARRAY_SIZE(throttles); k++) {
		r = each_throttle(args, k, host, err);
	}
	if (r == 0 && args_has(args, "ulimit")) {
		struct json_object *list = json_object_new_array();

		json_set(host, "Ulimits", list);
		for (size_t i = 0; r == 0 && (text = args_item(args, "ulimit", i)); i++) {
			r = add_ulimit(list, text, err);
		}
	}
	return r;
}
