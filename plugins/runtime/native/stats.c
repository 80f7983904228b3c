/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters of a container, from the hierarchies that it is in.  What no hierarchy
 * counts (version 1 controllers that were not worth joining) is added up from its
 * processes; "source" says so.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "container.h"
#include "members.h"
#include "state.h"

#define LIMIT (1 << 20)

struct sources {
	int unified;                 /* version 2 folder or -1 */
	int cpu, cpuacct, memory, pids, blkio; /* version 1 folders or -1 */
	bool v2;                     /* controllers are in version 2 */
	pid_t init;
	pid_t *list;
	size_t n;
};

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

/* The number in a file; "max" is UINT64_MAX.  False when there is none. */
static bool read_number(int dir, const char *file, uint64_t *ret)
{
	auto_(buf) struct buf text = BUF_INIT;
	char *end;

	if (dir < 0 || read_file(dir, file, &text, 4096) < 0)
		return false;
	if (!strncmp(buf_str(&text), "max", 3)) {
		*ret = UINT64_MAX;
		return true;
	}
	*ret = strtoull(buf_str(&text), &end, 10);
	return end != buf_str(&text);
}

/* The number after "key " in text that has one pair per line. */
static bool find_number(const char *text, const char *key, uint64_t *ret)
{
	size_t len = strlen(key);

	for (const char *p = text; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		if (!strncmp(p, key, len) && (p[len] == ' ' || p[len] == '\t')) {
			*ret = strtoull(p + len + 1, NULL, 10);
			return true;
		}
	}
	return false;
}

static uint64_t number_or_zero(const char *text, const char *key)
{
	uint64_t value = 0;

	find_number(text, key, &value);
	return value;
}

static void add_cpu(struct json_object *top, const struct sources *s)
{
	struct json_object *o = sub(top, "cpu");
	auto_(buf) struct buf text = BUF_INIT;
	uint64_t value;

	put(o, "online", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	if (s->unified >= 0 && read_file(s->unified, "cpu.stat", &text, LIMIT) == 0) {
		put(o, "usage_ns", number_or_zero(buf_str(&text), "usage_usec") * 1000);
		put(o, "user_ns", number_or_zero(buf_str(&text), "user_usec") * 1000);
		put(o, "system_ns", number_or_zero(buf_str(&text), "system_usec") * 1000);
	} else if (read_number(s->cpuacct, "cpuacct.usage", &value)) {
		put(o, "usage_ns", value);
		if (read_number(s->cpuacct, "cpuacct.usage_user", &value))
			put(o, "user_ns", value);
		if (read_number(s->cpuacct, "cpuacct.usage_sys", &value))
			put(o, "system_ns", value);
	}
	if (!s->v2) {
		buf_clear(&text);
		if (s->cpu < 0 || read_file(s->cpu, "cpu.stat", &text, LIMIT) < 0)
			return;
		put(o, "throttled_ns", number_or_zero(buf_str(&text), "throttled_time"));
	} else {
		put(o, "throttled_ns", number_or_zero(buf_str(&text), "throttled_usec") * 1000);
	}
	put(o, "periods", number_or_zero(buf_str(&text), "nr_periods"));
	put(o, "throttled_periods", number_or_zero(buf_str(&text), "nr_throttled"));
}

/* The kernel's memory.stat as it is, for those who know its names. */
static void add_memory_stat(struct json_object *o, const char *text)
{
	struct json_object *all = sub(o, "stats");
	char key[64];
	uint64_t value;
	int used;

	for (const char *p = text; sscanf(p, "%63s %" SCNu64 "%n", key, &value, &used) == 2; p += used)
		put(all, key, value);
}

static void add_memory_v2(struct json_object *o, const struct sources *s)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_(buf) struct buf events = BUF_INIT;
	uint64_t value;

	if (read_number(s->unified, "memory.current", &value))
		put(o, "usage", value);
	if (read_number(s->unified, "memory.max", &value))
		put(o, "limit", value);
	if (read_number(s->unified, "memory.peak", &value))
		put(o, "peak", value);
	if (read_number(s->unified, "memory.swap.current", &value))
		put(o, "swap", value);
	if (read_file(s->unified, "memory.stat", &text, LIMIT) == 0) {
		put(o, "cache", number_or_zero(buf_str(&text), "inactive_file"));
		add_memory_stat(o, buf_str(&text));
	}
	if (read_file(s->unified, "memory.events", &events, LIMIT) == 0)
		put(o, "oom_kills", number_or_zero(buf_str(&events), "oom_kill"));
}

static void add_memory_v1(struct json_object *o, const struct sources *s)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_(buf) struct buf oom = BUF_INIT;
	uint64_t value, swap;

	if (read_number(s->memory, "memory.usage_in_bytes", &value))
		put(o, "usage", value);
	if (read_number(s->memory, "memory.memsw.usage_in_bytes", &swap) && swap >= value)
		put(o, "swap", swap - value);
	if (read_number(s->memory, "memory.limit_in_bytes", &value))
		put(o, "limit", value >= (UINT64_C(1) << 62) ? UINT64_MAX : value);
	if (read_number(s->memory, "memory.max_usage_in_bytes", &value))
		put(o, "peak", value);
	if (read_file(s->memory, "memory.stat", &text, LIMIT) == 0) {
		put(o, "cache", number_or_zero(buf_str(&text), "total_inactive_file"));
		add_memory_stat(o, buf_str(&text));
	}
	if (read_file(s->memory, "memory.oom_control", &oom, LIMIT) == 0)
		put(o, "oom_kills", number_or_zero(buf_str(&oom), "oom_kill"));
}

static void add_memory_of_processes(struct json_object *o, const struct sources *s)
{
	uint64_t total = 0;

	for (size_t i = 0; i < s->n; i++) {
		auto_(buf) struct buf text = BUF_INIT;
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/status", s->list[i]);
		if (read_file(AT_FDCWD, path, &text, LIMIT) == 0)
			total += (number_or_zero(buf_str(&text), "RssAnon:") +
				  number_or_zero(buf_str(&text), "RssShmem:")) * 1024;
	}
	put(o, "usage", total);
	put(o, "cache", 0);
	put(o, "limit", UINT64_MAX);
	json_object_object_add(o, "source", json_object_new_string("processes"));
}

static void add_memory(struct json_object *top, const struct sources *s)
{
	struct json_object *o = sub(top, "memory");

	if (s->v2)
		add_memory_v2(o, s);
	else if (s->memory >= 0)
		add_memory_v1(o, s);
	else
		add_memory_of_processes(o, s);
}

static void add_pids(struct json_object *top, const struct sources *s)
{
	struct json_object *o = sub(top, "pids");
	int dir = s->v2 ? s->unified : s->pids;
	uint64_t value;

	put(o, "current", read_number(dir, "pids.current", &value) ? value : s->n);
	put(o, "limit", read_number(dir, "pids.max", &value) ? value : UINT64_MAX);
}

struct io {
	unsigned int major, minor;
	uint64_t read_bytes, write_bytes, reads, writes;
};

static struct io *find_io(struct io *list, size_t *n, size_t max, unsigned int major,
			  unsigned int minor)
{
	for (size_t i = 0; i < *n; i++) {
		if (list[i].major == major && list[i].minor == minor)
			return &list[i];
	}
	if (*n == max)
		return NULL;
	list[*n] = (struct io){ .major = major, .minor = minor };
	return &list[(*n)++];
}

static void read_io_v2(const struct sources *s, struct io *list, size_t *n, size_t max)
{
	auto_(buf) struct buf text = BUF_INIT;
	char *save = NULL;

	if (read_file(s->unified, "io.stat", &text, LIMIT) < 0 || !text.data)
		return;
	for (char *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct io io = { 0 }, *slot;

		if (sscanf(line, "%u:%u rbytes=%" SCNu64 " wbytes=%" SCNu64 " rios=%" SCNu64
				 " wios=%" SCNu64,
			   &io.major, &io.minor, &io.read_bytes, &io.write_bytes, &io.reads,
			   &io.writes) == 6 &&
		    (slot = find_io(list, n, max, io.major, io.minor)))
			*slot = io;
	}
}

static void read_io_v1(const struct sources *s, const char *file, bool bytes, struct io *list,
		       size_t *n, size_t max)
{
	auto_(buf) struct buf text = BUF_INIT;
	char *save = NULL;

	if (read_file(s->blkio, file, &text, LIMIT) < 0 || !text.data)
		return;
	for (char *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		unsigned int major, minor;
		char op[16];
		uint64_t value;
		struct io *io;

		if (sscanf(line, "%u:%u %15s %" SCNu64, &major, &minor, op, &value) != 4 ||
		    !(io = find_io(list, n, max, major, minor)))
			continue;
		if (!strcmp(op, "Read"))
			*(bytes ? &io->read_bytes : &io->reads) = value;
		else if (!strcmp(op, "Write"))
			*(bytes ? &io->write_bytes : &io->writes) = value;
	}
}

/* Not by device, but all there is to know without the controller. */
static void read_io_of_processes(const struct sources *s, struct io *list, size_t *n)
{
	struct io *io = find_io(list, n, 1, 0, 0);

	for (size_t i = 0; io && i < s->n; i++) {
		auto_(buf) struct buf text = BUF_INIT;
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/io", s->list[i]);
		if (read_file(AT_FDCWD, path, &text, LIMIT) == 0) {
			io->read_bytes += number_or_zero(buf_str(&text), "read_bytes:");
			io->write_bytes += number_or_zero(buf_str(&text), "write_bytes:");
		}
	}
}

static void add_io(struct json_object *top, const struct sources *s)
{
	struct json_object *array = json_object_new_array();
	struct io list[64];
	size_t n = 0;

	json_object_object_add(top, "io", array);
	if (s->v2) {
		read_io_v2(s, list, &n, ARRAY_SIZE(list));
	} else if (s->blkio >= 0) {
		read_io_v1(s, "blkio.throttle.io_service_bytes_recursive", true, list, &n,
			   ARRAY_SIZE(list));
		read_io_v1(s, "blkio.throttle.io_serviced_recursive", false, list, &n,
			   ARRAY_SIZE(list));
	} else {
		read_io_of_processes(s, list, &n);
	}
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();

		put(o, "major", list[i].major);
		put(o, "minor", list[i].minor);
		put(o, "read_bytes", list[i].read_bytes);
		put(o, "write_bytes", list[i].write_bytes);
		put(o, "reads", list[i].reads);
		put(o, "writes", list[i].writes);
		json_object_array_add(array, o);
	}
}

static void add_network(struct json_object *top, const struct sources *s)
{
	struct json_object *networks = sub(top, "network");
	auto_(buf) struct buf text = BUF_INIT;
	char path[64], *save = NULL;

	snprintf(path, sizeof(path), "/proc/%d/net/dev", s->init);
	if (s->init <= 0 || read_file(AT_FDCWD, path, &text, LIMIT) < 0 || !text.data)
		return;
	for (char *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		uint64_t v[12];
		struct json_object *o;
		char *colon = strchr(line, ':');

		if (!colon)
			continue;
		*colon = '\0';
		line += strspn(line, " ");
		if (!strcmp(line, "lo") ||
		    sscanf(colon + 1, "%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64 "%*u%*u%*u%*u%" SCNu64
				      "%" SCNu64 "%" SCNu64 "%" SCNu64,
			   &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) != 8)
			continue;
		o = sub(networks, line);
		put(o, "rx_bytes", v[0]);
		put(o, "rx_packets", v[1]);
		put(o, "rx_errors", v[2]);
		put(o, "rx_dropped", v[3]);
		put(o, "tx_bytes", v[4]);
		put(o, "tx_packets", v[5]);
		put(o, "tx_errors", v[6]);
		put(o, "tx_dropped", v[7]);
	}
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" and the same with "full". */
static void add_pressure(struct json_object *top, const struct sources *s)
{
	static const char *const kinds[] = { "cpu", "memory", "io" };
	struct json_object *pressure = sub(top, "pressure");

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		auto_(buf) struct buf text = BUF_INIT;
		char file[32], word[8], *save = NULL;
		struct json_object *o;

		snprintf(file, sizeof(file), "%s.pressure", kinds[i]);
		if (s->unified < 0 || read_file(s->unified, file, &text, LIMIT) < 0 || !text.data)
			continue;
		o = sub(pressure, kinds[i]);
		for (char *line = strtok_r(text.data, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save)) {
			double a, b, c;
			uint64_t total;
			struct json_object *w;

			if (sscanf(line, "%7s avg10=%lf avg60=%lf avg300=%lf total=%" SCNu64, word,
				   &a, &b, &c, &total) != 5)
				continue;
			w = sub(o, word);
			json_object_object_add(w, "avg10", json_object_new_double(a));
			json_object_object_add(w, "avg60", json_object_new_double(b));
			json_object_object_add(w, "avg300", json_object_new_double(c));
			put(w, "total_us", total);
		}
	}
}

static int open_v1(const struct cgroup_host *host, const char *path, const char *controller)
{
	for (size_t i = 0; path && path[0] && i < host->n_v1; i++) {
		char full[768];

		if (!cgroup_has_controller(host->v1[i].name, controller))
			continue;
		cgroup_v1_root(&host->v1[i], full, sizeof(full));
		strncat(full, path, sizeof(full) - strlen(full) - 1);
		return open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return -1;
}

static int open_sources(const struct cgroup_host *host, const struct state *st,
			struct sources *s, struct gantry_error *err)
{
	char full[768];
	struct members m;
	int r;

	*s = (struct sources){ -1, -1, -1, -1, -1, -1, host->mode == CGROUP_UNIFIED, st->pid, NULL, 0 };
	if (host->unified[0] && st->cgroup_path && st->cgroup_path[0]) {
		snprintf(full, sizeof(full), "%s%s", host->unified, st->cgroup_path);
		s->unified = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	s->cpu = open_v1(host, st->cgroup_path, "cpu");
	s->cpuacct = open_v1(host, st->cgroup_path, "cpuacct");
	s->memory = open_v1(host, st->cgroup_path, "memory");
	s->pids = open_v1(host, st->cgroup_path, "pids");
	s->blkio = open_v1(host, st->cgroup_path, "blkio");
	r = members_find(host, st, &m, err);
	s->list = m.pids;
	s->n = m.n;
	if (r == GANTRY_ERR_NOT_FOUND)
		return error_set(err, GANTRY_ERR_CONFLICT, "it is not running");
	return r;
}

static void close_sources(struct sources *s)
{
	int *fds[] = { &s->unified, &s->cpu, &s->cpuacct, &s->memory, &s->pids, &s->blkio };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		replace_fd(fds[i], -1);
	free(s->list);
}

int container_stats(const char *id, const char *state_dir, char **ret, struct gantry_error *err)
{
	auto_(state) struct state st = { 0 };
	struct cgroup_host host;
	struct sources s;
	struct json_object *top;
	int r = state_read(state_dir, &st, err);

	if (r < 0 || (r = cgroup_detect(&host, err)) < 0)
		return error_prefix(err, "container %s", id);
	r = open_sources(&host, &st, &s, err);
	if (r == 0) {
		top = json_object_new_object();
		json_object_object_add(top, "time_ns", json_object_new_int64(time_now_ns()));
		add_cpu(top, &s);
		add_memory(top, &s);
		add_pids(top, &s);
		add_io(top, &s);
		add_network(top, &s);
		add_pressure(top, &s);
		*ret = strdup(json_object_to_json_string_ext(top, JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(top);
		if (!*ret)
			r = error_no_memory(err);
	}
	close_sources(&s);
	return r < 0 ? error_prefix(err, "container %s", id) : 0;
}
