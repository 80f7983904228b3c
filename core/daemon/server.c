/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of connections is guarded by `lock`; a client's thread takes itself
 * off it last of all, and `gone` tells the one who drains.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/daemon/connection.h"
#include "core/daemon/peer.h"
#include "core/daemon/server.h"
#include "core/daemon/tls.h"
#include "core/daemon/wire.h"

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define THREAD_STACK (2 << 20) /* address space; only what is touched costs memory */
#define ACCEPT_PAUSE_MS 100
#define EXCESS_CONNECTIONS 64 /* over the limit, these are told so; more are just closed */

struct client {
	struct connection connection;
	struct server *server;
	enum server_security security;
	struct client *next, *previous;
};

struct server {
	struct core *core;
	struct tls_context *tls;
	unsigned max_connections;
	int wake; /* eventfd: server_stop() */
	atomic_int stopping;
	unsigned n_listeners;
	struct {
		int fd;
		enum server_security security;
	} listeners[SERVER_MAX_LISTENERS];
	pthread_attr_t thread_attr;
	pthread_mutex_t lock;
	pthread_cond_t gone;
	struct client *clients;
	unsigned n_clients;
};

int server_new(struct core *core, struct tls_context *tls, unsigned max_connections,
	       struct server **ret, struct gantry_error *err)
{
	struct server *s = calloc(1, sizeof(*s));
	pthread_condattr_t monotonic;

	if (!s) {
		return error_no_memory(err);
	}
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake < 0) {
		free(s);
		return error_errno(err, errno, "cannot make an eventfd");
	}
	s->core = core;
	s->tls = tls;
	s->max_connections = max_connections;
	pthread_attr_init(&s->thread_attr);
	pthread_attr_setdetachstate(&s->thread_attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&s->thread_attr, THREAD_STACK);
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->gone, &monotonic);
	pthread_condattr_destroy(&monotonic);
	*ret = s;
	return 0;
}

int server_listen(struct server *s, int fd, enum server_security security,
		  struct gantry_error *err)
{
	if (s->n_listeners == SERVER_MAX_LISTENERS) {
		close(fd);
		return error_set(err, GANTRY_ERR_LIMIT, "more than %d listening sockets",
				 SERVER_MAX_LISTENERS);
	}
	s->listeners[s->n_listeners].fd = fd;
	s->listeners[s->n_listeners].security = security;
	s->n_listeners++;
	return 0;
}

static void link_client(struct server *s, struct client *client)
{
	pthread_mutex_lock(&s->lock);
	client->next = s->clients;
	if (s->clients) {
		s->clients->previous = client;
	}
	s->clients = client;
	s->n_clients++;
	pthread_mutex_unlock(&s->lock);
}

/* Takes it off the list, closes and frees it. */
static void unlink_client(struct server *s, struct client *client)
{
	pthread_mutex_lock(&s->lock);
	if (client->previous) {
		client->previous->next = client->next;
	} else {
		s->clients = client->next;
	}
	if (client->next) {
		client->next->previous = client->previous;
	}
	/* Under the lock: server_drain() must not shut down a number that has been
	 * given to another file. */
	close(client->connection.sock);
	free(client);
	s->n_clients--;
	pthread_cond_signal(&s->gone);
	pthread_mutex_unlock(&s->lock);
}

/* Puts TLS before the connection: its socket becomes a plain one. */
static int secure(struct client *client, char **ret_subject)
{
	struct server *s = client->server;
	int plain = tls_accept(s->tls, client->connection.sock, ret_subject);

	if (plain < 0) {
		return plain;
	}
	pthread_mutex_lock(&s->lock);
	client->connection.sock = plain;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static void *client_run(void *arg)
{
	struct client *client = arg;
	auto_(buf) struct buf peer = BUF_INIT;
	auto_free char *subject = NULL;
	int peer_sock = dup(client->connection.sock);
	int r = 0;

	if (client->security == SERVER_TLS) {
		r = secure(client, &subject);
	}
	peer_describe(peer_sock, client->security == SERVER_TLS ? PEER_TLS : PEER_PLAIN, subject,
		      &peer);
	if (peer_sock >= 0) {
		close(peer_sock);
	}
	if (r == 0 && !buf_failed(&peer)) {
		client->connection.peer = buf_str(&peer);
		connection_serve(&client->connection);
	}
	unlink_client(client->server, client);
	return NULL;
}

static void start_client(struct server *s, int sock, enum server_security security)
{
	struct client *client = NULL;
	pthread_t thread;
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = s->n_clients;
	pthread_mutex_unlock(&s->lock);
	if (n < s->max_connections + EXCESS_CONNECTIONS) {
		client = calloc(1, sizeof(*client));
	}
	if (!client) {
		close(sock);
		return;
	}
	client->server = s;
	client->security = security;
	client->connection.core = s->core;
	client->connection.sock = sock;
	client->connection.stopping = &s->stopping;
	client->connection.refuse = n >= s->max_connections;
	link_client(s, client);
	if (pthread_create(&thread, &s->thread_attr, client_run, client)) {
		unlink_client(s, client);
	}
}

static void accept_one(struct server *s, unsigned i)
{
	int sock = accept4(s->listeners[i].fd, NULL, NULL, SOCK_CLOEXEC);

	if (sock >= 0) {
		start_client(s, sock, s->listeners[i].security);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
		/* The client stays in the queue; let others finish meanwhile. */
		poll(NULL, 0, ACCEPT_PAUSE_MS);
	}
}

int server_run(struct server *s, struct gantry_error *err)
{
	struct pollfd pfds[SERVER_MAX_LISTENERS + 1];
	unsigned n = s->n_listeners;

	for (unsigned i = 0; i < n; i++) {
		pfds[i] = (struct pollfd){ .fd = s->listeners[i].fd, .events = POLLIN };
	}
	pfds[n] = (struct pollfd){ .fd = s->wake, .events = POLLIN };
	while (!atomic_load(&s->stopping)) {
		if (poll(pfds, n + 1, -1) < 0 && errno != EINTR) {
			return error_errno(err, errno, "cannot wait for clients");
		}
		for (unsigned i = 0; i < n && !atomic_load(&s->stopping); i++) {
			if (pfds[i].revents) {
				accept_one(s, i);
			}
		}
	}
	return 0;
}

void server_stop(struct server *s)
{
	uint64_t one = 1;
	ssize_t ignored;

	atomic_store(&s->stopping, 1);
	ignored = write(s->wake, &one, sizeof(one));
	(void)ignored;
}

/* Ends every connection that no request is being worked on for. */
static void end_idle(struct server *s)
{
	for (struct client *client = s->clients; client; client = client->next) {
		if (atomic_load(&client->connection.state) != CONNECTION_SERVING) {
			shutdown(client->connection.sock, SHUT_RDWR);
		}
	}
}

unsigned server_drain(struct server *s, int grace_ms)
{
	struct timespec until, step;
	unsigned left;

	atomic_store(&s->stopping, 1);
	for (unsigned i = 0; i < s->n_listeners; i++) {
		close(s->listeners[i].fd);
	}
	s->n_listeners = 0;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += grace_ms / 1000;
	until.tv_nsec += grace_ms % 1000 * 1000000;
	pthread_mutex_lock(&s->lock);
	do {
		/* Again and again: a request served may have turned into a stream. */
		end_idle(s);
		clock_gettime(CLOCK_MONOTONIC, &step);
		left = s->n_clients;
		if (!left || step.tv_sec > until.tv_sec ||
		    (step.tv_sec == until.tv_sec && step.tv_nsec >= until.tv_nsec)) {
			break;
		}
		step.tv_nsec += 50 * 1000000;
		step.tv_sec += step.tv_nsec / 1000000000;
		step.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&s->gone, &s->lock, &step);
	} while (1);
	pthread_mutex_unlock(&s->lock);
	return left;
}

struct server *server_free(struct server *s)
{
	if (s) {
		for (unsigned i = 0; i < s->n_listeners; i++) {
			close(s->listeners[i].fd);
		}
		close(s->wake);
		pthread_attr_destroy(&s->thread_attr);
		pthread_mutex_destroy(&s->lock);
		pthread_cond_destroy(&s->gone);
		free(s);
	}
	return NULL;
}
