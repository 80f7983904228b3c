/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server is a child that shares the descriptor table but not the memory
 * (CLONE_FILES without CLONE_VM).  The holder's memory stays as it was before the
 * first request; together with the arena, which is shared, that is all a new
 * server needs.  Descriptors that a dead server had open are closed, except those
 * that an arena record names, and the copies of /dev/fuse: these only after the
 * kernel was asked to send again what was read from them.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <gantry/error.h>
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#include "fuse/cgroup.h"
#include "fuse/arena.h"
#include "fuse/holder.h"
#include "fuse/layer.h"
#include "fuse/node.h"
#include "fuse/session.h"
#include "fuse/unionfs.h"
#include "fuse/upgrade.h"

enum { MAX_FD = 65536, CRASHES = 5, CRASH_SECONDS = 30 };

/* Which descriptors belong to the holder; later, which must stay open. */
static unsigned char keep[MAX_FD];
static int old_devices[MAX_FD / 64];
static unsigned n_old_devices;

static void each_fd(void (*visit)(int fd, const char *target))
{
	auto_dir DIR *dir = opendir("/proc/self/fd");
	struct dirent *d;

	while (dir && (d = readdir(dir))) {
		int fd = atoi(d->d_name);
		char target[64] = "";
		ssize_t n;

		if (d->d_name[0] == '.' || fd == dirfd(dir) || fd >= MAX_FD)
			continue;
		n = readlinkat(dirfd(dir), d->d_name, target, sizeof(target) - 1);
		if (n > 0)
			visit(fd, target);
	}
}

static void mark_kept(int fd, const char *target)
{
	keep[fd] = 1;
}

static void keep_one(void *ctx, int fd)
{
	if (fd < MAX_FD)
		keep[fd] = 1;
}

/* After a take-over from another program: what its server had open is not ours. */
static void mark_inherited(struct unionfs *fs)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		keep_one(NULL, fd);
	keep_one(NULL, fs->dev_fd);
	keep_one(NULL, arena_fd(fs->arena));
	if (fs->work_fd >= 0)
		keep_one(NULL, fs->work_fd);
	for (unsigned i = 0; i < fs->n_layers; i++) {
		if (fs->layers[i].fd >= 0)
			keep_one(NULL, fs->layers[i].fd);
	}
}

static void close_left_over(int fd, const char *target)
{
	if (keep[fd])
		return;
	if (strcmp(target, "/dev/fuse") == 0 && n_old_devices < ARRAY_SIZE(old_devices))
		old_devices[n_old_devices++] = fd;
	else
		close(fd);
}

void holder_close_old_devices(void)
{
	while (n_old_devices)
		close(old_devices[--n_old_devices]);
}

/* The server's process; never returns. */
static void serve(struct unionfs *fs, int takeover)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	/* Here and not in the holder: whoever opens files while the left-over ones are
	 * closed may lose them. */
	if (fs->opt.memory_max)
		(void)cgroup_limit(getpid(), fs->opt.memory_max);
	if (takeover) {
		nodes_recover(fs, keep_one, NULL);
		each_fd(close_left_over);
	}
	_exit(session_run(fs, takeover, &err) ? 1 : 0);
}

static pid_t start_server(struct unionfs *fs, int takeover)
{
	pid_t pid;

	atomic_store(&fs->settled->serving, 0);
	pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0)
		serve(fs, takeover);
	return pid;
}

/* Once the server has closed what its predecessor left: then the holder may open files. */
static int is_serving(struct unionfs *fs)
{
	const struct timespec moment = { 0, 10000000 };

	for (int i = 0; i < 1000 && !atomic_load(&fs->settled->serving); i++)
		nanosleep(&moment, NULL);
	return atomic_load(&fs->settled->serving);
}

/* Waits for the server to end, passing signals on.  Returns its wait status; with
 * *ret_upgrade set it was ended because another version of this program is to go on. */
static int supervise(struct unionfs *fs, pid_t pid, const sigset_t *signals, int *ret_upgrade)
{
	*ret_upgrade = 0;
	for (;;) {
		int status, sig;

		if (sigwait(signals, &sig) != 0)
			continue;
		if (sig == SIGCHLD && waitpid(pid, &status, WNOHANG) == pid)
			return status;
		if (sig == SIGHUP && is_serving(fs) && upgrade_is_possible(fs)) {
			*ret_upgrade = 1;
			kill(pid, SIGKILL);
		} else if (sig != SIGCHLD && sig != SIGHUP) {
			kill(pid, sig);
		}
	}
}

/* Several crashes in a short time will not stop by themselves: the mount is given
 * up, and its users get an error instead of waiting. */
static int crashes_too_often(void)
{
	static time_t times[CRASHES];
	static unsigned next;
	time_t now = time(NULL), oldest = times[next];

	times[next] = now;
	next = (next + 1) % CRASHES;
	return oldest && now - oldest < CRASH_SECONDS;
}

int holder_run(struct unionfs *fs, struct gantry_error *err)
{
	sigset_t signals;
	int takeover = fs->inherited;

	if (fs->opt.no_holder)
		return session_run(fs, 0, err);
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (fs->inherited)
		mark_inherited(fs);
	else
		each_fd(mark_kept);
	for (;;) {
		pid_t pid = start_server(fs, takeover);
		int status, upgrade;

		if (pid < 0)
			return error_errno(err, errno, "cannot start the server process");
		status = supervise(fs, pid, &signals, &upgrade);
		if (fs->opt.memory_max)
			cgroup_forget(pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			return 0;
		if (upgrade)
			upgrade_execute(fs);
		if (!upgrade && crashes_too_often()) {
			return error_set(err, GANTRY_ERR_INTERNAL,
					 "the server of %s crashed %d times in %d seconds",
					 fs->opt.mountpoint, CRASHES, CRASH_SECONDS);
		}
		takeover = 1;
	}
}
