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

#define KILLS_UNKNOWN UINT64_MAX

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

static void add_io(struct json_object *list, struct json_object *device, const char *op,
		   const char *key)
{
	struct json_object *o = json_object_new_object();

	put(o, "major", number(device, "major"));
	put(o, "minor", number(device, "minor"));
	json_object_object_add(o, "op", json_object_new_string(op));
	put(o, "value", number(device, key));
	json_object_array_add(list, o);
}

static void translate_io(struct json_object *blkio, struct json_object *io)
{
	struct json_object *bytes = json_object_new_array(), *operations = json_object_new_array();

	for (size_t i = 0; json_object_is_type(io, json_type_array) &&
			   i < json_object_array_length(io); i++) {
		struct json_object *device = json_object_array_get_idx(io, i);

		add_io(bytes, device, "Read", "read_bytes");
		add_io(bytes, device, "Write", "write_bytes");
		add_io(operations, device, "Read", "reads");
		add_io(operations, device, "Write", "writes");
	}
	json_object_object_add(blkio, "ioServiceBytesRecursive", bytes);
	json_object_object_add(blkio, "ioServicedRecursive", operations);
}

static struct json_object *translate_network(struct json_object *network)
{
	static const char *const names[][2] = {
		{ "RxBytes", "rx_bytes" }, { "RxPackets", "rx_packets" }, { "RxErrors", "rx_errors" },
		{ "RxDropped", "rx_dropped" }, { "TxBytes", "tx_bytes" }, { "TxPackets", "tx_packets" },
		{ "TxErrors", "tx_errors" }, { "TxDropped", "tx_dropped" },
	};
	struct json_object *list = json_object_new_array();

	if (!network)
		return list;
	json_object_object_foreach(network, name, counters) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "Name", json_object_new_string(name));
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			put(o, names[i][0], number(counters, names[i][1]));
		json_object_array_add(list, o);
	}
	return list;
}

/* Pressure: {some: {avg10, avg60, avg300, total}, full: the same}. */
static void translate_pressure(struct json_object *to, struct json_object *pressure)
{
	struct json_object *psi;

	if (!pressure)
		return;
	psi = sub(to, "psi");
	json_object_object_foreach(pressure, kind, values) {
		struct json_object *o = sub(psi, kind);

		json_object_object_foreach(values, key, value)
			json_object_object_add(o, strcmp(key, "total_us") ? key : "total",
					       json_object_get(value));
	}
}

static struct json_object *translate_memory(struct json_object *data, struct json_object *memory)
{
	struct json_object *m = sub(data, "memory"), *o;

	put(m, "cache", number(memory, "cache"));
	o = sub(m, "usage");
	put(o, "limit", number(memory, "limit"));
	put(o, "usage", number(memory, "usage"));
	put(o, "max", number(memory, "peak"));
	put(o, "failcnt", 0);
	o = sub(m, "swap");
	put(o, "usage", number(memory, "swap"));
	if (member(memory, "stats"))
		json_object_object_add(m, "raw", json_object_get(member(memory, "stats")));
	return m;
}

/* Our counters in runc's words. */
static struct json_object *translate(struct json_object *stats)
{
	struct json_object *data = json_object_new_object();
	struct json_object *cpu = member(stats, "cpu"), *pids = member(stats, "pids");
	struct json_object *pressure = member(stats, "pressure");
	struct json_object *c = sub(data, "cpu"), *m, *o;

	o = sub(c, "usage");
	put(o, "total", number(cpu, "usage_ns"));
	put(o, "kernel", number(cpu, "system_ns"));
	put(o, "user", number(cpu, "user_ns"));
	o = sub(c, "throttling");
	put(o, "periods", number(cpu, "periods"));
	put(o, "throttledPeriods", number(cpu, "throttled_periods"));
	put(o, "throttledTime", number(cpu, "throttled_ns"));
	translate_pressure(c, member(pressure, "cpu"));
	m = translate_memory(data, member(stats, "memory"));
	translate_pressure(m, member(pressure, "memory"));
	o = sub(data, "pids");
	put(o, "current", number(pids, "current"));
	put(o, "limit", number(pids, "limit") == UINT64_MAX ? 0 : number(pids, "limit"));
	o = sub(data, "blkio");
	translate_io(o, member(stats, "io"));
	translate_pressure(o, member(pressure, "io"));
	json_object_object_add(data, "network_interfaces", translate_network(member(stats, "network")));
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

/* Prints the counters, and an event when the kernel has killed since the last look; what it
 * did before the first (*kills is KILLS_UNKNOWN) is no news. */
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
	if (*kills != KILLS_UNKNOWN && now > *kills)
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

/* "5s", "1m30s", "500ms" as Go writes durations, or plain seconds; at least one.  0 when
 * it is none. */
static int parse_seconds(const char *text)
{
	static const struct {
		const char *unit;
		double seconds;
	} units[] = { { "ms", 0.001 }, { "us", 0.000001 }, { "ns", 0.000000001 }, { "h", 3600 },
		      { "m", 60 }, { "s", 1 } };
	double sum = 0;

	for (const char *p = text; *p;) {
		char *end;
		double value = strtod(p, &end);
		size_t i;

		if (end == p || !(value >= 0))
			return 0;
		if (!*end) {
			sum += value;
			break;
		}
		for (i = 0; i < ARRAY_SIZE(units) && strncmp(end, units[i].unit, strlen(units[i].unit)); i++)
			;
		if (i == ARRAY_SIZE(units))
			return 0;
		sum += value * units[i].seconds;
		p = end + strlen(units[i].unit);
	}
	return !(sum > 0) || sum > 1e6 ? 0 : sum < 1 ? 1 : (int)sum;
}

int oci_events(struct oci *o, int argc, char **argv)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_free char *dir = NULL;
	bool once = false;
	int c, interval = 5, elapsed = 0; /* seconds */
	uint64_t kills = KILLS_UNKNOWN;

	while ((c = getopt_long(argc, argv, "+i:sh", options, NULL)) != -1) {
		if (c == 'i')
			interval = parse_seconds(optarg);
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
