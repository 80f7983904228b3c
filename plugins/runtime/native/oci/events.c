/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "../cgroup.h"
#include "../container.h"
#include "../state.h"
#include "oci.h"

static const struct option options[] = {
	{ "interval", required_argument, NULL, 'i' },
	{ "stats", no_argument, NULL, 's' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(o, key, &value);
	return value;
}

static uint64_t number(struct json_object *o, const char *key)
{
	return json_object_get_uint64(member(o, key));
}

static void put(struct json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

static struct json_object *sub(struct json_object *o, const char *key)
{
	struct json_object *s = json_object_new_object();

	json_object_object_add(o, key, s);
	return s;
}

/* Our counters in runc's words. */
static struct json_object *translate(struct json_object *stats)
{
	struct json_object *data = json_object_new_object();
	struct json_object *cpu = member(stats, "cpu"), *memory = member(stats, "memory");
	struct json_object *pids = member(stats, "pids"), *c = sub(data, "cpu"), *m, *o;

	o = sub(c, "usage");
	put(o, "total", number(cpu, "usage_ns"));
	put(o, "kernel", number(cpu, "system_ns"));
	put(o, "user", number(cpu, "user_ns"));
	o = sub(c, "throttling");
	put(o, "periods", number(cpu, "periods"));
	put(o, "throttledPeriods", number(cpu, "throttled_periods"));
	put(o, "throttledTime", number(cpu, "throttled_ns"));
	m = sub(data, "memory");
	put(m, "cache", number(memory, "cache"));
	o = sub(m, "usage");
	put(o, "limit", number(memory, "limit"));
	put(o, "usage", number(memory, "usage"));
	put(o, "max", number(memory, "peak"));
	put(o, "failcnt", 0);
	if (member(memory, "stats"))
		json_object_object_add(m, "raw", json_object_get(member(memory, "stats")));
	o = sub(data, "pids");
	put(o, "current", number(pids, "current"));
	put(o, "limit", number(pids, "limit") == UINT64_MAX ? 0 : number(pids, "limit"));
	json_object_object_add(data, "blkio", json_object_get(member(stats, "io")));
	json_object_object_add(data, "network", json_object_get(member(stats, "network")));
	json_object_object_add(data, "pressure", json_object_get(member(stats, "pressure")));
	return data;
}

static void print_event(const char *type, const char *id, struct json_object *data)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "type", json_object_new_string(type));
	json_object_object_add(o, "id", json_object_new_string(id));
	if (data)
		json_object_object_add(o, "data", data);
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
								 JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(stdout);
	json_object_put(o);
}

/* Prints the counters, and an event when the kernel has killed since. */
static int print_stats(const char *id, const char *dir, bool quiet, uint64_t *kills,
		       struct gantry_error *err)
{
	auto_free char *text = NULL;
	struct json_object *stats;
	uint64_t now;
	int r = container_stats(id, dir, &text, err);

	if (r < 0)
		return r;
	stats = json_tokener_parse(text);
	now = number(member(stats, "memory"), "oom_kills");
	if (now > *kills)
		print_event("oom", id, NULL);
	*kills = now;
	if (!quiet)
		print_event("stats", id, translate(stats));
	json_object_put(stats);
	return 0;
}

static bool is_over(const char *dir)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_(state) struct state s = { 0 };

	return state_read(dir, &s, &ignored) < 0 || !state_is_alive(&s);
}

int oci_events(struct oci *o, int argc, char **argv)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_free char *dir = NULL;
	bool once = false;
	int c, interval = 5, elapsed = 0;
	uint64_t kills = 0;

	while ((c = getopt_long(argc, argv, "+i:sh", options, NULL)) != -1) {
		if (c == 'i')
			interval = atoi(optarg);
		else if (c == 's')
			once = true;
		else
			return oci_usage("events", NULL);
	}
	if (argc - optind != 1 || interval <= 0)
		return oci_usage("events", "one container ID and a positive interval are needed");
	dir = oci_state_dir(o, argv[optind], &err);
	if (!dir)
		return oci_fail(o, &err);
	do {
		const struct timespec second = { .tv_sec = 1 };

		if (print_stats(argv[optind], dir, elapsed % interval != 0, &kills, &err) < 0)
			return !once && elapsed && is_over(dir) ? 0 : oci_fail(o, &err);
		if (once)
			return 0;
		nanosleep(&second, NULL);
		elapsed++;
	} while (!is_over(dir));
	return 0;
}
