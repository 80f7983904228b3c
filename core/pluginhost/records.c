/* SPDX-License-Identifier: Apache-2.0 */
/* Records that a driver may hold back (`more`) are marked as written with the first
 * after them that it may not. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/pluginhost/records.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define HEADER 20
#define MAX (1 << 20)

static uint32_t get32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static int64_t get64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return (int64_t)le64toh(v);
}

static int write_record(struct driver *driver, uint64_t log, const char *p, size_t size, int more,
			struct reply *ret, struct gantry_error *err)
{
	return log_write(driver,
			 &GANTRY_LOG_WRITE_ARGS(.log = log, .stream = get32(p),
						.time_ns = get64(p + 4),
						.partial = get32(p + 12) & 1,
						.data = {p + HEADER, size}, .more = more),
			 ret, err);
}

/* Kept by each thread, since it is as large again for the next records. */
static char *room(size_t length)
{
	static _Thread_local char *data;
	static _Thread_local size_t size;

	if (length > size) {
		free(data);
		data = malloc(length);
		size = data ? length : 0;
	}
	return data ? data : malloc(1);
}

int append_records(struct driver *driver, const void *args, struct gantry_error *err)
{
	const struct gantry_log_append_args *a = args;
	size_t length = a->length > 0 && a->length <= MAX ? (size_t)a->length : 0;
	auto_(reply) struct reply ret = REPLY_INIT;
	char *data = room(length);
	size_t at = 0;

	if (!data) {
		return error_no_memory(err);
	}
	if (a->offset < 0 || pread(a->records, data, length, a->offset) != a->length) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "records, offset and length do not fit each other");
	}
	while (at < length) {
		size_t size = length - at < HEADER ? MAX : get32(data + at + 16);
		uint64_t mark;
		int r;

		if (size > length - at - HEADER) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "a record at byte %zu is longer than the rest", at);
		}
		r = write_record(driver, a->log, data + at, size, at + HEADER + size < length, &ret,
				 err);
		if (r < 0) {
			return r;
		}
		at += HEADER + size;
		if (at == length) {
			mark = htole64(at);
			(void)!pwrite(a->records, &mark, sizeof(mark), 0);
		}
	}
	return 0;
}
