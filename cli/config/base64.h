/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 as config.json and the X-Registry-Auth header use it.
 */
#ifndef CLI_CONFIG_BASE64_H
#define CLI_CONFIG_BASE64_H

#include <stddef.h>

struct buf;

/* url: the alphabet for URLs; padded both ways. */
void base64_encode(const void *data, size_t len, int url, struct buf *out);
/* Both alphabets, padded or not; -1 when it is malformed. */
int base64_decode(const char *text, struct buf *out);

#endif
