/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows the messages of pull, push, load, import as they come: bars that move
 * on a terminal, plain lines elsewhere.
 */
#ifndef CLI_TERMINAL_PROGRESS_H
#define CLI_TERMINAL_PROGRESS_H

#include "cli/client/stream.h"

#include <gantry/error.h>

struct json_object;

struct progress_options {
	int fd;    /* where to print */
	int quiet; /* only errors count */
	/* Called for messages with "aux"; may be NULL. */
	void (*aux)(void *user, struct json_object *aux);
	void *user;
};

/* Reads JSON messages to the end of the stream.  A message that tells an error is
 * the error returned. */
int progress_show(struct stream *stream, const struct progress_options *options,
		  struct gantry_error *err);

#endif
