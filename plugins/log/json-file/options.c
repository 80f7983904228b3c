/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "options.h"
#include "scan.h"

#define MAX_FILES 1000

void log_options_done(struct log_options *o)
{
	free(o->labels);
	free(o->labels_regex);
	free(o->env);
	free(o->env_regex);
	free(o->tag);
	*o = (struct log_options){ 0 };
}

/* A decimal size with an optional unit, k being 1000 as Docker has it here. */
static int parse_size(const char *text, int64_t *ret)
{
	static const char units[] = "kmgtp";
	char *end;
	double v = strtod(text, &end);
	const char *unit;

	if (end == text || !isdigit((unsigned char)*text)) {
		return -1;
	}
	while (*end == ' ') {
		end++;
	}
	unit = *end ? strchr(units, tolower((unsigned char)*end)) : NULL;
	if (unit) {
		for (const char *u = units; u <= unit; u++) {
			v *= 1000;
		}
		end++;
		if (*end == 'i') {
			end++;
		}
	}
	if (tolower((unsigned char)*end) == 'b') {
		end++;
	}
	if (*end || v < 1 || v > 9e18) {
		return -1;
	}
	*ret = (int64_t)v;
	return 0;
}

static int parse_bool(const char *text, int *ret)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (!strcmp(text, yes[i]) || !strcmp(text, no[i])) {
			*ret = !strcmp(text, yes[i]);
			return 0;
		}
	}
	return -1;
}

static int wrong_value(struct gantry_error *err, const char *key, const char *value,
		       const char *expected)
{
	error_set(err, GANTRY_ERR_INVALID, "log option %s of driver json-file has the value \"%s\"",
		  key, value);
	return error_hint(err, "give %s", expected);
}

static int set_text(char **slot, const char *value, struct gantry_error *err)
{
	free(*slot);
	*slot = strdup(value);
	return *slot ? 0 : error_no_memory(err);
}

static int set_option(struct log_options *o, const char *key, const char *value,
		      struct gantry_error *err)
{
	const struct {
		const char *key;
		char **slot;
	} texts[] = {
		{ "labels", &o->labels }, { "labels-regex", &o->labels_regex },
		{ "env", &o->env },       { "env-regex", &o->env_regex },
		{ "tag", &o->tag },
	};
	int64_t ignored;
	char *end;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (!strcmp(key, texts[i].key)) {
			return set_text(texts[i].slot, value, err);
		}
	}
	if (!strcmp(key, "max-size")) {
		if (!strcmp(value, "-1")) {
			o->max_size = 0;
			return 0;
		}
		return parse_size(value, &o->max_size) == 0
			       ? 0
			       : wrong_value(err, key, value, "a size such as 10m, or -1 for no limit");
	}
	if (!strcmp(key, "max-file")) {
		long n = strtol(value, &end, 10);

		if (end == value || *end || n < 1 || n > MAX_FILES) {
			return wrong_value(err, key, value, "a number of files from 1 to 1000");
		}
		o->max_file = (int)n;
		return 0;
	}
	if (!strcmp(key, "compress")) {
		return parse_bool(value, &o->compress) == 0
			       ? 0
			       : wrong_value(err, key, value, "true or false");
	}
	/* How output waits for the log is the shim's affair; the values are checked here. */
	if (!strcmp(key, "mode")) {
		return !strcmp(value, "blocking") || !strcmp(value, "non-blocking")
			       ? 0
			       : wrong_value(err, key, value, "blocking or non-blocking");
	}
	if (!strcmp(key, "max-buffer-size")) {
		return parse_size(value, &ignored) == 0
			       ? 0
			       : wrong_value(err, key, value, "a size such as 4m");
	}
	error_set(err, GANTRY_ERR_INVALID, "log driver json-file has no option %s", key);
	return error_hint(err, "its options are max-size, max-file, compress, labels, labels-regex, "
			       "env, env-regex, tag, mode and max-buffer-size");
}

int log_options_parse(const char *json, struct log_options *ret, struct gantry_error *err)
{
	auto_(log_options) struct log_options o = { .max_file = 1 };
	auto_(buf) struct buf key = BUF_INIT;
	auto_(buf) struct buf value = BUF_INIT;
	struct scan s;
	int r = 0;

	if (json && *json) {
		scan_init(&s, json, strlen(json));
		r = scan_enter(&s, '{');
		while (r == 0 && (r = scan_member(&s, &key)) > 0) {
			buf_clear(&value);
			if (scan_string(&s, &value) < 0) {
				return error_set(err, GANTRY_ERR_INVALID,
						 "log option %s is not a string", buf_str(&key));
			}
			r = set_option(&o, buf_str(&key), buf_str(&value), err);
			if (r < 0) {
				return r;
			}
		}
		if (r < 0) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "the log options are not a JSON object of strings");
		}
	}
	if (o.compress && (o.max_file < 2 || o.max_size == 0)) {
		error_set(err, GANTRY_ERR_INVALID,
			  "log option compress of driver json-file needs rotation");
		return error_hint(err, "set max-size and a max-file of 2 or more, too");
	}
	*ret = o;
	o = (struct log_options){ 0 };
	return 0;
}
