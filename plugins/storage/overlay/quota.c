/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Size limits by project quotas.  Each limited snapshot has a project id of its
 * own, taken from the host's store so that two processes never share one, and
 * noted in the snapshot's `quota` file for when it is removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "overlay.h"

#define FIRST_PROJECT 0x67000000u /* away from ids that administrators choose */
#define N_PROJECTS 0x100000u
#define MAX_TRIES 64

static int set_limit(int fd, uint32_t project, int64_t bytes)
{
	struct if_dqblk limit = {
		.dqb_bhardlimit = (uint64_t)(bytes + 1023) / 1024,
		.dqb_bsoftlimit = (uint64_t)(bytes + 1023) / 1024,
		.dqb_valid = QIF_BLIMITS,
	};

	return syscall(SYS_quotactl_fd, fd, QCMD((unsigned int)Q_SETQUOTA, PRJQUOTA), project, &limit) < 0 ? -errno : 0;
}

static int set_project(int dir_fd, const char *path, uint32_t project)
{
	auto_fd int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct fsxattr attr;

	if (fd < 0 || ioctl(fd, FS_IOC_FSGETXATTR, &attr) < 0)
		return -errno;
	attr.fsx_projid = project;
	attr.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	return ioctl(fd, FS_IOC_FSSETXATTR, &attr) < 0 ? -errno : 0;
}

static int unsupported(const struct overlay *o, int sys_errno, struct gantry_error *err)
{
	error_set(err, GANTRY_ERR_UNSUPPORTED,
		  "cannot limit the size of a snapshot: %s has no project quotas (%s)",
		  o->snapshots.path, strerror(sys_errno));
	return error_hint(err, "mount the filesystem with the option prjquota, or leave the size "
			       "limit out");
}

/* Takes a free project id and notes whose it is. */
static int take_project(const struct overlay *o, const char *key, uint32_t *ret,
			struct gantry_error *err)
{
	const struct gantry_store_service *store = gantry_service(o->host, "store");
	uint32_t hash = 2166136261u;
	char name[32];

	if (!store || !store->put_new)
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "the host has no store for project ids");
	for (const char *p = key; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619u;
	for (uint32_t i = 0; i < MAX_TRIES; i++) {
		struct gantry_error taken = GANTRY_ERROR_INIT;
		uint32_t project = FIRST_PROJECT + (hash + i) % N_PROJECTS;
		int r;

		snprintf(name, sizeof(name), "project/%u", project);
		r = store->put_new(o->host, name, key, &taken);
		if (r == 0) {
			*ret = project;
			return 0;
		}
		if (r != GANTRY_ERR_EXISTS) {
			*err = taken;
			return r;
		}
	}
	return error_set(err, GANTRY_ERR_NO_SPACE, "no free project id for snapshot %s", key);
}

int overlay_set_quota(const struct overlay *o, const char *key, int64_t bytes,
		      struct gantry_error *err)
{
	char path[NAME_MAX + 32], text[32];
	uint32_t project = 0;
	int r;
	auto_fd int base = open(o->snapshots.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (base < 0)
		return error_errno(err, errno, "cannot open %s", o->snapshots.path);
	r = set_limit(base, FIRST_PROJECT - 1, 0);
	if (r < 0)
		return unsupported(o, -r, err);
	r = take_project(o, key, &project, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "active/%s/quota", key);
	snprintf(text, sizeof(text), "%u", project);
	r = write_file_atomic(base, path, text, strlen(text), 0600, 0);
	snprintf(path, sizeof(path), "active/%s/work", key);
	if (r == 0 && mkdirat(base, path, 0700) < 0 && errno != EEXIST)
		r = -errno;
	if (r == 0)
		r = set_limit(base, project, bytes);
	if (r == 0)
		r = set_project(base, path, project);
	snprintf(path, sizeof(path), "active/%s/fs", key);
	if (r == 0)
		r = set_project(base, path, project);
	if (r < 0) {
		overlay_drop_quota(o, key);
		return unsupported(o, -r, err);
	}
	return 0;
}

void overlay_drop_quota(const struct overlay *o, const char *key)
{
	const struct gantry_store_service *store;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_(buf) struct buf text = BUF_INIT;
	char path[NAME_MAX + 32];
	auto_fd int base = -1;

	snprintf(path, sizeof(path), "active/%.200s/quota", key);
	if (read_file(o->snapshots.fd, path, &text, 64) < 0)
		return;
	base = open(o->snapshots.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base >= 0)
		(void)set_limit(base, (uint32_t)strtoul(buf_str(&text), NULL, 10), 0);
	snprintf(path, sizeof(path), "project/%.20s", buf_str(&text));
	store = gantry_service(o->host, "store");
	if (store)
		(void)store->remove(o->host, path, &ignored);
}
