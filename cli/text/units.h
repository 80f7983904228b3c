/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The units people type and read: sizes, CPU shares, points in time.
 * Parsers return 0 or -1 and set *ret only on success; writers fill the
 * caller's array and return it.
 */
#ifndef CLI_TEXT_UNITS_H
#define CLI_TEXT_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_MAX 64

/* "1.5" or "3/2" in billionths. */
int units_parse_nano(const char *text, int64_t *ret);
/* What --since and --until take, see helpers/quantity.h, as "seconds.nanoseconds". */
int units_parse_when(const char *text, char out[UNITS_MAX]);

/* "1.92kB", powers of 1000, precision significant digits. */
const char *units_human_size(double bytes, int precision, char out[UNITS_MAX]);
/* "1.5MiB", powers of 1024. */
const char *units_binary_size(double bytes, char out[UNITS_MAX]);
/* "About an hour". */
const char *units_human_duration(int64_t seconds, char out[UNITS_MAX]);
/* "2 minutes ago". */
const char *units_ago(int64_t unix_seconds, char out[UNITS_MAX]);
/* "2024-01-02 03:04:05 +0000 UTC" in local time. */
const char *units_local_time(int64_t unix_seconds, char out[UNITS_MAX]);
/* RFC 3339 in local time. */
const char *units_rfc3339(int64_t unix_seconds, char out[UNITS_MAX]);
/* RFC 3339 with nine digits and the local offset, as `events` prints. */
const char *units_rfc3339_nano(int64_t unix_ns, char out[UNITS_MAX]);

#endif
