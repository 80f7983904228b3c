/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 as config.json and the X-Registry-Auth header use it.
 */
#ifndef CLI_CONFIG_BASE64_H
#define CLI_CONFIG_BASE64_H

#include <stddef.h>

struct buf;

/* url: the alphabet for URLs; padded both ways. */
void text_to_base64(const void *data, size_t len, int url, struct buf *out);
/* Both alphabets, padded or not; -1 when it is malformed. */
int text_from_base64(const char *text, struct buf *out);

#endif
