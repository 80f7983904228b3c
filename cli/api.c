/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/command.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

void target_escape(struct buf *target, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (isalnum((unsigned char)*p) || strchr("-_.~:/@", *p)) {
			buf_addc(target, *p);
		} else {
			buf_addf(target, "%%%02X", (unsigned char)*p);
		}
	}
}

void target_add(struct buf *target, const char *key, const char *value)
{
	if (!value) {
		return;
	}
	buf_addf(target, "%c%s=", strchr(buf_str(target), '?') ? '&' : '?', key);
	target_escape(target, value);
}

void target_addf(struct buf *target, const char *key, const char *fmt, ...)
{
	char value[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	target_add(target, key, value);
}

void target_set(struct buf *target, const char *fmt, ...)
{
	va_list ap;

	buf_clear(target);
	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (fmt[0] == '%' && fmt[1] == 's') {
			target_escape(target, va_arg(ap, const char *));
			fmt++;
		} else {
			buf_addc(target, *fmt);
		}
	}
	va_end(ap);
}

static int code_from_status(int status)
{
	switch (status) {
	case 400:
		return GANTRY_ERR_INVALID;
	case 401:
		return GANTRY_ERR_UNAUTHORIZED;
	case 403:
		return GANTRY_ERR_DENIED;
	case 404:
		return GANTRY_ERR_NOT_FOUND;
	case 409:
		return GANTRY_ERR_CONFLICT;
	case 501:
		return GANTRY_ERR_UNSUPPORTED;
	case 503:
		return GANTRY_ERR_UNAVAILABLE;
	default:
		return GANTRY_ERR_INTERNAL;
	}
}

int api_check(const struct client_response *response, struct gantry_error *err)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_json struct json_object *o = NULL;
	const char *message, *hint;
	size_t len;

	if (response->status < 400) {
		return 0;
	}
	if (json_parse(buf_str(&response->body), response->body.len, "the answer", &o, &ignored) < 0) {
		o = NULL;
	}
	message = json_get_string(o, "message");
	if (!message) {
		message = response->body.len ? buf_str(&response->body) : "the engine gave no reason";
	}
	len = strlen(message);
	while (len && isspace((unsigned char)message[len - 1])) {
		len--;
	}
	error_set(err, code_from_status(response->status), "Error response from daemon: %.*s",
		  (int)len, message);
	hint = json_get_string(o, "hint");
	return hint ? error_hint(err, "%s", hint) : err->code;
}

/* "/containers//start" would ask for another thing than the nameless container's start. */
static int check_named(const char *target, struct gantry_error *err)
{
	static const char *const kinds[] = { "container", "network", "volume", "plugin", "exec" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t len = strlen(kinds[i]);
		const char *rest = strncmp(target + 1, kinds[i], len) ? "" : target + 1 + len;

		rest += *rest == 's';
		if (rest[0] == '/' && (rest[1] == '/' || rest[1] == '?' || !rest[1])) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "invalid %s name or ID: value is empty", kinds[i]);
		}
	}
	return 0;
}

int api_send(struct cli *cli, const struct client_request *request, struct client_response *ret,
	     struct gantry_error *err)
{
	struct client *client = check_named(request->target, err) < 0 ? NULL : cli_client(cli, err);

	return client ? client_request(client, request, ret, err) : err->code;
}

int api_call(struct cli *cli, const char *method, const char *target, struct json_object *json,
	     struct json_object **ret, struct gantry_error *err)
{
	auto_(client_response) struct client_response response = CLIENT_RESPONSE_INIT;
	struct client_request request = { .method = method, .target = target, .json = json };
	int r = api_send(cli, &request, &response, err);

	r = r < 0 ? r : api_check(&response, err);
	if (r < 0 || !ret) {
		return r;
	}
	*ret = NULL;
	if (!response.body.len) {
		return 0;
	}
	return json_parse(response.body.data, response.body.len, "the engine's answer", ret, err);
}

int api_stream(struct cli *cli, const char *method, const char *target, struct json_object *json,
	       struct client_response *ret, struct gantry_error *err)
{
	struct client_request request = {
		.method = method, .target = target, .json = json, .want = CLIENT_STREAM
	};
	int r = api_send(cli, &request, ret, err);

	return r < 0 ? r : api_check(ret, err);
}

void target_add_filters(struct buf *target, const struct args *args, const char *flag)
{
	auto_json struct json_object *filters = json_object_new_object();
	const char *text;

	for (size_t i = 0; (text = args_item(args, flag, i)); i++) {
		const char *equals = strchr(text, '=');
		auto_free char *name = strndup(text, (size_t)(equals - text));
		struct json_object *values;

		if (!name) {
			continue;
		}
		/* Docker trims blanks and lowers the name. */
		for (char *p = name; *p; p++) {
			*p = (char)tolower((unsigned char)*p);
		}
		values = json_get(filters, name);
		if (!values) {
			values = json_object_new_object();
			json_set(filters, name, values);
		}
		json_set_bool(values, equals + 1, 1);
	}
	if (json_member_count(filters) > 0) {
		target_add(target, "filters", json_text(filters));
	}
}
