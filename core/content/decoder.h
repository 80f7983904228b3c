/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Undoes the compression of a stream that is fed piece by piece: gzip, zstd or
 * none, told by its first bytes.  The libraries are loaded when they are needed.
 */
#ifndef CORE_CONTENT_DECODER_H
#define CORE_CONTENT_DECODER_H

#include <stddef.h>

#include <gantry/error.h>

struct decoder;

/* Takes decoded bytes; returns 0 or a negative code with err filled. */
typedef int (*decoder_sink)(void *ctx, const void *data, size_t len, struct gantry_error *err);

int decoder_new(decoder_sink sink, void *ctx, struct decoder **ret, struct gantry_error *err);
struct decoder *decoder_free(struct decoder *d);

int decoder_feed(struct decoder *d, const void *data, size_t len, struct gantry_error *err);
/* CORRUPT when the stream ended in the middle. */
int decoder_finish(struct decoder *d, struct gantry_error *err);

#endif
