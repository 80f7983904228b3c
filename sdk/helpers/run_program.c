/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "cleanup.h"
#include "io.h"
#include "run_program.h"
#include "sigpipe.h"

struct child {
	pid_t pid;
	int in, out, err; /* our ends */
};

static int spawn(const struct program *p, const int pipes[3][2], pid_t *ret)
{
	char *const alone[] = { (char *)p->file, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes[0][0], 0);
	posix_spawn_file_actions_adddup2(&actions, pipes[1][1], 1);
	posix_spawn_file_actions_adddup2(&actions, pipes[2][1], 2);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	r = posix_spawnp(ret, p->file, &actions, &attributes, p->argv ? p->argv : alone, p->environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return r;
}

static int start(const struct program *p, struct child *c)
{
	int pipes[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++) {
		r = pipe2(pipes[i], O_CLOEXEC) < 0 ? errno : 0;
	}
	if (r == 0) {
		r = spawn(p, pipes, &c->pid);
	}
	replace_fd(&pipes[0][0], -1);
	replace_fd(&pipes[1][1], -1);
	replace_fd(&pipes[2][1], -1);
	c->in = pipes[0][1];
	c->out = pipes[1][0];
	c->err = pipes[2][0];
	if (r == 0) {
		fcntl(c->in, F_SETFL, O_NONBLOCK);
		return 0;
	}
	replace_fd(&c->in, -1);
	replace_fd(&c->out, -1);
	replace_fd(&c->err, -1);
	return -r;
}

static void feed(struct child *c, const char **input, size_t *left)
{
	ssize_t n = *left ? write(c->in, *input, *left) : 0;

	if (n > 0) {
		*input += n;
		*left -= (size_t)n;
	}
	if (*left == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		replace_fd(&c->in, -1);
	}
}

static void drain(int *fd, struct buf *to, size_t max)
{
	char data[16384];
	ssize_t n = read(*fd, data, sizeof(data));

	if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
		return;
	}
	if (n <= 0) {
		replace_fd(fd, -1);
	} else if (to->len + (size_t)n <= max) {
		buf_add(to, data, (size_t)n);
	}
}

static int exchange(const struct program *p, struct child *c, int64_t end, struct buf *out,
		    struct buf *err)
{
	const char *input = p->input;
	size_t left = p->input_len;

	while (c->out >= 0 || c->err >= 0) {
		struct pollfd fds[3] = { { c->out, POLLIN, 0 }, { c->err, POLLIN, 0 },
					 { c->in, POLLOUT, 0 } };
		int64_t wait_ms = (end - time_monotonic_ns()) / 1000000;

		if (wait_ms <= 0) {
			return -ETIMEDOUT;
		}
		if (poll(fds, 3, wait_ms > 60000 ? 60000 : (int)wait_ms) < 0) {
			if (errno == EINTR) {
				continue;
			}
			return -errno;
		}
		if (c->in >= 0 && fds[2].revents) {
			feed(c, &input, &left);
		}
		if (c->out >= 0 && fds[0].revents) {
			drain(&c->out, out, p->output_max);
		}
		if (c->err >= 0 && fds[1].revents) {
			drain(&c->err, err, p->output_max);
		}
	}
	return 0;
}

/* Its wait status, or -ETIMEDOUT when it had to be killed. */
static int finish(struct child *c, int64_t end, int kill_now)
{
	int status = 0, late = kill_now;

	replace_fd(&c->in, -1);
	replace_fd(&c->out, -1);
	replace_fd(&c->err, -1);
	/* It closed its output but may live on. */
	while (!late && waitpid(c->pid, &status, WNOHANG) == 0) {
		late = time_monotonic_ns() >= end;
		usleep(1000);
	}
	if (late) {
		kill(-c->pid, SIGKILL);
		while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR) {
		}
		return -ETIMEDOUT;
	}
	return status;
}

int program_run(const struct program *p, struct buf *ret_out, struct buf *ret_err)
{
	int64_t end = time_monotonic_ns() + p->deadline_ms * 1000000;
	struct sigpipe_hold hold;
	struct child child;
	int status, r = start(p, &child);

	if (r < 0) {
		return r;
	}
	sigpipe_hold(&hold);
	r = exchange(p, &child, end, ret_out, ret_err);
	sigpipe_release(&hold);
	status = finish(&child, end, r < 0);
	return r < 0 ? r : status;
}
