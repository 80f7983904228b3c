/* SPDX-License-Identifier: Apache-2.0 */
/* In the foreground: signals, a terminal, and the end of a process. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <helpers/cleanup.h>
#include <helpers/io.h>

#include "oci.h"

struct watch {
	pid_t pid;
	int console;
	bool raw, stdin_open;
	struct termios saved;
};

void oci_watch_prepare(void)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGPIPE);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void copy_size(int console)
{
	struct winsize size;

	if (console >= 0 && ioctl(0, TIOCGWINSZ, &size) == 0)
		ioctl(console, TIOCSWINSZ, &size);
}

static void enter_raw_mode(struct watch *w)
{
	struct termios raw;

	if (w->console < 0 || tcgetattr(0, &w->saved) < 0)
		return;
	raw = w->saved;
	cfmakeraw(&raw);
	w->raw = tcsetattr(0, TCSANOW, &raw) == 0;
}

static void pass_signal(const struct watch *w, int sig)
{
	if (sig == SIGWINCH)
		copy_size(w->console);
	else if (sig != SIGCHLD && sig != SIGTTOU && sig != SIGTTIN)
		kill(w->pid, sig);
}

/* Without a terminal there is nothing to copy: wait for signals alone. */
static int wait_plain(const struct watch *w)
{
	sigset_t all;
	int status;

	sigfillset(&all);
	for (;;) {
		int sig;
		pid_t pid = waitpid(w->pid, &status, WNOHANG);

		if (pid == w->pid)
			return exit_status(status);
		if (pid < 0 && errno != EINTR)
			return 255;
		sig = sigwaitinfo(&all, NULL);
		if (sig > 0)
			pass_signal(w, sig);
	}
}

/* Copies what is there; false at the end. */
static bool copy_some(int from, int to)
{
	char data[16384];
	ssize_t n = read(from, data, sizeof(data));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	return n > 0 && write_all(to, data, (size_t)n) == 0;
}

static void read_signals(const struct watch *w, int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) == sizeof(info))
		pass_signal(w, (int)info.ssi_signo);
}

/* Until the last one closes the terminal and the process has ended. */
static int wait_terminal(struct watch *w)
{
	sigset_t all;
	auto_fd int signals = -1;
	bool output = true, ended = false;
	int status = 255 << 8;

	sigfillset(&all);
	signals = signalfd(-1, &all, SFD_CLOEXEC);
	while (!ended || output) {
		struct pollfd fds[3] = {
			{ .fd = signals, .events = POLLIN },
			{ .fd = output ? w->console : -1, .events = POLLIN },
			{ .fd = w->stdin_open && !ended ? 0 : -1, .events = POLLIN },
		};

		if (!ended && waitpid(w->pid, &status, WNOHANG) != 0)
			ended = true;
		if (poll(fds, 3, ended ? 100 : -1) == 0 && ended)
			break;
		if (fds[0].revents)
			read_signals(w, signals);
		if (fds[1].revents)
			output = copy_some(w->console, 1);
		if (fds[2].revents)
			w->stdin_open = copy_some(0, w->console);
	}
	return exit_status(status);
}

int oci_watch(pid_t pid, int console)
{
	struct watch w = { .pid = pid, .console = console, .stdin_open = true };
	int status;

	if (console < 0)
		return wait_plain(&w);
	copy_size(console);
	enter_raw_mode(&w);
	status = wait_terminal(&w);
	if (w.raw)
		tcsetattr(0, TCSANOW, &w.saved);
	return status;
}
