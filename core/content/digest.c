/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "core/content/digest.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/libcrypto.h"

static struct {
	__typeof__(EVP_MD_CTX_new) *ctx_new;
	__typeof__(EVP_MD_CTX_free) *ctx_free;
	__typeof__(EVP_DigestInit_ex) *init;
	__typeof__(EVP_DigestUpdate) *update;
	__typeof__(EVP_DigestFinal_ex) *final;
	__typeof__(EVP_sha256) *sha256;
	int loaded;
} crypto;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load_crypto(void)
{
	crypto.ctx_new = libcrypto_symbol("EVP_MD_CTX_new");
	crypto.ctx_free = libcrypto_symbol("EVP_MD_CTX_free");
	crypto.init = libcrypto_symbol("EVP_DigestInit_ex");
	crypto.update = libcrypto_symbol("EVP_DigestUpdate");
	crypto.final = libcrypto_symbol("EVP_DigestFinal_ex");
	crypto.sha256 = libcrypto_symbol("EVP_sha256");
	crypto.loaded = crypto.ctx_new && crypto.ctx_free && crypto.init && crypto.update &&
			crypto.final && crypto.sha256;
}

struct digester {
	EVP_MD_CTX *ctx;
};

int digester_new(struct digester **ret, struct gantry_error *err)
{
	struct digester *d;

	pthread_once(&once, load_crypto);
	if (!crypto.loaded) {
		return libcrypto_missing("verifies digests", err);
	}
	d = calloc(1, sizeof(*d));
	if (!d || !(d->ctx = crypto.ctx_new()) || !crypto.init(d->ctx, crypto.sha256(), NULL)) {
		digester_free(d);
		return error_no_memory(err);
	}
	*ret = d;
	return 0;
}

struct digester *digester_free(struct digester *d)
{
	if (d) {
		crypto.ctx_free(d->ctx);
		free(d);
	}
	return NULL;
}

void digester_add(struct digester *d, const void *data, size_t len)
{
	crypto.update(d->ctx, data, len);
}

void digester_result(struct digester *d, char result[DIGEST_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[EVP_MAX_MD_SIZE];

	crypto.final(d->ctx, raw, NULL);
	memcpy(result, "sha256:", 7);
	for (int i = 0; i < 32; i++) {
		result[7 + 2 * i] = digits[raw[i] >> 4];
		result[8 + 2 * i] = digits[raw[i] & 15];
	}
	result[71] = '\0';
}

int digest_of(const void *data, size_t len, char result[DIGEST_SIZE], struct gantry_error *err)
{
	struct digester *d;
	int r = digester_new(&d, err);

	if (r == 0) {
		digester_add(d, data, len);
		digester_result(d, result);
		digester_free(d);
	}
	return r;
}

int digest_is_valid(const char *text)
{
	return text && !strncmp(text, "sha256:", 7) && strlen(text) == 71 &&
	       strspn(text + 7, "0123456789abcdef") == 64;
}
