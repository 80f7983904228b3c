/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/image/image.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

struct progress {
	pthread_mutex_t lock;
	int sink;
	int gone;
	struct json_object *greeting; /* owned; goes before the next line that is no error */
};

struct progress *progress_new(int sink)
{
	struct progress *p = calloc(1, sizeof(*p));

	if (p) {
		pthread_mutex_init(&p->lock, NULL);
		p->sink = sink;
	}
	return p;
}

struct progress *progress_free(struct progress *p)
{
	if (p) {
		pthread_mutex_destroy(&p->lock);
		json_object_put(p->greeting);
		free(p);
	}
	return NULL;
}

static void write_line(struct progress *p, struct json_object *o)
{
	auto_(buf) struct buf line = BUF_INIT;

	/* In one piece: some clients take a line's end that comes alone for a line. */
	buf_addf(&line, "%s\r\n", json_text(o));
	if (p->sink >= 0 && !p->gone && write_all(p->sink, buf_str(&line), line.len) < 0) {
		p->gone = 1;
	}
}

static void send_line(struct progress *p, struct json_object *o)
{
	pthread_mutex_lock(&p->lock);
	if (p->greeting && !json_get(o, "error")) {
		write_line(p, p->greeting);
		json_object_put(p->greeting);
		p->greeting = NULL;
	}
	write_line(p, o);
	pthread_mutex_unlock(&p->lock);
}

void progress_greet(struct progress *p, const char *id, const char *status)
{
	struct json_object *o = json_object_new_object();

	json_set_string(o, "status", status);
	json_set_string(o, "id", id);
	pthread_mutex_lock(&p->lock);
	json_object_put(p->greeting);
	p->greeting = o;
	pthread_mutex_unlock(&p->lock);
}

void progress_status(struct progress *p, const char *id, const char *status)
{
	auto_json struct json_object *o = json_object_new_object();

	json_set_string(o, "status", status);
	if (id) {
		json_set(o, "progressDetail", json_object_new_object());
		json_set_string(o, "id", id);
	}
	send_line(p, o);
}

void progress_bytes(struct progress *p, const char *id, const char *status, int64_t current,
		    int64_t total)
{
	auto_json struct json_object *o = json_object_new_object();
	struct json_object *detail = json_object_new_object();

	json_set_string(o, "status", status);
	json_set_int(detail, "current", current);
	if (total > 0) {
		json_set_int(detail, "total", total);
	}
	json_set(o, "progressDetail", detail);
	json_set_string(o, "id", id);
	send_line(p, o);
}

void progress_stream(struct progress *p, const char *text)
{
	auto_json struct json_object *o = json_object_new_object();

	json_set_string(o, "stream", text);
	send_line(p, o);
}

void progress_error(struct progress *p, const struct gantry_error *err)
{
	auto_json struct json_object *o = json_object_new_object();
	struct json_object *detail = json_object_new_object();
	auto_(buf) struct buf text = BUF_INIT;

	buf_adds(&text, err->message);
	if (err->hint[0]) {
		buf_addf(&text, " (%s)", err->hint);
	}
	json_set_string(detail, "message", buf_str(&text));
	json_set(o, "errorDetail", detail);
	json_set_string(o, "error", buf_str(&text));
	json_set_int(o, "code", err->code); /* for who answers before anything was said */
	send_line(p, o);
}

void progress_aux(struct progress *p, struct json_object *aux)
{
	auto_json struct json_object *o = json_object_new_object();

	json_set(o, "aux", json_object_get(aux));
	send_line(p, o);
}

int progress_gone(const struct progress *p)
{
	struct pollfd pfd = { .fd = p->sink, .events = 0 };

	return p->gone || (p->sink >= 0 && poll(&pfd, 1, 0) > 0 && (pfd.revents & (POLLERR | POLLHUP)));
}
