/* SPDX-License-Identifier: Apache-2.0 */
/* Nanoseconds per system call; for bench/rootless. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

#define MEASURE(name, n, call)                                         \
	do {                                                           \
		double best = 1e18;                                    \
		for (int round = 0; round < 5; round++) {              \
			double from = now();                           \
			for (int i = 0; i < (n); i++) {                \
				call;                                  \
			}                                              \
			double each = (now() - from) / (n);            \
			best = each < best ? each : best;              \
		}                                                      \
		printf("%s %.0f\n", name, best);                       \
	} while (0)

int main(void)
{
	struct stat st;
	char byte;
	int zero = open("/dev/zero", O_RDONLY);
	int file = open("/made", O_CREAT | O_RDWR, 0644);

	MEASURE("getppid", 300000, syscall(SYS_getppid));
	MEASURE("read", 200000, (void)!read(zero, &byte, 1));
	MEASURE("openat", 50000, close(open("/etc/passwd", O_RDONLY)));
	MEASURE("getuid", 10000, syscall(SYS_getuid));
	MEASURE("stat", 10000, stat("/etc/passwd", &st));
	MEASURE("fstat", 10000, fstat(file, &st));
	MEASURE("create", 5000, close(open("/made", O_CREAT | O_RDWR, 0644)));
	(void)!chown("/made", 33, 33);
	MEASURE("stat-owned", 10000, stat("/made", &st));
	MEASURE("chown", 3000, (void)!chown("/made", 33, 33));
	return 0;
}
