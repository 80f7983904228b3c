/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "../container.h"
#include "oci.h"

/* An option that sets one field of linux.resources. */
static const struct field {
	const char *option, *object, *member;
	bool text;
} fields[] = {
	{ "blkio-weight", "blockIO", "weight", false },
	{ "cpu-period", "cpu", "period", false },
	{ "cpu-quota", "cpu", "quota", false },
	{ "cpu-burst", "cpu", "burst", false },
	{ "cpu-share", "cpu", "shares", false },
	{ "cpu-rt-period", "cpu", "realtimePeriod", false },
	{ "cpu-rt-runtime", "cpu", "realtimeRuntime", false },
	{ "cpu-idle", "cpu", "idle", false },
	{ "cpuset-cpus", "cpu", "cpus", true },
	{ "cpuset-mems", "cpu", "mems", true },
	{ "memory", "memory", "limit", false },
	{ "memory-reservation", "memory", "reservation", false },
	{ "memory-swap", "memory", "swap", false },
	{ "kernel-memory", NULL, NULL, false }, /* kernels have it no more, and runc ignores it */
	{ "kernel-memory-tcp", "memory", "kernelTCP", false },
	{ "pids-limit", "pids", "limit", false },
};

#define FIRST 256

static void fill_options(struct option *o)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		o[i] = (struct option){ fields[i].option, required_argument, NULL, FIRST + (int)i };
	o[i++] = (struct option){ "l3-cache-schema", required_argument, NULL, '3' };
	o[i++] = (struct option){ "mem-bw-schema", required_argument, NULL, 'm' };
	o[i++] = (struct option){ "resources", required_argument, NULL, 'r' };
	o[i++] = (struct option){ "help", no_argument, NULL, 'h' };
	o[i] = (struct option){ NULL, 0, NULL, 0 };
}

/* Numbers with k, m, g as memory sizes are usually typed. */
static int parse_size(const char *text, int64_t *ret)
{
	char *end;
	int64_t value = strtoll(text, &end, 10);
	const char *suffixes = "kmgt";
	const char *s = *end ? strchr(suffixes, *end | 0x20) : NULL;

	if (end == text)
		return -1;
	if (*end) {
		if (!s || (end[1] && strcmp(end + 1, "b") && strcmp(end + 1, "B")) ||
		    value > INT64_MAX >> (10 * (s - suffixes + 1)))
			return -1;
		value <<= 10 * (s - suffixes + 1);
	}
	*ret = value;
	return 0;
}

static int set_field(struct json_object *res, const struct field *f, const char *value)
{
	struct json_object *group;
	int64_t number = 0;

	if (!f->text && parse_size(value, &number) < 0)
		return -1;
	if (!f->object)
		return 0;
	if (!json_object_object_get_ex(res, f->object, &group)) {
		group = json_object_new_object();
		json_object_object_add(res, f->object, group);
	}
	json_object_object_add(group, f->member, f->text ? json_object_new_string(value)
							 : json_object_new_int64(number));
	return 0;
}

static int read_resources(const char *path, struct buf *text, struct gantry_error *err)
{
	int r = strcmp(path, "-") ? read_file(AT_FDCWD, path, text, 1 << 20)
				  : read_to_end(0, text, 1 << 20);

	return r < 0 ? error_errno(err, -r, "cannot read %s", path) : 0;
}

int oci_update(struct oci *o, int argc, char **argv)
{
	struct option options[ARRAY_SIZE(fields) + 5];
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct json_object *res = json_object_new_object();
	auto_(buf) struct buf text = BUF_INIT;
	auto_free char *dir = NULL;
	const char *file = NULL, *problem = NULL, *l3 = NULL, *bandwidth = NULL;
	int c, status = 0;

	fill_options(options);
	while ((c = getopt_long(argc, argv, "+r:h", options, NULL)) != -1 && !problem) {
		if (c == 'r')
			file = optarg;
		else if (c == '3')
			l3 = optarg;
		else if (c == 'm')
			bandwidth = optarg;
		else if (c < FIRST)
			problem = "";
		else if (set_field(res, &fields[c - FIRST], optarg) < 0)
			problem = "a number is needed";
	}
	if (!problem && argc - optind != 1)
		problem = "one container ID is needed";
	if (problem) {
		json_object_put(res);
		return oci_usage("update", problem[0] ? problem : NULL);
	}
	dir = oci_state_dir(o, argv[optind], &err);
	if (!file)
		buf_adds(&text, json_object_to_json_string(res));
	if (!dir || (file && read_resources(file, &text, &err) < 0) ||
	    container_update(argv[optind], dir, buf_str(&text), &err) < 0 ||
	    ((l3 || bandwidth) && container_update_rdt(argv[optind], dir, l3, bandwidth, &err) < 0))
		status = oci_fail(o, &err);
	json_object_put(res);
	return status;
}
