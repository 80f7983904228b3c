/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer that is always NUL-terminated.  Allocation failure is
 * sticky: adding to a failed buffer does nothing, and buf_failed() is asked
 * once at the end.  A zeroed struct is a valid empty buffer.
 */
#ifndef HELPERS_BUF_H
#define HELPERS_BUF_H

#include <stddef.h>

struct buf {
	char *data;   /* NULL until the first byte */
	size_t len;
	size_t cap;
	int failed;
};

#define BUF_INIT { NULL, 0, 0, 0 }

void buf_done(struct buf *b);
static inline void buf_auto(struct buf *b)
{
	buf_done(b);
}

void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for len more bytes and returns where they go, or NULL. */
void *buf_reserve(struct buf *b, size_t len);

/* Empties it and keeps the memory. */
void buf_clear(struct buf *b);

/* Drops the first len bytes. */
void buf_consume(struct buf *b, size_t len);

static inline int buf_failed(const struct buf *b)
{
	return b->failed;
}

/* Never NULL. */
static inline const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

/* Moves the text out (caller frees); NULL after a failed allocation. */
char *buf_steal(struct buf *b);

#endif
