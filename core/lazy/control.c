/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What engines ask, over a socket of packets.  The server says "hello" to who connects; then
 *
 *	mount           "ok" with a descriptor of the mount
 *	finish NAME     "ok" once the blob is whole; "error CODE MESSAGE"
 *
 * A client holds <run_root>/lazy/lock shared until the hello, so that a server which takes it
 * alone may give its socket up and loses nobody.
 */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/engine/engine.h"
#include "core/lazy/client.h"
#include "core/lazy/server.h"
#include "core/lazy/source.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define LINGER_MS 5000 /* after the last client, with nothing left to fetch */
#define REST_MIN_MS 100
#define RETIRED_MS 60000

struct client {
	struct server *s;
	int fd;
};

static void answer(int fd, const struct gantry_error *err, int with_fd)
{
	char text[2400] = "ok";

	if (err->code < 0) {
		snprintf(text, sizeof(text), "error %d %s", err->code, err->message);
	}
	(void)send_with_fds(fd, text, strlen(text), &with_fd, with_fd >= 0);
}

/* Fetches the rest, beside the thread that does so anyway. */
static int finish(struct server *s, const char *name, struct gantry_error *err)
{
	struct blob *b = NULL;
	uint32_t slot;
	int r = server_slot(s, name, &slot, err);

	if (r == 0) {
		r = server_blob(s, slot, &b, err);
	}
	while (r == 0) {
		r = blob_fetch_ahead(b, err);
		if (r <= 0) {
			break;
		}
		r = 0;
	}
	if (r == 0 && !blob_is_whole(b)) {
		r = error_set(err, GANTRY_ERR_CORRUPT, "blob %s cannot be completed", blob_digest(b));
	}
	return r;
}

static void *client_main(void *arg)
{
	struct client c = *(struct client *)arg;
	char text[200];
	ssize_t n;

	free(arg);
	(void)send_with_fds(c.fd, "hello", 5, NULL, 0);
	while ((n = recv(c.fd, text, sizeof(text) - 1, 0)) > 0) {
		struct gantry_error err = GANTRY_ERROR_INIT;
		int mount = -1;

		text[n] = '\0';
		if (!strcmp(text, "mount")) {
			mount = c.s->mount;
		} else if (!strncmp(text, "finish ", 7)) {
			(void)finish(c.s, text + 7, &err);
		} else {
			error_set(&err, GANTRY_ERR_INVALID, "unknown request");
		}
		answer(c.fd, &err, mount);
	}
	close(c.fd);
	pthread_mutex_lock(&c.s->lock_state);
	c.s->clients--;
	c.s->last_asked_ns = time_monotonic_ns();
	pthread_cond_broadcast(&c.s->wake);
	pthread_mutex_unlock(&c.s->lock_state);
	return NULL;
}

static int start_thread(void *(*fn)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	int code;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	code = pthread_create(&thread, &attr, fn, arg);
	pthread_attr_destroy(&attr);
	return code;
}

static void *accept_main(void *arg)
{
	struct server *s = arg;

	for (;;) {
		int fd = accept4(s->socket, NULL, NULL, SOCK_CLOEXEC);
		struct client *c;

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) {
			continue;
		}
		if (fd < 0) {
			return NULL;
		}
		c = malloc(sizeof(*c));
		pthread_mutex_lock(&s->lock_state);
		s->clients++;
		pthread_cond_broadcast(&s->wake);
		pthread_mutex_unlock(&s->lock_state);
		if (c) {
			*c = (struct client){ s, fd };
		}
		if (!c || start_thread(client_main, c)) {
			free(c);
			close(fd);
			pthread_mutex_lock(&s->lock_state);
			s->clients--;
			pthread_mutex_unlock(&s->lock_state);
		}
	}
}

/* Gives mount and socket up, unless somebody is about to come.  1: it did. */
static int retire(struct server *s)
{
	auto_free char *path = path_join(s->core->paths.run_root, "lazy", "socket", NULL);
	int gone;

	if (!path || flock(s->lock, LOCK_EX | LOCK_NB) < 0) {
		return 0;
	}
	pthread_mutex_lock(&s->lock_state);
	gone = !s->clients;
	pthread_mutex_unlock(&s->lock_state);
	if (gone) {
		unlink(path);
		shutdown(s->socket, SHUT_RDWR);
		s->shared->retired = 1;
		(void)write_all(s->holder, "r", 1);
		close(s->mount);
		s->mount = -1;
	}
	flock(s->lock, LOCK_UN);
	return gone;
}

/* Layers that were not whole when the last server ended. */
static void take_unfinished(struct server *s)
{
	auto_free char *folder = lazy_path(s->core, NULL);
	auto_dir DIR *dir = folder ? opendir(folder) : NULL;
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;
		uint32_t slot;

		if (e->d_name[0] != '.') {
			(void)server_slot(s, e->d_name, &slot, &ignored);
		}
	}
}

/* One round over all layers.  *ret_rest_ms: how long those that cannot go on want to wait;
 * returns whether something is left to do. */
static int fetch_round(struct server *s, int64_t *ret_rest_ms)
{
	int left = 0, moved = 0;

	*ret_rest_ms = 0;
	for (uint32_t i = 0; i < s->shared->n_slots; i++) {
		struct gantry_error err = GANTRY_ERROR_INIT;
		struct blob *b;
		int64_t rest;
		int r;

		if (server_blob(s, i, &b, &err) < 0) {
			continue;
		}
		rest = blob_rest_ms(b);
		if (rest > 0 && !blob_is_whole(b)) {
			left = 1;
			*ret_rest_ms = *ret_rest_ms && *ret_rest_ms < rest ? *ret_rest_ms : rest;
			continue;
		}
		r = blob_fetch_ahead(b, &err);
		left |= r != 0;
		moved |= r > 0;
	}
	if (moved) {
		*ret_rest_ms = 0;
	} else if (left && *ret_rest_ms < REST_MIN_MS) {
		*ret_rest_ms = REST_MIN_MS;
	}
	return left;
}

static void pause_ms(struct server *s, int64_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&s->lock_state);
	(void)pthread_cond_timedwait(&s->wake, &s->lock_state, &until);
	pthread_mutex_unlock(&s->lock_state);
}

static void *fetch_main(void *arg)
{
	struct server *s = arg;

	for (;;) {
		int64_t rest_ms, idle_ms;
		int left = fetch_round(s, &rest_ms);

		if (left) {
			if (rest_ms) {
				pause_ms(s, rest_ms);
			}
			continue;
		}
		if (s->shared->retired) {
			/* Readers of its mount may still come to layers that it has not seen. */
			pause_ms(s, RETIRED_MS);
			continue;
		}
		idle_ms = (time_monotonic_ns() - s->last_asked_ns) / 1000000;
		if (!s->clients && idle_ms >= LINGER_MS && retire(s)) {
			continue;
		}
		pause_ms(s, idle_ms < LINGER_MS ? LINGER_MS - idle_ms : LINGER_MS);
	}
	return NULL;
}

int control_start(struct server *s, struct gantry_error *err)
{
	int code = 0;

	pthread_mutex_init(&s->lock_state, NULL);
	pthread_cond_init(&s->wake, NULL);
	s->last_asked_ns = time_monotonic_ns();
	if (!s->shared->retired) {
		take_unfinished(s);
		code = start_thread(accept_main, s);
	}
	if (code == 0) {
		code = start_thread(fetch_main, s);
	}
	return code ? error_errno(err, code, "cannot start a thread") : 0;
}
