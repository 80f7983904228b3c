/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A collector for the results of one call: the side that calls owns it, the
 * side that answers fills it through the gantry_reply in front.  It checks each
 * value against the operation's description.
 */
#ifndef HELPERS_REPLY_H
#define HELPERS_REPLY_H

#include <gantry/interface.h>

#define REPLY_MAX_FIELDS 8

struct reply_value {
	uint32_t type; /* 0: not set */
	int64_t number; /* integer, boolean, handle, fd */
	char *data;     /* string, json, bytes: NUL-terminated; owned */
	uint64_t size;  /* bytes in data */
	char **items;   /* list: NULL-terminated; owned */
	uint32_t n_items;
};

struct reply {
	struct gantry_reply base;
	const struct gantry_op *op; /* NULL: unchecked */
	struct reply_value values[REPLY_MAX_FIELDS];
};

/* `auto_(reply) struct reply r = REPLY_INIT;` */
extern const struct gantry_reply_ops reply_ops;
#define REPLY_INIT { .base = { sizeof(struct reply), 0, &reply_ops } }

/* Frees what it holds, closes descriptors not taken; it is empty again. */
void reply_done(struct reply *r);
static inline void reply_auto(struct reply *r)
{
	reply_done(r);
}

/* The value of a field, or the fallback when it was not set.  Text is owned by
 * the reply and lives as long. */
const char *reply_string(const struct reply *r, uint32_t field);
int64_t reply_integer(const struct reply *r, uint32_t field, int64_t fallback);
struct gantry_bytes reply_bytes(const struct reply *r, uint32_t field);
/* Never NULL; ends with NULL. */
const char *const *reply_list(const struct reply *r, uint32_t field);
/* Ownership moves to the caller; -1 when absent. */
int reply_take_fd(struct reply *r, uint32_t field);
/* Ownership of the text moves to the caller; NULL when absent. */
char *reply_take_string(struct reply *r, uint32_t field);

#endif
