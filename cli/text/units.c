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
#include "helpers/quantity.h"

#define NS_PER_SECOND 1000000000LL

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

int units_parse_when(const char *text, char out[UNITS_MAX])
{
	int64_t ns;

	if (parse_when(text, &ns) < 0) {
		return -1;
	}
	ns = ns > 0 ? ns : 0; /* the engine's times begin in 1970 */
	snprintf(out, UNITS_MAX, "%lld.%09lld", (long long)(ns / NS_PER_SECOND),
		 (long long)(ns % NS_PER_SECOND));
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
