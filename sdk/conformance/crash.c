/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crash consistency.  A process lives through a kind's life under ptrace and is killed
 * before its n-th system call, with all that it started; another process then opens
 * the driver on the same folders, where what is left must be usable and must go.  The
 * places are spread over the whole life, so that some lie between operations and most
 * inside of them.  Where the driver has a process of its own, it alone is killed as
 * well, while its caller goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/children.h"
#include "conformance/suite.h"
#include "helpers/buf.h"
#include "helpers/io.h"

#define PLACES 40
#define PLACES_ISOLATED 12 /* each starts processes */
#define SYSCALL_STOP (SIGTRAP | 0x80)

struct crash {
	struct kit *k;      /* the test's; it tells */
	char folder[4500];  /* of this attempt */
	unsigned calls;     /* system calls of a whole life */
	unsigned files;     /* left by a whole life */
	struct buf names;   /* of these, each between line ends */
	int kill_driver_only;
};

/* A kit of another process on the attempt's folder. */
static struct kit kit_in(const struct crash *c, int tolerant)
{
	struct kit k = *c->k;

	k.folder = c->folder;
	k.fake = NULL;
	k.instance = NULL;
	k.tolerant = tolerant;
	k.reply = (struct reply)REPLY_INIT;
	return k;
}

static int open_in(struct kit *k)
{
	char path[5000];

	snprintf(path, sizeof(path), "%s/host", k->folder);
	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		return -1;
	}
	k->fake = gantry_fake_new_in(path);
	if (k->kind->prepare && k->kind->prepare(k) < 0) {
		return -1;
	}
	return kit_open(k);
}

static void live(const struct crash *c)
{
	struct kit k = kit_in(c, 1);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (open_in(&k) < 0) {
		_exit(3);
	}
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	k.kind->life(&k, "crash");
	kit_close(&k);
	_exit(0);
}

/* Lets it run to system call number stop_at (0: to the end); returns how many it made,
 * or -1 when it could not be opened. */
static int run_victim(struct crash *c, unsigned stop_at)
{
	unsigned calls = 0;
	int status, inside = 0, signal = 0, killed = 0;
	pid_t pid = fork();

	if (pid == 0) {
		live(c);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status)) {
		return -1;
	}
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
	for (;;) {
		if (ptrace(killed ? PTRACE_DETACH : PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)signal) < 0 ||
		    waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status)) {
			break;
		}
		signal = WSTOPSIG(status) == SYSCALL_STOP ? 0 : WSTOPSIG(status);
		if (WSTOPSIG(status) != SYSCALL_STOP) {
			continue;
		}
		inside = !inside;
		if (!inside || ++calls != stop_at) {
			continue;
		}
		if (c->kill_driver_only) {
			children_kill_of(pid);
			killed = 1;
			continue;
		}
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		}
		break;
	}
	children_kill();
	return (int)calls;
}

/* Names below the folder: of those that a whole life leaves (baseline), or the first
 * that it does not. */
static struct crash *naming;
static char stranger[300];

static int name_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char line[5000];

	(void)st, (void)type, (void)ftw;
	snprintf(line, sizeof(line), "\n%s\n", path + strlen(naming->folder));
	if (naming->files == 0) {
		buf_adds(&naming->names, line);
	} else if (!strstr(buf_str(&naming->names), line) && !*stranger) {
		snprintf(stranger, sizeof(stranger), "%.299s", path + strlen(naming->folder));
	}
	return 0;
}

static void name_files(struct crash *c)
{
	naming = c;
	stranger[0] = '\0';
	(void)nftw(c->folder, name_one, 16, FTW_PHYS | FTW_MOUNT);
}

static int age_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const struct timespec times[2] = { { st->st_atime - 3600, 0 }, { st->st_mtime - 3600, 0 } };

	(void)type, (void)ftw;
	(void)utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
	return 0;
}

/* An hour passes: a driver may spare what is so young that it could be another process's. */
static void pass_time(const struct crash *c)
{
	(void)nftw(c->folder, age_one, 16, FTW_PHYS | FTW_MOUNT);
}

/* In a process of its own: the driver's memory is a new one. */
static int recover(struct crash *c, unsigned place)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct kit k = kit_in(c, 0);

		if (open_in(&k) == 0) {
			k.kind->recover(&k, "crash");
			if (!kit_failed(&k)) {
				k.kind->life(&k, "crash");
			}
			kit_close(&k);
		}
		_exit(kit_failed(&k) ? 1 : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		kit_fail(c->k, "so it was after %s was killed at system call %u of %u of a life",
			 c->kill_driver_only ? "the driver's process" : "the process", place, c->calls);
		return -1;
	}
	return 0;
}

static void try_place(struct crash *c, unsigned place)
{
	uint64_t bytes;
	unsigned files;

	if (run_victim(c, place) < 0) {
		kit_fail(c->k, "the driver could not be opened in a new folder");
		return;
	}
	pass_time(c);
	if (recover(c, place) < 0) {
		return;
	}
	files = count_files(c->folder, &bytes);
	if (files > c->files) {
		name_files(c);
		kit_fail(c->k, "%u files or folders are left for ever when %s is killed at system call %u of %u "
			 "of a life, for example %s", files - c->files,
			 c->kill_driver_only ? "the driver's process" : "the process", place, c->calls, stranger);
	}
}

static void try_places(struct crash *c)
{
	unsigned places = suite_quick ? 4 : c->k->subject->in_process ? PLACES : PLACES_ISOLATED;
	unsigned step = c->calls > places ? c->calls / places : 1;

	for (unsigned place = 1; place <= c->calls && !kit_failed(c->k); place += step) {
		snprintf(c->folder, sizeof(c->folder), "%s/%s%u", c->k->folder, c->kill_driver_only ? "d" : "p", place);
		mkdir(c->folder, 0700);
		try_place(c, place);
		remove_tree(AT_FDCWD, c->folder);
	}
}

void test_crash(struct kit *k)
{
	struct crash c = { .k = k };
	uint64_t bytes;
	int calls;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* A life that nobody disturbs says how long one is, and what may be left of it. */
	snprintf(c.folder, sizeof(c.folder), "%s/whole", k->folder);
	mkdir(c.folder, 0700);
	calls = run_victim(&c, 0);
	if (calls <= 0) {
		if (calls < 0) {
			kit_fail(k, "the driver could not be opened, or its process could not be traced");
		}
		return;
	}
	c.calls = (unsigned)calls;
	if (recover(&c, 0) < 0) {
		return;
	}
	name_files(&c);
	c.files = count_files(c.folder, &bytes);
	remove_tree(AT_FDCWD, c.folder);
	try_places(&c);
	if (!k->subject->in_process && !kit_failed(k)) {
		c.kill_driver_only = 1;
		try_places(&c);
	}
	buf_done(&c.names);
}
