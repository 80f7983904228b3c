/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Couples the user's standard streams with a container's: one poll loop for
 * both directions, signals, window size and the keys that detach.
 */
#ifndef CLI_TERMINAL_ATTACH_H
#define CLI_TERMINAL_ATTACH_H

#include "cli/client/stream.h"

#include <gantry/error.h>

#define ATTACH_MAX_KEYS 16

struct attach {
	struct stream *stream; /* borrowed */
	int tty;               /* one raw stream instead of frames of two */
	int use_stdin;
	unsigned char keys[ATTACH_MAX_KEYS]; /* to detach; none when n_keys is 0 */
	size_t n_keys;
	/* Both may be NULL. */
	void (*on_signal)(void *user, int number);
	void (*on_resize)(void *user);
	void *user;
	int signal_fd; /* of signals_open(), or -1 */
};

enum attach_end {
	ATTACH_ENDED,
	ATTACH_DETACHED,
	ATTACH_KILLED, /* a signal ended a session on a terminal */
};

/* "ctrl-p,ctrl-q" into keys; "" takes the default. */
int attach_parse_keys(const char *text, struct attach *a, struct gantry_error *err);
/* Runs until the container closes its side. */
int attach_run(struct attach *a, enum attach_end *ret, struct gantry_error *err);
/* Copies a stream of frames (or raw bytes) to stdout and stderr until its end: logs. */
int attach_copy(struct stream *stream, int tty, struct gantry_error *err);

#endif
