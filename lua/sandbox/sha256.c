/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>

#include "lua/sandbox/sha256.h"

/* OpenSSL's SHA256() looks the algorithm up anew at each call, which takes longer than the
 * digest of a short text. */
static const EVP_MD *algorithm;

static void fetch_algorithm(void)
{
	algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!algorithm) {
		algorithm = EVP_sha256();
	}
}

void sha256_text(const void *data, size_t len, char out[SHA256_TEXT])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[SHA256_DIGEST_LENGTH];
	size_t i;

	pthread_once(&once, fetch_algorithm);
	EVP_Digest(data, len, digest, NULL, algorithm, NULL);
	for (i = 0; i < sizeof(digest); i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[2 * sizeof(digest)] = '\0';
}
