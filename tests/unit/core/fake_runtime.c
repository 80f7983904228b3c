/* SPDX-License-Identifier: Apache-2.0 */
/* A runtime driver for tests of the shim: no namespaces, no isolation; the bundle's
 * file `script` is run by /bin/sh.  The file `fail` in the bundle holds the name of
 * the operation that is to fail, or "die-<operation>" to die in it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gantry/plugin.h>
#include <gantry/runtime.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

static pid_t fork_for_parent(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
}

static int open_self(const struct gantry_host *host, const char *config, void **ret_self,
		     struct gantry_error *err)
{
	*ret_self = NULL;
	return 0;
}

static void close_self(void *self)
{
}

/* Does the test want this operation to fail? */
static int planned_failure(const char *state_dir, const char *op, struct gantry_error *err)
{
	auto_(buf) struct buf plan = BUF_INIT;
	auto_free char *path = NULL;

	if (asprintf(&path, "%s/../fail", state_dir) < 0 ||
	    read_file(AT_FDCWD, path, &plan, 64) < 0) {
		return 0;
	}
	if (!strncmp(buf_str(&plan), "die-", 4) && !strcmp(buf_str(&plan) + 4, op)) {
		_exit(3);
	}
	if (!strcmp(buf_str(&plan), op)) {
		error_set(err, GANTRY_ERR_NOT_FOUND, "planned failure of %s", op);
		return error_hint(err, "none");
	}
	return 0;
}

static void use_stream(int fd, int as)
{
	if (fd < 0) {
		fd = open("/dev/null", O_RDWR);
	}
	dup2(fd, as);
}

static int open_terminal(int *ret_slave)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	unlockpt(master);
	*ret_slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return master;
}

static void become(const int fds[3], int slave, const char *gate, const char *script)
{
	char byte;

	for (int i = 0; i < 3; i++) {
		use_stream(slave >= 0 ? slave : fds[i], i);
	}
	setsid();
	if (slave >= 0) {
		ioctl(0, TIOCSCTTY, 0);
	}
	if (gate) {
		int fd = open(gate, O_RDONLY);

		close_range(3, (unsigned)fd - 1, 0);
		if (read(fd, &byte, 1) != 1) {
			_exit(99);
		}
	}
	close_range(3, ~0U, 0);
	execl("/bin/sh", "sh", script, (char *)NULL);
	_exit(127);
}

static int create(void *self, const struct gantry_runtime_create_args *args,
		  struct gantry_reply *reply, struct gantry_error *err)
{
	int fds[3] = { args->stdin, args->stdout, args->stderr };
	auto_free char *gate = NULL;
	auto_free char *script = NULL;
	auto_free char *tty = NULL;
	int master = -1, slave = -1;
	pid_t pid;
	int r = planned_failure(args->state_dir, "create", err);

	if (r < 0) {
		return r;
	}
	if (asprintf(&gate, "%s/gate", args->state_dir) < 0 ||
	    asprintf(&script, "%s/script", args->bundle) < 0 ||
	    asprintf(&tty, "%s/tty", args->bundle) < 0 || mkfifo(gate, 0600) < 0) {
		return error_errno(err, errno, "cannot create the gate");
	}
	if (access(tty, F_OK) == 0) {
		master = open_terminal(&slave);
	}
	pid = fork_for_parent();
	if (pid == 0) {
		become(fds, slave, gate, script);
	}
	if (slave >= 0) {
		close(slave);
	}
	if (pid < 0) {
		return error_errno(err, errno, "cannot clone");
	}
	gantry_runtime_create_set_pid(reply, pid);
	gantry_runtime_create_add_warning(reply, "a warning");
	{
		auto_free char *path = NULL;
		char text[16];

		snprintf(text, sizeof(text), "%d", pid);
		if (asprintf(&path, "%s/pid", args->state_dir) >= 0) {
			write_file_atomic(AT_FDCWD, path, text, strlen(text), 0600, 0);
		}
	}
	return master >= 0 ? gantry_runtime_create_set_console(reply, master) : 0;
}

static int start(void *self, const struct gantry_runtime_start_args *args,
		 struct gantry_reply *reply, struct gantry_error *err)
{
	auto_free char *gate = NULL;
	auto_fd int fd = -1;
	int r = planned_failure(args->state_dir, "start", err);

	if (r < 0) {
		return r;
	}
	if (asprintf(&gate, "%s/gate", args->state_dir) < 0) {
		return error_no_memory(err);
	}
	fd = open(gate, O_WRONLY | O_CLOEXEC);
	return write(fd, "x", 1) == 1 ? 0 : error_errno(err, errno, "cannot open the gate");
}

/* The process object is no JSON here but the script's path; a probe's is JSON, and
 * its first argument the path. */
static int exec(void *self, const struct gantry_runtime_exec_args *args,
		struct gantry_reply *reply, struct gantry_error *err)
{
	int fds[3] = { args->stdin, args->stdout, args->stderr };
	const char *probe = strstr(args->process, "\"args\":[\"");
	auto_free char *script = NULL;
	int master = -1, slave = -1;
	pid_t pid;
	int r = planned_failure(args->state_dir, "exec", err);

	if (r < 0) {
		return r;
	}
	script = probe ? strndup(probe + 9, strcspn(probe + 9, "\"")) : strdup(args->process);
	if (strstr(script, "tty")) {
		master = open_terminal(&slave);
	}
	pid = fork_for_parent();
	if (pid == 0) {
		become(fds, slave, NULL, script);
	}
	if (slave >= 0) {
		close(slave);
	}
	gantry_runtime_exec_set_pid(reply, pid);
	return master >= 0 ? gantry_runtime_exec_set_console(reply, master) : 0;
}

static int delete(void *self, const struct gantry_runtime_delete_args *args,
		  struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_free char *path = NULL;

	if (asprintf(&path, "%s/pid", args->state_dir) >= 0 &&
	    read_file(AT_FDCWD, path, &text, 64) == 0) {
		kill(atoi(buf_str(&text)), SIGKILL);
	}
	free(path);
	if (asprintf(&path, "%s/deleted", args->state_dir) >= 0) {
		write_file_atomic(AT_FDCWD, path, "", 0, 0600, 0);
	}
	return 0;
}

static int signal_it(void *self, const struct gantry_runtime_signal_args *args,
		     struct gantry_reply *reply, struct gantry_error *err)
{
	return error_set(err, GANTRY_ERR_UNSUPPORTED, "the fake runtime sends no signals");
}

static int state(void *self, const struct gantry_runtime_state_args *args,
		 struct gantry_reply *reply, struct gantry_error *err)
{
	return error_set(err, GANTRY_ERR_UNSUPPORTED, "the fake runtime has no state");
}

static const struct gantry_runtime_ops ops = {
	.struct_size = sizeof(ops),
	.create = create,
	.start = start,
	.exec = exec,
	.signal = signal_it,
	.state = state,
	.delete = delete,
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_SERIAL,
	.kind = "runtime",
	.name = "fake",
	.summary = "a runtime for tests of the shim",
	.ops = &ops,
	.open = open_self,
	.close = close_self,
};

static const struct gantry_driver *const drivers[] = { &driver, NULL };

GANTRY_PLUGIN(.name = "runtime-fake", .version = "0.1.0", .licence = "Apache-2.0",
	      .drivers = drivers, .flags = GANTRY_PLUGIN_UNLOADABLE);
