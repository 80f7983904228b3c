/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "entry.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/sigpipe.h"
#include "reader.h"
#include "writer.h"

#define GRACE_NS INT64_C(3000000000) /* for what is on its way when the container ended */

struct reading {
	const struct gantry_log_read_args *args;
	struct buf in;
	int64_t stopped_at; /* 0: not yet */
	int malformed, closed;
};

static void put32(unsigned char *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

/* One entry as a record: header, line, and the newline that the entry has not. */
static int put_record(struct reading *r, const struct entry *e)
{
	int more = e->partial && !e->last;
	auto_(buf) struct buf out = BUF_INIT;
	struct sigpipe_hold hold;
	unsigned char head[20];
	int result;

	if ((r->args->since_ns && e->time_ns < r->args->since_ns) ||
	    (r->args->until_ns && e->time_ns > r->args->until_ns)) {
		return 0;
	}
	put32(head, (uint32_t)e->stream);
	memcpy(head + 4, &e->time_ns, 8);
	put32(head + 12, (uint32_t)more);
	put32(head + 16, (uint32_t)(e->len + !more));
	buf_add(&out, head, sizeof(head));
	buf_add(&out, e->line, e->len);
	if (!more) {
		buf_addc(&out, '\n');
	}
	if (buf_failed(&out)) {
		return -ENOMEM;
	}
	sigpipe_hold(&hold);
	result = write_all(r->args->sink, out.data, out.len);
	sigpipe_release(&hold);
	return result;
}

static int take(void *data, const char *bytes, size_t len)
{
	struct reading *r = data;

	buf_add(&r->in, bytes, len);
	while (!buf_failed(&r->in) && r->in.len >= 4) {
		const unsigned char *p = (const unsigned char *)r->in.data;
		size_t size = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
		struct entry e;

		if (size > ENTRY_MAX || (r->in.len >= 4 + size && entry_decode(r->in.data + 4, size, &e) < 0)) {
			r->malformed = 1;
			return 1;
		}
		if (r->in.len < 4 + size) {
			break;
		}
		if (put_record(r, &e) < 0) {
			r->closed = 1;
			return 1;
		}
		buf_consume(&r->in, 4 + size);
	}
	return buf_failed(&r->in);
}

/* The container has ended, and what was on its way had time to come; or nobody reads. */
static int stop(void *data)
{
	struct reading *r = data;
	struct pollfd p[2] = { { r->args->stop, POLLIN, 0 }, { r->args->sink, 0, 0 } };

	if (poll(p, 2, 0) > 0) {
		if (p[1].revents & (POLLERR | POLLHUP)) {
			return 1;
		}
		if (r->args->stop >= 0 && p[0].revents && !r->stopped_at) {
			r->stopped_at = time_monotonic_ns();
		}
	}
	return r->stopped_at && time_monotonic_ns() - r->stopped_at > GRACE_NS;
}

static void set_time(struct json_object *o, const char *key, int64_t ns)
{
	time_t s = (time_t)(ns / 1000000000);
	char day[40], text[64];
	struct tm tm;

	if (!ns || !gmtime_r(&s, &tm)) {
		json_set_string(o, key, "0001-01-01T00:00:00Z");
		return;
	}
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%09dZ", day, (int)(ns % 1000000000));
	json_set_string(o, key, text);
}

static int can_read(struct docker_plugin *p, struct gantry_error *err)
{
	auto_json struct json_object *answer = NULL;
	int r = docker_plugin_call(p, "LogDriver.Capabilities", NULL, DOCKER_PLUGIN_QUERY, &answer, err);

	if (r == 0 && !json_get_bool(json_get_object(answer, "Cap"), "ReadLogs", 0)) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED,
				 "configured logging driver does not support reading");
	}
	return r;
}

int reader_read(struct docker_plugin *p, const struct gantry_log_read_args *args,
		struct gantry_error *err)
{
	auto_json struct json_object *request = json_object_new_object();
	struct json_object *config = json_object_new_object();
	struct reading reading = { .args = args };
	int r = can_read(p, err);

	json_set(request, "Info", writer_info(args->container, args->options, NULL));
	json_set(request, "Config", config);
	set_time(config, "Since", args->since_ns);
	set_time(config, "Until", args->until_ns);
	json_set_int(config, "Tail", args->tail);
	json_set_bool(config, "Follow", args->follow != 0);
	if (r == 0) {
		r = docker_plugin_stream(p, "LogDriver.ReadLogs", request, take, stop, &reading, err);
	}
	if (r == 0 && reading.malformed) {
		r = error_set(err, GANTRY_ERR_CORRUPT, "plugin %s: LogDriver.ReadLogs: a record is malformed",
			      docker_plugin_name(p));
	}
	buf_done(&reading.in);
	return r;
}
