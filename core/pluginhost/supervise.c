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
#include "core/pluginhost/confine.h"
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
	struct permits permits;
	struct cgroup cgroup;
	char line[LINE_ROOM];
	size_t len;
};

/* ---- the child ---- */

int read_permits(const struct host_options *options, struct permits *ret, struct gantry_error *err)
{
	*ret = (struct permits){0};
	for (unsigned i = 0; i < options->n_permissions; i++) {
		if (permits_add(ret, options->permissions[i], err) < 0) {
			return err->code;
		}
	}
	return 0;
}

static int execute(const struct host_options *o)
{
	const char *argv[] = {o->file, NULL};
	struct gantry_error err = GANTRY_ERROR_INIT;

	fcntl(CHANNEL_FD, F_SETFD, 0);
	setenv("GANTRY_PLUGIN_FD", "3", 1);
	execv(o->file, (char *const *)argv);
	error_errno(&err, errno, "cannot execute %s", o->file);
	error_hint(&err,
		   "it must be an executable whose interpreter is installed in a system folder");
	refuse_greeting(&err);
	return 127;
}

/* go: the supervisor has prepared everything; closed without a word, it has died. */
static int run_child(struct supervisor *s, int output, int go)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	char word;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(go, &word, 1) != 1) {
		return 1;
	}
	dup2(output, 1);
	dup2(output, 2);
	close_range(LEASH_FD, ~0U, 0);
	if (confine(s->options, &s->permits, &err) < 0) {
		error_prefix(&err, "cannot confine the plugin");
		refuse_greeting(&err);
		return 1;
	}
	return s->options->exec ? execute(s->options) : serve(s->options);
}

static void write_map(pid_t pid, const char *file, unsigned id)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	snprintf(text, sizeof(text), "%u %u 1", id, id);
	(void)write_control(AT_FDCWD, path, text);
}

/* What can be done for the child only from outside. */
static void prepare(struct supervisor *s, unsigned long namespaces)
{
	char path[64];

	if (namespaces & CLONE_NEWUSER) {
		snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)s->child);
		(void)write_control(AT_FDCWD, path, "deny");
		write_map(s->child, "uid_map", getuid());
		write_map(s->child, "gid_map", getgid());
	}
	if (!(s->permits.groups & PERMIT_HOST)) {
		cgroup_make(&s->cgroup, s->child, s->options->memory, s->options->pids);
	}
}

/* Without namespaces where they are refused. */
static int start_child(struct supervisor *s, int output)
{
	unsigned long namespaces = confine_namespaces(&s->permits);
	int go[2];

	if (pipe2(go, O_CLOEXEC) < 0) {
		return -1;
	}
	s->child = (pid_t)syscall(SYS_clone, namespaces | SIGCHLD, NULL, NULL, NULL, 0UL);
	if (s->child < 0 && namespaces) {
		static const char note[] = "this host allows no namespaces of its own for it";

		plugin_log(s->options->run_dir, "notice", note, strlen(note));
		namespaces = 0;
		s->child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0UL);
	}
	if (s->child == 0) {
		close(go[1]);
		setpgid(0, 0);
		_exit(run_child(s, output, go[0]));
	}
	close(go[0]);
	if (s->child > 0) {
		prepare(s, namespaces);
		(void)!write(go[1], "g", 1);
	}
	close(go[1]);
	return s->child < 0 ? -1 : 0;
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
	describe_end(status, text, sizeof(text));
	if (WIFSIGNALED(status) && cgroup_ran_out(&s->cgroup)) {
		snprintf(text, sizeof(text), "memory");
	}
	while (read_output(s) && s->len < sizeof(s->line)) {
		struct pollfd pfd = {.fd = s->output, .events = POLLIN};

		if (poll(&pfd, 1, 0) <= 0) {
			break;
		}
	}
	flush_line(s);
	if (WIFSIGNALED(status)) {
		plugin_log(s->options->run_dir, "ended", text, strlen(text));
	}
	(void)send(LEASH_FD, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (!(s->permits.groups & (PERMIT_DAEMON | PERMIT_HOST))) {
		/* What it left behind. */
		kill(-s->child, SIGKILL);
	}
	cgroup_remove(&s->cgroup);
	return 0;
}

static void watch(struct supervisor *s)
{
	struct pollfd fds[] = {
		{.fd = LEASH_FD, .events = POLLIN},
		{.fd = s->pidfd, .events = POLLIN},
		{.fd = s->output, .events = POLLIN},
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
	struct supervisor s = {.options = options};
	struct gantry_error err = GANTRY_ERROR_INIT;
	int output[2];

	/* Signals of a terminal or of a group end its user, whose leash then ends it. */
	setsid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (read_permits(options, &s.permits, &err) < 0) {
		refuse_greeting(&err);
		return 1;
	}
	if (pipe2(output, O_CLOEXEC) < 0) {
		return 1;
	}
	fcntl(output[0], F_SETFL, O_NONBLOCK);
	if (start_child(&s, output[1]) < 0) {
		return 1;
	}
	close(output[1]);
	close(CHANNEL_FD);
	s.output = output[0];
	s.pidfd = (int)syscall(SYS_pidfd_open, s.child, 0);
	watch(&s);
	return finish(&s);
}
