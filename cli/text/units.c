/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/text/units.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

#define NS_PER_SECOND 1000000000LL

/* Digits with at most one point; strtod alone would take "inf", "0x1p3" and signs. */
static const char *scan_decimal(const char *text, double *ret)
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

int units_parse_bytes(const char *text, int64_t *ret)
{
	static const char letters[] = "kmgtp";
	const char *unit, *suffix;
	double number;
	int power = 0;

	suffix = scan_decimal(text, &number);
	if (!suffix) {
		return -1;
	}
	suffix += *suffix == ' ';
	if (*suffix && (unit = strchr(letters, tolower((unsigned char)*suffix)))) {
		power = (int)(unit - letters) + 1;
		suffix++;
		suffix += *suffix == 'i';
	}
	if (tolower((unsigned char)*suffix) == 'b') {
		suffix++;
	}
	if (*suffix) {
		return -1;
	}
	number *= pow(1024, power);
	if (number >= 9.2e18) {
		return -1;
	}
	*ret = (int64_t)number;
	return 0;
}

int units_parse_nano(const char *text, int64_t *ret)
{
	const char *end;
	double number, below;
	int negative = *text == '-';

	text += negative;
	end = scan_decimal(text, &number);
	if (end && *end == '/') {
		end = scan_decimal(end + 1, &below);
		if (!end || below == 0) {
			return -1;
		}
		number /= below;
	}
	if (!end || *end || number > 9e9) {
		return -1;
	}
	*ret = (int64_t)llround(number * 1e9) * (negative ? -1 : 1);
	return 0;
}

int units_parse_duration(const char *text, int64_t *ret_ns)
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

/* "+02:00", "Z" or nothing (local time). */
static int parse_zone(const char *p, struct tm *tm, time_t *ret)
{
	int hours, minutes, used = 0;
	char sign;

	if (!*p) {
		tm->tm_isdst = -1;
		*ret = mktime(tm);
		return 0;
	}
	*ret = timegm(tm);
	if (strcmp(p, "Z") == 0) {
		return 0;
	}
	if (sscanf(p, "%c%2d:%2d%n", &sign, &hours, &minutes, &used) != 3 || p[used] ||
	    (sign != '+' && sign != '-')) {
		return -1;
	}
	*ret -= (sign == '+' ? 1 : -1) * (hours * 3600L + minutes * 60L);
	return 0;
}

static int64_t parse_fraction(const char **p)
{
	int64_t ns = 0;
	int digits = 0;

	for (++*p; isdigit((unsigned char)**p); ++*p) {
		if (digits < 9) {
			ns = ns * 10 + (**p - '0');
			digits++;
		}
	}
	for (; digits < 9; digits++) {
		ns *= 10;
	}
	return ns;
}

/* Any prefix of RFC 3339 from the date on. */
static int parse_date(const char *text, int64_t *ret_seconds, int64_t *ret_ns)
{
	struct tm tm = { 0 };
	const char *p;
	int64_t ns = 0;
	time_t when;

	p = strptime(text, "%Y-%m-%d", &tm);
	if (!p) {
		return -1;
	}
	if (*p == 'T' || *p == ' ') {
		const char *q = strptime(p + 1, "%H:%M:%S", &tm);

		q = q ? q : strptime(p + 1, "%H:%M", &tm);
		q = q ? q : strptime(p + 1, "%H", &tm);
		if (!q) {
			return -1;
		}
		p = q;
	}
	if (*p == '.') {
		ns = parse_fraction(&p);
	}
	if (parse_zone(p, &tm, &when) < 0) {
		return -1;
	}
	*ret_seconds = when;
	*ret_ns = ns;
	return 0;
}

int units_parse_rfc3339(const char *text, int64_t *ret_ns)
{
	int64_t seconds, ns;

	if (strncmp(text, "0001-", 5) == 0) {
		*ret_ns = INT64_MIN;
		return 0;
	}
	if (parse_date(text, &seconds, &ns) < 0 || seconds > INT64_MAX / NS_PER_SECOND - 1 ||
	    seconds < INT64_MIN / NS_PER_SECOND + 1) {
		return -1;
	}
	*ret_ns = seconds * NS_PER_SECOND + ns;
	return 0;
}

int units_parse_when(const char *text, char out[UNITS_MAX])
{
	int64_t seconds, ns;

	if (units_parse_duration(text, &ns) == 0 && !isdigit((unsigned char)text[strlen(text) - 1])) {
		ns = time_now_ns() - ns;
		snprintf(out, UNITS_MAX, "%lld.%09lld", (long long)(ns / NS_PER_SECOND),
			 (long long)(ns % NS_PER_SECOND));
		return 0;
	}
	if (text[strspn(text, "0123456789.")] == '\0' && *text) {
		snprintf(out, UNITS_MAX, "%s", text);
		return 0;
	}
	if (parse_date(text, &seconds, &ns) < 0) {
		return -1;
	}
	snprintf(out, UNITS_MAX, "%lld.%09lld", (long long)seconds, (long long)ns);
	return 0;
}

const char *units_human_size(double bytes, int precision, char out[UNITS_MAX])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	size_t i = 0;

	while (bytes >= 1000 && i + 1 < ARRAY_SIZE(units)) {
		bytes /= 1000;
		i++;
	}
	snprintf(out, UNITS_MAX, "%.*g%s", precision, bytes, units[i]);
	return out;
}

const char *units_binary_size(double bytes, char out[UNITS_MAX])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	size_t i = 0;

	while (bytes >= 1024 && i + 1 < ARRAY_SIZE(units)) {
		bytes /= 1024;
		i++;
	}
	snprintf(out, UNITS_MAX, "%.4g%s", bytes, units[i]);
	return out;
}

const char *units_human_duration(int64_t s, char out[UNITS_MAX])
{
	long long hours = (s + 1800) / 3600;
	long long n;
	const char *unit;

	if (s < 1) {
		return strcpy(out, "Less than a second");
	}
	if (s == 1) {
		return strcpy(out, "1 second");
	}
	if (s >= 60 && s < 120) {
		return strcpy(out, "About a minute");
	}
	if (s >= 3600 && hours == 1) {
		return strcpy(out, "About an hour");
	}
	if (s < 60) {
		n = s;
		unit = "seconds";
	} else if (s < 3600) {
		n = s / 60;
		unit = "minutes";
	} else if (hours < 48) {
		n = hours;
		unit = "hours";
	} else if (hours < 24 * 7 * 2) {
		n = hours / 24;
		unit = "days";
	} else if (hours < 24 * 30 * 2) {
		n = hours / 24 / 7;
		unit = "weeks";
	} else if (hours < 24 * 365 * 2) {
		n = hours / 24 / 30;
		unit = "months";
	} else {
		n = s / 3600 / 24 / 365;
		unit = "years";
	}
	snprintf(out, UNITS_MAX, "%lld %s", n, unit);
	return out;
}

const char *units_ago(int64_t unix_seconds, char out[UNITS_MAX])
{
	units_human_duration(time_now_ns() / NS_PER_SECOND - unix_seconds, out);
	strcat(out, " ago");
	return out;
}

const char *units_local_time(int64_t unix_seconds, char out[UNITS_MAX])
{
	time_t when = (time_t)unix_seconds;
	struct tm tm;

	localtime_r(&when, &tm);
	if (!strftime(out, UNITS_MAX, "%Y-%m-%d %H:%M:%S %z %Z", &tm)) {
		out[0] = '\0';
	}
	return out;
}

static const char *print_rfc3339(int64_t unix_ns, int with_ns, char out[UNITS_MAX])
{
	time_t when = (time_t)(unix_ns / NS_PER_SECOND);
	char date[32], zone[8];
	struct tm tm;

	localtime_r(&when, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	if (strcmp(zone, "+0000") == 0) {
		strcpy(zone, "Z");
	} else {
		memmove(zone + 4, zone + 3, 3);
		zone[3] = ':';
	}
	if (with_ns) {
		snprintf(out, UNITS_MAX, "%s.%09lld%s", date, (long long)(unix_ns % NS_PER_SECOND),
			 zone);
	} else {
		snprintf(out, UNITS_MAX, "%s%s", date, zone);
	}
	return out;
}

const char *units_rfc3339_nano(int64_t unix_ns, char out[UNITS_MAX])
{
	return print_rfc3339(unix_ns, 1, out);
}

const char *units_rfc3339(int64_t unix_seconds, char out[UNITS_MAX])
{
	return print_rfc3339(unix_seconds * NS_PER_SECOND, 0, out);
}
