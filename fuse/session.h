/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads that read requests from the kernel, call the handler and answer.
 */
#ifndef FUSE_SESSION_H
#define FUSE_SESSION_H

#include <stdint.h>

struct gantry_error;
struct unionfs;

enum { SESSION_OPCODES = 64 };

/* Serves fs->dev_fd until the filesystem is unmounted (0) or a signal asks to
 * stop (0, after unmounting).  With takeover set, INIT was answered by an earlier
 * server and the kernel is asked to send again what that one left unanswered. */
int session_run(struct unionfs *fs, int takeover, struct gantry_error *err);

/* How many requests of an opcode were served, and its name or NULL. */
uint64_t session_count(unsigned opcode);
const char *session_name(unsigned opcode);

#endif
