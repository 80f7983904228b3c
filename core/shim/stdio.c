/* SPDX-License-Identifier: Apache-2.0 */
/* Back-pressure: while any client has output that it has not taken, the process's
 * output is not read.  Once the process has ended all is read, since what is in
 * the pipes then is bounded. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "core/shim/client.h"
#include "core/shim/logger.h"
#include "core/shim/stdio.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define CHUNK 32768
#define DRAIN_MAX (8 << 20)          /* bytes queued for a client after the end */
#define GRACE_NS INT64_C(500000000)  /* for processes left behind */
#define PATIENCE_NS INT64_C(100000000) /* with clients that do not read */
#define SLEEP_NS INT64_C(50000000)

static int set_nonblocking(int fd)
{
	return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* A pipe of which our end does not block. */
static int make_pipe(int *ret_ours, int *ret_theirs, int ours_reads, struct gantry_error *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0) {
		return error_errno(err, errno, "cannot create a pipe");
	}
	*ret_ours = fds[ours_reads ? 0 : 1];
	*ret_theirs = fds[ours_reads ? 1 : 0];
	set_nonblocking(*ret_ours);
	return 0;
}

static void wake_output(struct timer *t)
{
	stdio_settle(container_of(t, struct output, sleep)->stdio);
}

static void end_output(struct output *o)
{
	timer_cancel(&o->sleep);
	source_close(&o->source);
	if (o->stdio->logger) {
		logger_end(o->stdio->logger, o);
	}
	buf_done(&o->line);
}

static void deliver(struct output *o, const char *data, size_t len)
{
	struct stdio *s = o->stdio;

	if (s->logger) {
		logger_feed(s->logger, o, data, len);
	}
	if (s->capture && s->capture->len < s->capture_limit) {
		size_t room = s->capture_limit - s->capture->len;

		buf_add(s->capture, data, len < room ? len : room);
	}
	for (struct client *c = s->clients; c; c = c->next) {
		client_send(c, o->stream, data, len);
	}
}

static void output_ready(struct source *source, uint32_t events)
{
	static char chunk[CHUNK];
	struct output *o = container_of(source, struct output, source);
	ssize_t n = read(source->fd, chunk, sizeof(chunk));

	if (n > 0) {
		deliver(o, chunk, (size_t)n);
	} else if (n < 0 && errno == EIO && !o->stdio->drained) {
		/* Nobody has the terminal open just now. */
		timer_set(&o->sleep, o->stdio->loop, SLEEP_NS, wake_output);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		end_output(o);
	}
	stdio_settle(o->stdio);
}

static void input_ready(struct source *source, uint32_t events)
{
	struct stdio *s = container_of(source, struct stdio, input);
	ssize_t n = write(source->fd, s->pending.data, s->pending.len);

	if (n > 0) {
		buf_consume(&s->pending, (size_t)n);
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		source_close(source);
	}
	if (!source_is_open(source) || !s->pending.len) {
		buf_done(&s->pending);
	}
	stdio_settle(s);
}

static int make_pipes(struct stdio *s, unsigned flags, int ours[3], int theirs[3],
		      struct gantry_error *err)
{
	int r = 0;

	if (flags & STDIO_STDIN) {
		r = make_pipe(&ours[0], &theirs[0], 0, err);
	}
	if (r == 0 && (flags & STDIO_STDOUT)) {
		r = make_pipe(&ours[1], &theirs[1], 1, err);
	}
	if (r == 0 && (flags & STDIO_STDERR)) {
		r = make_pipe(&ours[2], &theirs[2], 1, err);
	}
	return r;
}

int stdio_open(struct stdio *s, struct loop *l, unsigned flags, int ret_theirs[3],
	       struct gantry_error *err)
{
	int ours[3] = { -1, -1, -1 };
	int r = 0;

	*s = (struct stdio){ .loop = l, .tty = (flags & STDIO_TTY) != 0,
			      .awaits_console = (flags & STDIO_TTY) != 0 };
	ret_theirs[0] = ret_theirs[1] = ret_theirs[2] = -1;
	if (!s->tty) {
		r = make_pipes(s, flags, ours, ret_theirs, err);
	}
	source_init(&s->input, l, ours[0], input_ready);
	source_init(&s->out.source, l, ours[1], output_ready);
	source_init(&s->err.source, l, ours[2], output_ready);
	s->out.stdio = s->err.stdio = s;
	s->out.stream = STREAM_STDOUT;
	s->err.stream = STREAM_STDERR;
	if (r < 0) {
		stdio_done(s);
		for (int i = 0; i < 3; i++) {
			replace_fd(&ret_theirs[i], -1);
		}
	}
	return r;
}

int stdio_set_console(struct stdio *s, int master, struct gantry_error *err)
{
	/* A descriptor of its own for writing: each is watched for one thing. */
	int copy = fcntl(master, F_DUPFD_CLOEXEC, 3);

	set_nonblocking(master);
	s->out.source.fd = master;
	if (copy < 0) {
		return error_errno(err, errno, "cannot duplicate the terminal");
	}
	s->input.fd = copy;
	s->awaits_console = 0;
	stdio_settle(s);
	return 0;
}

int stdio_resize(struct stdio *s, int64_t width, int64_t height, struct gantry_error *err)
{
	struct winsize size = { .ws_col = (unsigned short)width, .ws_row = (unsigned short)height };

	if (!s->tty) {
		return error_set(err, GANTRY_ERR_CONFLICT, "it has no terminal to resize");
	}
	if (width < 0 || width > 65535 || height < 0 || height > 65535) {
		return error_set(err, GANTRY_ERR_INVALID, "a terminal cannot have %lld columns and %lld rows",
				 (long long)width, (long long)height);
	}
	if (source_is_open(&s->out.source) && ioctl(s->out.source.fd, TIOCSWINSZ, &size) < 0) {
		return error_errno(err, errno, "cannot resize the terminal");
	}
	return 0;
}

int stdio_attach(struct stdio *s, int sock, const struct shim_message *m, struct gantry_error *err)
{
	struct client *c;
	struct client **last = &s->clients;
	int r = client_new(s, sock, m, &c, err);

	if (r < 0) {
		return r;
	}
	while (*last) {
		last = &(*last)->next;
	}
	*last = c;
	stdio_settle(s);
	return 0;
}

void stdio_input(struct stdio *s, const void *data, size_t len)
{
	ssize_t n = 0;

	if (!source_is_open(&s->input) || s->input_closing) {
		return;
	}
	if (!s->pending.len) {
		n = write(s->input.fd, data, len);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			source_close(&s->input);
			return;
		}
		n = n < 0 ? 0 : n;
	}
	buf_add(&s->pending, (const char *)data + n, len - (size_t)n);
}

void stdio_input_end(struct stdio *s)
{
	if (!s->tty) {
		s->input_closing = 1;
	}
}

static void drop_done_clients(struct stdio *s)
{
	struct client **at = &s->clients;

	while (*at) {
		struct client *c = *at;

		if (!client_is_done(c)) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		if (s->stdin_once && (c->want & STDIO_STDIN)) {
			stdio_input_end(s);
		}
		client_free(c);
	}
}

static int is_held_up(const struct stdio *s)
{
	for (const struct client *c = s->clients; c; c = c->next) {
		if (!c->hung && c->queue.len > (s->drained ? (size_t)DRAIN_MAX : 0)) {
			return 1;
		}
	}
	return 0;
}

static void watch_output(struct output *o, int held_up)
{
	source_watch(&o->source, held_up || o->sleep.loop ? 0 : EPOLLIN);
}

void stdio_settle(struct stdio *s)
{
	int held_up;

	drop_done_clients(s);
	if (s->input_closing && !s->pending.len) {
		source_close(&s->input);
	}
	if (!source_is_open(&s->input)) {
		buf_done(&s->pending);
	}
	held_up = is_held_up(s);
	watch_output(&s->out, held_up);
	watch_output(&s->err, held_up);
	source_watch(&s->input, s->pending.len ? EPOLLOUT : 0);
	for (struct client *c = s->clients; c; c = c->next) {
		client_watch(c);
	}
	if (s->closing) {
		if (!s->clients && s->closed) {
			void (*closed)(struct stdio *s) = s->closed;

			s->closed = NULL;
			timer_cancel(&s->timer);
			closed(s);
		}
	} else if (s->drained && !source_is_open(&s->out.source) && !source_is_open(&s->err.source)) {
		void (*drained)(struct stdio *s) = s->drained;

		s->closing = 1;
		timer_cancel(&s->timer);
		drained(s);
	}
}

static void grace_over(struct timer *t)
{
	struct stdio *s = container_of(t, struct stdio, timer);

	end_output(&s->out);
	end_output(&s->err);
	stdio_settle(s);
}

void stdio_drain(struct stdio *s, void (*drained)(struct stdio *s))
{
	s->drained = drained;
	timer_cancel(&s->out.sleep);
	source_close(&s->input);
	timer_set(&s->timer, s->loop, GRACE_NS, grace_over);
	stdio_settle(s);
}

static void patience_over(struct timer *t)
{
	struct stdio *s = container_of(t, struct stdio, timer);

	while (s->clients) {
		struct client *c = s->clients;

		s->clients = c->next;
		client_hand_over(c);
	}
	stdio_settle(s);
}

void stdio_close(struct stdio *s, void (*closed)(struct stdio *s))
{
	s->closing = 1;
	s->closed = closed;
	for (struct client *c = s->clients; c; c = c->next) {
		c->closing = 1;
	}
	timer_set(&s->timer, s->loop, PATIENCE_NS, patience_over);
	stdio_settle(s);
}

void stdio_done(struct stdio *s)
{
	timer_cancel(&s->timer);
	timer_cancel(&s->out.sleep);
	source_close(&s->input);
	source_close(&s->out.source);
	source_close(&s->err.source);
	buf_done(&s->pending);
	buf_done(&s->out.line);
	buf_done(&s->err.line);
	while (s->clients) {
		struct client *c = s->clients;

		s->clients = c->next;
		client_free(c);
	}
}
