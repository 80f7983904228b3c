/* SPDX-License-Identifier: Apache-2.0 */
/* The driver is called in the shim's only thread, so that a slow log holds the
 * container up and loses nothing. */
#include <stdlib.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/plugin/native.h"
#include "core/plugin/process.h"
#include "core/shim/batch.h"
#include "core/shim/logger.h"
#include "core/shim/shim.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define RECORD_MAX 16384
#define PERMISSIONS_MAX 32

struct logger {
	struct shim *shim;
	struct native_plugin *plugin;
	struct driver *driver;
	struct shim_host host;
	uint64_t handle;
	uint64_t lost; /* records since the last one that was written */
	struct batch batch; /* of a driver in another process; else unused */
};

/* In a process of its own. */
static int open_process(struct logger *l, const struct shim_message *m, struct gantry_error *err)
{
	const char *permissions[PERMISSIONS_MAX + 1] = { NULL };
	struct process_spec spec = {
		.host_program = shim_message_get(m, "log.host"),
		.kind = "log",
		.name = shim_message_get(m, "log.driver"),
		.file = shim_message_get(m, "log.path"),
		.exec = shim_message_get(m, "log.exec") != NULL,
		.permissions = permissions,
		.state_dir = shim_message_get(m, "log.state"),
		.run_dir = shim_message_get(m, "log.run"),
		.folders = { shim_message_get(m, "log.dir") },
	};
	const char *permission = NULL;
	struct process_driver *p;
	int r;

	for (int n = 0; n < PERMISSIONS_MAX; n++) {
		permission = permissions[n] = shim_message_next(m, "log.permission", permission);
		if (!permission) {
			break;
		}
	}
	r = process_driver_new(&spec, &l->host.public, &p, err);
	return r < 0 ? r : process_driver_open(p, shim_message_get(m, "log.config"), &l->driver, err);
}

static int open_driver(struct logger *l, const struct shim_message *m, struct gantry_error *err)
{
	const char *path = shim_message_get(m, "log.path");
	const char *name = shim_message_get(m, "log.driver");
	int r;

	if (!path) {
		return error_set(err, GANTRY_ERR_INVALID, "CREATE names no file for log driver %s", name);
	}
	shim_host_init(&l->host, l->shim, shim_message_get(m, "log.state"),
		       shim_message_get(m, "log.run"), name);
	if (shim_message_get(m, "log.host")) {
		return open_process(l, m, err);
	}
	r = native_plugin_load(path, &l->plugin, err);
	return r < 0 ? r
		     : native_driver_open(l->plugin, "log", name, &l->host.public,
					  shim_message_get(m, "log.config"), &l->driver, err);
}

static int open_log(struct logger *l, const struct shim_message *m, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = log_open(l->driver,
			 &GANTRY_LOG_OPEN_ARGS(.container = shim_message_get(m, "id"),
					       .directory = shim_message_get(m, "log.dir"),
					       .options = shim_message_get(m, "log.options"),
					       .info = shim_message_get(m, "log.info")),
			 &ret, err);

	if (r == 0) {
		l->handle = (uint64_t)reply_integer(&ret, GANTRY_LOG_OPEN_RET_LOG, 0);
	}
	return r;
}

static void release(struct logger *l)
{
	batch_done(&l->batch);
	driver_free(l->driver);
	if (l->plugin) {
		native_plugin_unref(l->plugin);
	}
	free(l);
}

int logger_open(struct shim *shim, struct logger **ret, struct gantry_error *err)
{
	const struct shim_message *m = &shim->create;
	struct logger *l;
	int r;

	*ret = NULL;
	if (!shim_message_get(m, "log.driver")) {
		return 0;
	}
	l = calloc(1, sizeof(*l));
	if (!l) {
		return error_no_memory(err);
	}
	l->shim = shim;
	l->batch.fd = -1;
	r = open_driver(l, m, err);
	if (r == 0) {
		r = open_log(l, m, err);
	}
	if (r == 0 && shim_message_get(m, "log.host") && driver_has(l->driver, GANTRY_LOG_OP_APPEND)) {
		r = batch_init(&l->batch, err);
	}
	if (r < 0) {
		release(l);
		return error_prefix(err, "cannot open the log");
	}
	*ret = l;
	return 0;
}

struct logger *logger_close(struct logger *l)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;

	if (!l) {
		return NULL;
	}
	if (log_close(l->driver, &GANTRY_LOG_CLOSE_ARGS(.log = l->handle), &ret, &err) < 0) {
		shim_note(l->shim, "cannot close the log: %s", err.message);
	}
	if (l->lost) {
		shim_note(l->shim, "%llu log records were lost", (unsigned long long)l->lost);
	}
	release(l);
	return NULL;
}

/* Tells of lost records once when it begins and once when it is over. */
static void note_lost(struct logger *l, size_t lost, const struct gantry_error *err)
{
	if (lost) {
		if (!l->lost) {
			shim_note(l->shim, "cannot write to the log: %s", err->message);
		}
		l->lost += lost;
	} else if (l->lost) {
		shim_note(l->shim, "%llu log records were lost", (unsigned long long)l->lost);
		l->lost = 0;
	}
}

static void send_batch(struct logger *l)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	size_t lost = 0;

	if (l->batch.used) {
		(void)batch_send(&l->batch, l->driver, l->handle, &lost, &err);
		note_lost(l, lost, &err);
	}
}

static void collect_record(struct logger *l, struct output *o, const char *data, size_t len, int partial)
{
	int64_t now = time_now_ns();

	if (!batch_add(&l->batch, o->stream, now, partial, data, len)) {
		send_batch(l);
		(void)batch_add(&l->batch, o->stream, now, partial, data, len);
	}
	o->line_continues = partial;
}

static void write_record(struct logger *l, struct output *o, const char *data, size_t len,
			 int partial, int more)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	int r;

	if (l->batch.memory) {
		collect_record(l, o, data, len, partial);
		return;
	}
	r = log_write(l->driver,
			  &GANTRY_LOG_WRITE_ARGS(.log = l->handle, .stream = o->stream,
						 .time_ns = time_now_ns(), .data = { data, len },
						 .partial = partial, .more = more),
			  &ret, &err);

	o->line_continues = partial;
	note_lost(l, r < 0, &err);
}

/* Adds to the kept beginning of a line and writes it where it is long enough or
 * complete.  Returns how much of data it took. */
static size_t continue_line(struct logger *l, struct output *o, const char *data, size_t len,
			    int more)
{
	const char *newline = memchr(data, '\n', len);
	size_t take = newline ? (size_t)(newline - data) + 1 : len;
	size_t room = RECORD_MAX - o->line.len;

	if (take > room) {
		take = room;
		newline = NULL;
	}
	buf_add(&o->line, data, take);
	if (buf_failed(&o->line)) {
		buf_done(&o->line);
		l->lost++;
	} else if (newline || o->line.len == RECORD_MAX) {
		write_record(l, o, o->line.data, o->line.len, !newline, more);
		buf_done(&o->line);
	}
	return take;
}

void logger_feed(struct logger *l, struct output *o, const char *data, size_t len)
{
	const char *end = data + len;

	while (data < end) {
		const char *newline = memchr(data, '\n', (size_t)(end - data));
		size_t line = newline ? (size_t)(newline - data) + 1 : 0;
		const char *rest = newline ? newline + 1 : end;
		int more = rest < end && memchr(rest, '\n', (size_t)(end - rest));

		if (!o->line.len && line && line <= RECORD_MAX) {
			write_record(l, o, data, line, 0, more);
			data += line;
		} else {
			data += continue_line(l, o, data, (size_t)(end - data), more);
		}
	}
	send_batch(l);
}

void logger_end(struct logger *l, struct output *o)
{
	if (o->line.len) {
		/* As in Docker, output that lacks its last newline is shown without one. */
		write_record(l, o, o->line.data, o->line.len, 1, 0);
	}
	buf_done(&o->line);
	send_batch(l);
}
