/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base64.h"
#include "buf.h"
#include "cleanup.h"
#include "ed25519.h"
#include "error.h"
#include "libcrypto.h"

static struct {
	__typeof__(EVP_MD_CTX_new) *ctx_new;
	__typeof__(EVP_MD_CTX_free) *ctx_free;
	__typeof__(EVP_PKEY_new_raw_private_key) *new_private;
	__typeof__(EVP_PKEY_new_raw_public_key) *new_public;
	__typeof__(EVP_PKEY_get_raw_public_key) *get_public;
	__typeof__(EVP_PKEY_free) *key_free;
	__typeof__(EVP_DigestSignInit) *sign_init;
	__typeof__(EVP_DigestSign) *sign;
	__typeof__(EVP_DigestVerifyInit) *verify_init;
	__typeof__(EVP_DigestVerify) *verify;
	int loaded;
} crypto;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load_crypto(void)
{
	crypto.ctx_new = libcrypto_symbol("EVP_MD_CTX_new");
	crypto.ctx_free = libcrypto_symbol("EVP_MD_CTX_free");
	crypto.new_private = libcrypto_symbol("EVP_PKEY_new_raw_private_key");
	crypto.new_public = libcrypto_symbol("EVP_PKEY_new_raw_public_key");
	crypto.get_public = libcrypto_symbol("EVP_PKEY_get_raw_public_key");
	crypto.key_free = libcrypto_symbol("EVP_PKEY_free");
	crypto.sign_init = libcrypto_symbol("EVP_DigestSignInit");
	crypto.sign = libcrypto_symbol("EVP_DigestSign");
	crypto.verify_init = libcrypto_symbol("EVP_DigestVerifyInit");
	crypto.verify = libcrypto_symbol("EVP_DigestVerify");
	crypto.loaded = crypto.ctx_new && crypto.ctx_free && crypto.new_private && crypto.new_public &&
			crypto.get_public && crypto.key_free && crypto.sign_init && crypto.sign &&
			crypto.verify_init && crypto.verify;
}

static int need_crypto(struct gantry_error *err)
{
	pthread_once(&once, load_crypto);
	if (crypto.loaded) {
		return 0;
	}
	return libcrypto_missing("makes and checks signatures", err);
}

/* The DER of such keys is this, and then the key (RFC 8410). */
static const unsigned char private_der[] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
					     0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20 };
static const unsigned char public_der[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
					    0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };

static int key_of_pem(const char *pem, const char *what, const char *label, const unsigned char *der,
		      size_t der_len, unsigned char ret[ED25519_KEY_SIZE], struct gantry_error *err)
{
	auto_(buf) struct buf bytes = BUF_INIT;
	char begin[64], end[64];
	const char *from, *to;

	snprintf(begin, sizeof(begin), "-----BEGIN %s-----", label);
	snprintf(end, sizeof(end), "-----END %s-----", label);
	from = strstr(pem, begin);
	to = from ? strstr(from, end) : NULL;
	if (from && to) {
		from += strlen(begin);
		(void)base64_decode(from, (size_t)(to - from), &bytes);
	}
	if (bytes.len != der_len + ED25519_KEY_SIZE || memcmp(bytes.data, der, der_len) != 0) {
		error_set(err, GANTRY_ERR_INVALID, "%s is no Ed25519 %s in PEM", what,
			  der == private_der ? "private key" : "public key");
		return error_hint(err, "`openssl genpkey -algorithm ed25519 -out key.pem` makes one, and `openssl pkey "
				       "-in key.pem -pubout -out key.pub` its public half");
	}
	memcpy(ret, bytes.data + der_len, ED25519_KEY_SIZE);
	if (der == private_der) {
		explicit_bzero(bytes.data, bytes.len);
	}
	return 0;
}

int ed25519_private_key(const char *pem, const char *what, unsigned char ret[ED25519_KEY_SIZE],
			struct gantry_error *err)
{
	return key_of_pem(pem, what, "PRIVATE KEY", private_der, sizeof(private_der), ret, err);
}

int ed25519_public_key(const char *pem, const char *what, unsigned char ret[ED25519_KEY_SIZE],
		       struct gantry_error *err)
{
	return key_of_pem(pem, what, "PUBLIC KEY", public_der, sizeof(public_der), ret, err);
}

int ed25519_public_of(const unsigned char key[ED25519_KEY_SIZE], unsigned char ret[ED25519_KEY_SIZE],
		      struct gantry_error *err)
{
	size_t len = ED25519_KEY_SIZE;
	EVP_PKEY *pkey;
	int ok, r = need_crypto(err);

	if (r < 0) {
		return r;
	}
	pkey = crypto.new_private(EVP_PKEY_ED25519, NULL, key, ED25519_KEY_SIZE);
	ok = pkey && crypto.get_public(pkey, ret, &len) == 1;
	crypto.key_free(pkey);
	return ok ? 0 : error_set(err, GANTRY_ERR_INTERNAL, "libcrypto does not take an Ed25519 key");
}

int ed25519_sign(const unsigned char key[ED25519_KEY_SIZE], const void *data, size_t len,
		 unsigned char ret[ED25519_SIGNATURE_SIZE], struct gantry_error *err)
{
	size_t signature_len = ED25519_SIGNATURE_SIZE;
	EVP_MD_CTX *ctx;
	EVP_PKEY *pkey;
	int ok, r = need_crypto(err);

	if (r < 0) {
		return r;
	}
	ctx = crypto.ctx_new();
	pkey = crypto.new_private(EVP_PKEY_ED25519, NULL, key, ED25519_KEY_SIZE);
	ok = ctx && pkey && crypto.sign_init(ctx, NULL, NULL, NULL, pkey) == 1 &&
	     crypto.sign(ctx, ret, &signature_len, data, len) == 1;
	crypto.key_free(pkey);
	crypto.ctx_free(ctx);
	return ok ? 0 : error_set(err, GANTRY_ERR_INTERNAL, "libcrypto cannot make an Ed25519 signature");
}

int ed25519_verify(const unsigned char key[ED25519_KEY_SIZE], const void *data, size_t len,
		   const unsigned char *signature, size_t signature_len, struct gantry_error *err)
{
	EVP_MD_CTX *ctx;
	EVP_PKEY *pkey;
	int ok, r = need_crypto(err);

	if (r < 0) {
		return r;
	}
	ctx = crypto.ctx_new();
	pkey = crypto.new_public(EVP_PKEY_ED25519, NULL, key, ED25519_KEY_SIZE);
	ok = signature_len == ED25519_SIGNATURE_SIZE && ctx && pkey &&
	     crypto.verify_init(ctx, NULL, NULL, NULL, pkey) == 1 &&
	     crypto.verify(ctx, signature, signature_len, data, len) == 1;
	crypto.key_free(pkey);
	crypto.ctx_free(ctx);
	return ok ? 0 : error_set(err, GANTRY_ERR_DENIED, "the signature does not fit");
}

void ed25519_key_id(const unsigned char key[ED25519_KEY_SIZE], char ret[17])
{
	for (int i = 0; i < 8; i++) {
		sprintf(ret + 2 * i, "%02x", key[i]);
	}
}
