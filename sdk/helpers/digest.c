/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <string.h>

#include "cleanup.h"
#include "digest.h"
#include "error.h"

static const struct {
	const char *name;
	size_t digits;
} algorithms[] = { { "sha256", 64 }, { "sha512", 128 } };

/* The algorithm that text starts with, as an index; -1: none of ours. */
static int find_algorithm(const char *text)
{
	size_t len = strcspn(text, ":");

	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		if (strlen(algorithms[i].name) == len && !strncmp(text, algorithms[i].name, len))
			return (int)i;
	}
	return -1;
}

int digest_is_valid(const char *text)
{
	int i = text ? find_algorithm(text) : -1;
	const char *hex;

	if (i < 0)
		return 0;
	hex = text + strlen(algorithms[i].name);
	return *hex == ':' && strspn(hex + 1, "0123456789abcdef") == algorithms[i].digits &&
	       hex[1 + algorithms[i].digits] == '\0';
}

int digest_init(struct digest *d, const char *algorithm, struct gantry_error *err)
{
	int i = find_algorithm(algorithm);

	d->ctx = NULL;
	if (i < 0)
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "digest algorithm of %.80s is not known",
				 algorithm);
	d->algorithm = algorithms[i].name;
	d->ctx = EVP_MD_CTX_new();
	if (!d->ctx)
		return error_no_memory(err);
	if (EVP_DigestInit_ex(d->ctx, i == 0 ? EVP_sha256() : EVP_sha512(), NULL) != 1)
		return error_set(err, GANTRY_ERR_INTERNAL, "cannot compute %s", d->algorithm);
	return 0;
}

int digest_update(struct digest *d, const void *data, size_t len, struct gantry_error *err)
{
	if (EVP_DigestUpdate(d->ctx, data, len) != 1)
		return error_set(err, GANTRY_ERR_INTERNAL, "cannot compute %s", d->algorithm);
	return 0;
}

int digest_final(struct digest *d, char ret[DIGEST_TEXT_MAX], struct gantry_error *err)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char value[EVP_MAX_MD_SIZE];
	unsigned int len;
	char *p;

	if (EVP_DigestFinal_ex(d->ctx, value, &len) != 1)
		return error_set(err, GANTRY_ERR_INTERNAL, "cannot compute %s", d->algorithm);
	strcpy(ret, d->algorithm);
	p = ret + strlen(ret);
	*p++ = ':';
	for (unsigned int i = 0; i < len; i++) {
		*p++ = hex[value[i] >> 4];
		*p++ = hex[value[i] & 15];
	}
	*p = '\0';
	return 0;
}

void digest_done(struct digest *d)
{
	EVP_MD_CTX_free(d->ctx);
	d->ctx = NULL;
}

static int compute(const char *algorithm, const void *data, size_t len,
		   char ret[DIGEST_TEXT_MAX], struct gantry_error *err)
{
	auto_(digest) struct digest d = { 0 };
	int r = digest_init(&d, algorithm, err);

	if (r == 0)
		r = digest_update(&d, data, len, err);
	return r < 0 ? r : digest_final(&d, ret, err);
}

int digest_of(const void *data, size_t len, char ret[DIGEST_TEXT_MAX], struct gantry_error *err)
{
	return compute("sha256", data, len, ret, err);
}

int digest_matches(const char *digest, const void *data, size_t len, struct gantry_error *err)
{
	char text[DIGEST_TEXT_MAX];
	int r = compute(digest, data, len, text, err);

	return r < 0 ? r : strcmp(text, digest) == 0;
}
