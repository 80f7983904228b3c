/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 with either alphabet; padding and line breaks are optional when
 * decoding, and anything else is refused.
 */
#ifndef HELPERS_BASE64_H
#define HELPERS_BASE64_H

#include <stddef.h>

struct buf;

/* Appends the text (standard alphabet, padded). */
void base64_encode(const void *data, size_t len, struct buf *out);

/* Appends the bytes; 0, or -EINVAL. */
int base64_decode(const char *text, size_t len, struct buf *out);

#endif
