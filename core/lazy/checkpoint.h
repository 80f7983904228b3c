/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes a whole layer that is fed piece by piece, as core/content/decoder.h does, and notes
 * on the way from where parts of it can be decoded again: gzip at the ends of deflate blocks
 * with the window before them, zstd at frames, a plain tar anywhere.
 */
#ifndef CORE_LAZY_CHECKPOINT_H
#define CORE_LAZY_CHECKPOINT_H

#include <stddef.h>

#include <gantry/error.h>

#include "core/content/decoder.h"

struct build;
struct checkpoint;

/* Adds the chunks to b, which is borrowed. */
int checkpoint_new(struct build *b, decoder_sink sink, void *ctx, struct checkpoint **ret,
		   struct gantry_error *err);
struct checkpoint *checkpoint_free(struct checkpoint *c);

/* Errors: CORRUPT; UNSUPPORTED when the stream cannot be read in parts. */
int checkpoint_feed(struct checkpoint *c, const void *data, size_t len, struct gantry_error *err);
int checkpoint_finish(struct checkpoint *c, struct gantry_error *err);

#endif
