/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversation between the process that creates a container and the
 * container's first process, over a pair of SOCK_SEQPACKET sockets.  Either side
 * notices the other's death as end of file, so nobody waits for ever.
 */
#ifndef NATIVE_SYNC_H
#define NATIVE_SYNC_H

#include <stdint.h>

#include <gantry/error.h>

enum sync_type {
	SYNC_NONE,
	/* from the new process */
	SYNC_ERROR,      /* error; the sender exits */
	SYNC_WARNING,    /* error.message; the sender goes on */
	SYNC_NAMESPACES, /* everything is mounted; it waits for SYNC_GO */
	SYNC_CONSOLE,    /* descriptor: the terminal's master */
	SYNC_PID,        /* value: the pid of the process that goes on */
	SYNC_READY,      /* only execve(2) is left; it waits for SYNC_GO or SYNC_START */
	/* to the new process */
	SYNC_MAPPED, /* user and group ids are mapped */
	SYNC_CGROUP, /* it is in its control groups; value: its pid on the host; error.message:
		      * their path */
	SYNC_GO,     /* hooks are done; later: it is on record and can be started by others */
	SYNC_START,
};

struct sync_message {
	uint32_t type; /* enum sync_type */
	int32_t value;
	struct gantry_error error; /* SYNC_ERROR, SYNC_WARNING and SYNC_CGROUP */
};

/* Two connected ends, close-on-exec.  Returns 0 or a negative errno. */
int sync_pair(int ends[2]);

/* Each returns 0 or a negative errno; none raises SIGPIPE. */
int sync_send(int sock, enum sync_type type, int32_t value);
int sync_send_text(int sock, enum sync_type type, int32_t value, const char *text);
int sync_send_fd(int sock, enum sync_type type, int fd);
int sync_send_error(int sock, enum sync_type type, const struct gantry_error *error);

/* Returns 1, 0 at the end, or a negative errno.  *ret_fd is a received
 * descriptor (close-on-exec) or -1. */
int sync_receive(int sock, struct sync_message *ret, int *ret_fd);

/* Receives one message and insists on its type; end of file is an error. */
int sync_expect(int sock, enum sync_type type, struct gantry_error *err);

#endif
