/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes one chunk of a packed layer and checks it against its digest.
 */
#ifndef CORE_LAZY_CHUNK_H
#define CORE_LAZY_CHUNK_H

#include "core/lazy/index.h"

/* Which bytes of the blob it takes: with the byte before, if bits of that belong to it. */
static inline uint64_t chunk_start(const struct index_chunk *c)
{
	return c->offset - (c->bits ? 1 : 0);
}
static inline size_t chunk_packed_size(const struct index_chunk *c)
{
	return (size_t)c->in_size + (c->bits ? 1 : 0);
}

/* out has room for c->out_size bytes.  Thread-safe.  CORRUPT: it cannot be decoded, or is not
 * what its digest says. */
int chunk_decode(const struct index *x, const struct index_chunk *c, const void *packed, void *out,
		 struct gantry_error *err);

#endif
