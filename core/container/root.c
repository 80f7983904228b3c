/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/container/container.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

int container_open_root(struct core *core, const struct container *c, int read_only, int *ret_fd,
			struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *storage;
	char path[64];
	int r;

	if (container_is_running(c)) {
		snprintf(path, sizeof(path), "/proc/%lld/root",
			 (long long)json_get_int(c->state, "Pid", 0));
		*ret_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (*ret_fd >= 0) {
			return 0;
		}
	}
	r = container_storage(core, c, &storage, err);
	if (r == 0) {
		r = storage_mount(storage,
				  &GANTRY_STORAGE_MOUNT_ARGS(.key = c->id, .read_only = read_only), &ret, err);
	}
	if (r == 0) {
		*ret_fd = reply_take_fd(&ret, GANTRY_STORAGE_MOUNT_RET_MOUNT);
	}
	return r;
}

struct clone_job {
	int mount_ns;
	int fd; /* of the clone, or a negative errno */
};

static void *clone_root(void *arg)
{
	struct clone_job *job = arg;

	/* A thread with a root folder of its own may enter another mount namespace. */
	if (unshare(CLONE_FS) < 0 || setns(job->mount_ns, CLONE_NEWNS) < 0) {
		job->fd = -errno;
		return NULL;
	}
	job->fd = (int)syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	job->fd = job->fd < 0 ? -errno : job->fd;
	return NULL;
}

/* Of a running container a clone of its root mount, made in its own namespace, since the
 * kernel clones no others; a second mount of a live upper folder would be undefined. */
static int open_live_root(const struct container *c, int *ret_fd, struct gantry_error *err)
{
	struct clone_job job = { .fd = -1 };
	auto_fd int mount_ns = -1;
	char path[64];
	pthread_t thread;
	int code;

	snprintf(path, sizeof(path), "/proc/%lld/ns/mnt", (long long)json_get_int(c->state, "Pid", 0));
	mount_ns = open(path, O_RDONLY | O_CLOEXEC);
	if (mount_ns < 0) {
		return error_errno(err, errno, "cannot open %s of container %s", path, c->name);
	}
	job.mount_ns = mount_ns;
	code = pthread_create(&thread, NULL, clone_root, &job);
	if (code) {
		return error_errno(err, code, "cannot start a thread");
	}
	pthread_join(thread, NULL);
	if (job.fd < 0) {
		return error_errno(err, -job.fd, "cannot clone the root of container %s", c->name);
	}
	*ret_fd = job.fd;
	return 0;
}

int container_open_bare_root(struct core *core, const struct container *c, int *ret_fd,
			     struct gantry_error *err)
{
	return container_is_running(c) ? open_live_root(c, ret_fd, err)
				       : container_open_root(core, c, 1, ret_fd, err);
}
