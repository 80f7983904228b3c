/* SPDX-License-Identifier: Apache-2.0 */
/* A connection is two sockets and a pipe in each direction, through which the kernel
 * moves the pages.  A side that has ended is passed on as a shutdown; the connection
 * ends with the second one, or with an error of either.
 *
 * Where connections are given away (give.c), one is held until it is asked for: nothing
 * of it is carried yet.  It is carried like the others when the container speaks first, or
 * has not asked for a moment: then it accepts without being seen. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "processes.h"

#define CHUNK (64 * 1024)
#define HOLD_MS 300

struct connection;

/* One way: from a socket into a pipe, out of it into the other socket. */
struct flow {
	int pipe[2];
	size_t held;  /* bytes in the pipe */
	int ended;    /* the source said so */
	int passed;   /* and the sink was told */
};

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
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
	int held;
	int64_t release_ms;
	struct connection *next_dead, *next_held;
};

struct listener {
	struct watch watch;
	const struct forward *forward;
};

static struct connection *dead;
/* The last one first. */
static struct connection *held;
static int holds;

void tcp_hold(void)
{
	holds = 1;
}

static void unhold(struct connection *c)
{
	struct connection **at = &held;

	while (*at && *at != c) {
		at = &(*at)->next_held;
	}
	if (*at) {
		*at = c->next_held;
	}
	c->held = 0;
}

static void bury(struct connection *c)
{
	if (c->held) {
		unhold(c);
	}
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

static int open_pipes(struct connection *c)
{
	for (int i = 0; i < 2; i++) {
		if (pipe2(c->flows[i].pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
			return -1;
		}
	}
	return 0;
}

/* It is carried from now on. */
static int release(struct connection *c)
{
	unhold(c);
	return open_pipes(c) < 0 ? -1 : watch_add(c->ends[0].fd, 0, &c->ends[0].watch);
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
		if (c->connected && c->held && !(events & (EPOLLERR | EPOLLHUP | EPOLLIN))) {
			c->ends[1].events = EPOLLIN;
			watch_change(e->fd, EPOLLIN, &e->watch);
			return;
		}
	}
	if (c->held && release(c) < 0) {
		bury(c);
		return;
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

/* Who comes by the host's loopback must not look like the container itself. */
static int is_loopback(int fd)
{
	union address a;
	socklen_t len = sizeof(a);

	if (getpeername(fd, &a.any, &len) < 0) {
		return 1;
	}
	return a.any.sa_family == AF_INET ? ntohl(a.in.sin_addr.s_addr) >> 24 == 127 :
					    IN6_IS_ADDR_LOOPBACK(&a.in6.sin6_addr);
}

static int open_connection(struct connection *c, const struct forward *f)
{
	int one = 1;

	int give = holds && !is_loopback(c->ends[0].fd);

	if (!give && open_pipes(c) < 0) {
		return -1;
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
	if (watch_add(c->ends[1].fd, EPOLLOUT, &c->ends[1].watch) < 0) {
		return -1;
	}
	if (!give) {
		return watch_add(c->ends[0].fd, 0, &c->ends[0].watch) < 0 ? -1 : 0;
	}
	c->held = 1;
	c->release_ms = loop_now_ms() + HOLD_MS;
	c->next_held = held;
	held = c;
	return 0;
}

/* "172.17.0.1 40000": is it where this one comes from, inside? */
static int comes_from(const struct connection *c, const char *who)
{
	union address a;
	char text[INET6_ADDRSTRLEN], all[INET6_ADDRSTRLEN + 8];
	socklen_t len = sizeof(a);
	int is_v6;

	if (getsockname(c->ends[1].fd, &a.any, &len) < 0) {
		return 0;
	}
	is_v6 = a.any.sa_family == AF_INET6;
	inet_ntop(a.any.sa_family, is_v6 ? (void *)&a.in6.sin6_addr : (void *)&a.in.sin_addr, text,
		  sizeof(text));
	snprintf(all, sizeof(all), "%s %u", text, ntohs(is_v6 ? a.in6.sin6_port : a.in.sin_port));
	return !strcmp(all, who);
}

int tcp_give(const char *who)
{
	for (struct connection *c = held; c; c = c->next_held) {
		if (comes_from(c, who)) {
			int fd = c->ends[0].fd;

			c->ends[0].fd = -1;
			bury(c);
			return fd;
		}
	}
	return -1;
}

int tcp_release_due(int longest_ms)
{
	int64_t now = held ? loop_now_ms() : 0;
	struct connection *c = held;

	while (c) {
		struct connection *next = c->next_held;

		if (now >= c->release_ms && (release(c) < 0 || c->connected)) {
			end_ready(&c->ends[1].watch, 0);
		} else if (c->held && c->release_ms - now < longest_ms) {
			longest_ms = (int)(c->release_ms - now) + 1;
		}
		c = next;
	}
	return longest_ms;
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
