/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/terminal/progress.h"
#include "cli/terminal/terminal.h"
#include "cli/text/units.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

#define MAX_LINES 1024
#define MAX_MESSAGE ((size_t)16 << 20)
#define BAR_WIDTH 50

struct display {
	const struct progress_options *options;
	int tty;
	char *ids[MAX_LINES]; /* of the lines below each other */
	size_t n_ids;
	struct buf out;
};

static void add_bar(struct buf *out, struct json_object *detail)
{
	int64_t current = json_get_int(detail, "current", 0);
	int64_t total = json_get_int(detail, "total", 0);
	char now[UNITS_MAX], all[UNITS_MAX];
	int filled;

	if (current <= 0 && total <= 0) {
		return;
	}
	units_human_size((double)current, 4, now);
	if (total <= 0 || current > total) {
		buf_addf(out, " %8s", now);
		return;
	}
	filled = (int)((double)current / (double)total * BAR_WIDTH);
	buf_adds(out, " [");
	for (int i = 0; i < filled; i++) {
		buf_addc(out, '=');
	}
	buf_addf(out, ">%*s] %8s/%s", BAR_WIDTH - filled, "",
		 now, units_human_size((double)total, 4, all));
}

static void flush(struct display *d)
{
	write_all(d->options->fd, buf_str(&d->out), d->out.len);
	buf_clear(&d->out);
}

/* How many lines above the cursor the line of id is; a new one is added below. */
static size_t line_distance(struct display *d, const char *id)
{
	for (size_t i = 0; i < d->n_ids; i++) {
		if (strcmp(d->ids[i], id) == 0) {
			return d->n_ids - i;
		}
	}
	if (d->n_ids == MAX_LINES) {
		return 0;
	}
	d->ids[d->n_ids] = strdup(id);
	if (!d->ids[d->n_ids]) {
		return 0;
	}
	d->n_ids++;
	buf_adds(&d->out, "\n");
	return 1;
}

static void drop_lines(struct display *d)
{
	while (d->n_ids > 0) {
		free(d->ids[--d->n_ids]);
	}
}

static void show_on_terminal(struct display *d, struct json_object *m, const char *id,
			     const char *status)
{
	struct json_object *detail = json_get_object(m, "progressDetail");
	size_t up = 0;

	if (id && detail) {
		up = line_distance(d, id);
	} else {
		/* Other text ends the block of moving lines. */
		drop_lines(d);
	}
	if (up) {
		buf_addf(&d->out, "\x1b[%zuA\r\x1b[2K", up);
	}
	if (id && *id) {
		buf_addf(&d->out, "%s: ", id);
	}
	buf_adds(&d->out, status);
	add_bar(&d->out, detail);
	if (up) {
		buf_addf(&d->out, "\r\x1b[%zuB", up);
	} else {
		buf_adds(&d->out, "\n");
	}
}

static void show_plain(struct display *d, struct json_object *m, const char *id,
		       const char *status)
{
	struct json_object *detail = json_get_object(m, "progressDetail");

	/* How far it is says nothing in a file. */
	if (json_get_int(detail, "current", 0) > 0 || json_get_int(detail, "total", 0) > 0) {
		return;
	}
	if (id && *id) {
		buf_addf(&d->out, "%s: ", id);
	}
	buf_addf(&d->out, "%s\n", status);
}

static int show_message(struct display *d, struct json_object *m, struct gantry_error *err)
{
	struct json_object *detail = json_get_object(m, "errorDetail");
	const char *why = json_get_string(detail, "message");
	const char *text = json_get_string(m, "stream");
	const char *status = json_get_string(m, "status");
	struct json_object *aux = json_get(m, "aux");

	why = why ? why : json_get_string(m, "error");
	if (why) {
		flush(d);
		return error_set(err, GANTRY_ERR_INTERNAL, "%s", why);
	}
	if (aux) {
		if (d->options->aux) {
			d->options->aux(d->options->user, aux);
		}
		return 0;
	}
	if (d->options->quiet) {
		return 0;
	}
	if (text) {
		drop_lines(d);
		buf_adds(&d->out, text);
	} else if (status && d->tty) {
		show_on_terminal(d, m, json_get_string(m, "id"), status);
	} else if (status) {
		show_plain(d, m, json_get_string(m, "id"), status);
	}
	return 0;
}

/* All complete messages of text; what is left stays in it. */
static int show_messages(struct display *d, struct buf *text, struct gantry_error *err)
{
	size_t used = 0;
	int r = 0;

	while (r == 0 && used < text->len) {
		char *line = text->data + used;
		char *end = memchr(line, '\n', text->len - used);
		auto_json struct json_object *m = NULL;

		if (!end) {
			break;
		}
		used = (size_t)(end - text->data) + 1;
		while (end > line && (end[-1] == '\r' || end[-1] == ' ')) {
			end--;
		}
		if (end == line) {
			continue;
		}
		r = json_parse(line, (size_t)(end - line), "a progress message", &m, err);
		r = r < 0 ? r : show_message(d, m, err);
	}
	buf_consume(text, used);
	flush(d);
	return r;
}

int progress_show(struct stream *stream, const struct progress_options *options,
		  struct gantry_error *err)
{
	struct display d = { .options = options, .tty = terminal_is(options->fd) };
	auto_(buf) struct buf text = BUF_INIT;
	ssize_t n;
	int r = 0;

	fflush(stdout);
	do {
		char *room = buf_reserve(&text, 16384);

		if (!room || text.len > MAX_MESSAGE) {
			r = error_set(err, GANTRY_ERR_LIMIT, "a progress message is too long");
			break;
		}
		n = stream_read(stream, room, 16384);
		if (n > 0) {
			text.len += (size_t)n;
		} else if (n == 0 && text.len) {
			/* The last message may lack its newline. */
			buf_addc(&text, '\n');
		} else if (n < 0) {
			r = error_errno(err, (int)-n, "the engine's answer ended too early");
		}
		r = r < 0 ? r : show_messages(&d, &text, err);
	} while (r == 0 && n > 0);
	drop_lines(&d);
	buf_done(&d.out);
	return r;
}
