/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compresses a stream with gzip, piece by piece; the library is loaded when needed.
 */
#ifndef CORE_CONTENT_ENCODER_H
#define CORE_CONTENT_ENCODER_H

#include "core/content/decoder.h"

struct encoder;

int encoder_new(decoder_sink sink, void *ctx, struct encoder **ret, struct gantry_error *err);
struct encoder *encoder_free(struct encoder *e);
int encoder_feed(struct encoder *e, const void *data, size_t len, struct gantry_error *err);
int encoder_finish(struct encoder *e, struct gantry_error *err);

#endif
