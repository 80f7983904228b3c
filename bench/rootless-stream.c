/* SPDX-License-Identifier: Apache-2.0 */
/* One TCP stream, for bench/rootless.
 *
 *	rootless-stream serve PORT       takes connections for ever; "send" ones get bytes
 *	rootless-stream push ADDRESS PORT MS   MiB per second to it
 *	rootless-stream pull ADDRESS PORT MS   MiB per second from it
 *	rootless-stream turns ADDRESS PORT MS  one byte there and back, per second
 *	rootless-stream calls ADDRESS PORT MS  connections per second */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char bytes[128 * 1024];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void serve_one(int fd)
{
	char mode;

	if (read(fd, &mode, 1) != 1) {
		_exit(0);
	}
	if (mode == 'd') {
		while (write(fd, bytes, sizeof(bytes)) > 0) {
		}
	} else if (mode == 't') {
		while (read(fd, bytes, 1) == 1 && write(fd, bytes, 1) == 1) {
		}
	} else {
		while (read(fd, bytes, sizeof(bytes)) > 0) {
		}
	}
	_exit(0);
}

static int serve(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	signal(SIGCHLD, SIG_IGN);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 128) < 0) {
		perror("listen");
		return 1;
	}
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client >= 0) {
			setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		}
		if (client >= 0 && fork() == 0) {
			close(fd);
			serve_one(client);
		}
		close(client);
	}
}

static int call(const char *address, int port, char mode)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, address, &a.sin_addr);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		perror("connect");
		exit(1);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (write(fd, &mode, 1) != 1) {
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	double from, until, n = 0;
	int fd = -1, port;
	const char *what = argc > 1 ? argv[1] : "";

	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && !strcmp(what, "serve")) {
		return serve(atoi(argv[2]));
	}
	if (argc != 5) {
		return 2;
	}
	port = atoi(argv[3]);
	if (strcmp(what, "calls")) {
		fd = call(argv[2], port, !strcmp(what, "push") ? 'u' : !strcmp(what, "pull") ? 'd' : 't');
	}
	from = now();
	until = from + atoi(argv[4]) / 1000.0;
	while (now() < until) {
		ssize_t got = 1;

		if (!strcmp(what, "push")) {
			got = write(fd, bytes, sizeof(bytes));
			n += (double)got / (1 << 20);
		} else if (!strcmp(what, "pull")) {
			got = read(fd, bytes, sizeof(bytes));
			n += (double)got / (1 << 20);
		} else if (!strcmp(what, "turns")) {
			got = write(fd, bytes, 1) == 1 ? read(fd, bytes, 1) : -1;
			n++;
		} else {
			fd = call(argv[2], port, 't');
			got = write(fd, bytes, 1) == 1 ? read(fd, bytes, 1) : -1;
			close(fd);
			n++;
		}
		if (got <= 0) {
			return 1;
		}
	}
	printf("%.0f\n", n / (now() - from));
	return 0;
}
