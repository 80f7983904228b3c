/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of the shim share: a run folder, a shim over the fake runtime, and
 * requests to it.  Used from within Check cases: whatever goes wrong fails them.
 */
#ifndef TESTS_SHIM_DRIVER_H
#define TESTS_SHIM_DRIVER_H

#include <sys/types.h>

#include "core/shim/protocol.h"
#include "helpers/buf.h"

struct bench {
	char dir[64]; /* the run folder; all else lies below it */
	int control;
	int lock; /* until CREATE hands it over; then -1 */
	pid_t shim;
	const char *log; /* "json-file", or NULL for none */
};

extern struct shim_message msg; /* the last answer */
extern struct gantry_error err; /* the last error */

/* A folder with the container's script, and a shim.  bench_clean ends what is left. */
void bench_setup(struct bench *b, const char *script);
void bench_clean(struct bench *b);
/* A file below the folder. */
void bench_write(struct bench *b, const char *name, const char *text);
/* Its text; "" when it is not there; the caller frees. */
char *bench_read(struct bench *b, const char *name);
/* Waits until the file is there (and holds text). */
void bench_await(struct bench *b, const char *name, const char *text);
/* Waits for the shim's end and returns its wait status. */
int bench_shim_status(struct bench *b);
int bench_lock_is_free(struct bench *b);

/* Sends a request of "key", "value" pairs that end with NULL; returns 0 or the code. */
int request(int sock, enum shim_type type, int fd, ...);
int create(struct bench *b, ...);
int start(struct bench *b);
int bench_connect(struct bench *b);
/* Attaches with the given streams ("io e"...): returns our end. */
int attach(int sock, const char *streams, const char *detach_keys);
/* Sends WAIT; wait_answer receives EXITED and returns code * 2 + clean. */
void send_wait(int sock, int clean);
int wait_answer(int sock);

/* Reads all of a stream to its end; frames of the given stream only, or raw (0). */
char *read_stream(int fd, int stream, size_t *ret_len);

#endif
