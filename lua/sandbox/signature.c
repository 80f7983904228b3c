/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "helpers/base64.h"
#include "helpers/buf.h"

#include "lua/sandbox/signature.h"

#define BITS_MAX 4096

static EVP_PKEY *read_key(const char *pem, size_t len)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
	int type = key ? EVP_PKEY_id(key) : EVP_PKEY_NONE;

	BIO_free(bio);
	if ((type != EVP_PKEY_ED25519 && type != EVP_PKEY_EC && type != EVP_PKEY_RSA) ||
	    EVP_PKEY_bits(key) > BITS_MAX) {
		EVP_PKEY_free(key);
		return NULL;
	}
	return key;
}

static int verify(EVP_PKEY *key, const void *data, size_t len, const struct buf *signature)
{
	/* Ed25519 hashes for itself. */
	const EVP_MD *md = EVP_PKEY_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int good = context && EVP_DigestVerifyInit(context, NULL, md, NULL, key) == 1 &&
		   EVP_DigestVerify(context, (const unsigned char *)signature->data, signature->len,
				    data, len) == 1;

	EVP_MD_CTX_free(context);
	return good;
}

int signature_verify(const char *pem, size_t pem_len, const void *data, size_t len,
		     const char *signature, size_t signature_len)
{
	struct buf bytes = BUF_INIT;
	EVP_PKEY *key;
	int r = 0;

	if (pem_len > SIGNATURE_KEY_MAX) {
		return -1;
	}
	key = read_key(pem, pem_len);
	if (!key) {
		return -1;
	}
	if (signature_len <= SIGNATURE_TEXT_MAX &&
	    base64_decode(signature, signature_len, &bytes) == 0) {
		r = verify(key, data, len, &bytes);
	}
	buf_done(&bytes);
	EVP_PKEY_free(key);
	return r;
}
