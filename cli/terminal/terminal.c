/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cli/terminal/terminal.h"

static struct termios saved;
static int saved_fd = -1;
static int signal_pipe[2] = { -1, -1 };

void terminal_restore(void)
{
	if (saved_fd >= 0) {
		tcsetattr(saved_fd, TCSANOW, &saved);
		saved_fd = -1;
	}
}

int terminal_raw(int fd)
{
	static int registered;
	struct termios raw;

	if (tcgetattr(fd, &saved) < 0) {
		return -1;
	}
	raw = saved;
	cfmakeraw(&raw);
	if (!registered) {
		registered = 1;
		atexit(terminal_restore);
	}
	saved_fd = fd;
	return tcsetattr(fd, TCSANOW, &raw);
}

int terminal_size(int fd, int *rows, int *columns)
{
	struct winsize ws;

	if (ioctl(fd, TIOCGWINSZ, &ws) < 0 || (!ws.ws_row && !ws.ws_col)) {
		return -1;
	}
	*rows = ws.ws_row;
	*columns = ws.ws_col;
	return 0;
}

int terminal_is(int fd)
{
	return isatty(fd) == 1;
}

static void on_signal(int number)
{
	unsigned char byte = (unsigned char)number;
	int kept = errno;

	if (write(signal_pipe[1], &byte, 1) < 0) {
		/* The pipe is full: enough signals are waiting. */
	}
	errno = kept;
}

int signals_open(const int *signals)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	if (signal_pipe[0] < 0 && pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		return -1;
	}
	sigfillset(&action.sa_mask);
	for (; *signals; signals++) {
		sigaction(*signals, &action, NULL);
	}
	return signal_pipe[0];
}

const char *signals_name(int number)
{
	return sigabbrev_np(number);
}
