/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pull scanner for JSON text that allocates nothing but the strings it hands
 * out: the shim links this driver, and a JSON library would cost it more than
 * the rest.  Made for records and options, which are flat.
 */
#ifndef LOG_SCAN_H
#define LOG_SCAN_H

#include <stddef.h>

struct buf;

struct scan {
	const char *p;
	const char *end;
};

void scan_init(struct scan *s, const char *text, size_t len);

/* Steps into an object ('{') or a list ('[').  0, or -1 when something else stands here. */
int scan_enter(struct scan *s, char open);

/* The next member of an object: 1 with its key, standing at the value; 0 after the
 * last; -1 when the text is malformed. */
int scan_member(struct scan *s, struct buf *key);

/* The next item of a list: 1, standing at it; 0 after the last; -1 when malformed. */
int scan_item(struct scan *s);

/* Appends a string value to out, unescaped to UTF-8.  0, or -1 when no (valid) string
 * stands here or memory is short. */
int scan_string(struct scan *s, struct buf *out);

/* Passes over any value of at most 64 levels. */
int scan_skip(struct scan *s);

/* What the next value starts with, or 0 at the end. */
char scan_peek(struct scan *s);

#endif
