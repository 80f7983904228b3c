/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#include "lua/drivers/command.h"

#define OUTPUT_MAX ((size_t)1 << 20)

struct child {
	pid_t pid;
	int in;  /* to its stdin; -1 when all is written */
	int out; /* from its stdout and stderr */
};

/* pipe2 with our end not inherited; dup2 in the child clears close-on-exec. */
static int start(const char *const *argv, struct child *child, struct gantry_error *err)
{
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char locale[] = "LC_ALL=C.UTF-8";
	char *const environment[] = { path, locale, NULL };
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int r;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0) {
		r = errno;
		replace_fd(&in[0], -1);
		replace_fd(&in[1], -1);
		return error_errno(err, r, "cannot start %s", argv[0]);
	}
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	posix_spawn_file_actions_adddup2(&actions, out[1], 2);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attributes, &none);
	r = posix_spawnp(&child->pid, argv[0], &actions, &attributes, (char *const *)argv,
			 environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	close(in[0]);
	close(out[1]);
	child->in = in[1];
	child->out = out[0];
	if (r != 0) {
		close(child->in);
		close(child->out);
		return error_errno(err, r, "cannot start %s", argv[0]);
	}
	fcntl(child->in, F_SETFL, O_NONBLOCK);
	return 0;
}

static void feed(struct child *child, const char **input, size_t *left)
{
	ssize_t n = write(child->in, *input, *left);

	if (n > 0) {
		*input += n;
		*left -= (size_t)n;
	}
	if (*left == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		replace_fd(&child->in, -1);
	}
}

/* Moves bytes until the output ends or the deadline passes. */
static int exchange(struct child *child, const char *input, size_t left, int64_t end,
		    struct buf *output)
{
	if (left == 0) {
		replace_fd(&child->in, -1);
	}
	for (;;) {
		struct pollfd fds[2] = { { child->out, POLLIN, 0 }, { child->in, POLLOUT, 0 } };
		int64_t wait_ms = (end - time_monotonic_ns()) / 1000000;
		char data[65536];
		ssize_t n;

		if (wait_ms <= 0) {
			return -ETIMEDOUT;
		}
		if (poll(fds, 2, wait_ms > 1000000 ? 1000000 : (int)wait_ms) < 0 && errno != EINTR) {
			return -errno;
		}
		if (child->in >= 0 && fds[1].revents) {
			feed(child, &input, &left);
		}
		if (!fds[0].revents) {
			continue;
		}
		n = read(child->out, data, sizeof(data));
		if (n == 0) {
			return 0;
		}
		if (n > 0 && output->len < OUTPUT_MAX) {
			buf_add(output, data, (size_t)n);
		}
	}
}

/* The child is waited for; its status as a shell would say it. */
static int finish(struct child *child, int64_t end, int kill_now)
{
	int status = 0;

	replace_fd(&child->in, -1);
	replace_fd(&child->out, -1);
	/* It closed its output but may live on. */
	while (!kill_now && waitpid(child->pid, &status, WNOHANG) == 0) {
		kill_now = time_monotonic_ns() >= end;
		usleep(1000);
	}
	if (kill_now) {
		kill(-child->pid, SIGKILL);
		waitpid(child->pid, &status, 0);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int command_run(void *ctx, const char *const *argv, const void *input, size_t input_len,
		int64_t deadline_ns, int *ret_status, struct buf *ret_output,
		struct gantry_error *err)
{
	int64_t end = time_monotonic_ns() + deadline_ns;
	struct child child;
	int status, r = start(argv, &child, err);

	(void)ctx;
	if (r < 0) {
		return r;
	}
	r = exchange(&child, input, input_len, end, ret_output);
	status = finish(&child, end, r < 0);
	if (r == -ETIMEDOUT) {
		return error_set(err, GANTRY_ERR_TIMEOUT, "%s did not end in time and was killed",
				 argv[0]);
	}
	if (r < 0) {
		return error_errno(err, -r, "cannot talk to %s", argv[0]);
	}
	*ret_status = status;
	return 0;
}
