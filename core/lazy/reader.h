/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of files in packed layers: chunks are decoded once and kept for the reads that follow,
 * since the kernel asks for less at a time than a chunk has.
 */
#ifndef CORE_LAZY_READER_H
#define CORE_LAZY_READER_H

#include <stddef.h>
#include <stdint.h>

#include <gantry/error.h>

struct blob;
struct core;
struct reader;

/* limit: bytes of decoded chunks that are kept. */
struct reader *reader_new(struct core *core, size_t limit);

/* Reads from a regular file; *ret_len is less than size only at its end.  Thread-safe. */
int reader_read(struct reader *r, struct blob *b, uint32_t inode, uint64_t offset, size_t size,
		void *to, size_t *ret_len, struct gantry_error *err);

#endif
