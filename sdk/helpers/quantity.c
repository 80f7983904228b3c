/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "helpers/quantity.h"

#include "helpers/cleanup.h"
#include "helpers/io.h"

#define NS_PER_SECOND 1000000000LL
#define MAX_SECONDS (INT64_MAX / NS_PER_SECOND - 1)

const char *scan_decimal(const char *text, double *ret)
{
	const char *p = text;
	int digits = 0, points = 0;
	char number[64];

	for (; isdigit((unsigned char)*p) || *p == '.'; p++) {
		digits += *p != '.';
		points += *p == '.';
	}
	if (!digits || points > 1 || (size_t)(p - text) >= sizeof(number)) {
		return NULL;
	}
	memcpy(number, text, (size_t)(p - text));
	number[p - text] = '\0';
	*ret = strtod(number, NULL);
	return p;
}

int parse_bytes(const char *text, int64_t *ret)
{
	static const char letters[] = "kmgtp";
	const char *unit, *suffix;
	double number;

	suffix = scan_decimal(text, &number);
	if (!suffix) {
		return -1;
	}
	suffix += *suffix == ' ';
	if (*suffix && (unit = strchr(letters, tolower((unsigned char)*suffix)))) {
		for (const char *u = letters; u <= unit; u++) {
			number *= 1024;
		}
		suffix++;
		suffix += *suffix == 'i';
	}
	if (tolower((unsigned char)*suffix) == 'b') {
		suffix++;
	}
	if (*suffix || number >= 9.2e18) {
		return -1;
	}
	*ret = (int64_t)number;
	return 0;
}

int parse_duration(const char *text, int64_t *ret_ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {
		{ "ns", 1 }, { "us", 1e3 }, { "\xc2\xb5s", 1e3 }, { "ms", 1e6 },
		{ "s", 1e9 }, { "m", 6e10 }, { "h", 3.6e12 },
	};
	double total = 0, number;
	const char *p = text + (*text == '-' || *text == '+');

	if (strcmp(p, "0") == 0) {
		*ret_ns = 0;
		return 0;
	}
	if (!*p) {
		return -1;
	}
	while (*p) {
		size_t best = ARRAY_SIZE(units), len = 0;

		p = scan_decimal(p, &number);
		if (!p) {
			return -1;
		}
		for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
			size_t n = strlen(units[i].name);

			if (strncmp(p, units[i].name, n) == 0 && n > len) {
				best = i;
				len = n;
			}
		}
		if (!len) {
			return -1;
		}
		total += number * units[best].ns;
		p += len;
	}
	if (total > 9.2e18) {
		return -1;
	}
	*ret_ns = (int64_t)total * (*text == '-' ? -1 : 1);
	return 0;
}

static int two_digits(const char *p, int limit)
{
	int n = isdigit((unsigned char)p[0]) && isdigit((unsigned char)p[1]) ?
			(p[0] - '0') * 10 + (p[1] - '0') : -1;

	return n < limit ? n : -1;
}

/* "+02:00", "Z" or nothing (local time). */
static int apply_zone(const char *p, struct tm *tm, int64_t *ret)
{
	int day = tm->tm_mday, hours, minutes;

	if (!*p) {
		tm->tm_isdst = -1;
		*ret = mktime(tm);
		return tm->tm_mday == day ? 0 : -1;
	}
	*ret = timegm(tm);
	if (tm->tm_mday != day) {
		return -1; /* the 31st of February */
	}
	if (strcmp(p, "Z") == 0) {
		return 0;
	}
	if ((*p != '+' && *p != '-') || strlen(p) != 6 || p[3] != ':') {
		return -1;
	}
	hours = two_digits(p + 1, 25);
	minutes = two_digits(p + 4, 60);
	if (hours < 0 || minutes < 0) {
		return -1;
	}
	*ret -= (*p == '+' ? 1 : -1) * (hours * 3600L + minutes * 60L);
	return 0;
}

/* The digits after the point, as nanoseconds. */
static int64_t scan_fraction(const char **p)
{
	int64_t ns = 0, unit = NS_PER_SECOND / 10;

	for (; isdigit((unsigned char)**p); ++*p, unit /= 10) {
		ns += unit * (**p - '0');
	}
	return ns;
}

int parse_date(const char *text, int64_t *ret_ns)
{
	struct tm tm = { 0 };
	int64_t seconds, ns = 0;
	const char *p;

	if (strncmp(text, "0001-", 5) == 0) {
		*ret_ns = INT64_MIN;
		return 0;
	}
	p = strptime(text, "%Y-%m-%d", &tm);
	if (p && (*p == 'T' || *p == ' ')) {
		const char *q = strptime(p + 1, "%H:%M:%S", &tm);

		q = q ? q : strptime(p + 1, "%H:%M", &tm);
		p = q ? q : strptime(p + 1, "%H", &tm);
	}
	if (p && *p == '.') {
		p++;
		ns = scan_fraction(&p);
	}
	if (!p || apply_zone(p, &tm, &seconds) < 0 || seconds > MAX_SECONDS || seconds < -MAX_SECONDS) {
		return -1;
	}
	*ret_ns = seconds * NS_PER_SECOND + ns;
	return 0;
}

int parse_when(const char *text, int64_t *ret_ns)
{
	const char *p = text;
	int64_t seconds = 0, ns = 0;

	/* A bare number is a time since 1970, though "0" is a duration, too. */
	for (; isdigit((unsigned char)*p); p++) {
		seconds = seconds <= MAX_SECONDS / 10 - 1 ? seconds * 10 + (*p - '0') : MAX_SECONDS;
	}
	if (p != text && *p == '.') {
		p++;
		ns = scan_fraction(&p);
	}
	if (p != text && !*p) {
		*ret_ns = seconds * NS_PER_SECOND + ns;
		return 0;
	}
	if (parse_duration(text, &ns) == 0) {
		*ret_ns = time_now_ns() - ns;
		return 0;
	}
	return parse_date(text, ret_ns);
}
