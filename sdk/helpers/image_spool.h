/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain, seekable copy of an archive that is a stream or compressed.
 */
#ifndef HELPERS_IMAGE_SPOOL_H
#define HELPERS_IMAGE_SPOOL_H

#include <stdint.h>

#include <gantry/error.h>

/* Can the archive be read where it is: a file that is not compressed? */
int archive_is_plain(int fd);

/* Copies fd to an unnamed file in dir, decompressed (gzip, bzip2, xz, zstd).
 * Returns its descriptor.  Errors: CORRUPT, LIMIT, NO_SPACE. */
int archive_spool(int fd, const char *dir, int64_t limit, struct gantry_error *err);

#endif
