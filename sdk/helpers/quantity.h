/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes and times as people write them to Docker.
 * Parsers return 0 or -1 and set *ret only on success.
 */
#ifndef HELPERS_QUANTITY_H
#define HELPERS_QUANTITY_H

#include <stdint.h>

/* Digits with at most one point (strtod alone would take "inf", "0x1p3" and signs); returns
 * what follows, or NULL. */
const char *scan_decimal(const char *text, double *ret);

/* "64m", "1.5GiB", "512": powers of 1024, not negative. */
int parse_bytes(const char *text, int64_t *ret);
/* Go's durations: "1h30m", "100ms", "0". */
int parse_duration(const char *text, int64_t *ret_ns);
/* RFC 3339 or its beginning from the date on, in nanoseconds since 1970; without a zone it is
 * local time.  Go's zero time is INT64_MIN. */
int parse_date(const char *text, int64_t *ret_ns);
/* What --since and --until take: seconds[.nanoseconds] since 1970, a date, or a duration
 * before now. */
int parse_when(const char *text, int64_t *ret_ns);

#endif
