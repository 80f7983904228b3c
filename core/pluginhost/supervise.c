/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor has one thread, which makes the child's PR_SET_PDEATHSIG safe: a
 * supervisor that is killed takes the child along. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/plugin/pluginlog.h"
#include "core/pluginhost/pluginhost.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define LINE_ROOM 4096

struct supervisor {
	const struct host_options *options;
	pid_t child;
	int pidfd;
	int output; /* the child's stdout and stderr */
	char line[LINE_ROOM];
	size_t len;
};

/* ---- the child ---- */

static int execute(const struct host_options *o)
{
	const char *argv[] = { o->file, NULL };
	struct gantry_error err = GANTRY_ERROR_INIT;

	fcntl(CHANNEL_FD, F_SETFD, 0);
	setenv("GANTRY_PLUGIN_FD", "3", 1);
	execv(o->file, (char *const *)argv);
	error_errno(&err, errno, "cannot execute %s", o->file);
	error_hint(&err, "it must be an executable with its interpreter installed, and its permissions must "
			 "allow to read it");
	refuse_greeting(&err);
	return 127;
}

static int run_child(const struct host_options *o, int output)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == 1) {
		return 1;
	}
	dup2(output, 1);
	dup2(output, 2);
	close_range(LEASH_FD, ~0U, 0);
	return o->exec ? execute(o) : serve(o);
}

/* ---- its output ---- */

static void flush_line(struct supervisor *s)
{
	if (s->len) {
		plugin_log(s->options->run_dir, "output", s->line, s->len);
	}
	s->len = 0;
}

/* 0 at the end. */
static int read_output(struct supervisor *s)
{
	char chunk[LINE_ROOM];
	ssize_t n = read(s->output, chunk, sizeof(chunk));

	if (n <= 0) {
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	}
	for (ssize_t i = 0; i < n; i++) {
		if (chunk[i] == '\n' || s->len == sizeof(s->line)) {
			flush_line(s);
		}
		if (chunk[i] != '\n') {
			s->line[s->len++] = chunk[i];
		}
	}
	return 1;
}

/* ---- its end ---- */

static void describe_end(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status)) {
		snprintf(text, size, "signal %d", WTERMSIG(status));
	} else {
		snprintf(text, size, "exit %d", WEXITSTATUS(status));
	}
}

static int finish(struct supervisor *s)
{
	char text[64];
	int status = 0;

	while (waitpid(s->child, &status, __WALL) < 0 && errno == EINTR) {
	}
	/* What it left behind in its process group. */
	kill(-s->child, SIGKILL);
	describe_end(status, text, sizeof(text));
	while (read_output(s) && s->len < sizeof(s->line)) {
		struct pollfd pfd = { .fd = s->output, .events = POLLIN };

		if (poll(&pfd, 1, 0) <= 0) {
			break;
		}
	}
	flush_line(s);
	if (WIFSIGNALED(status)) {
		plugin_log(s->options->run_dir, "ended", text, strlen(text));
	}
	(void)send(LEASH_FD, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	return 0;
}

static void watch(struct supervisor *s)
{
	struct pollfd fds[] = {
		{ .fd = LEASH_FD, .events = POLLIN },
		{ .fd = s->pidfd, .events = POLLIN },
		{ .fd = s->output, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR) {
			break;
		}
		if (fds[2].revents && !read_output(s)) {
			fds[2].fd = -1;
		}
		if (fds[0].revents) {
			kill(s->child, SIGKILL);
			break;
		}
		if (fds[1].revents) {
			break;
		}
	}
}

int supervise(const struct host_options *options)
{
	struct supervisor s = { .options = options };
	int output[2];

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (pipe2(output, O_CLOEXEC) < 0) {
		return 1;
	}
	fcntl(output[0], F_SETFL, O_NONBLOCK);
	s.child = fork();
	if (s.child == 0) {
		setpgid(0, 0);
		_exit(run_child(options, output[1]));
	}
	close(output[1]);
	close(CHANNEL_FD);
	if (s.child < 0) {
		return 1;
	}
	s.output = output[0];
	s.pidfd = (int)syscall(SYS_pidfd_open, s.child, 0);
	watch(&s);
	return finish(&s);
}
