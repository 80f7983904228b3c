/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/format/list.h"
#include "cli/format/template.h"
#include "cli/format/value.h"
#include "cli/text/units.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define MAX_EVENT ((size_t)1 << 20)

static int add_attribute(void *user, const char *key, struct json_object *value)
{
	struct buf *text = user;

	buf_addf(text, "%s%s=%s", text->len ? ", " : "", key,
		 value ? json_object_get_string(value) : "");
	return 0;
}

static void print_plain(struct json_object *event)
{
	struct json_object *actor = json_get_object(event, "Actor");
	struct json_object *attributes = json_get_object(actor, "Attributes");
	int64_t ns = json_get_int(event, "timeNano", json_get_int(event, "time", 0) * 1000000000);
	auto_(buf) struct buf text = BUF_INIT;
	char when[UNITS_MAX];

	if (attributes) {
		json_each_sorted(attributes, add_attribute, &text);
	}
	printf("%s %s %s %s", units_rfc3339_nano(ns, when), json_get_string(event, "Type"),
	       json_get_string(event, "Action"), json_get_string(actor, "ID"));
	printf(text.len ? " (%s)\n" : "%s\n", buf_str(&text));
}

static int print_event(struct json_object *event, const struct template *t, int json,
		       struct gantry_error *err)
{
	struct template_data data = { .dot = event, .type_name = "*events.Message" };
	auto_(buf) struct buf out = BUF_INIT;
	int r = 0;

	if (json) {
		json_print(event, &out);
		printf("%s\n", buf_str(&out));
	} else if (t) {
		r = template_execute(t, &data, &out, err);
		printf("%s\n", buf_str(&out));
	} else {
		print_plain(event);
	}
	fflush(stdout);
	return r;
}

/* All complete lines of text. */
static int print_events(struct buf *text, const struct template *t, int json,
			struct gantry_error *err)
{
	char *end;
	int r = 0;

	while (r == 0 && text->len && (end = memchr(text->data, '\n', text->len))) {
		auto_json struct json_object *event = NULL;
		size_t len = (size_t)(end - text->data);

		if (len > 0) {
			r = json_parse(text->data, len, "an event", &event, err);
			r = r < 0 ? r : print_event(event, t, json, err);
		}
		buf_consume(text, len + 1);
	}
	return r;
}

static int read_events(struct stream *stream, const struct template *t, int json,
		       struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	char data[8192];
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = stream_read(stream, data, sizeof(data))) > 0) {
		buf_add(&text, data, (size_t)n);
		if (text.len > MAX_EVENT) {
			return error_set(err, GANTRY_ERR_LIMIT, "an event is too long");
		}
		r = print_events(&text, t, json, err);
	}
	if (r == 0 && n < 0) {
		return error_set(err, GANTRY_ERR_UNAVAILABLE, "Error response from daemon: unexpected EOF");
	}
	return r;
}

static int add_time(struct buf *target, const struct args *args, const char *flag,
		    struct gantry_error *err)
{
	const char *text = args_string(args, flag);
	char when[UNITS_MAX];

	if (!text) {
		return 0;
	}
	if (units_parse_when(text, when) < 0) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "Error response from daemon: failed to parse value as time or "
				 "duration: \"%s\"",
				 text);
	}
	target_add(target, flag, when);
	return 0;
}

static int command_events(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(client_response) struct client_response response = CLIENT_RESPONSE_INIT;
	const char *format = args_string(args, "format");
	int json = format && strcmp(format, "json") == 0;
	auto_(buf) struct buf target = BUF_INIT;
	auto_(buf) struct buf text = BUF_INIT;
	struct template *t = NULL;
	int r = 0;

	if (format && !json && *format) {
		list_unescape(format, &text);
		if (template_parse(buf_str(&text), &t, err) < 0) {
			error_prefix(err, "Error parsing format");
			cli_print_error(err);
			return CLI_EXIT_BAD_TEMPLATE;
		}
	}
	buf_adds(&target, "/events");
	r = add_time(&target, args, "since", err);
	r = r < 0 ? r : add_time(&target, args, "until", err);
	target_add_filters(&target, args, "filter");
	r = r < 0 ? r : api_stream(cli, "GET", buf_str(&target), NULL, &response, err);
	r = r < 0 ? r : read_events(&response.stream, t, json, err);
	template_free(t);
	return r;
}

static const struct flag events_flags[] = {
	FILTER_FLAG,
	{ FLAG_STRING, 0, "format", "Print with a Go template, or 'json'", NULL, 0 },
	{ FLAG_STRING, 0, "since", "Show events since a time", NULL, 0 },
	{ FLAG_STRING, 0, "until", "Stop at this time", NULL, 0 },
	{ FLAG_NONE },
};

const struct command events_command = {
	.name = "events",
	.summary = "Show what happens in the engine as it happens",
	.usage = "[OPTIONS]",
	.aliases = "system events, events",
	.flags = events_flags,
	.run = command_events,
};
