/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/sha.h>

#include "lua/sandbox/sha256.h"

void sha256_text(const void *data, size_t len, char out[SHA256_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[SHA256_DIGEST_LENGTH];
	size_t i;

	SHA256(data, len, digest);
	for (i = 0; i < sizeof(digest); i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[2 * sizeof(digest)] = '\0';
}
