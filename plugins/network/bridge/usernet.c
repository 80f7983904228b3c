/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "usernet.h"

extern char **environ;

static const char program_name[] = "gantry-usernet";

int usernet_path(const struct bridge_driver *d, const char *name, char *path,
		 struct gantry_error *err)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", d->host->run_dir, name);

	return n > 0 && n < PATH_MAX ? 0 : error_set(err, GANTRY_ERR_LIMIT, "the path %.200s/%s is too long",
						       d->host->run_dir, name);
}

/* Beside the build tree's programs, or where it was installed. */
static void find_program(char *path)
{
	char file[PATH_MAX], *slash;
	Dl_info info;

	if (dladdr(program_name, &info) && realpath(info.dli_fname, file)) {
		for (int up = 0; up < 4 && (slash = strrchr(file, '/')); up++) {
			*slash = '\0';
		}
		if (snprintf(path, PATH_MAX, "%s/%s", file, program_name) < PATH_MAX &&
		    access(path, X_OK) == 0) {
			return;
		}
	}
	snprintf(path, PATH_MAX, LIBEXECDIR "/%s", program_name);
}

static int spawn(const char *program, const char *const *argv, const int *fds, size_t n_fds,
		 int ready, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int code;

	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, ready, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	/* fds lie above all targets, see usernet_start(). */
	for (size_t i = 0; i < n_fds; i++) {
		posix_spawn_file_actions_adddup2(&actions, fds[i], USERNET_FIRST_FD + (int)i);
	}
	code = posix_spawn(ret_pid, program, &actions, &attr, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -code;
}

/* Copies of the descriptors above those that the new process gets them as. */
static int lift(const int *fds, int *ret, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ret[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, USERNET_FIRST_FD + (int)n);
		if (ret[i] < 0) {
			int code = errno;

			while (i-- > 0) {
				close(ret[i]);
			}
			return -code;
		}
	}
	return 0;
}

static int wait_ready(int ready, pid_t pid, struct gantry_error *err)
{
	char text[8];

	if (read_full(ready, text, 5) == 5) {
		return 0;
	}
	(void)waitpid(pid, NULL, 0);
	return error_set(err, GANTRY_ERR_UNAVAILABLE, "%s ended before it was ready", program_name);
}

int usernet_start(const char *const *argv, const int *fds, size_t n_fds, struct gantry_error *err)
{
	auto_free int *lifted = calloc(n_fds + 1, sizeof(*lifted));
	char program[PATH_MAX];
	int ready[2], r;
	pid_t pid;

	if (!lifted) {
		return error_no_memory(err);
	}
	if (pipe2(ready, O_CLOEXEC) < 0) {
		return error_errno(err, errno, "cannot make a pipe");
	}
	find_program(program);
	r = lift(fds, lifted, n_fds);
	if (r == 0) {
		r = spawn(program, argv, lifted, n_fds, ready[1], &pid);
		for (size_t i = 0; i < n_fds; i++) {
			close(lifted[i]);
		}
	}
	close(ready[1]);
	r = r < 0 ? error_errno(err, -r, "cannot run %s", program) : wait_ready(ready[0], pid, err);
	close(ready[0]);
	return r;
}

int usernet_pid(const char *path)
{
	auto_fd int fd = open(path, O_RDWR | O_CLOEXEC);
	char text[16] = "";

	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0 || pread(fd, text, sizeof(text) - 1, 0) <= 0) {
		return 0;
	}
	return atoi(text);
}

void usernet_end(const char *path)
{
	int pid = usernet_pid(path);

	if (pid > 0) {
		kill(pid, SIGKILL);
	}
	(void)unlink(path);
}
