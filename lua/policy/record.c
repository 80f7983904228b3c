/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of the audit log.  It is put together here and not by json-c, because
 * it is written at each decision, and because requests may hold bytes that are
 * not UTF-8, which become U+FFFD in a log that stays valid JSON.
 */
#include <string.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

#include "lua/policy/audit.h"
#include "lua/policy/record.h"
#include "lua/sandbox/bridge.h"

/* What is asked is kept up to this size; beyond it, only its digest. */
#define REQUEST_MAX ((size_t)64 << 10)

static const char *result_name(int r, const struct answer *answer)
{
	if (r == GANTRY_ERR_TIMEOUT) {
		return "timeout";
	}
	if (r < 0) {
		return "error";
	}
	return answer->verdict == VERDICT_DENY    ? "deny" :
	       answer->verdict == VERDICT_REWRITE ? "rewrite" :
						    "allow";
}

void record_step(json_object **trace, const struct hook *hook, int r, const struct answer *answer,
		 const struct gantry_error *err, int64_t spent_ns, int denied)
{
	json_object *step = json_object_new_object();

	if (!*trace) {
		*trace = json_object_new_array();
	}
	json_set_string(step, "script", hook->script->name);
	json_set_string(step, "version", hook->script->version);
	json_set_string(step, "hook", hook->name);
	json_set_string(step, "result", result_name(r, answer));
	json_set_int(step, "us", spent_ns / 1000);
	if (r < 0) {
		json_set_string(step, "error", err->message);
		json_set_string(step, "fail", denied ? "closed" : "open");
	}
	json_object_array_add(*trace, step);
}

/* ---- text ---- */

static size_t utf8_len(const char *p, size_t left)
{
	size_t n;

	for (n = 1; n <= 4 && n <= left; n++) {
		if (is_utf8(p, n)) {
			return n;
		}
	}
	return 0;
}

static void add_text(struct buf *out, const char *text, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	size_t i, from = 0;

	buf_addc(out, '"');
	for (i = 0; i < len;) {
		unsigned char c = (unsigned char)text[i];
		size_t n = 1;

		if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') {
			i++;
			continue;
		}
		if (c >= 0x80 && (n = utf8_len(text + i, len - i)) > 0) {
			i += n;
			continue;
		}
		buf_add(out, text + from, i - from);
		if (c == '"' || c == '\\') {
			buf_addc(out, '\\');
			buf_addc(out, (char)c);
		} else if (c >= 0x80) {
			buf_adds(out, "\\ufffd");
		} else {
			buf_adds(out, "\\u00");
			buf_addc(out, digits[c >> 4]);
			buf_addc(out, digits[c & 15]);
		}
		from = ++i;
	}
	buf_add(out, text + from, len - from);
	buf_addc(out, '"');
}

static void add_json(struct buf *out, json_object *value, int depth);

static void add_members(struct buf *out, json_object *object, int depth)
{
	int first = 1;

	buf_addc(out, '{');
	json_object_object_foreach(object, key, value)
	{
		if (!first) {
			buf_addc(out, ',');
		}
		first = 0;
		add_text(out, key, strlen(key));
		buf_addc(out, ':');
		add_json(out, value, depth + 1);
	}
	buf_addc(out, '}');
}

static void add_items(struct buf *out, json_object *array, int depth)
{
	size_t i, n = json_object_array_length(array);

	buf_addc(out, '[');
	for (i = 0; i < n; i++) {
		if (i) {
			buf_addc(out, ',');
		}
		add_json(out, json_object_array_get_idx(array, i), depth + 1);
	}
	buf_addc(out, ']');
}

static void add_json(struct buf *out, json_object *value, int depth)
{
	if (depth > 100) {
		buf_adds(out, "null");
		return;
	}
	switch (json_object_get_type(value)) {
	case json_type_object:
		add_members(out, value, depth);
		break;
	case json_type_array:
		add_items(out, value, depth);
		break;
	case json_type_string:
		add_text(out, json_object_get_string(value),
			 (size_t)json_object_get_string_len(value));
		break;
	case json_type_boolean:
		buf_adds(out, json_object_get_boolean(value) ? "true" : "false");
		break;
	case json_type_int:
		buf_addf(out, "%lld", (long long)json_object_get_int64(value));
		break;
	case json_type_double:
		buf_addf(out, "%.17g", json_object_get_double(value));
		break;
	default:
		buf_adds(out, "null");
	}
}

static void add_member(struct buf *out, const char *name, json_object *value)
{
	if (value) {
		buf_addf(out, ",\"%s\":", name);
		add_json(out, value, 0);
	}
}

static void add_string_member(struct buf *out, const char *name, const char *text)
{
	if (text[0]) {
		buf_addf(out, ",\"%s\":", name);
		add_text(out, text, strlen(text));
	}
}

/* A member, or its digest when it is large. */
static void add_limited(struct buf *out, const char *name, json_object *value)
{
	size_t before = out->len;
	char digest[SHA256_TEXT];

	add_member(out, name, value);
	if (buf_failed(out) || out->len - before <= REQUEST_MAX) {
		return;
	}
	sha256_text(out->data + before, out->len - before, digest);
	out->len = before;
	buf_addf(out, ",\"%s_digest\":\"sha256:%s\"", name, digest);
}

int record_decision(const struct policy_config *config, int point, json_object *request,
		    const struct policy_decision *decision, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;

	buf_addf(&text, "\"type\":\"policy\",\"point\":\"%s\",\"decision\":\"%s\"",
		 policy_points[point].name, decision->denied ? "deny" :
		 decision->changes ? "rewrite" : "allow");
	add_string_member(&text, "hook", decision->hook);
	add_string_member(&text, "reason", decision->reason);
	add_member(&text, "who", json_get(request, "who"));
	add_member(&text, "target", json_get(request, "target"));
	add_member(&text, "hooks", decision->trace);
	add_limited(&text, "changes", decision->changes);
	buf_addf(&text, ",\"us\":%lld", (long long)(decision->spent_ns / 1000));
	if (config->record_requests) {
		add_limited(&text, "object", json_get(request, "object"));
		add_limited(&text, "answer", json_get(request, "answer"));
	}
	if (buf_failed(&text)) {
		return error_no_memory(err);
	}
	return audit_append(config->audit, text.data, text.len, err);
}

int record_change(struct audit *audit, const char *point, const char *name, const char *decision,
		  const char *reason, json_object *who, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;

	buf_addf(&text, "\"type\":\"policy\",\"point\":\"%s\",\"decision\":\"%s\"", point, decision);
	add_string_member(&text, "reason", reason ? reason : "");
	add_member(&text, "who", who);
	buf_adds(&text, ",\"target\":{\"kind\":\"policy\"");
	add_string_member(&text, "name", name);
	buf_addc(&text, '}');
	if (buf_failed(&text)) {
		return error_no_memory(err);
	}
	return audit_append(audit, text.data, text.len, err);
}
