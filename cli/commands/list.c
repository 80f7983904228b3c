/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/commands/list.h"
#include "cli/format/value.h"
#include "cli/text/units.h"
#include "helpers/cleanup.h"

void row_set_buf(struct json_object *row, const char *field, struct buf *text)
{
	json_set_string(row, field, buf_str(text));
	buf_clear(text);
}

void row_set_id(struct json_object *row, const char *field, const char *id, int no_trunc)
{
	const char *colon;
	char text[SHORT_ID + 1];

	id = id ? id : "";
	colon = strchr(id, ':');
	if (no_trunc) {
		json_set_string(row, field, id);
		return;
	}
	snprintf(text, sizeof(text), "%s", colon ? colon + 1 : id);
	json_set_string(row, field, text);
}

static int add_label(void *user, const char *key, struct json_object *value)
{
	struct buf *text = user;

	buf_addf(text, "%s%s=%s", text->len ? "," : "", key,
		 value ? json_object_get_string(value) : "");
	return 0;
}

void row_set_labels(struct json_object *row, struct json_object *labels)
{
	auto_(buf) struct buf text = BUF_INIT;

	if (labels) {
		json_each_sorted(labels, add_label, &text);
	}
	row_set_buf(row, "Labels", &text);
}

int row_label_method(struct json_object *row, const char *name, const char *arg,
		     struct json_object **ret)
{
	const char *labels = json_get_string(row, "Labels");
	size_t len = arg ? strlen(arg) : 0;

	if (strcmp(name, "Label") != 0 || !arg) {
		return 0;
	}
	*ret = json_object_new_string("");
	/* Docker reads its own text back, commas in values included. */
	for (const char *p = labels; p && *p;) {
		const char *comma = strchr(p, ',');
		size_t n = comma ? (size_t)(comma - p) : strlen(p);

		if (strncmp(p, arg, len) == 0 && p[len] == '=') {
			json_object_put(*ret);
			*ret = json_object_new_string_len(p + len + 1, (int)(n - len - 1));
			return 1;
		}
		p += n + (comma != NULL);
	}
	return 1;
}

void row_set_created(struct json_object *row, const char *ago_field, const char *date_field,
		     int64_t unix_seconds)
{
	char text[UNITS_MAX];

	if (unix_seconds <= 0) {
		json_set_string(row, ago_field, "N/A");
		json_set_string(row, date_field, "N/A");
		return;
	}
	json_set_string(row, ago_field, units_ago(unix_seconds, text));
	json_set_string(row, date_field, units_local_time(unix_seconds, text));
}

void ellipsis(const char *text, size_t width, struct buf *out)
{
	size_t chars = 0, cut = 0;

	for (size_t i = 0; text[i]; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80) {
			if (chars == width - 1) {
				cut = i;
			}
			chars++;
		}
	}
	if (chars <= width) {
		buf_adds(out, text);
		return;
	}
	buf_add(out, text, cut);
	buf_adds(out, "\xe2\x80\xa6");
}
