/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of D-Bus as it takes to ask systemd for a control group: connect, call
 * methods of its manager, hear signals.  One caller, one thread; every wait has an
 * end.
 */
#ifndef NATIVE_DBUS_H
#define NATIVE_DBUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <helpers/buf.h>

struct gantry_error;

struct dbus {
	int fd;
	uint32_t serial; /* of the last message sent */
};

#define DBUS_INIT { -1, 0 }

enum dbus_type {
	DBUS_CALL = 1,
	DBUS_REPLY,
	DBUS_ERROR,
	DBUS_SIGNAL,
};

/* A received message; its texts point into data. */
struct dbus_message {
	struct buf data;
	enum dbus_type type;
	uint32_t reply_to; /* serial of the call that it answers, or 0 */
	const char *member, *error_name;
	size_t at; /* where reading goes on */
};

#define DBUS_MESSAGE_INIT { .data = BUF_INIT }

/* Connects to the system's manager, or with `user` to that of the calling user:
 * through the bus, or without one directly. */
int dbus_connect(struct dbus *ret, bool user, struct gantry_error *err);
void dbus_done(struct dbus *d);
static inline void dbus_auto(struct dbus *d)
{
	dbus_done(d);
}

/* Sends a call of systemd's manager; d->serial is its number. */
int dbus_send_call(struct dbus *d, const char *member, const char *signature,
		   const struct buf *body, struct gantry_error *err);

/* Waits for any message. */
int dbus_receive(struct dbus *d, struct dbus_message *ret, struct gantry_error *err);
void dbus_message_done(struct dbus_message *m);
static inline void dbus_message_auto(struct dbus_message *m)
{
	dbus_message_done(m);
}

/* The next string or object path of a message's body; NULL when there is none. */
const char *dbus_read_string(struct dbus_message *m);
/* Skips a 32-bit number. */
void dbus_skip_u32(struct dbus_message *m);

/* Parts of a body. */
void dbus_put_u32(struct buf *b, uint32_t value);
void dbus_put_u64(struct buf *b, uint64_t value);
void dbus_put_string(struct buf *b, const char *text);
void dbus_put_signature(struct buf *b, const char *text);
void dbus_align(struct buf *b, size_t align);
/* Returns what dbus_end_array() wants; align is that of the elements. */
size_t dbus_begin_array(struct buf *b, size_t align);
void dbus_end_array(struct buf *b, size_t mark, size_t align);

#endif
