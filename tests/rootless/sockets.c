/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets as programs use them, in a container whose TCP is made in the host's network.
 *
 *	sockets client ADDRESS PORT REFUSED LOOPBACK   to an echo server of the host
 *	sockets serve PORT block|poll|signals          at a published port
 *
 * client prints "ok NAME" or "bad NAME: why" for each way to connect.  REFUSED is a port
 * where nobody listens, LOOPBACK one of a server on the host's loopback.  serve prints
 * who its client is and who it is itself, then echoes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static struct sockaddr_in server, refused, loopback;
static const char *why = "";

#define NEED(condition)                                                    \
	do {                                                               \
		if (!(condition)) {                                        \
			static char text[160];                             \
			snprintf(text, sizeof(text), "%s (%s)", #condition, strerror(errno)); \
			why = text;                                        \
			return -1;                                         \
		}                                                          \
	} while (0)

static int new_socket(int flags)
{
	return socket(AF_INET, SOCK_STREAM | flags, 0);
}

static int to(int fd, const struct sockaddr_in *where)
{
	return connect(fd, (const struct sockaddr *)where, sizeof(*where));
}

static int wait_for(int fd, short events)
{
	struct pollfd p = { fd, events, 0 };

	return poll(&p, 1, 5000) == 1 ? p.revents : 0;
}

static int echo(int in, int out)
{
	char c = 0;

	NEED(write(out, "x", 1) == 1);
	NEED(wait_for(in, POLLIN) & POLLIN);
	NEED(read(in, &c, 1) == 1 && c == 'x');
	return 0;
}

static int so_error(int fd)
{
	int e = 0;
	socklen_t n = sizeof(e);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n);
	return e;
}

static int blocking(void)
{
	struct sockaddr_in a;
	socklen_t n = sizeof(a);
	int fd = new_socket(0);

	NEED(to(fd, &server) == 0);
	NEED(!(fcntl(fd, F_GETFL) & O_NONBLOCK));
	NEED(getpeername(fd, (struct sockaddr *)&a, &n) == 0 && n == sizeof(a));
	NEED(a.sin_addr.s_addr == server.sin_addr.s_addr && a.sin_port == server.sin_port);
	NEED(getsockname(fd, (struct sockaddr *)&a, &n) == 0 && a.sin_port);
	NEED(to(fd, &server) < 0 && errno == EISCONN);
	NEED(echo(fd, fd) == 0);
	return close(fd);
}

/* Registered before it is connected, as nginx and others do. */
static int epoll_first(void)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u64 = 0x1234567887654321 };
	int set = epoll_create1(EPOLL_CLOEXEC), fd = new_socket(SOCK_NONBLOCK);

	NEED(epoll_ctl(set, EPOLL_CTL_ADD, fd, &e) == 0);
	(void)epoll_wait(set, &e, 1, 0);
	NEED(to(fd, &server) == 0 || errno == EINPROGRESS);
	NEED(epoll_wait(set, &e, 1, 5000) == 1 && (e.events & EPOLLOUT) &&
	     e.data.u64 == 0x1234567887654321);
	NEED(so_error(fd) == 0 && write(fd, "y", 1) == 1);
	for (int i = 0; i < 5 && !(e.events & EPOLLIN); i++)
		NEED(epoll_wait(set, &e, 1, 5000) == 1 && e.data.u64 == 0x1234567887654321);
	e.events = EPOLLIN;
	NEED(epoll_ctl(set, EPOLL_CTL_MOD, fd, &e) == 0);
	NEED(epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL) == 0);
	NEED(fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(set);
	return close(fd);
}

static int copies(void)
{
	int fd = new_socket(0), copy = dup(fd), third = fcntl(fd, F_DUPFD_CLOEXEC, 100);

	NEED(to(fd, &server) == 0);
	NEED(echo(copy, fd) == 0);
	NEED(echo(fd, third) == 0);
	NEED(!(fcntl(copy, F_GETFD) & FD_CLOEXEC) && (fcntl(third, F_GETFD) & FD_CLOEXEC));
	close(copy);
	close(third);
	return close(fd);
}

static int refused_then_good(void)
{
	int fd = new_socket(0);

	NEED(to(fd, &refused) < 0 && errno == ECONNREFUSED);
	NEED(to(fd, &server) == 0);
	NEED(echo(fd, fd) == 0);
	return close(fd);
}

static int refused_later(void)
{
	int fd = new_socket(SOCK_NONBLOCK), r = to(fd, &refused);

	NEED(r < 0 && (errno == EINPROGRESS || errno == ECONNREFUSED));
	if (errno == EINPROGRESS) {
		NEED(wait_for(fd, POLLOUT) & POLLOUT);
		NEED(so_error(fd) == ECONNREFUSED);
	}
	NEED(to(fd, &server) == 0 || errno == EINPROGRESS);
	NEED(wait_for(fd, POLLOUT) == POLLOUT && so_error(fd) == 0);
	NEED(echo(fd, fd) == 0);
	/* and who asks by connect */
	NEED(to(fd, &server) < 0 && errno == EISCONN);
	return close(fd);
}

static int mapped(void)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = server.sin_port }, b;
	socklen_t n = sizeof(b);
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	a.sin6_addr.s6_addr[10] = a.sin6_addr.s6_addr[11] = 0xff;
	memcpy(a.sin6_addr.s6_addr + 12, &server.sin_addr, 4);
	NEED(connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	NEED(getpeername(fd, (struct sockaddr *)&b, &n) == 0 && !memcmp(&a.sin6_addr, &b.sin6_addr, 16));
	NEED(echo(fd, fd) == 0);
	return close(fd);
}

static int settings(void)
{
	struct timeval t = { 7, 0 }, got_t = { 0, 0 };
	int fd = new_socket(SOCK_CLOEXEC), one = 1, tos = 0x10, size = 65536, got;
	socklen_t n = sizeof(got), nt = sizeof(got_t);

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	NEED(to(fd, &server) == 0);
	NEED(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &got, &n) == 0 && got);
	NEED(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &n) == 0 && got == 2 * size);
	NEED(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &got_t, &nt) == 0 && got_t.tv_sec == 7);
	NEED(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &got, &n) == 0 && got);
	NEED(getsockopt(fd, IPPROTO_IP, IP_TOS, &got, &n) == 0 && got == tos);
	NEED(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	return close(fd);
}

static void *in_thread(void *arg)
{
	*(int *)arg = blocking();
	return NULL;
}

static int from_a_thread(void)
{
	pthread_t thread;
	int r = -1;

	NEED(pthread_create(&thread, NULL, in_thread, &r) == 0);
	pthread_join(thread, NULL);
	return r;
}

/* The container's own loopback works, and is nobody else's. */
static int inside(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int l = new_socket(0), fd = new_socket(0), other;

	NEED(bind(l, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(l, 5) == 0);
	NEED(getsockname(l, (struct sockaddr *)&a, &n) == 0);
	NEED(to(fd, &a) == 0);
	other = accept(l, NULL, NULL);
	NEED(other >= 0 && write(fd, "x", 1) == 1 && read(other, (char[1]){ 0 }, 1) == 1);
	close(other);
	close(l);
	return close(fd);
}

static int reaches(int domain, const void *a, socklen_t n)
{
	int fd = socket(domain, SOCK_STREAM, 0), r = connect(fd, a, n);

	close(fd);
	return r == 0;
}

/* What the host has on its loopback is out of reach, by a new socket and by one that
 * was connected before. */
static int host_loopback(void)
{
	struct sockaddr_in any = loopback, other = loopback;
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = loopback.sin_port };
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	int fd = new_socket(0);

	any.sin_addr.s_addr = 0;
	other.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 5);
	NEED(!reaches(AF_INET, &loopback, sizeof(loopback)));
	NEED(!reaches(AF_INET, &any, sizeof(any)));
	NEED(!reaches(AF_INET, &other, sizeof(other)));
	six.sin6_addr = in6addr_loopback;
	NEED(!reaches(AF_INET6, &six, sizeof(six)));
	six.sin6_addr = in6addr_any;
	NEED(!reaches(AF_INET6, &six, sizeof(six)));
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &six.sin6_addr);
	NEED(!reaches(AF_INET6, &six, sizeof(six)));
	NEED(to(fd, &server) == 0);
	(void)connect(fd, &none, sizeof(none));
	NEED(to(fd, &loopback) < 0);
	return close(fd);
}

/* A connection's socket is no listener, and takes no port of the host. */
static int no_listener(void)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = new_socket(0);

	NEED(to(fd, &server) == 0);
	NEED(listen(fd, 5) < 0);
	(void)connect(fd, &none, sizeof(none));
	NEED(bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0);
	NEED(listen(fd, 5) < 0);
	return close(fd);
}

static int client(void)
{
	static const struct {
		const char *name;
		int (*fn)(void);
	} all[] = {
		{ "blocking", blocking },	    { "epoll first", epoll_first },
		{ "copies", copies },		    { "refused, then good", refused_then_good },
		{ "refused later", refused_later }, { "mapped", mapped },
		{ "settings", settings },	    { "thread", from_a_thread },
		{ "inside", inside },		    { "host's loopback", host_loopback },
		{ "no listener", no_listener },
	};
	int bad = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		int ok = all[i].fn() == 0;

		printf(ok ? "ok %s\n" : "bad %s: %s\n", all[i].name, why);
		bad |= !ok;
	}
	return bad;
}

static volatile sig_atomic_t alarms;

static void on_alarm(int n)
{
	(void)n;
	alarms++;
}

static void tell(const char *what, const struct sockaddr_in *a)
{
	char text[64];

	printf("%s %s %d\n", what, inet_ntop(AF_INET, &a->sin_addr, text, sizeof(text)), ntohs(a->sin_port));
}

static int serve_one(int fd, const struct sockaddr_in *from)
{
	struct sockaddr_in a;
	socklen_t n = sizeof(a);
	char c;

	tell("from", from);
	n = sizeof(a);
	if (getpeername(fd, (struct sockaddr *)&a, &n) == 0)
		tell("peer", &a);
	n = sizeof(a);
	if (getsockname(fd, (struct sockaddr *)&a, &n) == 0)
		tell("self", &a);
	printf("nonblocking %d cloexec %d\n", !!(fcntl(fd, F_GETFL) & O_NONBLOCK),
	       !!(fcntl(fd, F_GETFD) & FD_CLOEXEC));
	fflush(stdout);
	while (wait_for(fd, POLLIN) && read(fd, &c, 1) == 1 && write(fd, &c, 1) == 1)
		;
	return close(fd);
}

/* A signal ends a wait in accept, or does not, as its handler wants; and a limit ends it. */
static int test_signals(int l)
{
	struct sigaction s = { .sa_handler = on_alarm };
	struct timeval t = { 1, 0 }, none = { 0, 0 };

	sigaction(SIGALRM, &s, NULL);
	alarm(1);
	NEED(accept(l, NULL, NULL) < 0 && errno == EINTR && alarms == 1);
	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	NEED(accept(l, NULL, NULL) < 0 && errno == EAGAIN);
	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
	s.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &s, NULL);
	alarm(1);
	return 0;
}

static int serve(int port, const char *how)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	int polls = !strcmp(how, "poll"), one = 1;
	int l = new_socket(polls ? SOCK_NONBLOCK : 0);

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(l, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(l, 64) < 0) {
		perror("bind");
		return 1;
	}
	if (!strcmp(how, "signals") && test_signals(l) < 0) {
		printf("bad signals: %s\n", why);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		socklen_t n = sizeof(a);
		int fd;

		if (polls)
			(void)poll(&(struct pollfd){ l, POLLIN, 0 }, 1, -1);
		fd = polls ? accept4(l, (struct sockaddr *)&a, &n, SOCK_NONBLOCK | SOCK_CLOEXEC) :
			     accept(l, (struct sockaddr *)&a, &n);
		if (fd >= 0 && fork() == 0)
			_exit(serve_one(fd, &a));
		if (fd < 0 && errno != EAGAIN) {
			perror("accept");
			return 1;
		}
		if (alarms > 1) {
			puts("alarmed");
			fflush(stdout);
			alarms = 0;
		}
		if (fd >= 0)
			close(fd);
	}
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	if (argc == 4 && !strcmp(argv[1], "serve"))
		return serve(atoi(argv[2]), argv[3]);
	if (argc != 6)
		return 2;
	server = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[3])) };
	inet_pton(AF_INET, argv[2], &server.sin_addr);
	refused = loopback = server;
	refused.sin_port = htons((unsigned short)atoi(argv[4]));
	loopback.sin_port = htons((unsigned short)atoi(argv[5]));
	loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return client();
}
