/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile container, for tests/integration/rootless-hostile.sh: everything that could
 * lead the emulator astray.  hostile SEED SECONDS; prints what it did.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int stop;
static char shared[PATH_MAX];
static unsigned long done;
static time_t end;

/* copied to the heap: an answer may be written where a path was */
static const char *const texts[] = {
	"/h/dir/file", "/h/swap/file", "../../../../../../../../h/dir/file", "/h/up/../../../../etc/passwd",
	"/proc/self/root/h/dir/file", "/proc/1/root/etc/passwd", "/proc/self/fd/0", "/h/loop", "/h/abs/file",
	"..", ".", "", "/", "dir/../swap/../../../../h/dir", "/dev/stdin", "/proc/self/cwd/file",
};

static char *paths[sizeof(texts) / sizeof(*texts)];

static const int calls[] = {
	SYS_chown, SYS_lchown, SYS_fchown, SYS_fchownat, SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid,
	SYS_setresuid, SYS_setresgid, SYS_setfsuid, SYS_setfsgid, SYS_setgroups, SYS_getuid, SYS_getresuid,
	SYS_getgroups, SYS_mknod, SYS_mknodat, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_mkdir,
	SYS_mkdirat, SYS_symlink, SYS_symlinkat, SYS_open, SYS_openat, SYS_creat, SYS_stat, SYS_lstat, SYS_fstat,
	SYS_newfstatat, SYS_statx, SYS_getsockopt, SYS_mount, SYS_prctl, SYS_prlimit64, SYS_execve,
};

static uint64_t state;

static uint64_t number(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void prepare(void)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		paths[i] = strcpy(malloc(512), texts[i]);
	mkdir("/h", 0755);
	mkdir("/h/dir", 0755);
	mkdir("/h/other", 0755);
	close(open("/h/dir/file", O_CREAT | O_WRONLY, 0644));
	close(open("/h/other/file", O_CREAT | O_WRONLY, 0644));
	(void)!symlink("../../../../../../../..", "/h/up");
	(void)!symlink("loop", "/h/loop");
	(void)!symlink("/h/dir", "/h/abs");
	(void)!symlink("dir", "/h/swap");
	(void)!chdir("/h");
}

/* What was looked at is something else when it is used. */
static void *change_memory(void *arg)
{
	(void)arg;
	while (!stop) {
		strcpy(shared, "/h/dir/file");
		strcpy(shared, "/h/up/etc/passwd");
		memset(shared, 'x', 64);
		shared[64] = 0;
	}
	return NULL;
}

static void *change_links(void *arg)
{
	(void)arg;
	while (!stop) {
		(void)!symlink("/../../../../../../../..", "/h/new");
		rename("/h/new", "/h/swap");
		(void)!symlink("/h/dir", "/h/new");
		rename("/h/new", "/h/swap");
		rename("/h/other", "/h/dir/other");
		rename("/h/dir/other", "/h/other");
	}
	return NULL;
}

static uint64_t argument(void *page)
{
	switch (number() % 10) {
	case 0:
		return (uint64_t)(uintptr_t)shared;
	case 1:
	case 2:
	case 3:
		return (uint64_t)(uintptr_t)paths[number() % (sizeof(paths) / sizeof(*paths))];
	case 4:
		return (uint64_t)(uintptr_t)page + number() % 8192; /* may run out of the page */
	case 5:
		return (uint64_t)-100 + number() % 3; /* AT_FDCWD and its neighbours */
	case 6:
		return number() % 12;
	case 7:
		return number();
	case 8:
		return UINT32_MAX - number() % 3;
	default:
		return number() % 70000;
	}
}

static void interrupt(int signal)
{
	(void)signal;
}

static void random_calls(void)
{
	/* it may open a pipe that it made, which waits for a partner for ever */
	const struct itimerval often = { { 0, 100000 }, { 0, 100000 } };
	struct sigaction action = { .sa_handler = interrupt };
	char *page = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static char *const none[] = { NULL };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	munmap(page + 8192, 4096);
	mprotect(page + 4096, 4096, PROT_READ);
	while (time(NULL) < end && !stop) {
		int nr = calls[number() % (sizeof(calls) / sizeof(*calls))];
		uint64_t a[6];

		for (int i = 0; i < 6; i++)
			a[i] = argument(page);
		if (nr == SYS_execve) {
			a[0] = (uint64_t)(uintptr_t)"/h/dir/file";
			a[1] = a[2] = (uint64_t)(uintptr_t)none;
		}
		if (nr == SYS_prctl)
			a[0] = 8;
		if (nr == SYS_getsockopt)
			a[1] = 1, a[2] = 17;
		if (nr == SYS_prlimit64)
			a[1] = 10;
		syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		done++;
	}
}

static void races(void)
{
	pthread_t memory, links;
	struct stat st;

	pthread_create(&memory, NULL, change_memory, NULL);
	pthread_create(&links, NULL, change_links, NULL);
	while (time(NULL) < end) {
		(void)!chown(shared, 7, 8);
		(void)!lchown("/h/swap", 9, 9);
		(void)!chown("/h/swap/etc/passwd", 3, 3);
		(void)!chown("swap/../../../../../../../../../../etc/passwd", 4, 4);
		stat(shared, &st);
		mknod("/h/swap/tmp/planted", S_IFCHR | 0666, 0x103);
		(void)!unlink("/h/swap/tmp/planted");
		done++;
	}
	stop = 1;
	pthread_join(memory, NULL);
	pthread_join(links, NULL);
}

/* Its root and where it stands do not fit together. */
static void climbers(void)
{
	while (time(NULL) < end) {
		pid_t pid = fork();

		if (pid == 0) {
			(void)!chroot("/h/dir");
			for (int i = 0; i < 20; i++) {
				(void)!chown("../../../../../../../../../../../../etc/passwd", 5, 5);
				(void)!chown("..", 5, 5);
				mknod("../../../../../../../../../../../../tmp/climbed", S_IFBLK | 0666, 1);
			}
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		done++;
	}
}

static void killed(void)
{
	while (time(NULL) < end) {
		pid_t pid = fork();
		struct stat st;

		if (pid == 0) {
			for (;;) {
				(void)!chown("/h/dir/file", (uid_t)number() % 100, 1);
				stat("/h/dir/file", &st);
				(void)!setresuid(5, 5, 0);
				(void)!setresuid(0, 0, 0);
			}
		}
		usleep(number() % 2000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		done++;
	}
}

static void floods(void)
{
	for (int i = 0; i < 24; i++) {
		if (fork() == 0) {
			struct stat st;

			while (time(NULL) < end) {
				stat("/h/dir/file", &st);
				(void)!setgroups(0, NULL);
				(void)!setresgid((gid_t)number() % 5000, 0, 0);
			}
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		done++;
}

static void nested(void)
{
	while (time(NULL) < end) {
		pid_t pid = fork();

		if (pid == 0) {
			int fd;

			if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && (fd = open("/proc/self/uid_map", O_WRONLY)) >= 0)
				(void)!write(fd, "0 0 1", 5);
			(void)!mount("/h/other", "/h/dir", NULL, MS_BIND, NULL);
			(void)!mount("proc", "/h/dir", "proc", 0, NULL);
			(void)!chown("/h/dir/file", 11, 11);
			(void)!setuid(12);
			mknod("/h/dir/nested", S_IFCHR | 0666, 0x103);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		done++;
	}
}

int main(int argc, char **argv)
{
	static void (*const parts[])(void) = { random_calls, races, climbers, killed, floods, nested };
	long seconds = argc > 2 ? atol(argv[2]) : 6;

	state = (argc > 1 ? strtoull(argv[1], NULL, 0) : 1) * 0x9e3779b97f4a7c15u + 1;
	prepare();
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		pid_t pid = (fflush(stdout), fork());
		int status = 0;

		if (pid == 0) {
			end = time(NULL) + seconds;
			state += i;
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
