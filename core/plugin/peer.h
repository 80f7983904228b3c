/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a conversation with a plugin: JSON messages, a line each, over a Unix
 * stream socket, with descriptors beside them.  Both ends call and are called, and
 * there is no thread of its own: whoever waits for an answer reads for all, and
 * what the other end asks meanwhile is handled by the thread that read it.  So a
 * plugin may ask its host for something while the host waits for the plugin.
 */
#ifndef CORE_PLUGIN_PEER_H
#define CORE_PLUGIN_PEER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include <gantry/error.h>

#include "core/plugin/wire.h"

enum message_type {
	MESSAGE_INVALID = 0,
	MESSAGE_HELLO,
	MESSAGE_OPEN,
	MESSAGE_PROBE,
	MESSAGE_CALL,
	MESSAGE_CANCEL,
	MESSAGE_BYE,
	MESSAGE_RESULT,
	MESSAGE_ERROR,
	MESSAGE_PROGRESS,
	MESSAGE_REQUEST,
	MESSAGE_LOG,
};

struct message {
	enum message_type type;
	int64_t id;           /* 0: none */
	struct jsonspan body; /* the whole object */
	struct wire_fds fds;  /* what came beside it */
	char *line;           /* what body points into, when owned; else NULL */
};

/* Takes a line apart; n_fds is how many descriptors it says that it brings. */
int message_parse(const char *line, size_t len, struct message *ret, unsigned *ret_n_fds,
		  struct gantry_error *err);
void message_done(struct message *m);

struct peer;

/* Handles what is no answer; may keep m's line and descriptors by taking them.
 * Called without locks, from any thread that reads. */
typedef void (*peer_handler)(struct peer *p, struct message *m);

/* A call that waits for its answer; lives on the caller's stack. */
struct peer_call {
	const struct gantry_op *op;  /* of the results; NULL: none are expected */
	struct gantry_reply *reply;
	struct gantry_error *err;
	int64_t deadline_ns;         /* monotonic; INT64_MAX: none */
	int64_t extend_ns;           /* progress sets the deadline so far from now; 0: not */
	int64_t limit_ns;            /* beyond which nothing extends it */
	int64_t grace_ns;            /* after the deadline it is cancelled and waited for so long; 0: not */

	int64_t id;                  /* the rest is the peer's */
	int cancelled;
	int done;
	int result;
	struct peer_call *next;
};

struct peer {
	int fd;
	peer_handler handler;
	void *data;                  /* the handler's */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned waiters;
	int reading;                 /* somebody has the reader's role */
	atomic_int nudged;           /* who handles a request wakes no reader: peer_nudge() does */
	int ticks;                   /* reading gives up now and then */
	int64_t last_id;
	struct peer_call *calls;
	struct gantry_error broken;  /* code: why nothing more can come; 0: sound */

	pthread_mutex_t sending;

	/* The reader's. */
	struct buf in;
	size_t searched;             /* bytes of in without a newline */
	struct wire_fds fds;         /* received and not yet claimed by a message */
};

void peer_init(struct peer *p, int fd, peer_handler handler, void *data);
/* Closes the socket; nobody may be inside. */
void peer_done(struct peer *p);

/* Sends one message; line is without its newline, which is added.  Descriptors
 * that were made for it are closed. */
int peer_send(struct peer *p, struct buf *line, struct wire_fds *fds, int64_t deadline_ns,
	      struct gantry_error *err);

/* Begins a call: gives it a number, which the message must name. */
void peer_begin(struct peer *p, struct peer_call *c);
/* Sends it and waits.  0 or the code in c->err: what the other end said, TIMEOUT
 * (c->done: it did answer when it was cancelled), or UNAVAILABLE when the
 * conversation has ended (then peer_is_broken()). */
int peer_finish(struct peer *p, struct peer_call *c, struct buf *line, struct wire_fds *fds);

/* Reads and handles one message, or waits until another thread has done so.
 * Returns UNAVAILABLE at the end. */
int peer_serve(struct peer *p, struct gantry_error *err);

/* Handles what has come, without waiting; nothing where another thread reads. */
void peer_look(struct peer *p);

/* Has a thread that waits read if nobody does; returns whether somebody did. */
int peer_nudge(struct peer *p);

/* Ends it: all calls fail with this. */
void peer_break(struct peer *p, const struct gantry_error *why);
int peer_is_broken(struct peer *p);

/* Threads that wait for the reader's role. */
unsigned peer_waiters(struct peer *p);

#endif
