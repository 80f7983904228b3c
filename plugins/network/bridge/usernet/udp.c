/* SPDX-License-Identifier: Apache-2.0 */
/* Each client of a port gets a socket of its own towards the container, so that the
 * answers find their way back. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "processes.h"

#define SILENCE_S 90
#define MAX_PEERS 1024
#define BURST 32

struct listener {
	struct watch watch;
	const struct forward *forward;
};

struct peer {
	struct watch watch;
	const struct forward *forward;
	struct sockaddr_storage client;
	socklen_t client_len;
	int fd;
	int64_t used_s;
	struct peer *next;
};

static struct peer *peers;
static unsigned int n_peers;
static char packet[65536];

static int64_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec;
}

static void peer_ready(struct watch *w, uint32_t events)
{
	struct peer *p = (struct peer *)w;
	ssize_t n;

	(void)events;
	for (int i = 0; i < BURST && (n = recv(p->fd, packet, sizeof(packet), MSG_DONTWAIT)) >= 0; i++) {
		p->used_s = now_s();
		(void)sendto(p->forward->listener, packet, (size_t)n, MSG_DONTWAIT,
			     (struct sockaddr *)&p->client, p->client_len);
	}
}

static struct peer *find_peer(const struct forward *f, const struct sockaddr_storage *client,
			      socklen_t len)
{
	struct peer *p = peers;

	while (p && (p->forward != f || p->client_len != len || memcmp(&p->client, client, len) != 0)) {
		p = p->next;
	}
	return p;
}

static struct peer *peer_new(const struct forward *f, const struct sockaddr_storage *client,
			     socklen_t len)
{
	struct peer *p = n_peers < MAX_PEERS ? calloc(1, sizeof(*p)) : NULL;

	if (!p) {
		return NULL;
	}
	p->watch.ready = peer_ready;
	p->forward = f;
	p->client = *client;
	p->client_len = len;
	p->fd = socket(f->to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0 || connect(p->fd, (const struct sockaddr *)&f->to, f->to_len) < 0 ||
	    watch_add(p->fd, EPOLLIN, &p->watch) < 0) {
		if (p->fd >= 0) {
			close(p->fd);
		}
		free(p);
		return NULL;
	}
	p->next = peers;
	peers = p;
	n_peers++;
	return p;
}

static void listener_ready(struct watch *w, uint32_t events)
{
	struct listener *l = (struct listener *)w;

	(void)events;
	for (int i = 0; i < BURST; i++) {
		struct sockaddr_storage client = { 0 };
		socklen_t len = sizeof(client);
		ssize_t n = recvfrom(l->forward->listener, packet, sizeof(packet), MSG_DONTWAIT,
				     (struct sockaddr *)&client, &len);
		struct peer *p;

		if (n < 0) {
			return;
		}
		p = find_peer(l->forward, &client, len);
		p = p ? p : peer_new(l->forward, &client, len);
		if (p) {
			p->used_s = now_s();
			(void)send(p->fd, packet, (size_t)n, MSG_DONTWAIT);
		}
	}
}

/* Called after a round of the loop, when no event of a peer is pending. */
void udp_expire(int64_t now)
{
	for (struct peer **at = &peers; *at;) {
		struct peer *p = *at;

		if (now - p->used_s < SILENCE_S) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		close(p->fd);
		free(p);
		n_peers--;
	}
}

int udp_serve(const struct forward *f)
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
