/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/shim/logger.h"
#include "core/shim/loglink.h"
#include "core/shim/shim.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define RECORD_MAX 16384
#define LINKS_MAX 8

struct logger {
	struct loglink *links[LINKS_MAX];
	unsigned n;
	int64_t time_ns; /* of the last record */
};

int logger_open(struct shim *shim, struct logger **ret, struct gantry_error *err)
{
	struct logger *l = calloc(1, sizeof(*l));
	int r = l ? 0 : error_no_memory(err);

	*ret = NULL;
	while (r == 0 && l->n < LINKS_MAX) {
		r = loglink_open(shim, l->n, &l->links[l->n], err);
		if (r < 0 || !l->links[l->n]) {
			break;
		}
		l->n++;
	}
	if (r < 0 || !l->n) {
		logger_close(l);
		return r;
	}
	*ret = l;
	return 0;
}

struct logger *logger_close(struct logger *l)
{
	for (unsigned i = 0; l && i < l->n; i++) {
		loglink_close(l->links[i]);
	}
	free(l);
	return NULL;
}

/* What is read at once has one time; a nanosecond more for each record keeps them in
 * order, and apart for who asks for what came after one of them. */
static void begin(struct logger *l)
{
	int64_t now = time_now_ns();

	l->time_ns = now > l->time_ns ? now : l->time_ns;
}

static void write_record(struct logger *l, struct output *o, const char *data, size_t len,
			 int partial, int more)
{
	const struct log_record record = {
		.stream = o->stream,
		.partial = partial,
		.more = more,
		.time_ns = ++l->time_ns,
		.data = data,
		.len = len,
	};

	for (unsigned i = 0; i < l->n; i++) {
		loglink_write(l->links[i], &record);
	}
	o->line_continues = partial;
}

static void flush(struct logger *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		loglink_flush(l->links[i]);
	}
}

/* Adds to the kept beginning of a line and writes it where it is long enough or
 * complete; newline is the first one in data, or NULL.  Returns how much it took. */
static size_t continue_line(struct logger *l, struct output *o, const char *data, size_t len,
			    const char *newline, int more)
{
	size_t take = newline ? (size_t)(newline - data) + 1 : len;
	size_t room = RECORD_MAX - o->line.len;

	if (take > room) {
		take = room;
		newline = NULL;
	}
	buf_add(&o->line, data, take);
	if (buf_failed(&o->line)) {
		buf_done(&o->line);
		for (unsigned i = 0; i < l->n; i++) {
			loglink_lose(l->links[i]);
		}
	} else if (newline || o->line.len == RECORD_MAX) {
		write_record(l, o, o->line.data, o->line.len, !newline, more);
		buf_done(&o->line);
	}
	return take;
}

void logger_feed(struct logger *l, struct output *o, const char *data, size_t len)
{
	const char *end = data + len;
	const char *newline = memchr(data, '\n', len);

	begin(l);
	while (data < end) {
		/* The newline after this line's tells whether a record follows at once. */
		const char *rest = newline ? newline + 1 : end;
		const char *next = rest < end ? memchr(rest, '\n', (size_t)(end - rest)) : NULL;
		size_t line = newline ? (size_t)(newline - data) + 1 : 0;

		if (!o->line.len && line && line <= RECORD_MAX) {
			write_record(l, o, data, line, 0, next != NULL);
			data += line;
		} else {
			data += continue_line(l, o, data, (size_t)(end - data), newline, next != NULL);
		}
		/* A line that is cut keeps its newline. */
		newline = newline && data > newline ? next : newline;
	}
	flush(l);
}

void logger_end(struct logger *l, struct output *o)
{
	begin(l);
	if (o->line.len) {
		/* As in Docker, output that lacks its last newline is shown without one. */
		write_record(l, o, o->line.data, o->line.len, 1, 0);
	}
	buf_done(&o->line);
	flush(l);
}
