/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single-threaded.  What the user types waits in a buffer while the container
 * does not read, so that output keeps flowing and neither side can block the other.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/terminal/attach.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define CHUNK 32768

struct demux {
	unsigned char head[8];
	size_t have;   /* bytes of head */
	uint32_t left; /* of the frame's content */
	int out_gone;
};

struct session {
	struct attach *a;
	struct demux demux;
	struct buf input; /* typed, not yet taken */
	size_t matched;   /* keys of the detach sequence seen so far */
	int stdin_open;
	int half_closed;
	enum attach_end end;
	int done;
};

int attach_parse_keys(const char *text, struct attach *a, struct gantry_error *err)
{
	static const char control[] = "@abcdefghijklmnopqrstuvwxyz[\\]^_";
	const char *p = text && *text ? text : "ctrl-p,ctrl-q";

	a->n_keys = 0;
	while (*p) {
		size_t len = strcspn(p, ",");
		const char *at;

		if (a->n_keys == ATTACH_MAX_KEYS) {
			return error_set(err, GANTRY_ERR_INVALID, "too many keys in '%s'", text);
		}
		if (len == 1) {
			a->keys[a->n_keys++] = (unsigned char)*p;
		} else if (len == 6 && strncasecmp(p, "ctrl-", 5) == 0 && p[5] &&
			   (at = strchr(control, p[5] | (p[5] >= 'A' && p[5] <= 'Z' ? 32 : 0)))) {
			a->keys[a->n_keys++] = (unsigned char)(at - control);
		} else {
			return error_set(err, GANTRY_ERR_INVALID, "Unknown character: '%.*s'", (int)len,
					 p);
		}
		p += len;
		p += *p == ',';
	}
	return 0;
}

static void put(struct demux *d, int fd, const char *data, size_t len)
{
	/* A reader that went away does not stop the container. */
	if (!(d->out_gone & 1 << fd) && write_all(fd, data, len) < 0) {
		d->out_gone |= 1 << fd;
	}
}

/* Sorts frames to stdout and stderr; they may be cut anywhere. */
static int demux(struct demux *d, const char *data, size_t len, struct gantry_error *err)
{
	while (len > 0) {
		size_t n;

		if (d->left > 0) {
			n = len < d->left ? len : d->left;
			put(d, d->head[0] == 2 ? STDERR_FILENO : STDOUT_FILENO, data, n);
			d->left -= (uint32_t)n;
		} else {
			n = sizeof(d->head) - d->have < len ? sizeof(d->head) - d->have : len;
			memcpy(d->head + d->have, data, n);
			d->have += n;
			if (d->have == sizeof(d->head)) {
				if (d->head[0] > 2 || d->head[1] || d->head[2] || d->head[3]) {
					return error_set(err, GANTRY_ERR_CORRUPT,
							 "Unrecognized input header: %d",
							 d->head[0]);
				}
				d->have = 0;
				d->left = (uint32_t)d->head[4] << 24 | (uint32_t)d->head[5] << 16 |
					  (uint32_t)d->head[6] << 8 | d->head[7];
			}
		}
		data += n;
		len -= n;
	}
	return 0;
}

static int take_output(struct session *s, struct gantry_error *err)
{
	char data[CHUNK];
	ssize_t n = stream_read(s->a->stream, data, sizeof(data));

	if (n <= 0) {
		s->done = 1;
		return n < 0 && n != -ECONNRESET && n != -EPIPE
			       ? error_errno(err, (int)-n, "cannot read the container's output")
			       : 0;
	}
	if (s->a->tty) {
		put(&s->demux, STDOUT_FILENO, data, (size_t)n);
		return 0;
	}
	return demux(&s->demux, data, (size_t)n, err);
}

/* Keeps back what may become the detach sequence. */
static void filter_keys(struct session *s, const unsigned char *data, size_t len)
{
	struct attach *a = s->a;

	for (size_t i = 0; i < len; i++) {
		if (a->n_keys && data[i] == a->keys[s->matched]) {
			if (++s->matched == a->n_keys) {
				s->end = ATTACH_DETACHED;
				s->done = 1;
				return;
			}
			continue;
		}
		buf_add(&s->input, a->keys, s->matched);
		s->matched = a->n_keys && data[i] == a->keys[0] ? 1 : 0;
		if (!s->matched) {
			buf_add(&s->input, &data[i], 1);
		}
	}
}

static void take_input(struct session *s)
{
	unsigned char data[CHUNK];
	ssize_t n = read(STDIN_FILENO, data, sizeof(data));

	if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
		return;
	}
	if (n <= 0) {
		s->stdin_open = 0;
		return;
	}
	filter_keys(s, data, (size_t)n);
}

static void send_input(struct session *s)
{
	struct stream *stream = s->a->stream;
	ssize_t n = (ssize_t)s->input.len;

	if (s->input.len > 0) {
		if (stream->tls) {
			n = stream_write(stream, s->input.data, s->input.len) < 0 ? -1 : n;
		} else {
			n = send(stream->fd, s->input.data, s->input.len,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
			if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
				return;
			}
		}
		if (n < 0) {
			/* The container no longer reads: only its output matters now. */
			s->stdin_open = 0;
			s->half_closed = 1;
			buf_clear(&s->input);
			return;
		}
		buf_consume(&s->input, (size_t)n);
	}
	if (!s->stdin_open && !s->input.len && !s->half_closed) {
		s->half_closed = 1;
		stream_close_write(stream);
	}
}

static void take_signals(struct session *s)
{
	unsigned char numbers[64];
	ssize_t n = read(s->a->signal_fd, numbers, sizeof(numbers));

	for (ssize_t i = 0; i < n; i++) {
		if (numbers[i] == SIGWINCH && s->a->on_resize) {
			s->a->on_resize(s->a->user);
		} else if (numbers[i] != SIGWINCH && s->a->on_signal) {
			s->a->on_signal(s->a->user, numbers[i]);
		} else if (numbers[i] != SIGWINCH) {
			s->end = ATTACH_KILLED;
			s->done = 1;
		}
	}
}

static int step(struct session *s, struct gantry_error *err)
{
	struct stream *stream = s->a->stream;
	int wants_write = s->input.len > 0 || (s->a->use_stdin && !s->stdin_open && !s->half_closed);
	struct pollfd fds[3] = {
		{ stream->fd, (short)(POLLIN | (wants_write ? POLLOUT : 0)), 0 },
		{ s->stdin_open && s->input.len < CHUNK ? STDIN_FILENO : -1, POLLIN, 0 },
		{ s->a->signal_fd, POLLIN, 0 },
	};

	if (poll(fds, 3, stream_pending(stream) ? 0 : -1) < 0) {
		return errno == EINTR ? 0 : error_errno(err, errno, "cannot wait for the container");
	}
	if (fds[2].revents) {
		take_signals(s);
	}
	if (fds[1].revents) {
		take_input(s);
	}
	if (fds[0].revents & POLLOUT || (fds[1].revents && !s->done)) {
		send_input(s);
	}
	if (!s->done && (stream_pending(stream) || fds[0].revents & (POLLIN | POLLHUP | POLLERR))) {
		return take_output(s, err);
	}
	return 0;
}

int attach_run(struct attach *a, enum attach_end *ret, struct gantry_error *err)
{
	struct session s = { .a = a, .stdin_open = a->use_stdin };
	int r = 0;

	signal(SIGPIPE, SIG_IGN);
	while (r == 0 && !s.done) {
		r = step(&s, err);
	}
	buf_done(&s.input);
	*ret = s.end;
	return r;
}

int attach_copy(struct stream *stream, int tty, struct gantry_error *err)
{
	struct demux d = { .left = 0 };
	char data[CHUNK];
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = stream_read(stream, data, sizeof(data))) != 0) {
		if (n < 0) {
			return error_errno(err, (int)-n, "cannot read from the engine");
		}
		if (tty) {
			put(&d, STDOUT_FILENO, data, (size_t)n);
		} else {
			r = demux(&d, data, (size_t)n, err);
		}
		if (d.out_gone & 1 << STDOUT_FILENO) {
			break;
		}
	}
	return r;
}
