/* SPDX-License-Identifier: Apache-2.0 */
/* <run_root>/lazy/lock: shared by who connects, until he is greeted; alone by who starts a
 * server, and by a server that gives its socket up. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/engine/engine.h"
#include "core/lazy/client.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define GREETING_S 60

extern char **environ;

char *lazy_path(struct core *core, const char *name)
{
	return name ? path_join(core->paths.root, "lazy", name, NULL)
		    : path_join(core->paths.root, "lazy", NULL);
}

static int lock(int fd, int how)
{
	while (flock(fd, how) < 0) {
		if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

/* A greeted connection; -errno when no server answers. */
static int try_connect(int folder)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = GREETING_S };
	struct timeval for_ever = { 0 };
	auto_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	char text[16];

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/socket", folder);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		return -errno;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (recv(fd, text, sizeof(text), 0) != 5) {
		return -ECONNREFUSED;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever));
	return steal_fd(&fd);
}

static int start_failed(struct core *core, int from, struct gantry_error *err)
{
	auto_(buf) struct buf said = BUF_INIT;
	char *text;

	(void)read_to_end(from, &said, 4096);
	text = said.data ? said.data : (char[]){ "" };
	text[strcspn(text, "\n")] = '\0';
	error_set(err, GANTRY_ERR_UNSUPPORTED, "layers cannot be read in place: %s",
		  *text ? text : core->paths.lazyfs);
	return error_hint(err, "pull without --lazy");
}

/* Returns when its socket listens. */
static int start_server(struct core *core, struct gantry_error *err)
{
	char *argv[] = { (char *)"gantry-lazyfs", (char *)"--root", core->paths.root,
			 (char *)"--run-root", core->paths.run_root, (char *)"--plugin-path",
			 core->paths.plugin_path, core->paths.config_file ? (char *)"--config" : NULL,
			 core->paths.config_file, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	auto_fd int from = -1;
	sigset_t none, all;
	int ends[2], code, status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		return error_errno(err, errno, "cannot make a pipe");
	}
	from = ends[0];
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, 0, 1);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
	code = posix_spawn(&pid, core->paths.lazyfs, &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	close(ends[1]);
	if (code) {
		error_errno(err, code, "cannot start %s", core->paths.lazyfs);
		return error_hint(err, "is gantry installed whole?");
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			return error_errno(err, errno, "cannot wait for %s", core->paths.lazyfs);
		}
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : start_failed(core, from, err);
}

int lazy_connect(struct core *core, int *ret_fd, struct gantry_error *err)
{
	auto_free char *path = path_join(core->paths.run_root, "lazy", NULL);
	auto_fd int folder = -1;
	auto_fd int guard = -1;
	int fd, r = path ? make_dirs(AT_FDCWD, path, 0700) : -ENOMEM;

	folder = r < 0 ? -1 : open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	guard = folder < 0 ? -1 : openat(folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (r == 0 && guard < 0) {
		r = -errno;
	}
	if (r == 0) {
		r = lock(guard, LOCK_SH);
	}
	if (r < 0) {
		return error_errno(err, -r, "cannot use %s", path ? path : "lazy");
	}
	fd = try_connect(folder);
	if (fd < 0) {
		(void)lock(guard, LOCK_UN);
		r = lock(guard, LOCK_EX);
		fd = r < 0 ? r : try_connect(folder);
		if (r == 0 && fd < 0) {
			r = start_server(core, err);
			if (r < 0) {
				return r;
			}
			fd = try_connect(folder);
		}
	}
	if (fd < 0) {
		return error_errno(err, -fd, "gantry-lazyfs does not answer");
	}
	*ret_fd = fd;
	return 0;
}

int lazy_ask(int connection, const char *request, int *ret_fd, struct gantry_error *err)
{
	char text[2500], *message;
	size_t n_fds = 1;
	int fd = -1, code, start = 0;
	ssize_t n = send(connection, request, strlen(request), MSG_NOSIGNAL);

	n = n < 0 ? -errno : recv_with_fds(connection, text, sizeof(text) - 1, &fd, &n_fds);
	if (n <= 0) {
		return error_set(err, GANTRY_ERR_UNAVAILABLE, "gantry-lazyfs ended while it was asked");
	}
	text[n] = '\0';
	if (ret_fd) {
		*ret_fd = n_fds ? fd : -1;
	} else if (n_fds) {
		close(fd);
	}
	if (!strcmp(text, "ok")) {
		return 0;
	}
	if (sscanf(text, "error %d %n", &code, &start) != 1 || !start || code >= 0) {
		return error_set(err, GANTRY_ERR_INTERNAL, "gantry-lazyfs gave no answer");
	}
	message = text + start;
	return error_set(err, code, "%s", message);
}

int lazy_mount(struct core *core, int *ret_fd, struct gantry_error *err)
{
	auto_fd int connection = -1;
	int r = lazy_connect(core, &connection, err);

	if (r == 0) {
		r = lazy_ask(connection, "mount", ret_fd, err);
	}
	if (r == 0 && *ret_fd < 0) {
		r = error_set(err, GANTRY_ERR_INTERNAL, "gantry-lazyfs sent no mount");
	}
	return r;
}
