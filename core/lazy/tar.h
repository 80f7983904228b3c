/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes the entries of an uncompressed layer tar, and where in it their bytes lie.
 */
#ifndef CORE_LAZY_TAR_H
#define CORE_LAZY_TAR_H

#include <gantry/error.h>

struct build;

/* Reads the tar (borrowed) to its end.  size_limit: bytes of content after which it stops
 * with LIMIT; 0: none.  CORRUPT names the entry. */
int tar_scan(int fd, struct build *b, int64_t size_limit, struct gantry_error *err);

#endif
