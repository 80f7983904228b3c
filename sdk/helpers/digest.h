/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content digests as OCI writes them: "sha256:" or "sha512:" and lower-case hex.
 * Link CRYPTO_LIBS when you use this.
 */
#ifndef HELPERS_DIGEST_H
#define HELPERS_DIGEST_H

#include <stddef.h>

#include <gantry/error.h>

#define DIGEST_TEXT_MAX 144 /* sha512:, 128 digits, NUL */

/* Is it well-formed, of an algorithm that we compute? */
int digest_is_valid(const char *text);

/* A digest in the making; digest_done() also when it was not finished. */
struct digest {
	void *ctx; /* EVP_MD_CTX */
	const char *algorithm;
};

/* algorithm: "sha256", "sha512", or a whole digest that says which. */
int digest_init(struct digest *d, const char *algorithm, struct gantry_error *err);
int digest_update(struct digest *d, const void *data, size_t len, struct gantry_error *err);
int digest_final(struct digest *d, char ret[DIGEST_TEXT_MAX], struct gantry_error *err);
void digest_done(struct digest *d);
static inline void digest_auto(struct digest *d)
{
	digest_done(d);
}

/* All at once, sha256. */
int digest_of(const void *data, size_t len, char ret[DIGEST_TEXT_MAX], struct gantry_error *err);

/* Has the data this digest?  1, 0, or a negative code. */
int digest_matches(const char *digest, const void *data, size_t len, struct gantry_error *err);

#endif
