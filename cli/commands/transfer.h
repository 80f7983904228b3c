/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives between the engine and files: to --output or STDOUT, never to a
 * terminal, and never half a file.
 */
#ifndef CLI_COMMANDS_TRANSFER_H
#define CLI_COMMANDS_TRANSFER_H

#include "cli/cli.h"
#include "cli/client/stream.h"

/* GET target into the file (or STDOUT for NULL). what names the command in messages. */
int transfer_to_output(struct cli *cli, const char *target, const char *path, const char *what,
		       struct gantry_error *err);
/* Copies a stream to a descriptor. */
int transfer_copy(struct stream *stream, int fd, struct gantry_error *err);
/* Opens a file to send, or STDIN for NULL; the descriptor. */
int transfer_open_input(const char *path, struct gantry_error *err);

#endif
