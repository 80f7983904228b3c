/* SPDX-License-Identifier: Apache-2.0 */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "hook_file.h"

#define PATTERN_MAX 1024
#define MAX_DEPTH 32
#define MAX_COST 2000

/* ---- patterns ---- */

/* Podman's patterns are Go's; \d is the one in use that POSIX does not have. */
static int translate(const char *pattern, struct buf *out)
{
	for (; *pattern; pattern++) {
		if (pattern[0] == '\\' && pattern[1] == 'd') {
			buf_adds(out, "[0-9]");
			pattern++;
		} else if (pattern[0] == '\\' && pattern[1]) {
			buf_add(out, pattern++, 2);
		} else {
			buf_addc(out, *pattern);
		}
	}
	return buf_failed(out) ? -1 : 0;
}

/* How large the compiled pattern gets: regcomp copies what is repeated by + and {n}, and
 * what is repeated in that again, so that a line of text can take all memory. */
struct cost {
	unsigned long sum[MAX_DEPTH + 1]; /* of each open group */
	unsigned long last;               /* of the last atom */
	int depth;
};

static void add_atom(struct cost *c, unsigned long n)
{
	c->last = n;
	c->sum[c->depth] += n;
}

static void repeat(struct cost *c, unsigned long times)
{
	c->sum[c->depth] += c->last * times;
	c->last *= times + 1;
}

static const char *skip_bracket(const char *p)
{
	p += *p == '^';
	p += *p == ']';
	while (*p && *p != ']') {
		const char *end = *p == '[' && p[1] == ':' ? strstr(p + 2, ":]") : NULL;

		p = end ? end + 2 : p + 1;
	}
	return *p ? p : p - 1;
}

/* The largest number within {m,n}. */
static unsigned long bound(const char *p)
{
	unsigned long first = strtoul(p, NULL, 10);
	const char *comma = strpbrk(p, ",}");
	unsigned long second = comma && *comma == ',' ? strtoul(comma + 1, NULL, 10) : 0;

	return first > second ? first : second;
}

static int is_too_large(const char *p)
{
	struct cost c = { { 0 }, 0, 0 };

	for (; *p; p++) {
		switch (*p) {
		case '(':
			if (c.depth == MAX_DEPTH) {
				return 1;
			}
			c.sum[++c.depth] = 0;
			break;
		case ')':
			if (c.depth > 0) {
				c.depth--;
				add_atom(&c, c.sum[c.depth + 1] + 1);
			}
			break;
		case '+':
			repeat(&c, 1);
			break;
		case '{':
			repeat(&c, bound(p + 1));
			break;
		case '[':
			p = skip_bracket(p + 1);
			add_atom(&c, 1);
			break;
		case '\\':
			/* References to groups make matching exponential; Go has none. */
			if (p[1] >= '1' && p[1] <= '9') {
				return 1;
			}
			p += p[1] != '\0';
			add_atom(&c, 1);
			break;
		default:
			add_atom(&c, 1);
		}
		if (c.last > MAX_COST || c.sum[c.depth] > MAX_COST) {
			return 1;
		}
	}
	return 0;
}

static int compile(const char *pattern, regex_t *ret, struct gantry_error *err)
{
	auto_(buf) struct buf posix = BUF_INIT;
	char why[200];
	int code;

	if (strlen(pattern) > PATTERN_MAX) {
		return error_set(err, GANTRY_ERR_INVALID, "a pattern is longer than %d bytes", PATTERN_MAX);
	}
	if (translate(pattern, &posix) < 0) {
		return error_no_memory(err);
	}
	if (is_too_large(buf_str(&posix))) {
		return error_set(err, GANTRY_ERR_INVALID, "pattern \"%.100s\" repeats too much, or refers to its groups", pattern);
	}
	code = regcomp(ret, buf_str(&posix), REG_EXTENDED | REG_NOSUB);
	if (code) {
		regerror(code, ret, why, sizeof(why));
		return error_set(err, GANTRY_ERR_INVALID, "pattern \"%.100s\": %s", pattern, why);
	}
	return 0;
}

/* 1, 0, or an error. */
static int matches(const char *pattern, const char *text, struct gantry_error *err)
{
	regex_t regex;
	int r = compile(pattern, &regex, err);

	if (r < 0) {
		return r;
	}
	r = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return r;
}

/* ---- the file ---- */

static int check_pattern(const char *pattern, struct gantry_error *err)
{
	regex_t regex;
	int r = pattern ? compile(pattern, &regex, err)
			: error_set(err, GANTRY_ERR_INVALID, "a pattern is no text");

	if (r == 0) {
		regfree(&regex);
	}
	return r;
}

static int check_when(struct json_object *when, struct gantry_error *err)
{
	static const char *const known[] = { "always", "annotations", "commands", "hasBindMounts" };
	struct json_object *annotations = json_get_object(when, "annotations");
	struct json_object *commands = json_get_array(when, "commands");
	size_t found = 0;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		found += json_get(when, known[i]) != NULL;
	}
	if (!json_object_is_type(when, json_type_object) || found == 0 ||
	    found != (size_t)json_object_object_length(when)) {
		error_set(err, GANTRY_ERR_INVALID, "its \"when\" has no condition, or one that is not known");
		return error_hint(err, "conditions are always, annotations, commands and hasBindMounts");
	}
	for (size_t i = 0; r == 0 && i < json_array_size(commands); i++) {
		r = check_pattern(json_item_string(commands, i), err);
	}
	if (annotations) {
		json_object_object_foreach(annotations, key, value)
		{
			r = r < 0 ? r : check_pattern(key, err);
			r = r < 0 ? r
				  : check_pattern(json_object_is_type(value, json_type_string)
							  ? json_object_get_string(value)
							  : NULL,
						  err);
		}
	}
	return r;
}

static int check_stages(struct json_object *stages, struct gantry_error *err)
{
	static const char *const known[] = { "precreate",	"prestart",	  "createRuntime",
					     "createContainer", "startContainer", "poststart",
					     "poststop" };

	for (size_t i = 0; i < json_array_size(stages); i++) {
		const char *stage = json_item_string(stages, i);
		int found = 0;

		for (size_t k = 0; stage && k < ARRAY_SIZE(known); k++) {
			found |= !strcmp(stage, known[k]);
		}
		if (!found) {
			return error_set(err, GANTRY_ERR_INVALID, "it has an unknown stage \"%.40s\"",
					 stage ? stage : "");
		}
	}
	return json_array_size(stages) > 0
		       ? 0
		       : error_set(err, GANTRY_ERR_INVALID, "it lists no stages");
}

static int check_texts(struct json_object *hook, const char *key, struct gantry_error *err)
{
	struct json_object *list = json_get(hook, key);

	if (list && !json_object_is_type(list, json_type_array)) {
		return error_set(err, GANTRY_ERR_INVALID, "hook.%s is no list", key);
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!json_object_is_type(json_object_array_get_idx(list, i), json_type_string)) {
			return error_set(err, GANTRY_ERR_INVALID, "hook.%s has something that is no text", key);
		}
	}
	return 0;
}

static int check(struct json_object *o, struct gantry_error *err)
{
	const char *version = json_get_string(o, "version");
	struct json_object *hook = json_get_object(o, "hook");
	const char *path = json_get_string(hook, "path");
	int64_t timeout = json_get_int(hook, "timeout", 1);
	int r = 0;

	if (!version || strcmp(version, "1.0.0")) {
		error_set(err, GANTRY_ERR_UNSUPPORTED, "version \"%.40s\" of hook files is not supported",
			  version ? version : "");
		return error_hint(err, "write it as version 1.0.0 (oci-hooks(5))");
	}
	if (!path || path[0] != '/') {
		return error_set(err, GANTRY_ERR_INVALID, "hook.path is no absolute path");
	}
	if (timeout < 1 || timeout > 86400) {
		return error_set(err, GANTRY_ERR_INVALID, "hook.timeout is no number of seconds");
	}
	r = check_texts(hook, "args", err);
	if (r == 0) {
		r = check_texts(hook, "env", err);
	}
	if (r == 0) {
		r = check_stages(json_get_array(o, "stages"), err);
	}
	return r < 0 ? r : check_when(json_get(o, "when"), err);
}

int hook_file_parse(const char *text, size_t len, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	int r = json_parse(text, len, "it", &o, err);

	if (r == 0) {
		r = check(o, err);
	}
	if (r == 0) {
		*ret = steal(&o);
	}
	return r;
}

/* ---- when ---- */

static int annotation_matches(struct json_object *annotations, const char *key_pattern,
			      const char *value_pattern, struct gantry_error *err)
{
	int r = 0;

	if (!annotations) {
		return 0;
	}
	json_object_object_foreach(annotations, key, value)
	{
		if (r == 0) {
			r = matches(key_pattern, key, err);
		}
		if (r > 0) {
			const char *text = json_object_get_string(value);

			r = matches(value_pattern, text ? text : "", err);
			if (r != 0) {
				return r;
			}
		}
	}
	return r < 0 ? r : 0;
}

/* Every pattern must find an annotation. */
static int annotations_match(struct json_object *patterns, struct json_object *annotations,
			     struct gantry_error *err)
{
	if (!patterns) {
		return 1;
	}
	json_object_object_foreach(patterns, key, value)
	{
		int r = annotation_matches(annotations, key, json_object_get_string(value), err);

		if (r <= 0) {
			return r;
		}
	}
	return 1;
}

/* One pattern must find the command. */
static int commands_match(struct json_object *patterns, struct json_object *spec,
			  struct gantry_error *err)
{
	struct json_object *args = json_get_array(json_get_object(spec, "process"), "args");
	const char *command = json_array_size(args) ? json_item_string(args, 0) : NULL;

	if (json_array_size(patterns) == 0) {
		return 1;
	}
	for (size_t i = 0; command && i < json_array_size(patterns); i++) {
		int r = matches(json_item_string(patterns, i), command, err);

		if (r != 0) {
			return r;
		}
	}
	return 0;
}

int hook_file_matches(struct json_object *hook_file, struct json_object *spec, int has_bind_mounts,
		      struct gantry_error *err)
{
	struct json_object *when = json_get_object(hook_file, "when");
	int r;

	if (json_get(when, "always") && !json_get_bool(when, "always", 0)) {
		return 0;
	}
	if (json_get(when, "hasBindMounts") &&
	    !(json_get_bool(when, "hasBindMounts", 0) && has_bind_mounts)) {
		return 0;
	}
	r = annotations_match(json_get_object(when, "annotations"), json_get_object(spec, "annotations"),
			      err);
	return r <= 0 ? r : commands_match(json_get_array(when, "commands"), spec, err);
}
