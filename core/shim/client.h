/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One attached client: a stream socket, framed as in the Engine API unless the
 * process has a terminal.
 */
#ifndef CORE_SHIM_CLIENT_H
#define CORE_SHIM_CLIENT_H

#include "core/shim/stdio.h"

#define CLIENT_MAX_KEYS 16

struct client {
	struct client *next;
	struct stdio *stdio;
	struct source source;
	struct buf queue;    /* output that the peer has not taken */
	unsigned want;       /* STDIO_STDIN | ... */
	int framed;          /* also what a terminal prints */
	unsigned char keys[CLIENT_MAX_KEYS]; /* the sequence that detaches */
	unsigned n_keys;
	unsigned matched;    /* keys of the sequence typed so far, held back */
	int input_ended;
	int hung;            /* the peer is gone altogether */
	int closing;         /* goes when its queue is empty */
};

/* Takes sock on success. */
int client_new(struct stdio *s, int sock, const struct shim_message *m, struct client **ret,
	       struct gantry_error *err);
void client_free(struct client *c);
/* Frees it and leaves what is queued to a child process that waits for the peer,
 * so that `run | less` loses nothing and holds nothing up. */
void client_hand_over(struct client *c);

/* Sends or queues; a gone peer is no error. */
void client_send(struct client *c, int stream, const void *data, size_t len);
/* Is there anything left that it could do? */
int client_is_done(const struct client *c);
void client_watch(struct client *c);

#endif
