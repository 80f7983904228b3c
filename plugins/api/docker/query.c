/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "query.h"

#include "helpers/error.h"

#define NS_PER_S 1000000000

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int percent_decode(char *text, enum query_plus plus, struct gantry_error *err)
{
	char *out = text;

	for (const char *p = text; *p; p++) {
		int high, low;

		if (*p == '+' && plus == QUERY_PLUS_SPACE) {
			*out++ = ' ';
			continue;
		}
		if (*p != '%') {
			*out++ = *p;
			continue;
		}
		high = hex_digit(p[1]);
		low = high < 0 ? -1 : hex_digit(p[2]);
		if (low < 0 || (high == 0 && low == 0)) {
			return error_set(err, GANTRY_ERR_INVALID, "invalid URL escape \"%.3s\"", p);
		}
		*out++ = (char)(high << 4 | low);
		p += 2;
	}
	*out = '\0';
	return 0;
}

int query_parse(char *text, struct query *ret, struct gantry_error *err)
{
	char *rest = text;
	char *pair;
	int r;

	ret->n = 0;
	while ((pair = strsep(&rest, "&"))) {
		char *value = strchr(pair, '=');

		if (!*pair) {
			continue;
		}
		if (ret->n == QUERY_MAX_PAIRS) {
			return error_set(err, GANTRY_ERR_LIMIT,
					 "the query has more than %d parameters", QUERY_MAX_PAIRS);
		}
		if (value) {
			*value++ = '\0';
		} else {
			value = pair + strlen(pair);
		}
		r = percent_decode(pair, QUERY_PLUS_SPACE, err);
		if (r == 0) {
			r = percent_decode(value, QUERY_PLUS_SPACE, err);
		}
		if (r < 0) {
			return r;
		}
		ret->pairs[ret->n++] = (struct query_pair){ pair, value };
	}
	return 0;
}

const char *query_get(const struct query *q, const char *key)
{
	for (unsigned i = 0; i < q->n; i++) {
		if (!strcmp(q->pairs[i].key, key)) {
			return q->pairs[i].value;
		}
	}
	return NULL;
}

const char *query_text(const struct query *q, const char *key)
{
	const char *value = query_get(q, key);

	return value && *value ? value : NULL;
}

int query_bool(const struct query *q, const char *key, int fallback)
{
	static const char *const no[] = { "", "0", "no", "false", "none" };
	const char *value = query_get(q, key);

	if (!value) {
		return fallback;
	}
	for (unsigned i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		if (!strcasecmp(value, no[i])) {
			return 0;
		}
	}
	return 1;
}

int query_int(const struct query *q, const char *key, int64_t *ret, struct gantry_error *err)
{
	const char *value = query_text(q, key);
	char *end;
	long long number;

	if (!value) {
		return 0;
	}
	errno = 0;
	number = strtoll(value, &end, 10);
	if (*end || end == value || errno) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid %s: \"%s\" is not a number", key,
				 value);
	}
	*ret = number;
	return 0;
}

int query_time_ns(const struct query *q, const char *key, int64_t *ret, struct gantry_error *err)
{
	const char *value = query_text(q, key);
	char *end;
	long long seconds;
	int64_t fraction = 0;

	if (!value) {
		return 0;
	}
	errno = 0;
	seconds = strtoll(value, &end, 10);
	if (end != value && *end == '.') {
		int64_t unit = NS_PER_S / 10;

		for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10) {
			fraction += unit * (*end - '0');
		}
	}
	if (*end || end == value || errno || seconds < 0 || seconds > INT64_MAX / NS_PER_S - 1) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid %s: \"%s\" is not a time in seconds since 1970", key, value);
	}
	*ret = seconds * NS_PER_S + fraction;
	return 0;
}

unsigned query_all(const struct query *q, const char *key, const char **ret, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < q->n && n + 1 < max; i++) {
		if (!strcmp(q->pairs[i].key, key) && *q->pairs[i].value) {
			ret[n++] = q->pairs[i].value;
		}
	}
	ret[n] = NULL;
	return n;
}
