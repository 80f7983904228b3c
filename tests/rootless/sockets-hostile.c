/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container that wants the host's loopback, by any race with the emulator.
 *
 *	sockets-hostile ADDRESS PORT LOOPBACK SECONDS
 *
 * PORT is a server of the host's at ADDRESS, LOOPBACK a port of its loopback, whose server
 * counts who comes.  Prints what it did, and "escaped" when a connection to there stands.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TARGET 50 /* the descriptor that is exchanged under its user */

static struct sockaddr_in outside, wanted;
static union {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_un un;
} shared;
static volatile int stop;
static time_t end;
static unsigned long done;

static int outside_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct timeval patience = { 0, 100000 };

	/* where a bolt holds, a connection is never made and never refused */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&outside, sizeof(outside)) == 0)
		(void)connect(fd, &none, sizeof(none)); /* free again, and the host's */
	return fd;
}

static void look(int fd)
{
	struct sockaddr_in a;
	socklen_t n = sizeof(a);

	if (getpeername(fd, (struct sockaddr *)&a, &n) == 0 && a.sin_family == AF_INET &&
	    ntohl(a.sin_addr.s_addr) >> 24 == 127 && a.sin_port == wanted.sin_port) {
		puts("escaped");
		fflush(stdout);
	}
}

/* The memory that a call names says one thing and another. */
static void *change_memory(void *arg)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/tmp/nobody" };

	while (!stop) {
		memcpy(&shared, &un, sizeof(un));
		memcpy(&shared, &wanted, sizeof(wanted));
		memcpy(&shared, &outside, sizeof(outside));
	}
	return arg;
}

/* And the descriptor is of one kind and another. */
static void *change_descriptor(void *arg)
{
	int local = socket(AF_UNIX, SOCK_STREAM, 0), host = outside_socket();
	int other = socket(AF_INET, SOCK_STREAM, 0);

	for (unsigned i = 0; !stop; i++) {
		dup2(local, TARGET);
		dup2(host, TARGET);
		if (i % 64 == 0) {
			dup2(other, TARGET);
			look(host);
			close(host);
			host = outside_socket();
		}
	}
	look(host);
	return arg;
}

static void races(void)
{
	pthread_t threads[3];

	dup2(socket(AF_UNIX, SOCK_STREAM, 0), TARGET);
	pthread_create(&threads[0], NULL, change_memory, NULL);
	pthread_create(&threads[1], NULL, change_descriptor, NULL);
	pthread_create(&threads[2], NULL, change_descriptor, NULL);
	while (time(NULL) < end) {
		struct sockaddr none = { .sa_family = AF_UNSPEC };

		fcntl(TARGET, F_SETFL, done & 1 ? O_NONBLOCK : 0);
		(void)connect(TARGET, &shared.any, sizeof(shared.un));
		(void)connect(TARGET, &shared.any, sizeof(shared.in));
		look(TARGET);
		(void)bind(TARGET, &shared.any, sizeof(shared.in));
		(void)listen(TARGET, 5);
		(void)connect(TARGET, &none, sizeof(none));
		done++;
	}
	stop = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

/* Callers that die while they are served. */
static void killed(void)
{
	while (time(NULL) < end) {
		pid_t pid = fork();

		if (pid == 0) {
			for (;;) {
				int fd = socket(AF_INET, SOCK_STREAM, 0);

				(void)connect(fd, (struct sockaddr *)&outside, sizeof(outside));
				close(fd);
			}
		}
		usleep((useconds_t)(rand() % 4000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		done++;
	}
}

/* Other numbers for the same calls, other options, other ways to a connection. */
static void ways_round(void)
{
	while (time(NULL) < end) {
		char md5[216] = { 0 };
		struct msghdr m = { .msg_name = &wanted, .msg_namelen = sizeof(wanted) };
		int fd = outside_socket(), one = 1;

		memcpy(md5, &wanted, sizeof(wanted));
		(void)setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, md5, sizeof(md5));
		(void)setsockopt(fd, IPPROTO_TCP, 32 /* TCP_MD5SIG_EXT */, md5, sizeof(md5));
		(void)setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof(one));
		(void)setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
		(void)sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&wanted,
			     sizeof(wanted));
		(void)sendmsg(fd, &m, MSG_FASTOPEN | MSG_NOSIGNAL | MSG_DONTWAIT);
		(void)syscall(SYS_connect, fd, &wanted, sizeof(wanted));
#ifdef __x86_64__
		(void)syscall(SYS_connect | 0x40000000, fd, &wanted, sizeof(wanted));
		{
			/* i386's connect(2), whose pointers are short */
			static struct sockaddr_in low;
			long r;

			low = wanted;
			__asm__ volatile("int $0x80" : "=a"(r) : "0"(362L), "b"((long)fd),
					 "c"((long)(unsigned)(unsigned long)&low), "d"((long)sizeof(low))
					 : "memory");
		}
#endif
		(void)syscall(425 /* io_uring_setup */, 8, md5);
		look(fd);
		close(fd);
		done++;
	}
}

/* More of them than anybody needs, of random arguments, too. */
static void floods(void)
{
	for (int i = 0; i < 8; i++) {
		if (fork() == 0) {
			unsigned seed = (unsigned)i;

			while (time(NULL) < end) {
				long fd = rand_r(&seed) % 8 - 1, p = rand_r(&seed) % 2 ? (long)&shared : rand_r(&seed);

				(void)syscall(SYS_connect, fd, p, rand_r(&seed) % 200 - 5);
				(void)syscall(SYS_accept4, fd, p, p, rand_r(&seed) % 0x90000);
				(void)syscall(SYS_getsockname, fd, p, p);
				(void)syscall(SYS_getpeername, fd, p, p + 8);
				(void)syscall(SYS_bind, fd, p, rand_r(&seed) % 200);
				close(socket(AF_INET, SOCK_STREAM, 0));
			}
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		done++;
}

int main(int argc, char **argv)
{
	static void (*const parts[])(void) = { races, killed, ways_round, floods };

	if (argc != 5)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	outside = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[2])) };
	inet_pton(AF_INET, argv[1], &outside.sin_addr);
	wanted = outside;
	wanted.sin_port = htons((unsigned short)atoi(argv[3]));
	wanted.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		pid_t pid = (fflush(stdout), fork());
		int status = 0;

		if (pid == 0) {
			end = time(NULL) + atoi(argv[4]);
			parts[i]();
			printf("part %zu: %lu rounds\n", i, done);
			fflush(stdout);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		if (!WIFEXITED(status))
			printf("part %zu: signal %d\n", i, WTERMSIG(status));
	}
	return 0;
}
