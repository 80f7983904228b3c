/* SPDX-License-Identifier: Apache-2.0 */
/* <run-root>/userns/<ids>/ has a file for each process that lives in the namespace, named
 * by its pid and holding its start time, so that a pid used again deceives nobody.
 * The folder's lock orders those who look for one, so that two commands that start
 * at once do not make two namespaces. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "core/base/idmap.h"
#include "core/base/paths.h"
#include "core/base/userns.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/privilege.h"

/* Set once, while the process has one thread. */
static struct {
	int known;
	uid_t uid;
	gid_t gid;
} outer;

uid_t userns_outer_uid(void)
{
	return outer.known ? outer.uid : getuid();
}

gid_t userns_outer_gid(void)
{
	return outer.known ? outer.gid : getgid();
}

const char *userns_ids_name(enum userns_ids ids)
{
	static const char *const names[] = {"host", "full", "single", "given", "none"};

	return names[ids];
}

/* Field 22 of /proc/PID/stat, or 0. */
static unsigned long long start_time(pid_t pid)
{
	auto_(buf) struct buf text = BUF_INIT;
	unsigned long long value = 0;
	const char *p;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file(AT_FDCWD, path, &text, 4096) < 0) {
		return 0;
	}
	p = strrchr(buf_str(&text), ')');
	for (int field = 2; p && field < 22; field++) {
		p = strchr(p + 1, ' ');
	}
	return p && sscanf(p, " %llu", &value) == 1 ? value : 0;
}

/* Engines with other roots and other ids may share the run folder. */
static int open_folder(const struct paths *paths, enum userns_ids ids, struct gantry_error *err)
{
	auto_free char *path = path_join(paths->run_root, "userns", userns_ids_name(ids), NULL);
	int r = path ? make_dirs(AT_FDCWD, path, 0700) : -ENOMEM;
	int fd = r < 0 ? r : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		return fd;
	}
	return error_errno(err, r < 0 ? -r : errno, "cannot open folder %s/userns",
			   paths->run_root);
}

static int write_holder(int folder, pid_t pid, struct gantry_error *err)
{
	char name[16], text[32];
	int n, r;

	snprintf(name, sizeof(name), "%d", pid);
	n = snprintf(text, sizeof(text), "%llu\n", start_time(pid));
	r = write_file_atomic(folder, name, text, (size_t)n, 0600, 0);
	return r < 0 ? error_errno(err, -r,
				   "cannot note process %d as a holder of the user namespace", pid)
		     : 0;
}

/* A pidfd of the process in the note, if that still lives; else -1. */
static int open_holder(int folder, const char *name)
{
	auto_(buf) struct buf text = BUF_INIT;
	unsigned long long noted = 0;
	pid_t pid = (pid_t)strtol(name, NULL, 10);
	auto_fd int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

	if (fd < 0 || read_file(folder, name, &text, 64) < 0 ||
	    sscanf(buf_str(&text), "%llu", &noted) != 1 || noted == 0 || noted != start_time(pid)) {
		return -1;
	}
	return steal_fd(&fd);
}

/* Joins the namespace of any holder.  1 when that was done. */
static int join(int folder)
{
	int copy = dup(folder);
	auto_dir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		auto_fd int fd = e->d_name[0] == '.' ? -1 : open_holder(folder, e->d_name);

		if (e->d_name[0] == '.') {
			continue;
		}
		if (fd < 0) {
			unlinkat(folder, e->d_name, 0);
		} else if (setns(fd, CLONE_NEWUSER) == 0) {
			return 1;
		}
	}
	return 0;
}

/* What was chosen for this root at first: its layers are owned accordingly. */
static enum userns_ids remembered(const struct paths *paths)
{
	auto_free char *path = path_join(paths->root, "ids", NULL);
	auto_(buf) struct buf text = BUF_INIT;

	if (!path || read_file(AT_FDCWD, path, &text, 64) < 0) {
		return USERNS_HOST;
	}
	return !strncmp(buf_str(&text), "full", 4) ? USERNS_FULL : USERNS_SINGLE;
}

static int remember(const struct paths *paths, enum userns_ids ids, struct gantry_error *err)
{
	auto_free char *path = path_join(paths->root, "ids", NULL);
	const char *name = userns_ids_name(ids);
	int r = path ? write_file_atomic(AT_FDCWD, path, name, strlen(name), 0600, 0) : -ENOMEM;

	return r < 0 ? error_errno(err, -r, "cannot write %s/ids", paths->root) : 0;
}

static int refused(int sys_errno, struct gantry_error *err)
{
	error_errno(err, sys_errno, "cannot create a user namespace");
	err->code = GANTRY_ERR_UNSUPPORTED;
	if (sys_errno == ENOSPC || sys_errno == EUSERS) {
		return error_hint(err, "this host allows no more of them: an administrator can run "
				       "`sysctl -w user.max_user_namespaces=15000`");
	}
	return error_hint(
		err, "without them an ordinary user cannot run containers; `gantry doctor` says "
		     "what forbids them and what an administrator can do");
}

/* The new namespace is mapped by ourselves, or by helpers that stay outside. */
static int create(enum userns_ids ids, struct gantry_error *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	struct idmap_helper helper = IDMAP_HELPER_INIT;
	int r = ids == USERNS_FULL ? idmap_helper_start(&helper, uid, gid, err) : 0;

	if (r < 0) {
		return r;
	}
	if (unshare(CLONE_NEWUSER) < 0) {
		r = errno;
		idmap_helper_cancel(&helper);
		return refused(r, err);
	}
	return ids == USERNS_FULL ? idmap_helper_finish(&helper, err) : idmap_single(uid, gid, err);
}

/* Choosing follows what is there; a root that has been chosen for stays so. */
static int choose(const struct paths *paths, enum userns_ids *ret, int *ret_new,
		  struct gantry_error *err)
{
	enum userns_ids had = remembered(paths);
	struct gantry_error why = GANTRY_ERROR_INIT;
	int full;

	*ret_new = had == USERNS_HOST;
	if (had == USERNS_SINGLE) {
		*ret = had;
		return 0;
	}
	full = idmap_can_full(geteuid(), &why) == 0;
	if (had == USERNS_FULL && !full) {
		error_set(err, GANTRY_ERR_UNSUPPORTED,
			  "the images in %s belong to a range of ids that this user no longer has "
			  "(%s)",
			  paths->root, why.message);
		return error_hint(
			err, "restore the range in /etc/subuid and /etc/subgid, or choose another "
			     "--root");
	}
	*ret = full ? USERNS_FULL : USERNS_SINGLE;
	return 0;
}

static int join_or_create(int folder, enum userns_ids ids, struct gantry_error *err)
{
	return join(folder) ? 0 : create(ids, err);
}

/* Its own view of the host's mounts, which follows changes there, and in which it
 * may mount. */
static int own_mounts(struct gantry_error *err)
{
	if (unshare(CLONE_NEWNS) == 0) {
		return 0;
	}
	error_errno(err, errno,
		    "a user namespace can be created here, but gives no power to mount");
	err->code = GANTRY_ERR_UNSUPPORTED;
	return error_hint(
		err, "something like AppArmor restricts it: an administrator can run `sysctl -w "
		     "kernel.apparmor_restrict_unprivileged_userns=0`");
}

int userns_enter(const struct paths *paths, enum userns_ids *ret, struct gantry_error *err)
{
	auto_fd int folder = -1;
	int is_new = 0, r;

	outer.uid = getuid();
	outer.gid = getgid();
	outer.known = 1;
	if (has_capability(CAP_SYS_ADMIN)) {
		*ret = in_initial_userns() ? USERNS_HOST : USERNS_GIVEN;
		return 0;
	}
	r = choose(paths, ret, &is_new, err);
	if (r < 0) {
		return r;
	}
	folder = open_folder(paths, *ret, err);
	if (folder < 0) {
		return folder;
	}
	while (flock(folder, LOCK_EX) < 0) {
		if (errno != EINTR) {
			return error_errno(err, errno, "cannot lock %s/userns", paths->run_root);
		}
	}
	r = join_or_create(folder, *ret, err);
	if (r == 0 && is_new) {
		r = remember(paths, *ret, err);
	}
	if (r == 0) {
		r = write_holder(folder, getpid(), err);
	}
	(void)flock(folder, LOCK_UN);
	return r < 0 ? r : own_mounts(err);
}

int userns_add_holder(const struct paths *paths, pid_t pid, struct gantry_error *err)
{
	enum userns_ids ids = userns_has_ids() ? USERNS_FULL : USERNS_SINGLE;
	auto_fd int folder = open_folder(paths, ids, err);

	return folder < 0 ? folder : write_holder(folder, pid, err);
}

void userns_leave(const struct paths *paths)
{
	enum userns_ids ids = userns_has_ids() ? USERNS_FULL : USERNS_SINGLE;
	auto_free char *path = NULL;
	char name[16];

	snprintf(name, sizeof(name), "%d", getpid());
	path = path_join(paths->run_root, "userns", userns_ids_name(ids), name, NULL);
	if (path) {
		(void)unlink(path);
	}
}
