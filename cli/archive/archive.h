/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tar archives from and to local folders, for `cp`.  The library is loaded when
 * it is first needed.
 */
#ifndef CLI_ARCHIVE_ARCHIVE_H
#define CLI_ARCHIVE_ARCHIVE_H

#include <stdint.h>

#include <gantry/error.h>

struct stream;

/* Writes a tar of path to fd: its entries are called name, or "name/..." . With name
 * "." only what is in the folder counts. *ret_bytes: content written. */
int archive_pack(const char *path, const char *name, int fd, int64_t *ret_bytes,
		 struct gantry_error *err);
/* Unpacks a tar below folder, and nowhere else.  The first part of each entry's name,
 * `from`, becomes `to`; with to NULL it stays. */
int archive_unpack(struct stream *stream, const char *folder, const char *from, const char *to,
		   int64_t *ret_bytes, struct gantry_error *err);

#endif
