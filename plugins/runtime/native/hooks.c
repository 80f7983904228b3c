/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "hooks.h"
#include "sys.h"

static const char *const names[HOOK_MAX] = {
	[HOOK_PRESTART] = "prestart",
	[HOOK_CREATE_RUNTIME] = "createRuntime",
	[HOOK_CREATE_CONTAINER] = "createContainer",
	[HOOK_START_CONTAINER] = "startContainer",
	[HOOK_POSTSTART] = "poststart",
	[HOOK_POSTSTOP] = "poststop",
};

/* The state as a file: a hook that does not read it blocks nobody. */
static int state_file(const char *state)
{
	int fd = memfd_create("state", MFD_CLOEXEC);

	if (fd < 0 || write_all(fd, state, strlen(state)) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static void run_child(const struct hook *h, const char *dir, int in, int err_fd)
{
	char *args[] = { (char *)h->path, NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	/* what it does not find there it will say itself */
	(void)!chdir(dir ? dir : ".");
	if (dup2(in, 0) < 0 || dup2(err_fd, 2) < 0 || sys_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC))
		_exit(127);
	execve(h->path, h->args && h->args[0] ? (char *const *)h->args : args,
	       h->env ? (char *const *)h->env : environ);
	dprintf(2, "%s: %s", h->path, strerrordesc_np(errno));
	_exit(127);
}

/* Waits for the hook, at most its time.  Returns the wait status, or -ETIMEDOUT. */
static int wait_hook(pid_t pid, int pidfd, int timeout_s)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int status, r;

	do {
		r = poll(&p, 1, timeout_s ? timeout_s * 1000 : -1);
	} while (r < 0 && errno == EINTR);
	if (r == 0) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return r == 0 ? -ETIMEDOUT : status;
}

static int fail(const struct hook *h, int status, int err_fd, struct gantry_error *err)
{
	char said[256];
	ssize_t n = pread(err_fd, said, sizeof(said) - 1, 0);

	said[n > 0 ? n : 0] = '\0';
	for (char *p = said + strlen(said); p > said && p[-1] == '\n';)
		*--p = '\0';
	if (status == -ETIMEDOUT)
		return error_set(err, GANTRY_ERR_TIMEOUT, "%s was not done in %d s", h->path,
				 h->timeout_s);
	if (WIFSIGNALED(status))
		return error_set(err, GANTRY_ERR_INTERNAL, "%s was killed by signal %d", h->path,
				 WTERMSIG(status));
	return error_set(err, GANTRY_ERR_INTERNAL, "%s exited with status %d%s%s", h->path,
			 WEXITSTATUS(status), said[0] ? ": " : "", said);
}

static int run_one(const struct hook *h, const char *dir, const char *state,
		   struct gantry_error *err)
{
	auto_fd int in = state_file(state);
	auto_fd int err_fd = memfd_create("stderr", MFD_CLOEXEC);
	auto_fd int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	int status;
	pid_t pid;

	if (in < 0 || err_fd < 0)
		return error_errno(err, errno, "cannot pass the state");
	pid = sys_clone3(&args);
	if (pid < 0)
		return error_errno(err, errno, "cannot start %s", h->path);
	if (pid == 0)
		run_child(h, dir, in, err_fd);
	status = wait_hook(pid, pidfd, h->timeout_s);
	return status == 0 ? 0 : fail(h, status, err_fd, err);
}

int hooks_run(const struct spec *s, enum hook_stage stage, const char *dir, const char *state,
	      struct gantry_error *err)
{
	int first = 0;

	for (size_t i = 0; i < s->hooks[stage].n; i++) {
		struct gantry_error failure = GANTRY_ERROR_INIT;

		if (run_one(&s->hooks[stage].hooks[i], dir, state, &failure) == 0)
			continue;
		error_prefix(&failure, "hooks.%s[%zu]", names[stage], i);
		if (first == 0) {
			*err = failure;
			first = err->code;
		}
		/* what is left to clean up after a container is done all the same */
		if (stage != HOOK_POSTSTOP)
			break;
	}
	return first;
}
