/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 in one call.  Here, because loading a cryptographic library would take
 * longer than starting the container.
 */
#ifndef NATIVE_SHA256_H
#define NATIVE_SHA256_H

#include <stddef.h>

/* Writes the 64 hexadecimal digits of the digest and a NUL. */
void sha256_hex(const void *data, size_t len, char out[65]);

#endif
