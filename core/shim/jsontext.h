/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The little JSON that the shim needs, without a library: writing strings, and
 * taking a document that the engine wrote apart into the texts of its members.
 */
#ifndef CORE_SHIM_JSONTEXT_H
#define CORE_SHIM_JSONTEXT_H

#include "helpers/buf.h"

/* Adds text as a JSON string; bytes that are not UTF-8 become U+FFFD. */
void jsontext_add_string(struct buf *out, const char *text, size_t len);

struct jsontext_member {
	const char *key; /* with its quotes, as written */
	size_t key_len;
	const char *value;
	size_t value_len;
};

/* Successive members of the object that p points at; *at starts as NULL.  1: one
 * more; 0: no more; -1: not an object, or malformed. */
int jsontext_next(const char *object, const char **at, struct jsontext_member *ret);

int jsontext_key_is(const struct jsontext_member *m, const char *key);

#endif
