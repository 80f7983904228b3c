/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives exactly as long as one parsed specification.  Everything a
 * parser allocates is freed at once, so that its error paths need no cleanup.
 */
#ifndef NATIVE_ARENA_H
#define NATIVE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; /* the newest first */
};

/* Zeroed memory that belongs to the arena, or NULL. */
void *arena_alloc(struct arena *a, size_t size);

/* A zeroed array of n items of size bytes; NULL also when the product overflows. */
void *arena_array(struct arena *a, size_t n, size_t size);

char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Frees everything; the arena is empty again. */
void arena_done(struct arena *a);

#endif
