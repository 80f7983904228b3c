/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The standard streams of one process, the container's init or an exec: what it
 * writes goes to the log and to every attached client, what clients send goes to
 * its stdin.  Nothing is dropped while the process lives: a client that does not
 * read holds the process up, as a terminal would.
 */
#ifndef CORE_SHIM_STDIO_H
#define CORE_SHIM_STDIO_H

#include "core/shim/loop.h"
#include "helpers/buf.h"

struct client;
struct logger;
struct shim_message;
struct stdio;

enum { STREAM_STDOUT = 1, STREAM_STDERR = 2 };

struct output {
	struct source source;
	struct stdio *stdio;
	int stream;
	struct buf line;    /* the beginning of a line, for the log */
	int line_continues; /* a part of that line is in the log already */
	struct timer sleep; /* a terminal that nobody has open is looked at again later */
};

struct stdio {
	struct loop *loop;
	int tty;
	int awaits_console; /* the terminal is not there yet */
	int stdin_once; /* the end of a client's input is the end of the process's */
	struct output out;
	struct output err;
	struct source input;    /* non-blocking */
	struct buf pending;     /* input that the process has not taken */
	int input_closing;      /* close it when pending is empty */
	struct client *clients;
	struct logger *logger;  /* borrowed; or NULL */
	struct buf *capture;    /* borrowed; or NULL */
	size_t capture_limit;
	struct timer timer;     /* grace, then patience with slow clients */
	void (*drained)(struct stdio *s);
	void (*closed)(struct stdio *s);
	int closing;
};

enum { /* stdio_open */
	STDIO_STDIN = 1,
	STDIO_STDOUT = 2,
	STDIO_STDERR = 4,
	STDIO_TTY = 8,
};

/* Makes pipes for the streams asked for; ret_theirs are the process's ends (-1:
 * none), which the caller owns.  With STDIO_TTY there are none, and the terminal's
 * master comes later. */
int stdio_open(struct stdio *s, struct loop *l, unsigned flags, int ret_theirs[3],
	       struct gantry_error *err);
/* Takes the master. */
int stdio_set_console(struct stdio *s, int master, struct gantry_error *err);
int stdio_resize(struct stdio *s, int64_t width, int64_t height, struct gantry_error *err);

/* Takes the socket and starts to serve it; fields as of SHIM_ATTACH. */
int stdio_attach(struct stdio *s, int sock, const struct shim_message *m, struct gantry_error *err);

/* The process has ended: reads what it wrote, then calls drained, once.  A
 * process left behind that holds the streams open delays that by a moment only. */
void stdio_drain(struct stdio *s, void (*drained)(struct stdio *s));
/* Lets clients take what is theirs; slow ones go on with a process of their own.
 * Then calls closed. */
void stdio_close(struct stdio *s, void (*closed)(struct stdio *s));
/* At once. */
void stdio_done(struct stdio *s);

/* For client.c: input for the process; has it taken the last? */
void stdio_input(struct stdio *s, const void *data, size_t len);
static inline int stdio_takes_input(const struct stdio *s)
{
	return !s->pending.len && !s->awaits_console;
}
void stdio_input_end(struct stdio *s);
/* After every event: drops clients that are done, watches what is to be watched.
 * May call drained or closed, which may free s: the caller's last line. */
void stdio_settle(struct stdio *s);

#endif
