/* SPDX-License-Identifier: Apache-2.0 */
/* The log driver writes records into a pipe in a thread of its own; this one turns
 * them into frames.  Following ends when the shim says that the container has ended,
 * which it does when all output is in the log. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/container/container.h"
#include "core/container/frames.h"
#include "core/container/log.h"
#include "core/container/present.h"
#include "core/shim/protocol.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define RECORD_HEADER 20 /* stream, time, flags, length: see sdk/interfaces/log.lua */

struct logs {
	struct log_chain chain;
	char *id;
	int64_t since_ns, until_ns, tail;
	int follow, timestamps, want_stdout, want_stderr, raw;
	int stop;    /* a connection to the shim that WAITs */
	int records; /* the reading end of the driver's pipe */
	int sink;    /* the writing end; the driver's */
	struct gantry_error error;
};

static void logs_free(struct logs *l)
{
	if (l->stop >= 0) {
		close(l->stop);
	}
	log_chain_done(&l->chain);
	free(l->id);
	free(l);
}

static int read_link(const struct logs *l, const struct log_link *link, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;

	return log_read(link->driver,
			&GANTRY_LOG_READ_ARGS(.container = l->id, .directory = link->dir,
					      .options = json_text(link->options), .sink = l->sink,
					      .since_ns = l->since_ns, .until_ns = l->until_ns,
					      .tail = l->tail, .follow = l->follow, .stop = l->stop),
			&ret, err);
}

/* By the first of the chain that can. */
static void *read_records(void *data)
{
	struct logs *l = data;
	int r = GANTRY_ERR_UNSUPPORTED;

	for (unsigned i = 0; r == GANTRY_ERR_UNSUPPORTED && i < l->chain.n; i++) {
		if (l->chain.links[i].driver) {
			error_clear(&l->error);
			r = read_link(l, &l->chain.links[i], &l->error);
		}
	}
	close(l->sink);
	return NULL;
}

/* Opens the connection whose answer means the end; without a shim there is nothing
 * to follow. */
static void watch_end(struct core *core, struct logs *l)
{
	auto_free char *run_dir = container_run_dir(core, l->id);
	auto_free struct shim_message *m = malloc(sizeof(*m));
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	l->follow = 0;
	if (m && shim_connect(run_dir, &l->stop, &ignored) == 0) {
		shim_message_init(m, SHIM_WAIT);
		l->follow = shim_send(l->stop, m, NULL, 0, &ignored) == 0;
	}
}

static uint32_t get32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static int64_t get64(const unsigned char *p)
{
	int64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static int write_frame(const struct logs *l, uint32_t stream, int64_t time_ns, const char *data,
		       uint32_t len, int sink)
{
	auto_(buf) struct buf out = BUF_INIT;
	auto_free char *stamp = l->timestamps ? present_time(time_ns) : NULL;
	uint32_t total = len + (stamp ? (uint32_t)strlen(stamp) + 1 : 0);
	unsigned char header[8] = { (unsigned char)stream, 0, 0, 0, (unsigned char)(total >> 24),
				    (unsigned char)(total >> 16), (unsigned char)(total >> 8),
				    (unsigned char)total };

	if (!l->raw) {
		buf_add(&out, header, sizeof(header));
	}
	if (stamp) {
		buf_addf(&out, "%s ", stamp);
	}
	buf_add(&out, data, len);
	return buf_failed(&out) ? -ENOMEM : write_all(sink, out.data, out.len);
}

/* Turns records into frames until the driver's pipe ends. */
static int convert(const struct logs *l, int sink)
{
	auto_free char *data = malloc(65536);
	unsigned char header[RECORD_HEADER];

	while (data && read_full(l->records, header, sizeof(header)) == RECORD_HEADER) {
		uint32_t stream = get32(header), len = get32(header + 16);
		int r;

		if (len > 65536 || read_full(l->records, data, len) != (ssize_t)len) {
			return -EIO;
		}
		if ((stream == 1 && !l->want_stdout) || (stream == 2 && !l->want_stderr)) {
			continue;
		}
		r = write_frame(l, stream, get64(header + 4), data, len, sink);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

/* What went wrong once the answer had begun, as Docker says it. */
static void write_error(const struct logs *l, int sink)
{
	char text[1100];
	int n = snprintf(text, sizeof(text), "Error grabbing logs: %s\n", l->error.message);

	(void)write_frame(l, 2, time_now_ns(), text, (uint32_t)n, sink);
}

/* Opens the drivers that can read; one that cannot be had does not keep another from it. */
static int open_readers(struct core *core, struct logs *l, struct gantry_error *err)
{
	struct gantry_error why = GANTRY_ERROR_INIT;
	unsigned readers = 0;

	for (unsigned i = 0; i < l->chain.n; i++) {
		struct log_link *link = &l->chain.links[i];
		struct gantry_error one = GANTRY_ERROR_INIT;

		if (registry_get(core->registry, "log", link->name, &link->driver, &one) < 0) {
			link->driver = NULL;
			why = why.code ? why : one;
		} else if (!driver_has(link->driver, GANTRY_LOG_OP_READ)) {
			link->driver = NULL;
		}
		readers += link->driver != NULL;
	}
	if (readers) {
		return 0;
	}
	if (why.code) {
		*err = why;
		return err->code;
	}
	return error_set(err, GANTRY_ERR_UNSUPPORTED,
			 "configured logging driver does not support reading");
}

static int logs_new(struct core *core, struct container *c, struct logs **ret,
		    struct gantry_error *err)
{
	struct logs *l = calloc(1, sizeof(*l));
	int r;

	if (!l) {
		return error_no_memory(err);
	}
	l->error = (struct gantry_error)GANTRY_ERROR_INIT;
	l->stop = -1;
	l->id = strdup(c->id);
	l->raw = container_has_tty(c);
	l->tail = -1;
	l->want_stdout = l->want_stderr = 1;
	r = log_chain_read(core, json_get_object(container_host_config(c), "LogConfig"), c->id,
			   &l->chain, err);
	r = r < 0 ? r : open_readers(core, l, err);
	if (r < 0) {
		logs_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

/* Reads the log through the driver and frames it, until its end. */
static int transfer(struct logs *l, int sink, struct gantry_error *err)
{
	pthread_t reader;
	int ends[2], code;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		return error_errno(err, errno, "cannot make a pipe");
	}
	l->records = ends[0];
	l->sink = ends[1];
	code = pthread_create(&reader, NULL, read_records, l);
	if (code) {
		close(ends[0]);
		close(ends[1]);
		return error_errno(err, code, "cannot start a thread");
	}
	(void)convert(l, sink);
	close(l->records); /* a reader that still follows gets EPIPE */
	pthread_join(reader, NULL);
	if (l->error.code && l->error.sys_errno != EPIPE) {
		write_error(l, sink);
	}
	return 0;
}

int frames_replay_log(struct core *core, struct container *c, int sink, struct gantry_error *err)
{
	struct logs *l;
	int r = logs_new(core, c, &l, err);

	if (r == 0) {
		r = transfer(l, sink, err);
		logs_free(l);
	}
	return r;
}

static void run_logs(struct core *core, void *data, int sink)
{
	struct logs *l = data;
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	(void)transfer(l, sink, &ignored);
	close(sink);
	logs_free(l);
}

ENGINE_OP(container_logs)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	struct logs *l;
	int stream, raw;
	int r = container_find(core, args->name, &c, err);

	if (r < 0) {
		return r;
	}
	if (!args->stdout && !args->stderr) {
		return error_set(err, GANTRY_ERR_INVALID, "you must choose at least one stream");
	}
	r = logs_new(core, c, &l, err);
	if (r < 0) {
		return r;
	}
	l->since_ns = args->since_ns;
	l->until_ns = args->until_ns;
	l->tail = args->tail;
	l->timestamps = (int)args->timestamps;
	l->want_stdout = (int)args->stdout;
	l->want_stderr = (int)args->stderr;
	raw = l->raw;
	if (args->follow && container_is_running(c)) {
		watch_end(core, l);
	}
	r = engine_stream(core, run_logs, l, &stream, err);
	if (r < 0) {
		logs_free(l);
		return r;
	}
	r = gantry_engine_container_logs_set_stream(reply, stream);
	return r < 0 ? r : gantry_engine_container_logs_set_tty(reply, raw);
}
