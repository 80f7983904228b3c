/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives connections away: the emulator of the container that one leads to asks, by the
 * address that it comes from inside ("172.17.0.1 40000"), for the host's socket of it.
 * What is given is not carried any more.  Only this user reaches the socket's folder.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helpers/io.h"
#include "processes.h"

#define LINE_MAX_BYTES 128

struct asker {
	struct watch watch;
	int fd;
	size_t len;
	char line[LINE_MAX_BYTES];
};

struct door {
	struct watch watch;
	int fd;
};

/* The answer: one byte, with the descriptor if there is one. */
static void answer(const struct asker *a)
{
	int fd = tcp_give(a->line);

	if (fd < 0) {
		(void)send(a->fd, "-", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		return;
	}
	(void)send_with_fds(a->fd, "+", 1, &fd, 1);
	close(fd);
}

static void asker_ready(struct watch *w, uint32_t events)
{
	struct asker *a = (struct asker *)w;
	ssize_t n = recv(a->fd, a->line + a->len, sizeof(a->line) - 1 - a->len, MSG_DONTWAIT);
	char *end;

	(void)events;
	if (n < 0 && errno == EAGAIN) {
		return;
	}
	a->len += n > 0 ? (size_t)n : 0;
	a->line[a->len] = '\0';
	end = strchr(a->line, '\n');
	if (n > 0 && !end && a->len < sizeof(a->line) - 1) {
		return;
	}
	if (end) {
		*end = '\0';
		answer(a);
	}
	close(a->fd);
	free(a);
}

static void door_ready(struct watch *w, uint32_t events)
{
	struct door *d = (struct door *)w;
	struct asker *a = calloc(1, sizeof(*a));

	(void)events;
	if (!a) {
		return;
	}
	a->watch.ready = asker_ready;
	a->fd = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC);
	if (a->fd < 0 || watch_add(a->fd, EPOLLIN, &a->watch) < 0) {
		if (a->fd >= 0) {
			close(a->fd);
		}
		free(a);
	}
}

int give_serve(const char *path)
{
	struct door *d = calloc(1, sizeof(*d));

	if (!d) {
		return -ENOMEM;
	}
	(void)unlink(path);
	d->watch.ready = door_ready;
	d->fd = unix_listen(path, 0600);
	if (d->fd < 0) {
		int r = d->fd;

		free(d);
		return r;
	}
	tcp_hold();
	return watch_add(d->fd, EPOLLIN, &d->watch);
}
