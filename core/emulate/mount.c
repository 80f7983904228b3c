/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount(2) of filesystems that the kernel makes for the first user namespace only, or
 * refuses where parts of the one that is there are hidden: the container is given once
 * more what it has already.  Everything else is the kernel's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/emulate/emulate.h"
#include "helpers/cleanup.h"
#include "helpers/netns.h"

struct job {
	const char *type, *from;
	int target;
};

/* Where the container has such a filesystem. */
static const char *find_own(const char *type)
{
	static const struct {
		const char *type, *path;
	} own[] = {
		{"proc", "/proc"},
		{"sysfs", "/sys"},
		{"devtmpfs", "/dev"},
		{"cgroup2", "/sys/fs/cgroup"},
		{"cgroup", "/sys/fs/cgroup"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		if (!strcmp(type, own[i].type))
			return own[i].path;
	}
	return NULL;
}

/* In the caller's mount namespace.  The kernel is asked first for a new one. */
static int mount_again(void *arg)
{
	const struct job *job = arg;
	auto_fd int tree = -1;
	auto_fd int fs = (int)syscall(SYS_fsopen, job->type, FSOPEN_CLOEXEC);

	if (fs >= 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		tree = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
				    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (tree < 0)
		replace_fd(&tree, (int)syscall(SYS_open_tree, AT_FDCWD, job->from,
					       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
	if (tree < 0)
		return -errno;
	return syscall(SYS_move_mount, tree, "", job->target, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0
		       ? -errno
		       : 0;
}

int64_t call_mount(struct request *rq)
{
	const uint64_t others =
		MS_REMOUNT | MS_BIND | MS_MOVE | MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
	char type[PATH_MAX], path[PATH_MAX];
	auto_fd int mounts = -1;
	auto_fd int target = -1;
	struct job job = {.type = type};

	if ((rq->args[3] & others) || !rq->args[2] ||
	    request_read_path(rq, rq->args[2], type) < 0 || !(job.from = find_own(type)) ||
	    request_identity(rq) < 0 || rq->who.uid.effective != 0 || request_is_nested(rq) ||
	    !request_has_cap(rq, CAP_SYS_ADMIN))
		return ANSWER_CONTINUE;
	if (request_read_path(rq, rq->args[1], path) < 0)
		return ANSWER_CONTINUE;
	target = path_open(rq, AT_FDCWD, path, 0);
	if (target < 0)
		return target;
	mounts = request_open_proc(rq, "ns/mnt", O_RDONLY);
	if (mounts < 0 || !request_is_alive(rq))
		return -ESRCH;
	job.target = target;
	return namespace_run(mounts, CLONE_NEWNS, mount_again, &job);
}
