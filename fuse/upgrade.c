/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptors' numbers are in the environment, behind the format of the arena that
 * one of them is: "FORMAT:DEVICE:ARENA:WORK:LAYER..." and, in a variable of its own, where
 * the mount is.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gantry/error.h>
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#include "fuse/arena.h"
#include "fuse/layer.h"
#include "fuse/unionfs.h"
#include "fuse/upgrade.h"

extern char **environ;

static const char fds_variable[] = "GANTRY_UNIONFS_FDS";
static const char mountpoint_variable[] = "GANTRY_UNIONFS_MOUNTPOINT";

int upgrade_prepare(struct unionfs *fs, char **argv, struct gantry_error *err)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	fs->argv = argv;
	if (n <= 0)
		return 0; /* no upgrade, then */
	path[n] = '\0';
	fs->program = strdup(path);
	return fs->program ? 0 : error_no_memory(err);
}

int upgrade_is_possible(struct unionfs *fs)
{
	char *argv[] = { fs->program, (char[]){ "--take-over-format" }, NULL };
	auto_(buf) struct buf said = BUF_INIT;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int fds[2], status, r;
	sigset_t none;
	pid_t pid;

	if (!fs->program || pipe2(fds, O_CLOEXEC) < 0)
		return 0;
	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	r = posix_spawn(&pid, fs->program, &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	close(fds[1]);
	if (r == 0)
		(void)read_to_end(fds[0], &said, 64);
	close(fds[0]);
	if (r || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
		return 0;
	return said.len && atoi(buf_str(&said)) == ARENA_FORMAT;
}

static void keep_across_exec(int fd, int keep)
{
	if (fd >= 0)
		(void)fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

/* All that the successor needs; the copies of the device among it, until the kernel has
 * been asked to send again what was read from them. */
static void keep_all(struct unionfs *fs, int keep)
{
	auto_dir DIR *dir = opendir("/proc/self/fd");
	struct dirent *d;

	while (dir && (d = readdir(dir))) {
		char target[64] = "";

		if (readlinkat(dirfd(dir), d->d_name, target, sizeof(target) - 1) > 0 &&
		    strcmp(target, "/dev/fuse") == 0)
			keep_across_exec(atoi(d->d_name), keep);
	}
	keep_across_exec(arena_fd(fs->arena), keep);
	keep_across_exec(fs->work_fd, keep);
	for (unsigned i = 0; i < fs->n_layers; i++)
		keep_across_exec(fs->layers[i].fd, keep);
	for (uint32_t id = 0; id < arena_ids_end(fs->arena); id++) {
		int fd = arena_held_fd(fs->arena, id);

		keep_across_exec(fd, keep);
	}
}

void upgrade_execute(struct unionfs *fs)
{
	auto_(buf) struct buf fds = BUF_INIT;

	buf_addf(&fds, "%d:%d:%d:%d", ARENA_FORMAT, fs->dev_fd, arena_fd(fs->arena), fs->work_fd);
	for (unsigned i = 0; i < fs->n_layers; i++)
		buf_addf(&fds, ":%d", fs->layers[i].fd);
	if (buf_failed(&fds) || setenv(fds_variable, buf_str(&fds), 1) < 0 ||
	    setenv(mountpoint_variable, fs->opt.mountpoint, 1) < 0)
		return;
	keep_all(fs, 1);
	execv(fs->program, fs->argv);
	keep_all(fs, 0);
	unsetenv(fds_variable);
	unsetenv(mountpoint_variable);
}

static int next_number(const char **text, int *ret)
{
	char *end;
	long n = strtol(*text, &end, 10);

	if (end == *text || n < -1 || n > INT_MAX || (*end && *end != ':'))
		return 0;
	*ret = (int)n;
	*text = *end ? end + 1 : end;
	return n < 0 || fcntl((int)n, F_GETFD) >= 0;
}

int upgrade_inherit(struct unionfs *fs, struct gantry_error *err)
{
	const char *text = getenv(fds_variable), *mountpoint = getenv(mountpoint_variable);
	unsigned n_layers = fs->opt.n_lower + 1;
	int format, arena = -1, ok;

	if (!text || !mountpoint)
		return 0;
	fs->layers = calloc(n_layers, sizeof(*fs->layers));
	free(fs->opt.mountpoint);
	fs->opt.mountpoint = strdup(mountpoint);
	if (!fs->layers || !fs->opt.mountpoint)
		return error_no_memory(err);
	fs->n_layers = n_layers;
	ok = next_number(&text, &format) && format == ARENA_FORMAT &&
	     next_number(&text, &fs->dev_fd) && next_number(&text, &arena) &&
	     next_number(&text, &fs->work_fd);
	for (unsigned i = 0; i < n_layers; i++)
		ok = ok && next_number(&text, &fs->layers[i].fd);
	fs->arena = ok ? arena_attach(arena) : NULL;
	if (!fs->arena)
		return error_set(err, GANTRY_ERR_INVALID, "cannot take over %s: what was handed over "
				 "is not of this version", fs->opt.mountpoint);
	keep_all(fs, 0);
	unsetenv(fds_variable);
	unsetenv(mountpoint_variable);
	return 1;
}
