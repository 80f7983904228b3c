/* SPDX-License-Identifier: Apache-2.0 */
/* A connection is two sockets and a pipe in each direction, through which the kernel
 * moves the pages.  A side that has ended is passed on as a shutdown; the connection
 * ends with the second one, or with an error of either. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "processes.h"

#define CHUNK (64 * 1024)

struct connection;

/* One way: from a socket into a pipe, out of it into the other socket. */
struct flow {
	int pipe[2];
	size_t held;  /* bytes in the pipe */
	int ended;    /* the source said so */
	int passed;   /* and the sink was told */
};

struct end {
	struct watch watch;
	struct connection *of;
	int fd;
	uint32_t events;
};

struct connection {
	struct end ends[2];   /* the client, the container */
	struct flow flows[2]; /* from ends[i] */
	int connected;
	int dead;
	struct connection *next_dead;
};

struct listener {
	struct watch watch;
	const struct forward *forward;
};

static struct connection *dead;

static void bury(struct connection *c)
{
	if (!c->dead) {
		c->dead = 1;
		c->next_dead = dead;
		dead = c;
	}
}

static void connection_free(struct connection *c)
{
	for (int i = 0; i < 2; i++) {
		if (c->ends[i].fd >= 0) {
			close(c->ends[i].fd);
		}
		for (int k = 0; k < 2; k++) {
			if (c->flows[i].pipe[k] >= 0) {
				close(c->flows[i].pipe[k]);
			}
		}
	}
	free(c);
}

void tcp_sweep(void)
{
	while (dead) {
		struct connection *c = dead;

		dead = c->next_dead;
		connection_free(c);
	}
}

/* Moves what can be moved one way.  -1: the connection is broken. */
static int move(struct connection *c, int i)
{
	struct flow *f = &c->flows[i];
	int from = c->ends[i].fd, to = c->ends[!i].fd, moved;

	do {
		ssize_t n;

		moved = 0;
		if (!f->ended && f->held < CHUNK) {
			n = splice(from, NULL, f->pipe[1], NULL, CHUNK - f->held,
				   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
			f->ended = n == 0;
			f->held += n > 0 ? (size_t)n : 0;
			moved |= n > 0;
			if (n < 0 && errno != EAGAIN) {
				return -1;
			}
		}
		if (f->held) {
			n = splice(f->pipe[0], NULL, to, NULL, f->held, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
			if (n < 0 && errno != EAGAIN) {
				return -1;
			}
			f->held -= n > 0 ? (size_t)n : 0;
			moved |= n > 0;
		}
	} while (moved);
	if (f->ended && !f->held && !f->passed) {
		f->passed = 1;
		(void)shutdown(to, SHUT_WR);
	}
	return 0;
}

/* What each socket is waited for now. */
static void watch_again(struct connection *c)
{
	for (int i = 0; i < 2; i++) {
		struct end *e = &c->ends[i];
		uint32_t events = (!c->flows[i].ended && c->flows[i].held < CHUNK && c->connected ? EPOLLIN : 0u) |
				  (c->flows[!i].held || (i == 1 && !c->connected) ? EPOLLOUT : 0u);

		if (events != e->events) {
			e->events = events;
			watch_change(e->fd, events, &e->watch);
		}
	}
}

static void end_ready(struct watch *w, uint32_t events)
{
	struct end *e = (struct end *)w;
	struct connection *c = e->of;
	int error = 0;
	socklen_t len = sizeof(error);

	if (c->dead) {
		return;
	}
	if (!c->connected && e == &c->ends[1]) {
		c->connected = getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0;
	}
	if (!c->connected || (events & EPOLLERR) || move(c, 0) < 0 || move(c, 1) < 0 ||
	    (c->flows[0].passed && c->flows[1].passed)) {
		bury(c);
		return;
	}
	watch_again(c);
	/* Nothing more comes from here, but the other side has yet to take what came, and a
	 * hang-up cannot be unwatched. */
	if ((events & EPOLLHUP) && c->flows[e - c->ends].ended) {
		watch_remove(e->fd);
	}
}

static struct connection *connection_new(int client)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c) {
		close(client);
		return NULL;
	}
	c->ends[0].fd = client;
	c->ends[1].fd = -1;
	for (int i = 0; i < 2; i++) {
		c->ends[i].of = c;
		c->ends[i].watch.ready = end_ready;
		c->flows[i].pipe[0] = c->flows[i].pipe[1] = -1;
	}
	return c;
}

static int open_connection(struct connection *c, const struct forward *f)
{
	int one = 1;

	for (int i = 0; i < 2; i++) {
		if (pipe2(c->flows[i].pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
			return -1;
		}
	}
	c->ends[1].fd = socket(f->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->ends[1].fd < 0) {
		return -1;
	}
	for (int i = 0; i < 2; i++) {
		(void)setsockopt(c->ends[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	if (connect(c->ends[1].fd, (const struct sockaddr *)&f->to, f->to_len) < 0 && errno != EINPROGRESS) {
		return -1;
	}
	c->ends[1].events = EPOLLOUT;
	return watch_add(c->ends[0].fd, 0, &c->ends[0].watch) < 0 ||
			       watch_add(c->ends[1].fd, EPOLLOUT, &c->ends[1].watch) < 0 ?
		       -1 :
		       0;
}

static void listener_ready(struct watch *w, uint32_t events)
{
	struct listener *l = (struct listener *)w;
	int client = accept4(l->forward->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct connection *c = client < 0 ? NULL : connection_new(client);

	(void)events;
	if (c && open_connection(c, l->forward) < 0) {
		bury(c);
	}
}

int tcp_serve(const struct forward *f)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l) {
		return -ENOMEM;
	}
	l->watch.ready = listener_ready;
	l->forward = f;
	(void)fcntl(f->listener, F_SETFL, O_NONBLOCK);
	return watch_add(f->listener, EPOLLIN, &l->watch);
}
