/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/engine/mounts.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

enum { MOUNTINFO_MAX = 16 << 20, ANSWER_MS = 3000 };

static const char served_type[] = "fuse.gantry-";

/* "\040" and the like. */
static void unescape(char *path)
{
	char *to = path;

	for (const char *p = path; *p; p++) {
		if (p[0] == '\\' && p[1] && p[2] && p[3]) {
			*to++ = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 3;
		} else {
			*to++ = *p;
		}
	}
	*to = '\0';
}

/* The mount point when the line is of a mount that we serve, else NULL.  Changes line. */
static char *served_path(char *line)
{
	char *rest = strstr(line, " - "), *path = line, *end;

	if (!rest || strncmp(rest + 3, served_type, strlen(served_type)) != 0)
		return NULL;
	for (int field = 1; path && field < 5; field++) {
		path = strchr(path, ' ');
		path = path ? path + 1 : NULL;
	}
	end = path ? strchr(path, ' ') : NULL;
	if (!end)
		return NULL;
	*end = '\0';
	unescape(path);
	return path;
}

/* Asks in a process of its own, which may be left waiting: 0, a negative errno value of
 * the mount's, or -ETIMEDOUT. */
static int ask(const char *path)
{
	struct pollfd wait_for = { .events = POLLIN };
	auto_fd int fd = -1;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct statfs st;

		_exit(statfs(path, &st) < 0 ? errno & 0xff : 0);
	}
	if (pid < 0)
		return 0;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	wait_for.fd = fd;
	if (fd >= 0 && poll(&wait_for, 1, ANSWER_MS) == 0) {
		/* A wait for a FUSE server ends with the process. */
		kill(pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 0;
	}
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ETIMEDOUT;
}

static enum mount_state state_of(const char *path, int clear)
{
	switch (ask(path)) {
	case -ENOTCONN:
	case -ECONNABORTED:
		return clear && umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0 ? MOUNT_CLEARED :
										    MOUNT_DEAD;
	case -ETIMEDOUT:
		return MOUNT_SILENT;
	default:
		return MOUNT_SERVED;
	}
}

int mounts_check(int clear, void (*found)(void *ctx, const char *path, enum mount_state state),
		 void *ctx)
{
	auto_(buf) struct buf text = BUF_INIT;
	char *save = NULL;
	int r = read_file(AT_FDCWD, "/proc/self/mountinfo", &text, MOUNTINFO_MAX);

	if (r < 0)
		return r;
	for (char *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *path = served_path(line);

		if (path)
			found(ctx, path, state_of(path, clear));
	}
	return 0;
}
