/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "cli/format/table.h"

#define MIN_WIDTH 10
#define PADDING 3

struct line {
	size_t start, len;
	size_t *widths; /* per cell that a tab ends */
	size_t cells;
};

/* Characters rather than bytes. */
static size_t text_width(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		n += (s[i] & 0xc0) != 0x80;
	}
	return n;
}

static size_t count_tabs(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		n += s[i] == '\t';
	}
	return n;
}

static void measure(const char *text, struct line *line)
{
	const char *p = text + line->start;
	const char *end = p + line->len;

	for (size_t c = 0; c < line->cells; c++) {
		const char *tab = memchr(p, '\t', (size_t)(end - p));
		size_t width = text_width(p, (size_t)(tab - p)) + PADDING;

		line->widths[c] = width < MIN_WIDTH ? MIN_WIDTH : width;
		p = tab + 1;
	}
}

/* Gives all cells of each unbroken run of a column the width of its widest. */
static void widen(struct line *lines, size_t n, size_t max_cells)
{
	for (size_t c = 0; c < max_cells; c++) {
		for (size_t i = 0; i < n;) {
			size_t from = i, widest = 0;

			for (; i < n && lines[i].cells > c; i++) {
				widest = lines[i].widths[c] > widest ? lines[i].widths[c] : widest;
			}
			for (size_t k = from; k < i; k++) {
				lines[k].widths[c] = widest;
			}
			i += i == from;
		}
	}
}

static void print_line(const char *text, const struct line *line, struct buf *out)
{
	const char *p = text + line->start;
	const char *end = p + line->len;

	for (size_t c = 0; c < line->cells; c++) {
		const char *tab = memchr(p, '\t', (size_t)(end - p));

		buf_add(out, p, (size_t)(tab - p));
		buf_addf(out, "%*s", (int)(line->widths[c] - text_width(p, (size_t)(tab - p))), "");
		p = tab + 1;
	}
	buf_add(out, p, (size_t)(end - p));
}

void table_align(const char *text, size_t len, struct buf *out)
{
	size_t tabs = count_tabs(text, len), n = 1, used = 0, max_cells = 0;
	size_t *widths, next = 0;
	struct line *lines;

	for (size_t i = 0; i < len; i++) {
		n += text[i] == '\n';
	}
	lines = calloc(n, sizeof(*lines));
	widths = calloc(tabs + 1, sizeof(*widths));
	for (size_t pos = 0; lines && widths && pos <= len; used++) {
		const char *end = memchr(text + pos, '\n', len - pos);
		struct line *line = &lines[used];

		line->start = pos;
		line->len = end ? (size_t)(end - text) - pos : len - pos;
		line->cells = count_tabs(text + pos, line->len);
		line->widths = widths + next;
		next += line->cells;
		max_cells = line->cells > max_cells ? line->cells : max_cells;
		measure(text, line);
		pos += line->len + 1;
	}
	if (!lines || !widths) {
		out->failed = 1;
	} else {
		widen(lines, used, max_cells);
		for (size_t i = 0; i < used; i++) {
			print_line(text, &lines[i], out);
			buf_adds(out, i + 1 < used ? "\n" : "");
		}
	}
	free(lines);
	free(widths);
}
