/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/format/list.h"
#include "cli/format/table.h"
#include "cli/format/value.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

void list_unescape(const char *format, struct buf *out)
{
	for (const char *p = format; *p; p++) {
		if (p[0] == '\\' && (p[1] == 't' || p[1] == 'n')) {
			buf_addc(out, p[1] == 't' ? '\t' : '\n');
			p++;
		} else {
			buf_addc(out, *p);
		}
	}
}

/* "com.example.some-label" is headed "some label". */
static int heading_method(struct json_object *row, const char *name, const char *arg,
			  struct json_object **ret)
{
	const char *dot;
	auto_(buf) struct buf text = BUF_INIT;

	if (strcmp(name, "Label") != 0 || !arg) {
		return 0;
	}
	dot = strrchr(arg, '.');
	for (const char *p = dot ? dot + 1 : arg; *p; p++) {
		buf_addc(&text, *p == '-' || *p == '_' ? ' ' : *p);
	}
	*ret = json_object_new_string(buf_str(&text));
	return 1;
}

static int add_headings(struct list *list, struct gantry_error *err)
{
	auto_json struct json_object *row = json_object_new_object();
	struct template_data data = { .dot = row, .method = heading_method, .header = 1 };
	int r;

	for (const struct list_heading *h = list->spec->headings; h && h->field; h++) {
		json_set_string(row, h->field, h->heading);
	}
	r = template_execute(list->template, &data, &list->out, err);
	buf_addc(&list->out, '\n');
	return r;
}

static int bad_template(struct gantry_error *err)
{
	return error_prefix(err, "template parsing error");
}

int list_open(struct list *list, const struct list_spec *spec, const char *format, int quiet,
	      struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	const char *p;
	int r;

	*list = (struct list){ .spec = spec };
	if (!format || !*format) {
		format = quiet && spec->quiet ? spec->quiet : spec->default_table;
	} else if (strcmp(format, "table") == 0) {
		format = quiet && spec->quiet ? spec->quiet : spec->default_table;
	}
	if (strcmp(format, "json") == 0) {
		list->is_json = 1;
		format = "{{json .}}";
	}
	list->shows_json = strstr(format, "json") != NULL;
	p = format;
	if (strncmp(p, "table", 5) == 0 && (p[5] == ' ' || p[5] == '\\' || p[5] == '\t')) {
		list->is_table = 1;
		p += 5;
		p += strspn(p, " ");
	}
	list_unescape(p, &text);
	r = template_parse(buf_str(&text), &list->template, err);
	if (r < 0) {
		return bad_template(err);
	}
	return list->is_table ? add_headings(list, err) : 0;
}

int list_uses(const struct list *list, const char *field)
{
	return list->is_json || template_uses_field(list->template, field);
}

static int add_sorted(void *user, const char *key, struct json_object *value)
{
	return json_set(user, key, json_object_get(value));
}

struct json_object *list_sorted(struct json_object *row)
{
	struct json_object *sorted = json_object_new_object();

	json_each_sorted(row, add_sorted, sorted);
	json_mark_row(sorted);
	return sorted;
}

int list_add(struct list *list, struct json_object *row, struct gantry_error *err)
{
	struct template_data data = { .dot = row,
				      .method = list->spec->method,
				      .type_name = list->spec->type_name };
	auto_json struct json_object *sorted = NULL;
	int r;

	if (list->shows_json) {
		sorted = list_sorted(row);
		data.dot = sorted;
	}
	r = template_execute(list->template, &data, &list->out, err);
	if (r < 0) {
		return bad_template(err);
	}
	buf_addc(&list->out, '\n');
	return 0;
}

int list_print(struct list *list, struct gantry_error *err)
{
	auto_(buf) struct buf aligned = BUF_INIT;
	struct buf *out = &list->out;

	if (list->is_table) {
		table_align(buf_str(&list->out), list->out.len, &aligned);
		out = &aligned;
	}
	if (buf_failed(out)) {
		return error_no_memory(err);
	}
	fwrite(buf_str(out), 1, out->len, stdout);
	return 0;
}

void list_done(struct list *list)
{
	list->template = template_free(list->template);
	buf_done(&list->out);
}
