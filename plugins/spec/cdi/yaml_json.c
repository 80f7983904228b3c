/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "yaml_json.h"

#define MAX_DEPTH 64

struct document {
	yaml_parser_t parser;
	struct gantry_error *err;
};

static int refuse(struct document *d, const yaml_mark_t *at, const char *why)
{
	return error_set(d->err, GANTRY_ERR_INVALID, "line %zu: %s", at->line + 1, why);
}

static int next(struct document *d, yaml_event_t *event)
{
	if (yaml_parser_parse(&d->parser, event)) {
		return 0;
	}
	return error_set(d->err, d->parser.error == YAML_MEMORY_ERROR ? GANTRY_ERR_NO_MEMORY : GANTRY_ERR_INVALID,
			 "line %zu: %s", d->parser.problem_mark.line + 1,
			 d->parser.problem ? d->parser.problem : "it is no YAML");
}

/* A plain scalar of the core schema. */
static struct json_object *plain(const char *text)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	static const char *const trues[] = { "true", "True", "TRUE" };
	static const char *const falses[] = { "false", "False", "FALSE" };
	char *end;
	long long n;

	for (size_t i = 0; i < ARRAY_SIZE(nulls); i++) {
		if (!strcmp(text, nulls[i])) {
			return NULL;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(trues); i++) {
		if (!strcmp(text, trues[i])) {
			return json_object_new_boolean(1);
		}
		if (!strcmp(text, falses[i])) {
			return json_object_new_boolean(0);
		}
	}
	errno = 0;
	if (!strncmp(text, "0o", 2)) {
		n = strtoll(text + 2, &end, 8);
	} else if (!strncmp(text, "0x", 2)) {
		n = strtoll(text + 2, &end, 16);
	} else {
		/* A leading zero is octal in YAML 1.1, which Go's reader keeps: 0644. */
		int octal = text[0] == '0' && text[1] && text[strspn(text, "01234567")] == '\0';

		n = strtoll(text, &end, octal ? 8 : 10);
	}
	if (errno == 0 && *end == '\0' && end != text && text[0] != ' ') {
		return json_object_new_int64(n);
	}
	return json_object_new_string(text);
}

static int read_value(struct document *d, yaml_event_t *event, int depth, struct json_object **ret);

static int read_sequence(struct document *d, int depth, struct json_object **ret)
{
	auto_json struct json_object *list = json_object_new_array();

	for (;;) {
		struct json_object *value = NULL;
		yaml_event_t event;
		int r = next(d, &event);

		if (r < 0) {
			return r;
		}
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			*ret = steal(&list);
			return 0;
		}
		r = read_value(d, &event, depth, &value);
		if (r < 0) {
			return r;
		}
		json_object_array_add(list, value);
	}
}

static int read_key(struct document *d, yaml_event_t *event, struct json_object *o, char **ret)
{
	struct json_object *there;
	int r = 0;

	if (event->type != YAML_SCALAR_EVENT) {
		r = refuse(d, &event->start_mark, "a key is no text");
	} else if (json_object_object_get_ex(o, (char *)event->data.scalar.value, &there)) {
		r = refuse(d, &event->start_mark, "a key stands twice in one mapping");
	} else {
		*ret = strdup((char *)event->data.scalar.value);
		r = *ret ? 0 : error_no_memory(d->err);
	}
	yaml_event_delete(event);
	return r;
}

static int read_mapping(struct document *d, int depth, struct json_object **ret)
{
	auto_json struct json_object *o = json_object_new_object();

	for (;;) {
		auto_free char *key = NULL;
		struct json_object *value = NULL;
		yaml_event_t event;
		int r = next(d, &event);

		if (r < 0) {
			return r;
		}
		if (event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			*ret = steal(&o);
			return 0;
		}
		r = read_key(d, &event, o, &key);
		if (r == 0) {
			r = next(d, &event);
		}
		if (r == 0) {
			r = read_value(d, &event, depth, &value);
		}
		if (r < 0) {
			return r;
		}
		json_object_object_add(o, key, value);
	}
}

/* The value that begins with event, which is deleted. */
static int read_value(struct document *d, yaml_event_t *event, int depth, struct json_object **ret)
{
	yaml_event_type_t type = event->type;
	int r = 0;

	if (depth >= MAX_DEPTH) {
		r = refuse(d, &event->start_mark, "it is nested more than 64 levels deep");
	} else if (type == YAML_SCALAR_EVENT) {
		const char *text = (char *)event->data.scalar.value;

		if (strlen(text) != event->data.scalar.length) {
			r = refuse(d, &event->start_mark, "a text has a NUL byte");
		} else {
			*ret = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE
				       ? plain(text)
				       : json_object_new_string(text);
		}
	} else if (type != YAML_SEQUENCE_START_EVENT && type != YAML_MAPPING_START_EVENT) {
		r = refuse(d, &event->start_mark,
			   type == YAML_ALIAS_EVENT ? "aliases are not allowed" : "a value is missing");
	}
	yaml_event_delete(event);
	if (r < 0 || type == YAML_SCALAR_EVENT) {
		return r;
	}
	return type == YAML_SEQUENCE_START_EVENT ? read_sequence(d, depth + 1, ret)
						 : read_mapping(d, depth + 1, ret);
}

/* Passes events over until one of this type; with it false, the type must come next. */
static int expect(struct document *d, yaml_event_type_t type, const char *why)
{
	yaml_event_t event;
	int r = next(d, &event);

	if (r == 0 && event.type != type) {
		r = refuse(d, &event.start_mark, why);
	}
	if (r == 0 || d->parser.error == YAML_NO_ERROR) {
		yaml_event_delete(&event);
	}
	return r;
}

static int read_document(struct document *d, struct json_object **ret)
{
	yaml_event_t event;
	int r = expect(d, YAML_STREAM_START_EVENT, "it is no YAML");

	if (r == 0) {
		r = expect(d, YAML_DOCUMENT_START_EVENT, "it is empty");
	}
	if (r == 0) {
		r = next(d, &event);
	}
	if (r == 0) {
		r = read_value(d, &event, 0, ret);
	}
	if (r == 0) {
		r = expect(d, YAML_DOCUMENT_END_EVENT, "something follows the document");
	}
	if (r == 0) {
		r = expect(d, YAML_STREAM_END_EVENT, "there is more than one document");
	}
	return r;
}

int yaml_parse(const char *text, size_t len, struct json_object **ret, struct gantry_error *err)
{
	struct document d = { .err = err };
	auto_json struct json_object *o = NULL;
	int r;

	if (!yaml_parser_initialize(&d.parser)) {
		return error_no_memory(err);
	}
	yaml_parser_set_input_string(&d.parser, (const unsigned char *)text, len);
	r = read_document(&d, &o);
	yaml_parser_delete(&d.parser);
	if (r == 0) {
		*ret = steal(&o);
	}
	return r;
}
