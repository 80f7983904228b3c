/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at running containers: top and stats. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/container/container.h"
#include "core/container/present.h"
#include "core/container/stats.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define MAX_ARGS 32

/* Runs ps(1) of the host with the given options over the container's processes. */
static int run_ps(const char *options, struct buf *out, struct gantry_error *err)
{
	auto_free char *copy = strdup(options);
	char *argv[MAX_ARGS + 4] = { (char *)"ps" };
	posix_spawn_file_actions_t actions;
	char *save = NULL;
	int n = 1, ends[2], code, status;
	pid_t pid;

	for (char *w = strtok_r(copy, " \t", &save); w && n < MAX_ARGS; w = strtok_r(NULL, " \t", &save)) {
		argv[n++] = w;
	}
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return error_errno(err, errno, "cannot make a pipe");
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
	code = posix_spawnp(&pid, "ps", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (code) {
		close(ends[0]);
		error_errno(err, code, "cannot run ps");
		return error_hint(err, "install the package procps");
	}
	code = read_to_end(ends[0], out, 16 << 20);
	close(ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	if (code < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
		return error_set(err, GANTRY_ERR_INVALID, "ps: %.200s", buf_str(out));
	}
	return 0;
}

/* Splits a line into n columns, the last of which takes the rest. */
static struct json_object *split_columns(char *line, size_t n)
{
	struct json_object *row = json_object_new_array();

	for (size_t i = 0; i < n; i++) {
		char *end;

		while (isspace((unsigned char)*line)) {
			line++;
		}
		if (i + 1 == n || !*line) {
			json_add_string(row, line);
			break;
		}
		end = line + strcspn(line, " \t");
		if (*end) {
			*end++ = '\0';
		}
		json_add_string(row, line);
		line = end;
	}
	return row;
}

static size_t count_words(const char *line)
{
	size_t n = 0;

	while (*line) {
		line += strspn(line, " \t");
		n += *line != '\0';
		line += strcspn(line, " \t");
	}
	return n;
}

static int has_pid(const char *const *pids, const char *pid)
{
	for (; pid && *pids; pids++) {
		if (!strcmp(*pids, pid)) {
			return 1;
		}
	}
	return 0;
}

/* Keeps the rows whose PID column names a process of the container. */
static int pick_rows(char *text, const char *const *pids, struct json_object *out,
		     struct gantry_error *err)
{
	char *save = NULL;
	char *head = strtok_r(text, "\n", &save);
	size_t n = head ? count_words(head) : 0, pid_column = n;
	struct json_object *rows = json_object_new_array();
	struct json_object *titles = split_columns(head ? head : (char[]){ "" }, n);

	json_set(out, "Titles", titles);
	json_set(out, "Processes", rows);
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(json_item_string(titles, i), "PID")) {
			pid_column = i;
		}
	}
	if (pid_column == n) {
		return error_set(err, GANTRY_ERR_INVALID, "Couldn't find PID field in ps output");
	}
	for (char *line = strtok_r(NULL, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct json_object *row = split_columns(line, n);

		if (has_pid(pids, json_item_string(row, pid_column))) {
			json_object_array_add(rows, row);
		} else {
			json_object_put(row);
		}
	}
	return 0;
}

ENGINE_OP(container_top)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	auto_free char *state_dir = NULL;
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_(buf) struct buf text = BUF_INIT;
	auto_json struct json_object *out = json_object_new_object();
	struct driver *runtime;
	int r = container_find(core, args->name, &c, err);

	if (r < 0) {
		return r;
	}
	if (!container_is_running(c)) {
		return error_set(err, GANTRY_ERR_CONFLICT, "container %s is not running", c->id);
	}
	state_dir = container_runtime_dir(core, c->id);
	r = container_runtime(core, c, &runtime, err);
	if (r == 0) {
		r = runtime_processes(runtime,
				      &GANTRY_RUNTIME_PROCESSES_ARGS(.id = c->id, .state_dir = state_dir), &ret,
				      err);
	}
	if (r == 0) {
		r = run_ps(args->ps_args && *args->ps_args ? args->ps_args : "-ef", &text, err);
	}
	if (r == 0) {
		r = pick_rows(text.data ? text.data : (char[]){ "" },
			      reply_list(&ret, GANTRY_RUNTIME_PROCESSES_RET_PID), out, err);
	}
	return r < 0 ? r : gantry_engine_container_top_set_processes(reply, json_text(out));
}

struct watch {
	char *id;
	int stream, one_shot;
};

static void watch_free(struct watch *w)
{
	free(w->id);
	free(w);
}

/* One sample; empty numbers for a container that does not run. */
static struct json_object *sample(struct core *core, const char *id, int *ret_running)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_container struct container *c = NULL;
	auto_free char *state_dir = container_runtime_dir(core, id);
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_json struct json_object *raw = NULL;
	struct driver *runtime;

	*ret_running = 0;
	if (container_find(core, id, &c, &ignored) < 0) {
		return NULL;
	}
	*ret_running = container_is_running(c);
	if (*ret_running && container_runtime(core, c, &runtime, &ignored) == 0 &&
	    runtime_stats(runtime, &GANTRY_RUNTIME_STATS_ARGS(.id = id, .state_dir = state_dir), &ret,
			  &ignored) == 0) {
		(void)json_parse_object(reply_string(&ret, GANTRY_RUNTIME_STATS_RET_STATS), "stats", &raw,
					&ignored);
	}
	return stats_present(c, raw);
}

/* Sleeps a second, or less when the reader has gone (then 0). */
static int pause_between(int sink)
{
	struct pollfd pfd = { .fd = sink };

	poll(&pfd, 1, 1000);
	return !(pfd.revents & (POLLERR | POLLHUP));
}

static void run_stats(struct core *core, void *data, int sink)
{
	struct watch *w = data;
	auto_json struct json_object *before = NULL;
	int running = 1, first = 1;

	for (;;) {
		struct json_object *now = sample(core, w->id, &running);

		if (!now) {
			break;
		}
		stats_add_previous(now, before);
		/* A rate needs two samples, unless the client says that it does not. */
		if (!first || w->one_shot || !running || w->stream) {
			const char *text = json_text(now);

			if (write_all(sink, text, strlen(text)) < 0 || write_all(sink, "\n", 1) < 0) {
				json_object_put(now);
				break;
			}
		}
		json_object_put(before);
		before = now;
		if ((!w->stream && (!first || w->one_shot || !running)) || !pause_between(sink)) {
			break;
		}
		first = 0;
	}
	close(sink);
	watch_free(w);
}

ENGINE_OP(container_stats)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	struct watch *w;
	int stream;
	int r = container_find(core, args->name, &c, err);

	if (r < 0) {
		return r;
	}
	w = calloc(1, sizeof(*w));
	if (!w || !(w->id = strdup(c->id))) {
		free(w);
		return error_no_memory(err);
	}
	w->stream = (int)args->stream;
	w->one_shot = (int)args->one_shot;
	r = engine_stream(core, run_stats, w, &stream, err);
	if (r < 0) {
		watch_free(w);
		return r;
	}
	return gantry_engine_container_stats_set_stream(reply, stream);
}
