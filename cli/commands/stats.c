/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream of samples per container, all in one poll loop; the table is
 * printed anew each second.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands/commands.h"
#include "cli/commands/container.h"
#include "cli/commands/list.h"
#include "cli/terminal/terminal.h"
#include "cli/text/units.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define MAX_WATCHED 512
#define MAX_SAMPLE ((size_t)1 << 20)
#define PERIOD_MS 500

static const struct list_heading headings[] = {
	{ "ID", "CONTAINER ID" }, { "Container", "CONTAINER" }, { "Name", "NAME" },
	{ "CPUPerc", "CPU %" },	  { "MemUsage", "MEM USAGE / LIMIT" }, { "MemPerc", "MEM %" },
	{ "NetIO", "NET I/O" },	  { "BlockIO", "BLOCK I/O" },	{ "PIDs", "PIDS" },
	{ NULL, NULL },
};
static const struct list_spec spec = {
	"*formatter.statsContext",
	"table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t"
	"{{.BlockIO}}\t{{.PIDs}}",
	NULL, headings, NULL
};

struct watched {
	char *name;
	struct client_response response;
	struct buf text;
	struct json_object *sample; /* the last whole one; or NULL */
	int samples, ended;
};

struct stats {
	struct cli *cli;
	struct args *args;
	struct watched *list;
	size_t n;
	int once;
};

static double cpu_percent(struct json_object *s)
{
	struct json_object *now = json_get_object(s, "cpu_stats");
	struct json_object *before = json_get_object(s, "precpu_stats");
	struct json_object *usage = json_get_object(now, "cpu_usage");
	double used = (double)(json_get_int(usage, "total_usage", 0) -
			       json_get_int(json_get_object(before, "cpu_usage"), "total_usage", 0));
	double system = (double)(json_get_int(now, "system_cpu_usage", 0) -
				 json_get_int(before, "system_cpu_usage", 0));
	double cpus = (double)json_get_int(now, "online_cpus", 0);

	if (cpus == 0) {
		cpus = (double)json_array_size(json_get_array(usage, "percpu_usage"));
	}
	return used > 0 && system > 0 ? used / system * cpus * 100 : 0;
}

/* What is used without the page cache that can be dropped. */
static double memory_used(struct json_object *memory)
{
	struct json_object *stats = json_get_object(memory, "stats");
	int64_t usage = json_get_int(memory, "usage", 0);
	int64_t inactive = json_get_int(stats, "total_inactive_file", -1);

	if (inactive < 0) {
		inactive = json_get_int(stats, "inactive_file", 0);
	}
	return (double)(inactive < usage ? usage - inactive : usage);
}

static void set_pair(struct json_object *row, const char *field, double a, double b, int binary)
{
	char x[UNITS_MAX], y[UNITS_MAX], text[160];

	if (binary) {
		snprintf(text, sizeof(text), "%s / %s", units_binary_size(a, x),
			 units_binary_size(b, y));
	} else {
		snprintf(text, sizeof(text), "%s / %s", units_human_size(a, 3, x),
			 units_human_size(b, 3, y));
	}
	json_set_string(row, field, text);
}

static void set_network(struct json_object *row, struct json_object *networks)
{
	double in = 0, out = 0;

	if (networks) {
		json_object_object_foreach(networks, key, n) {
			(void)key;
			in += (double)json_get_int(n, "rx_bytes", 0);
			out += (double)json_get_int(n, "tx_bytes", 0);
		}
	}
	set_pair(row, "NetIO", in, out, 0);
}

static void set_block(struct json_object *row, struct json_object *blkio)
{
	struct json_object *list = json_get_array(blkio, "io_service_bytes_recursive");
	double in = 0, out = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		struct json_object *e = json_object_array_get_idx(list, i);
		const char *op = json_get_string(e, "op");

		if (op && (*op == 'r' || *op == 'R')) {
			in += (double)json_get_int(e, "value", 0);
		} else if (op && (*op == 'w' || *op == 'W')) {
			out += (double)json_get_int(e, "value", 0);
		}
	}
	set_pair(row, "BlockIO", in, out, 0);
}

static struct json_object *stats_row(const struct watched *w, int no_trunc)
{
	struct json_object *row = json_object_new_object();
	struct json_object *memory = json_get_object(w->sample, "memory_stats");
	const char *name = json_get_string(w->sample, "name");
	double used = memory_used(memory), limit = (double)json_get_int(memory, "limit", 0);
	char text[64];

	json_set_string(row, "Container", w->name);
	if (!w->sample) {
		static const char *const empty[] = { "Name", "ID", "CPUPerc", "MemPerc", "PIDs" };

		for (size_t i = 0; i < ARRAY_SIZE(empty); i++) {
			json_set_string(row, empty[i], "--");
		}
		json_set_string(row, "MemUsage", "-- / --");
		json_set_string(row, "NetIO", "--");
		json_set_string(row, "BlockIO", "--");
		return row;
	}
	row_set_id(row, "ID", json_get_string(w->sample, "id"), no_trunc);
	json_set_string(row, "Name", name && *name == '/' ? name + 1 : name);
	snprintf(text, sizeof(text), "%.2f%%", cpu_percent(w->sample));
	json_set_string(row, "CPUPerc", text);
	set_pair(row, "MemUsage", used, limit, 1);
	snprintf(text, sizeof(text), "%.2f%%", limit > 0 ? used / limit * 100 : 0);
	json_set_string(row, "MemPerc", text);
	set_network(row, json_get_object(w->sample, "networks"));
	set_block(row, json_get_object(w->sample, "blkio_stats"));
	snprintf(text, sizeof(text), "%lld",
		 (long long)json_get_int(json_get_object(w->sample, "pids_stats"), "current", 0));
	json_set_string(row, "PIDs", text);
	return row;
}

static int print_table(struct stats *s, struct gantry_error *err)
{
	auto_(list) struct list list = { NULL };
	int r = list_open(&list, &spec, args_string(s->args, "format"), 0, err);

	for (size_t i = 0; r == 0 && i < s->n; i++) {
		auto_json struct json_object *row = NULL;

		if (s->list[i].ended && !s->list[i].sample) {
			continue;
		}
		row = stats_row(&s->list[i], args_bool(s->args, "no-trunc", 0));
		r = list_add(&list, row, err);
	}
	if (r == 0 && !s->once && terminal_is(STDOUT_FILENO)) {
		printf("\033[2J\033[H");
	}
	r = r < 0 ? r : list_print(&list, err);
	fflush(stdout);
	return r;
}

static int watch(struct stats *s, const char *name, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;
	struct watched *w = &s->list[s->n];
	int r;

	if (s->n == MAX_WATCHED) {
		return error_set(err, GANTRY_ERR_LIMIT, "too many containers to watch at once");
	}
	*w = (struct watched){ .response = CLIENT_RESPONSE_INIT };
	w->name = strdup(name);
	target_set(&target, "/containers/%s/stats", name);
	target_add(&target, "stream", s->once ? "0" : "1");
	r = api_stream(s->cli, "GET", buf_str(&target), NULL, &w->response, err);
	s->n++;
	w->ended = r < 0;
	return r;
}

static int watch_all(struct stats *s, struct gantry_error *err)
{
	auto_json struct json_object *containers = NULL;
	int r = 0;

	if (s->args->argc > 0) {
		for (int i = 0; r == 0 && i < s->args->argc; i++) {
			r = watch(s, s->args->argv[i], err);
		}
		return r;
	}
	r = api_call(s->cli, "GET",
		     args_bool(s->args, "all", 0) ? "/containers/json?all=1" : "/containers/json", NULL,
		     &containers, err);
	for (size_t i = 0; r == 0 && i < json_array_size(containers); i++) {
		struct gantry_error gone = GANTRY_ERROR_INIT;

		/* One that ends meanwhile is no failure. */
		watch(s, json_get_string(json_object_array_get_idx(containers, i), "Id"), &gone);
	}
	return r;
}

/* Takes what a stream has; whole samples are lines, the last one may lack its end. */
static void take(struct watched *w)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	char data[16384], *end;
	ssize_t n = stream_read(&w->response.stream, data, sizeof(data));

	if (n > 0) {
		buf_add(&w->text, data, (size_t)n);
	} else {
		w->ended = 1;
		buf_addc(&w->text, '\n');
	}
	while (w->text.len && (end = memchr(w->text.data, '\n', w->text.len))) {
		size_t len = (size_t)(end - w->text.data);
		struct json_object *sample;

		if (len > 1 && json_parse(w->text.data, len, "a sample", &sample, &ignored) == 0) {
			json_object_put(w->sample);
			w->sample = sample;
			w->samples++;
		}
		buf_consume(&w->text, len + 1);
	}
	if (w->text.len > MAX_SAMPLE) {
		w->ended = 1;
	}
}

static int wait_some(struct stats *s, int64_t deadline_ns)
{
	struct pollfd fds[MAX_WATCHED];
	int64_t left = (deadline_ns - time_monotonic_ns()) / 1000000;
	int open = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct watched *w = &s->list[i];

		fds[i] = (struct pollfd){ w->ended ? -1 : w->response.stream.fd, POLLIN, 0 };
		open += !w->ended;
		if (!w->ended && stream_pending(&w->response.stream)) {
			left = 0;
		}
	}
	if (poll(fds, s->n, s->once && open ? (left == 0 ? 0 : -1) : left > 0 ? (int)left : 0) < 0 &&
	    errno != EINTR) {
		return 0;
	}
	for (size_t i = 0; i < s->n; i++) {
		if (!s->list[i].ended &&
		    (fds[i].revents || stream_pending(&s->list[i].response.stream))) {
			take(&s->list[i]);
		}
	}
	return open;
}

static int run_stats(struct stats *s, struct gantry_error *err)
{
	int64_t next = time_monotonic_ns();
	int r = watch_all(s, err);

	while (r == 0) {
		int open;

		next += PERIOD_MS * 1000000LL;
		do {
			open = wait_some(s, next);
		} while (open && (s->once || time_monotonic_ns() < next));
		r = print_table(s, err);
		if (s->once || (!open && s->args->argc > 0)) {
			break;
		}
		if (!open) {
			usleep(PERIOD_MS * 1000);
		}
	}
	return r;
}

static int command_stats(struct cli *cli, struct args *args, struct gantry_error *err)
{
	struct stats s = { .cli = cli, .args = args, .once = args_bool(args, "no-stream", 0) };
	int r;

	s.list = calloc(MAX_WATCHED + 1, sizeof(*s.list));
	r = s.list ? run_stats(&s, err) : error_no_memory(err);
	for (size_t i = 0; i < s.n; i++) {
		client_response_done(&s.list[i].response);
		buf_done(&s.list[i].text);
		json_object_put(s.list[i].sample);
		free(s.list[i].name);
	}
	free(s.list);
	return r;
}

static const struct flag stats_flags[] = {
	{ FLAG_BOOL, 'a', "all", "Show all containers (default: only running ones)", NULL, 0 },
	FORMAT_FLAG,
	{ FLAG_BOOL, 0, "no-stream", "Print the first result and end", NULL, 0 },
	NO_TRUNC_FLAG,
	{ FLAG_NONE },
};

const struct command stats_command = {
	.name = "stats",
	.summary = "Show what containers use, as it changes",
	.usage = "[OPTIONS] [CONTAINER...]",
	.aliases = "container stats, stats",
	.max_args = -1,
	.flags = stats_flags,
	.run = command_stats,
};
