/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FUSE mount that is attached nowhere, and the server behind it.  Both are
 * tied to each other by the kernel: when the mount is gone the server reads
 * ENODEV and exits; when no server is left its users get ENOTCONN.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/folder_mount.h"
#include "helpers/io.h"
#include "helpers/snapshot_attach.h"
#include "unionfs.h"

extern char **environ;

/* Adds a path as gantry-unionfs wants it in an option. */
static void add_escaped(struct buf *b, enum snapshot_state state, const char *key, const char *name)
{
	auto_(buf) struct buf path = BUF_INIT;

	buf_addf(&path, "%s/%s/%s", snapshot_folder(state), key, name);
	for (const char *p = buf_str(&path); *p; p++) {
		if (strchr("\\:,", *p))
			buf_addc(b, '\\');
		buf_addc(b, *p);
	}
}

/* What the server is started with: its option, and the attached layers that it inherits. */
struct start {
	const struct unionfs *u;
	const struct snapshot *snap;
	struct buf options;
	int attached; /* -1: none */
	int fds[SNAPSHOT_MAX_PARENTS + 1];
	size_t n_fds;
};

enum { FD_DEVICE = 3, FD_ATTACHED = 4 }; /* in the server */

static void start_done(struct start *s)
{
	while (s->n_fds > 0)
		close(s->fds[--s->n_fds]);
	buf_done(&s->options);
}

static int add_layer(struct start *s, enum snapshot_state state, const char *key,
		     struct gantry_error *err)
{
	int fd = -1, r = 0;

	if (s->attached >= 0)
		r = snapshot_open_attached(&s->u->snapshots, state, key, s->attached, &fd, err);
	if (r < 0)
		return r;
	if (fd < 0) {
		add_escaped(&s->options, state, key, "fs");
		return 0;
	}
	buf_addf(&s->options, "/proc/self/fd/%zu", FD_ATTACHED + s->n_fds);
	s->fds[s->n_fds++] = fd;
	return 0;
}

static int add_layers(struct start *s, enum unionfs_view view, struct gantry_error *err)
{
	const struct snapshot *snap = s->snap;
	const char *separator = "";
	int r = 0;

	buf_adds(&s->options, "lowerdir=");
	if (view == UNIONFS_READ_ONLY) {
		r = add_layer(s, snap->state, snap->key, err);
		separator = ":";
	}
	for (size_t i = 0; r == 0 && i < snap->n_parents; i++) {
		buf_adds(&s->options, separator);
		r = add_layer(s, SNAPSHOT_COMMITTED, snap->parents[i], err);
		separator = ":";
	}
	if (view == UNIONFS_WRITABLE) {
		buf_adds(&s->options, ",upperdir=");
		add_escaped(&s->options, SNAPSHOT_ACTIVE, snap->key, "fs");
		buf_adds(&s->options, ",workdir=");
		add_escaped(&s->options, SNAPSHOT_ACTIVE, snap->key, "work");
	}
	return r;
}

/* What the server said before it gave up. */
static int server_failed(const struct unionfs *u, const struct snapshot *snap, int fd,
			 struct gantry_error *err)
{
	auto_(buf) struct buf said = BUF_INIT;
	char *text;

	(void)read_to_end(fd, &said, 4096);
	text = said.data ? said.data : (char[]){ "" };
	if (strncmp(text, "gantry-unionfs: ", 16) == 0)
		text += 16;
	text[strcspn(text, "\n")] = '\0';
	return error_set(err, GANTRY_ERR_IO, "cannot mount snapshot %s: %s", snap->key,
			 *text ? text : u->program);
}

/* Above the numbers that they become, so that no dup2 hits another. */
static int lift(int *fd)
{
	int lifted = fcntl(*fd, F_DUPFD_CLOEXEC, FD_ATTACHED + SNAPSHOT_MAX_PARENTS + 1);

	if (lifted < 0)
		return -errno;
	replace_fd(fd, lifted);
	return 0;
}

/* Runs the server with the descriptor dev; returns when it serves in the
 * background. */
static int start_server(struct start *s, int dev, struct gantry_error *err)
{
	const struct unionfs *u = s->u;
	posix_spawn_file_actions_t actions;
	char target[32];
	char *argv[] = { (char[]){ "gantry-unionfs" }, (char[]){ "-o" }, s->options.data, target,
			 NULL };
	int pipe_fds[2], status, r = 0;
	auto_fd int from = -1;
	pid_t pid;

	for (size_t i = 0; r == 0 && i < s->n_fds; i++)
		r = lift(&s->fds[i]);
	if (r < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
		return error_errno(err, r < 0 ? -r : errno, "cannot start %s", u->program);
	from = pipe_fds[0];
	snprintf(target, sizeof(target), "/dev/fd/%d", FD_DEVICE);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addchdir_np(&actions, u->snapshots.path);
	posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 2);
	posix_spawn_file_actions_adddup2(&actions, dev, FD_DEVICE);
	for (size_t i = 0; i < s->n_fds; i++)
		posix_spawn_file_actions_adddup2(&actions, s->fds[i], FD_ATTACHED + (int)i);
	r = posix_spawn(&pid, u->program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fds[1]);
	if (r) {
		error_errno(err, r, "cannot start %s", u->program);
		return error_hint(err, "set `program` of storage/unionfs to where gantry-unionfs is");
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return error_errno(err, errno, "cannot wait for %s", u->program);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return server_failed(u, s->snap, from, err);
	return 0;
}

static int configure(int fs, int dev, const char *label)
{
	char number[16], uid[16], gid[16];
	const char *const strings[][2] = {
		{ "source", "gantry-unionfs" }, { "subtype", "gantry-unionfs" },
		{ "fd", number }, { "rootmode", "40000" },
		{ "user_id", uid }, { "group_id", gid },
	};
	static const char *const flags[] = { "default_permissions", "allow_other" };

	snprintf(number, sizeof(number), "%d", dev);
	snprintf(uid, sizeof(uid), "%u", (unsigned)geteuid());
	snprintf(gid, sizeof(gid), "%u", (unsigned)getegid());
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		if (fsconfig(fs, FSCONFIG_SET_STRING, strings[i][0], strings[i][1], 0) < 0)
			return -errno;
	}
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (fsconfig(fs, FSCONFIG_SET_FLAG, flags[i], NULL, 0) < 0)
			return -errno;
	}
	if (label && *label && fsconfig(fs, FSCONFIG_SET_STRING, "context", label, 0) < 0)
		return -errno;
	return fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? -errno : 0;
}

/* A detached FUSE mount and its device; both are the caller's. */
static int new_mount(int read_only, const char *label, int *ret_dev, struct gantry_error *err)
{
	auto_fd int dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	auto_fd int fs = -1;
	int fd, r;

	if (dev < 0) {
		error_errno(err, errno, "cannot open /dev/fuse");
		return error_hint(err, "load the kernel module `fuse` and let this user read and write "
				       "/dev/fuse");
	}
	fs = fsopen("fuse", FSOPEN_CLOEXEC);
	r = fs < 0 ? -errno : configure(fs, dev, label);
	if (r < 0) {
		error_errno(err, -r, "cannot mount a FUSE filesystem");
		return error_hint(err, "as an ordinary user this needs a user namespace");
	}
	fd = fsmount(fs, FSMOUNT_CLOEXEC, read_only ? MOUNT_ATTR_RDONLY : 0);
	if (fd < 0)
		return error_errno(err, errno, "cannot mount a FUSE filesystem");
	*ret_dev = steal_fd(&dev);
	return fd;
}

/* A single folder needs no union. */
static int mount_folder(const struct unionfs *u, enum snapshot_state state, const char *key,
			int read_only, struct gantry_error *err)
{
	auto_free char *path = NULL;

	if (asprintf(&path, "%s/%s/%s/fs", u->snapshots.path, snapshot_folder(state), key) < 0)
		return error_no_memory(err);
	return folder_mount(path, read_only, -1, err);
}

static int make_work(const struct unionfs *u, const char *key, struct gantry_error *err)
{
	auto_free char *path = NULL;

	if (asprintf(&path, "active/%s/work", key) < 0)
		return error_no_memory(err);
	if (mkdirat(u->snapshots.fd, path, 0700) < 0 && errno != EEXIST)
		return error_errno(err, errno, "cannot create %s/%s", u->snapshots.path, path);
	return 0;
}

static int mount_union(struct start *s, enum unionfs_view view, const char *label,
		       struct gantry_error *err)
{
	const struct unionfs *u = s->u;
	int read_only = view != UNIONFS_WRITABLE;
	auto_fd int dev = -1;
	auto_fd int fd = -1;
	int r = add_layers(s, view, err);

	if (r < 0)
		return r;
	/* As storage/overlay: the upper layer alone must hold what diff packs. */
	buf_addf(&s->options, ",redirect_dir=off,userxattr=%s",
		 u->style == LAYER_OVERLAY_USER ? "on" : "off");
	if (u->memory_max > 0)
		buf_addf(&s->options, ",memory_max=%lld", (long long)u->memory_max);
	if (buf_failed(&s->options))
		return error_no_memory(err);
	r = read_only ? 0 : make_work(u, s->snap->key, err);
	if (r < 0)
		return r;
	fd = new_mount(read_only, label, &dev, err);
	if (fd < 0)
		return fd;
	r = start_server(s, dev, err);
	return r < 0 ? r : steal_fd(&fd);
}

int unionfs_mount_snapshot(const struct unionfs *u, const struct snapshot *snap,
			   enum unionfs_view view, const char *label, int attached,
			   struct gantry_error *err)
{
	struct start s = { .u = u, .snap = snap, .options = BUF_INIT, .attached = attached };
	int has_attached = attached >= 0 && snapshot_has_attached(&u->snapshots, snap,
								  view == UNIONFS_READ_ONLY);
	int fd;

	if (view == UNIONFS_PARENT && snap->n_parents == 1 && !has_attached)
		return mount_folder(u, SNAPSHOT_COMMITTED, snap->parents[0], 1, err);
	if (snap->n_parents == 0 && !has_attached)
		return mount_folder(u, snap->state, snap->key, view != UNIONFS_WRITABLE, err);
	fd = mount_union(&s, view, label, err);
	start_done(&s);
	return fd;
}

int unionfs_try(struct gantry_error *err)
{
	auto_fd int dev = -1;
	auto_fd int fd = new_mount(1, NULL, &dev, err);

	if (fd >= 0)
		return 0;
	err->code = GANTRY_ERR_UNSUPPORTED;
	return err->code;
}
