/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two locks, never held together for long: `lock` guards the calls and the reader's
 * role, `sending` the order of bytes on the socket.  The reader's buffer belongs to
 * whoever has the role.  An answer is decoded under the lock, straight into the
 * waiting call; a request is handled after the role was given up, so that another
 * thread, or the handler itself by a nested call, can read on.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/plugin/peer.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define CHUNK 65536
#define TICK_NS INT64_C(500000000)
#define MAX_BUFFERED (2 * (size_t)WIRE_MESSAGE_MAX)

void peer_init(struct peer *p, int fd, peer_handler handler, void *data)
{
	pthread_condattr_t attr;

	*p = (struct peer){.fd = fd, .handler = handler, .data = data};
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->sending, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->changed, &attr);
	pthread_condattr_destroy(&attr);
	p->broken = (struct gantry_error)GANTRY_ERROR_INIT;
}

void peer_done(struct peer *p)
{
	replace_fd(&p->fd, -1);
	wire_fds_done(&p->fds);
	buf_done(&p->in);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->sending);
	pthread_mutex_destroy(&p->lock);
}

static int poll_ms(int64_t deadline_ns)
{
	int64_t left = deadline_ns - time_monotonic_ns();

	return deadline_ns == INT64_MAX	       ? -1
	       : left <= 0		       ? 0
	       : left > INT64_C(3600000000000) ? 3600000
					       : (int)((left + 999999) / 1000000);
}

/* With the lock held. */
static void announce(struct peer *p)
{
	if (p->waiters) {
		pthread_cond_broadcast(&p->changed);
	}
}

static void break_locked(struct peer *p, const struct gantry_error *why)
{
	if (!p->broken.code) {
		p->broken = *why;
		p->broken.size = sizeof(p->broken);
		shutdown(p->fd, SHUT_RDWR);
	}
	announce(p);
}

void peer_break(struct peer *p, const struct gantry_error *why)
{
	pthread_mutex_lock(&p->lock);
	break_locked(p, why);
	pthread_mutex_unlock(&p->lock);
}

int peer_is_broken(struct peer *p)
{
	int broken;

	pthread_mutex_lock(&p->lock);
	broken = p->broken.code != 0;
	pthread_mutex_unlock(&p->lock);
	return broken;
}

unsigned peer_waiters(struct peer *p)
{
	unsigned n;

	pthread_mutex_lock(&p->lock);
	n = p->waiters;
	pthread_mutex_unlock(&p->lock);
	return n;
}

/* Sleeps until something changed; 0, or ETIMEDOUT.  With the lock held. */
static int wait_changed(struct peer *p, int64_t deadline_ns)
{
	struct timespec until = {.tv_sec = deadline_ns / 1000000000,
				 .tv_nsec = deadline_ns % 1000000000};
	int r;

	p->waiters++;
	r = deadline_ns == INT64_MAX ? pthread_cond_wait(&p->changed, &p->lock)
				     : pthread_cond_timedwait(&p->changed, &p->lock, &until);
	p->waiters--;
	return r;
}

/* ---- the reader's role ---- */

/* Reads what is there.  1: something; 0: nothing; negative: the end, with err. */
static int fill(struct peer *p, struct gantry_error *err)
{
	int fds[WIRE_FDS_MAX];
	size_t n_fds = WIRE_FDS_MAX;
	char *to = p->in.len < MAX_BUFFERED ? buf_reserve(&p->in, CHUNK) : NULL;
	ssize_t n;

	if (!to) {
		return error_set(err, GANTRY_ERR_LIMIT, "more than %zu bytes are waiting",
				 p->in.len);
	}
	n = recv_with_fds(p->fd, to, p->in.cap - p->in.len - 1, fds, &n_fds);
	if (n == -EAGAIN) {
		return 0;
	}
	for (size_t i = 0; i < n_fds; i++) {
		if (p->fds.n == WIRE_FDS_MAX) {
			close(fds[i]);
			error_set(err, GANTRY_ERR_CORRUPT,
				  "it sends descriptors that no message brings");
		} else {
			p->fds.fd[p->fds.n++] = fds[i];
		}
	}
	if (n <= 0) {
		/* Reset: it had not read all when it closed it. */
		return n == 0 || n == -ECONNRESET
			       ? error_set(err, GANTRY_ERR_UNAVAILABLE, "it closed the connection")
			       : error_errno(err, (int)-n, "its connection failed");
	}
	p->in.len += (size_t)n;
	p->in.data[p->in.len] = '\0';
	return err->code ? err->code : 1;
}

/* The first n of the descriptors that came go to m. */
static int claim_fds(struct peer *p, struct message *m, unsigned n, struct gantry_error *err)
{
	if (n > p->fds.n) {
		return error_set(err, GANTRY_ERR_CORRUPT,
				 "a message says that it brings %u descriptors, and %u came", n,
				 p->fds.n);
	}
	memcpy(m->fds.fd, p->fds.fd, n * sizeof(int));
	m->fds.n = n;
	p->fds.n -= n;
	memmove(p->fds.fd, p->fds.fd + n, p->fds.n * sizeof(int));
	return 0;
}

/* The next whole line of the buffer as a message.  1: one; 0: none yet.  The line
 * stays in the buffer, before *ret_end. */
static int take_message(struct peer *p, struct message *m, size_t *ret_end,
			struct gantry_error *err)
{
	const char *newline = p->in.len > p->searched ? memchr(p->in.data + p->searched, '\n',
							       p->in.len - p->searched)
						      : NULL;
	unsigned n_fds;
	size_t len;
	int r;

	if (!newline) {
		p->searched = p->in.len;
		return p->in.len <= WIRE_MESSAGE_MAX
			       ? 0
			       : error_set(err, GANTRY_ERR_LIMIT,
					   "it sends a message of more than %u bytes",
					   WIRE_MESSAGE_MAX);
	}
	len = (size_t)(newline - p->in.data);
	*ret_end = len + 1;
	if (len > WIRE_MESSAGE_MAX) {
		return error_set(err, GANTRY_ERR_LIMIT, "it sends a message of more than %u bytes",
				 WIRE_MESSAGE_MAX);
	}
	r = message_parse(p->in.data, len, m, &n_fds, err);
	r = r < 0 ? r : claim_fds(p, m, n_fds, err);
	return r < 0 ? r : 1;
}

static void drop_line(struct peer *p, size_t end)
{
	p->searched = 0;
	if (end == p->in.len) {
		/* A large buffer is not kept for ever. */
		if (p->in.cap > 4 * CHUNK) {
			buf_done(&p->in);
		} else {
			buf_clear(&p->in);
		}
	} else {
		buf_consume(&p->in, end);
	}
}

static void remove_call(struct peer *p, struct peer_call *c)
{
	struct peer_call **at = &p->calls;

	while (*at && *at != c) {
		at = &(*at)->next;
	}
	if (*at) {
		*at = c->next;
	}
}

static void extend(struct peer_call *c)
{
	int64_t until = time_monotonic_ns() + c->extend_ns;

	if (c->extend_ns && c->deadline_ns != INT64_MAX) {
		until = until < c->limit_ns ? until : c->limit_ns;
		c->deadline_ns = until > c->deadline_ns ? until : c->deadline_ns;
	}
}

/* An answer or progress, with the lock held. */
static int settle(struct peer *p, struct message *m, struct gantry_error *err)
{
	struct peer_call *c = p->calls;

	while (c && c->id != m->id) {
		c = c->next;
	}
	if (!c) {
		/* Late answers are nobody's. */
		return m->id > p->last_id ? error_set(err, GANTRY_ERR_CORRUPT,
						      "it answers call %lld, which was not made",
						      (long long)m->id)
					  : 0;
	}
	if (m->type == MESSAGE_PROGRESS) {
		extend(c);
		return 0;
	}
	if (m->type == MESSAGE_ERROR) {
		c->result = wire_get_error(m->body, c->err);
	} else if (c->op) {
		c->result = wire_get_results(jsonspan_get(m->body, "results"), &m->fds, c->op,
					     c->reply, c->err);
		if (c->result < 0) {
			c->err->code = c->result = GANTRY_ERR_INTERNAL;
			error_prefix(c->err, "it answered wrongly");
		}
	}
	c->done = 1;
	remove_call(p, c);
	announce(p);
	return 0;
}

static int is_answer(const struct message *m)
{
	return m->id && (m->type == MESSAGE_RESULT || m->type == MESSAGE_ERROR ||
			 m->type == MESSAGE_PROGRESS);
}

/* Handles what lies in the buffer, with the lock and the role held.  Stops after a
 * request, for which both were given up meanwhile: 1. */
static int handle_buffered(struct peer *p, struct gantry_error *err)
{
	struct message m;
	size_t end = 0;
	int r;

	while ((r = take_message(p, &m, &end, err)) > 0) {
		if (is_answer(&m)) {
			r = settle(p, &m, err);
			wire_fds_done(&m.fds);
			drop_line(p, end);
			if (r < 0) {
				return r;
			}
			continue;
		}
		m.line = malloc(end);
		if (!m.line) {
			wire_fds_done(&m.fds);
			return error_no_memory(err);
		}
		memcpy(m.line, p->in.data, end);
		m.body.at = m.line + (m.body.at - p->in.data);
		drop_line(p, end);
		p->reading = 0;
		if (!p->nudged) {
			announce(p);
		}
		pthread_mutex_unlock(&p->lock);
		p->handler(p, &m);
		message_done(&m);
		pthread_mutex_lock(&p->lock);
		return 1;
	}
	return r;
}

/* Until something can be read; 0: not until the deadline.  One that is far away costs no
 * system call: reading then waits, and gives up at each tick. */
static int await(struct peer *p, int64_t deadline_ns)
{
	static const struct timeval tick = {.tv_usec = TICK_NS / 1000};
	struct pollfd pfd = {.fd = p->fd, .events = POLLIN};

	if (deadline_ns == INT64_MAX) {
		return 1;
	}
	if (deadline_ns - time_monotonic_ns() > 2 * TICK_NS) {
		p->ticks = p->ticks || setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick)) == 0;
		if (p->ticks) {
			return 1;
		}
	}
	return poll(&pfd, 1, poll_ms(deadline_ns));
}

/* One turn of reading, with the lock held: waits, reads, handles.  Gives the role
 * back. */
static void read_turn(struct peer *p, int64_t deadline_ns)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	int r;

	p->reading = 1;
	r = handle_buffered(p, &err);
	if (r == 0) {
		pthread_mutex_unlock(&p->lock);
		r = await(p, deadline_ns) > 0 ? fill(p, &err) : 0;
		pthread_mutex_lock(&p->lock);
		r = r > 0 ? handle_buffered(p, &err) : r;
	}
	if (r < 0) {
		break_locked(p, &err);
	}
	if (r <= 0) {
		p->reading = 0;
		announce(p);
	}
}

/* ---- calls ---- */

void peer_begin(struct peer *p, struct peer_call *c)
{
	pthread_mutex_lock(&p->lock);
	c->id = ++p->last_id;
	c->cancelled = c->done = 0;
	c->result = 0;
	c->next = p->calls;
	p->calls = c;
	pthread_mutex_unlock(&p->lock);
}

/* The socket is full: reads meanwhile, lest both ends wait for each other. */
static int wait_writable(struct peer *p, int64_t deadline_ns, struct gantry_error *err)
{
	struct pollfd pfd = {.fd = p->fd, .events = POLLOUT};
	int reader, r;

	pthread_mutex_lock(&p->lock);
	reader = !p->reading && !p->broken.code && p->in.len < WIRE_MESSAGE_MAX;
	if (reader) {
		p->reading = 1;
		pfd.events |= POLLIN;
	}
	pthread_mutex_unlock(&p->lock);
	r = poll(&pfd, 1, poll_ms(deadline_ns));
	if (r == 0) {
		error_set(err, GANTRY_ERR_TIMEOUT, "it does not read what it is sent");
	}
	if (reader) {
		struct gantry_error why = GANTRY_ERROR_INIT;

		if (r > 0 && (pfd.revents & POLLIN) && fill(p, &why) < 0) {
			peer_break(p, &why);
		}
		pthread_mutex_lock(&p->lock);
		p->reading = 0;
		announce(p);
		pthread_mutex_unlock(&p->lock);
	}
	return err->code;
}

/* Only the first bytes take the descriptors along. */
static ssize_t send_some(int sock, const char *data, size_t len, const struct wire_fds *fds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * WIRE_FDS_MAX)];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)data, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (fds && fds->n) {
		struct cmsghdr *c;

		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * fds->n);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * fds->n);
		memcpy(CMSG_DATA(c), fds->fd, sizeof(int) * fds->n);
	}
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n;
}

static int send_all(struct peer *p, const struct buf *line, const struct wire_fds *fds,
		    int64_t deadline_ns, struct gantry_error *err)
{
	size_t done = 0;

	while (done < line->len) {
		ssize_t n =
			send_some(p->fd, line->data + done, line->len - done, done ? NULL : fds);

		if (n >= 0) {
			done += (size_t)n;
		} else if (errno != EAGAIN) {
			return error_errno(err, errno, "cannot send to it");
		} else if (wait_writable(p, deadline_ns, err) < 0) {
			/* Half a message: nothing more can be sent. */
			if (done) {
				peer_break(p, err);
			}
			return err->code;
		}
	}
	return 0;
}

int peer_send(struct peer *p, struct buf *line, struct wire_fds *fds, int64_t deadline_ns,
	      struct gantry_error *err)
{
	int r;

	buf_addc(line, '\n');
	if (buf_failed(line)) {
		r = error_no_memory(err);
	} else if (line->len > WIRE_MESSAGE_MAX) {
		r = error_set(err, GANTRY_ERR_LIMIT,
			      "a message of %zu bytes is larger than %u bytes", line->len,
			      WIRE_MESSAGE_MAX);
	} else {
		pthread_mutex_lock(&p->sending);
		r = send_all(p, line, fds, deadline_ns, err);
		pthread_mutex_unlock(&p->sending);
	}
	if (fds) {
		wire_fds_sent(fds);
	}
	return r;
}

/* The deadline has passed, with the lock held: asks it to stop, once. */
static int cancel(struct peer *p, struct peer_call *c)
{
	auto_(buf) struct buf line = BUF_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	if (c->cancelled || !c->grace_ns) {
		return error_set(c->err, GANTRY_ERR_TIMEOUT, "it did not answer in time");
	}
	c->cancelled = 1;
	c->deadline_ns = time_monotonic_ns() + c->grace_ns;
	c->extend_ns = 0;
	pthread_mutex_unlock(&p->lock);
	buf_addf(&line, "{\"type\":\"cancel\",\"id\":%lld}", (long long)c->id);
	(void)peer_send(p, &line, NULL, c->deadline_ns, &ignored);
	pthread_mutex_lock(&p->lock);
	return 0;
}

int peer_finish(struct peer *p, struct peer_call *c, struct buf *line, struct wire_fds *fds)
{
	int r = peer_send(p, line, fds, c->deadline_ns, c->err);

	pthread_mutex_lock(&p->lock);
	if (r < 0 && !c->done && c->err->sys_errno == EPIPE && !p->broken.code) {
		/* What it said before it went may still lie there. */
		error_clear(c->err);
		r = 0;
	}
	while (r == 0 && !c->done && !p->broken.code) {
		if (time_monotonic_ns() >= c->deadline_ns) {
			r = cancel(p, c);
		} else if (p->reading) {
			wait_changed(p, c->deadline_ns);
		} else {
			read_turn(p, c->deadline_ns);
		}
	}
	if (c->done) {
		r = c->result;
		if (c->cancelled && r == GANTRY_ERR_CANCELLED) {
			r = error_set(c->err, GANTRY_ERR_TIMEOUT,
				      "it took too long and was cancelled");
		}
	} else {
		remove_call(p, c);
		if (r == 0) {
			*c->err = p->broken;
			r = c->err->code = GANTRY_ERR_UNAVAILABLE;
		}
	}
	pthread_mutex_unlock(&p->lock);
	return r;
}

int peer_nudge(struct peer *p)
{
	int read;

	pthread_mutex_lock(&p->lock);
	read = p->reading || p->broken.code;
	if (!read) {
		announce(p);
	}
	pthread_mutex_unlock(&p->lock);
	return read;
}

void peer_look(struct peer *p)
{
	pthread_mutex_lock(&p->lock);
	if (!p->reading && !p->broken.code) {
		read_turn(p, 0);
	}
	pthread_mutex_unlock(&p->lock);
}

int peer_serve(struct peer *p, struct gantry_error *err)
{
	int r = 0;

	pthread_mutex_lock(&p->lock);
	if (p->broken.code) {
		*err = p->broken;
		r = err->code;
	} else if (p->reading) {
		wait_changed(p, INT64_MAX);
	} else {
		read_turn(p, INT64_MAX);
	}
	pthread_mutex_unlock(&p->lock);
	return r;
}
