/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "foreign_mount.h"
#include "helpers/cleanup.h"
#include "helpers/netns.h"
#include "sys.h"

struct request {
	const char *path; /* from the other root */
	unsigned int flags;
};

/* The rest of the path after /proc/PID/root, and the PID; NULL: another path. */
static const char *take_apart(const char *path, long *ret_pid)
{
	int end = 0;

	return sscanf(path, "/proc/%ld/root%n", ret_pid, &end) == 1 && end > 0 && *ret_pid > 0 &&
			       path[end] == '/' ? path + end : NULL;
}

int is_foreign_mount(const char *path)
{
	long pid;

	return take_apart(path, &pid) != NULL;
}

static int open_there(void *arg)
{
	const struct request *request = arg;
	int fd = sys_open_tree(AT_FDCWD, request->path, request->flags);

	return fd < 0 ? -errno : fd;
}

int foreign_mount_open(const char *path, unsigned int flags)
{
	struct request request = { NULL, flags };
	char file[64];
	auto_fd int namespace = -1;
	long pid;

	request.path = take_apart(path, &pid);
	if (!request.path)
		return -EINVAL;
	snprintf(file, sizeof(file), "/proc/%ld/ns/mnt", pid);
	namespace = open(file, O_RDONLY | O_CLOEXEC);
	return namespace < 0 ? -errno : namespace_run(namespace, CLONE_NEWNS, open_there, &request);
}
