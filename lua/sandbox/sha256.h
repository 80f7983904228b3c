/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of a text as 64 hexadecimal digits, for digests and the audit chain.
 */
#ifndef LUA_SANDBOX_SHA256_H
#define LUA_SANDBOX_SHA256_H

#include <stddef.h>

#define SHA256_TEXT 65

/* Allocates nothing that outlives the call. */
void sha256_text(const void *data, size_t len, char out[SHA256_TEXT]);

#endif
