/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers that bring a table of contents: eStargz and zstd:chunked.  The table lies at the end
 * of the blob and says where each file's chunks are and what digests they have; the image's
 * manifest vouches for the table.  One that it does not vouch for is not believed.
 */
#ifndef CORE_LAZY_TOC_H
#define CORE_LAZY_TOC_H

#include <stdint.h>

#include <gantry/error.h>

#include "core/lazy/index.h"

struct buf;
struct build;
struct json_object;

enum toc_kind {
	TOC_NONE = 0,
	TOC_ESTARGZ,
	TOC_ZSTD_CHUNKED,
};

#define TOC_FOOTER 51 /* bytes at the end of an eStargz blob */

struct toc {
	enum toc_kind kind;
	const char *digest; /* eStargz: of the table unpacked; zstd:chunked: packed; borrowed */
	int64_t offset;     /* in the blob; eStargz: 0 until the footer was read */
	int64_t size;       /* packed */
	int64_t unpacked;   /* 0: not said */
};

/* What a layer's descriptor in the manifest says; kind TOC_NONE when nothing or nothing
 * usable. */
void toc_announced(struct json_object *descriptor, int64_t blob_size, struct toc *ret);

/* Reads the last TOC_FOOTER bytes of an eStargz blob.  0, or -1 when they are none. */
int toc_read_footer(struct toc *toc, const void *footer, int64_t blob_size);

/* Unpacks the table and compares its digest.  CORRUPT, LIMIT. */
int toc_unpack(const struct toc *toc, const void *packed, size_t size, struct buf *json,
	       struct gantry_error *err);

/* Adds all its entries; errors name the one.  CORRUPT, LIMIT; UNSUPPORTED when it has no digests. */
int toc_index(const struct toc *toc, const struct buf *json, struct build *b,
	      struct gantry_error *err);

#endif
