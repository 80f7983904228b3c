/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/children.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

static void read_children(pid_t pid, struct buf *out)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	(void)read_file(AT_FDCWD, path, out, 1 << 20);
}

static void read_name(pid_t pid, char name[64])
{
	auto_(buf) struct buf text = BUF_INIT;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if (read_file(AT_FDCWD, path, &text, 4096) == 0) {
		snprintf(name, 64, "%.*s", (int)strcspn(buf_str(&text), "\n"), buf_str(&text));
	}
}

unsigned children_kill_named(char name[64])
{
	unsigned n = 0;

	/* Killing one hands its children to us, so until there are none. */
	for (int round = 0; round < 100; round++) {
		auto_(buf) struct buf list = BUF_INIT;
		char *end;
		const char *p;

		while (waitpid(-1, NULL, WNOHANG) > 0) {
		}
		read_children(getpid(), &list);
		for (p = buf_str(&list); strtol(p, &end, 10) > 0 && end != p; p = end) {
			pid_t pid = (pid_t)strtol(p, NULL, 10);

			if (name) {
				read_name(pid, name);
			}
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			n++;
		}
		if (!list.len) {
			break;
		}
	}
	return n;
}

void children_wait(int ms)
{
	for (; ms > 0; ms -= 10) {
		auto_(buf) struct buf list = BUF_INIT;

		while (waitpid(-1, NULL, WNOHANG) > 0) {
		}
		read_children(getpid(), &list);
		if (!list.len) {
			break;
		}
		usleep(10000);
	}
}

unsigned children_kill(void)
{
	return children_kill_named(NULL);
}

void children_kill_of(pid_t pid)
{
	auto_(buf) struct buf list = BUF_INIT;
	const char *p;
	char *end;

	read_children(pid, &list);
	for (p = buf_str(&list); strtol(p, &end, 10) > 0 && end != p; p = end) {
		pid_t child = (pid_t)strtol(p, NULL, 10);

		children_kill_of(child);
		kill(child, SIGKILL);
	}
}
