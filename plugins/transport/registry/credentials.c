/* SPDX-License-Identifier: Apache-2.0 */
/* The logins that `login` stored: config.json and credential helpers. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"
#include "registry.h"

#define CONFIG_LIMIT (1024 * 1024)
#define HELPER_LIMIT 65536
#define HELPER_TIMEOUT_MS 30000

extern char **environ;

/* Kills and reaps a helper that is still there. */
struct child {
	pid_t pid;
};

static void child_auto(struct child *c)
{
	if (c->pid <= 0)
		return;
	kill(c->pid, SIGKILL);
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int is_helper_name(const char *name)
{
	for (const char *p = name; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
			return 0;
	}
	return *name && *name != '.';
}

static int start_helper(const char *program, int in, int out, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t) "get", NULL };
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_adddup2(&actions, in, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out, 1);
	if (r == 0)
		r = posix_spawnp(ret, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* Reads all the helper says, within the time. */
static int read_answer(int fd, struct buf *out)
{
	int64_t end = time_monotonic_ns() + HELPER_TIMEOUT_MS * 1000000ll;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	for (;;) {
		int64_t left = (end - time_monotonic_ns()) / 1000000;
		char block[4096];
		ssize_t n;

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&pfd, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
		if (!pfd.revents)
			continue;
		n = read(fd, block, sizeof(block));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return buf_failed(out) ? -ENOMEM : 0;
		if (n > 0)
			buf_add(out, block, (size_t)n);
		if (out->len > HELPER_LIMIT)
			return -EFBIG;
	}
}

/* Gives the host on standard input; *ret_status is the exit status. */
static int run_helper(const char *program, const char *host, struct buf *out, int *ret_status)
{
	int to[2], from[2];
	auto_(child) struct child child = { 0 };
	auto_fd int to_read = -1;
	auto_fd int to_write = -1;
	auto_fd int from_read = -1;
	auto_fd int from_write = -1;
	int status, r;

	if (pipe2(to, O_CLOEXEC) < 0)
		return -errno;
	to_read = to[0];
	to_write = to[1];
	if (pipe2(from, O_CLOEXEC) < 0)
		return -errno;
	from_read = from[0];
	from_write = from[1];
	/* A host name always fits into an empty pipe, so it is written before
	 * anybody reads and never raises SIGPIPE. */
	r = write_all(to_write, host, strlen(host));
	if (r == 0)
		r = start_helper(program, to_read, from_write, &child.pid);
	if (r < 0)
		return r;
	replace_fd(&to_write, -1);
	replace_fd(&from_write, -1);
	r = read_answer(from_read, out);
	if (r < 0)
		return r;
	while (waitpid(child.pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	child.pid = 0;
	*ret_status = status;
	return 0;
}

static int ask_helper(const char *name, const char *host, struct credentials *ret,
		      struct gantry_error *err)
{
	auto_(buf) struct buf answer = BUF_INIT;
	auto_free char *program = NULL;
	int status = 0, r;

	if (!is_helper_name(name))
		return error_set(err, GANTRY_ERR_INVALID, "config.json names the credential helper \"%.60s\"",
				 name);
	if (asprintf(&program, "docker-credential-%s", name) < 0)
		return error_no_memory(err);
	r = run_helper(program, host, &answer, &status);
	if (r < 0) {
		error_errno(err, -r, "cannot ask %s for the credentials of %s", program, host);
		return error_hint(err, "install %s, or remove it from config.json", program);
	}
	/* It exits with an error when it has none: then nobody is logged in. */
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return 0;
	r = credentials_from_helper(buf_str(&answer), answer.len, ret, err);
	if (answer.data)
		explicit_bzero(answer.data, answer.len);
	return r < 0 ? error_prefix(err, "%s", program) : 0;
}

static char *config_path(void)
{
	const char *dir = getenv("DOCKER_CONFIG"), *home = getenv("HOME");
	struct passwd *pw;
	char *path = NULL;

	if (dir && *dir)
		return asprintf(&path, "%s/config.json", dir) < 0 ? NULL : path;
	if (!home || !*home) {
		pw = getpwuid(getuid());
		home = pw ? pw->pw_dir : "/";
	}
	return asprintf(&path, "%s/.docker/config.json", home) < 0 ? NULL : path;
}

int credentials_load(const char *host, struct credentials *ret, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_json struct json_object *config = NULL;
	auto_free char *path = config_path();
	const char *helper;
	int r;

	if (!path)
		return error_no_memory(err);
	r = read_file(AT_FDCWD, path, &text, CONFIG_LIMIT);
	if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
		return 0;
	if (r < 0)
		return error_errno(err, -r, "cannot read %s", path);
	r = json_parse_object(buf_str(&text), path, &config, err);
	if (r == 0)
		r = credentials_from_config(config, host, ret, &helper, err);
	if (r == 0 && helper)
		r = ask_helper(helper, host, ret, err);
	return r;
}
