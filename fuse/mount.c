/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gantry/error.h>
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#include "fuse/mount.h"
#include "fuse/unionfs.h"

static const char fs_type[] = "fuse.gantry-unionfs";

static const char *source_name(const struct unionfs *fs)
{
	return fs->opt.fsname ? fs->opt.fsname : "gantry-unionfs";
}

/* fusermount3 is setuid; it mounts and sends the descriptor over a socket. */
static int mount_by_helper(struct unionfs *fs, struct gantry_error *err)
{
	int pair[2], status = 0, fd = -1;
	size_t n_fds = 1;
	char env[16], options[256], byte;
	ssize_t n;
	pid_t pid;

	snprintf(options, sizeof(options), "fsname=%s,subtype=gantry-unionfs,default_permissions%s%s",
		 source_name(fs), fs->opt.allow_other ? ",allow_other" : "",
		 fs->opt.read_only ? ",ro" : "");
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return error_errno(err, errno, "cannot make a socket pair");
	pid = fork();
	if (pid == 0) {
		close(pair[1]);
		snprintf(env, sizeof(env), "%d", pair[0]);
		setenv("_FUSE_COMMFD", env, 1);
		execlp("fusermount3", "fusermount3", "-o", options, "--", fs->opt.mountpoint,
		       (char *)NULL);
		_exit(127);
	}
	close(pair[0]);
	n = pid < 0 ? -1 : recv_with_fds(pair[1], &byte, 1, &fd, &n_fds);
	close(pair[1]);
	if (pid > 0)
		(void)waitpid(pid, &status, 0);
	if (n < 1 || n_fds != 1) {
		error_set(err, GANTRY_ERR_PERMISSION, "cannot mount on %s: fusermount3 failed",
			  fs->opt.mountpoint);
		return error_hint(err, "install the package fuse3, or run in a user namespace "
				       "(unshare -Urm)");
	}
	fs->dev_fd = fd;
	return 0;
}

/* "/dev/fd/N": the caller mounts, or did, with the descriptor that it passes. */
static int take_given_fd(struct unionfs *fs, const char *number, struct gantry_error *err)
{
	char *end;
	long fd = strtol(number, &end, 10);

	/* Who reads waits for requests. */
	if (end == number || *end || fd < 0 || fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl((int)fd, F_SETFL, O_RDWR) < 0) {
		return error_set(err, GANTRY_ERR_INVALID, "%s is not an open descriptor",
				 fs->opt.mountpoint);
	}
	fs->dev_fd = (int)fd;
	return 0;
}

/* The server will run in another working directory. */
static int absolute_mountpoint(struct unionfs *fs, struct gantry_error *err)
{
	char *path = realpath(fs->opt.mountpoint, NULL);

	if (!path) {
		error_errno(err, errno, "cannot mount on %s", fs->opt.mountpoint);
		return error_hint(err, "the mount point must be an existing directory");
	}
	free(fs->opt.mountpoint);
	fs->opt.mountpoint = path;
	return 0;
}

int mount_union(struct unionfs *fs, struct gantry_error *err)
{
	auto_(buf) struct buf data = BUF_INIT;
	unsigned long flags = fs->opt.mount_flags;
	auto_fd int fd = -1;
	int r;

	if (strncmp(fs->opt.mountpoint, "/dev/fd/", 8) == 0)
		return take_given_fd(fs, fs->opt.mountpoint + 8, err);
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		error_errno(err, errno, "cannot open /dev/fuse");
		return error_hint(err, errno == ENOENT ? "load the kernel module fuse" :
						"the device must be readable and writable for this user");
	}
	if (fs->opt.read_only)
		flags |= MS_RDONLY;
	buf_addf(&data, "fd=%d,rootmode=40000,user_id=%u,group_id=%u,default_permissions", fd,
		 (unsigned)getuid(), (unsigned)getgid());
	if (fs->opt.allow_other || geteuid() == 0)
		buf_adds(&data, ",allow_other");
	if (fs->opt.context)
		buf_addf(&data, ",context=%s", fs->opt.context);
	if (buf_failed(&data))
		return error_no_memory(err);
	r = absolute_mountpoint(fs, err);
	if (r)
		return r;
	if (mount(source_name(fs), fs->opt.mountpoint, fs_type, flags, buf_str(&data)) == 0) {
		fs->dev_fd = steal_fd(&fd);
		return 0;
	}
	if (errno == EPERM)
		return mount_by_helper(fs, err);
	error_errno(err, errno, "cannot mount on %s", fs->opt.mountpoint);
	return error_hint(err, "the mount point must be an existing directory");
}

void mount_set_readahead(struct unionfs *fs)
{
	auto_fd int dir = -1;
	char path[64];
	struct stat st;

	if (!fs->privileged || strncmp(fs->opt.mountpoint, "/dev/fd/", 8) == 0)
		return;
	if (stat(fs->opt.mountpoint, &st) < 0)
		return;
	snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u", major(st.st_dev), minor(st.st_dev));
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		(void)write_control(dir, "read_ahead_kb", "1024");
}
