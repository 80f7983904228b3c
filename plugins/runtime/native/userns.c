/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "spec.h"
#include "sys.h"
#include "userns.h"

extern char **environ;

static int write_map(pid_t pid, const char *file, const struct id_map *map, size_t n)
{
	auto_(buf) struct buf text = BUF_INIT;
	char path[64];

	for (size_t i = 0; i < n; i++)
		buf_addf(&text, "%u %u %u\n", map[i].container, map[i].host, map[i].size);
	if (buf_failed(&text))
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return write_control(AT_FDCWD, path, buf_str(&text));
}

/* newuidmap PID container host size ... */
static int run_helper(const char *helper, pid_t pid, const struct id_map *map, size_t n,
		      struct gantry_error *err)
{
	auto_free char **argv = calloc(3 * n + 3, sizeof(*argv));
	auto_free char *words = malloc((3 * n + 1) * 16);
	int status;
	pid_t child;

	if (!argv || !words)
		return error_no_memory(err);
	argv[0] = (char *)helper;
	argv[1] = words;
	snprintf(words, 16, "%d", pid);
	for (size_t i = 0; i < 3 * n; i++) {
		const struct id_map *m = &map[i / 3];

		argv[i + 2] = words + (i + 1) * 16;
		snprintf(argv[i + 2], 16, "%u",
			 i % 3 == 0 ? m->container : i % 3 == 1 ? m->host : m->size);
	}
	status = posix_spawnp(&child, helper, NULL, NULL, argv, environ);
	if (status != 0) {
		error_errno(err, status, "cannot run %s", helper);
		return error_hint(err, "install the package uidmap, or use one id only");
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		error_set(err, GANTRY_ERR_PERMISSION, "%s refused the id mappings", helper);
		return error_hint(err, "check this user's ranges in /etc/subuid and /etc/subgid");
	}
	return 0;
}

int userns_write_maps(pid_t pid, const struct id_maps *maps, struct gantry_error *err)
{
	char path[64];
	int r = write_map(pid, "uid_map", maps->uid, maps->n_uid);

	if (r == -EPERM && geteuid() != 0) {
		r = run_helper("newuidmap", pid, maps->uid, maps->n_uid, err);
		return r < 0 ? r : run_helper("newgidmap", pid, maps->gid, maps->n_gid, err);
	}
	if (r < 0)
		return error_errno(err, -r, "cannot map user ids (linux.uidMappings)");
	r = write_map(pid, "gid_map", maps->gid, maps->n_gid);
	if (r == -EPERM) {
		/* one's own gid alone may be mapped once setgroups(2) is given up */
		snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
		write_control(AT_FDCWD, path, "deny");
		r = write_map(pid, "gid_map", maps->gid, maps->n_gid);
	}
	if (r < 0)
		return error_errno(err, -r, "cannot map group ids (linux.gidMappings)");
	return 0;
}

int userns_for_maps(const struct id_maps *maps, int *ret, struct gantry_error *err)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	char path[64];
	int gate[2], r;
	pid_t child;

	if (pipe2(gate, O_CLOEXEC) < 0)
		return error_errno(err, errno, "cannot create a pipe");
	child = sys_clone3(&args);
	if (child == 0) {
		char c;

		close(gate[1]);
		_exit(read(gate[0], &c, 1) != 0);
	}
	close(gate[0]);
	if (child < 0) {
		r = errno;
		close(gate[1]);
		return error_errno(err, r, "cannot create a user namespace");
	}
	r = userns_write_maps(child, maps, err);
	if (r == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", child);
		*ret = open(path, O_RDONLY | O_CLOEXEC);
		if (*ret < 0)
			r = error_errno(err, errno, "cannot open the user namespace");
	}
	close(gate[1]);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}
