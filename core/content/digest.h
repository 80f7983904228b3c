/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 digests in the form "sha256:<64 hexadecimal digits>".  libcrypto is
 * loaded when the first digest is made: starting a container needs none.
 */
#ifndef CORE_CONTENT_DIGEST_H
#define CORE_CONTENT_DIGEST_H

#include <stddef.h>

#include <gantry/error.h>

#define DIGEST_SIZE 72 /* "sha256:" + 64 + NUL */

struct digester;

int digester_new(struct digester **ret, struct gantry_error *err);
struct digester *digester_free(struct digester *d);
void digester_add(struct digester *d, const void *data, size_t len);
void digester_result(struct digester *d, char result[DIGEST_SIZE]);

/* All at once. */
int digest_of(const void *data, size_t len, char result[DIGEST_SIZE], struct gantry_error *err);

int digest_is_valid(const char *text);

#endif
