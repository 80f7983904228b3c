/* SPDX-License-Identifier: Apache-2.0 */
/* The one that waits is taken under the core's lock, so that two requests never share it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/container/launch.h"
#include "core/engine/engine.h"
#include "core/shim/protocol.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

/* The shim writes its container's id over this, for ps. */
#define NO_ID "----------------------------------------------------------------"

static int spawn_with(posix_spawn_file_actions_t *actions, const char *program, char *const argv[],
		      pid_t *ret)
{
	/* What somebody may have told us to ignore; handlers go with the exec. */
	static const int ignorable[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGTERM,
					 SIGCHLD, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2 };
	posix_spawnattr_t attr;
	sigset_t none, defaults;
	int code;

	sigemptyset(&none);
	sigemptyset(&defaults);
	for (size_t i = 0; i < ARRAY_SIZE(ignorable); i++) {
		sigaddset(&defaults, ignorable[i]);
	}
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETSID);
	code = posix_spawn(ret, program, actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	return code;
}

static int make_sockets(int *ret_ours, int *ret_theirs, struct gantry_error *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		return error_errno(err, errno, "cannot make a socket pair");
	}
	/* Above the number that it becomes, so that no dup2 hits another. */
	*ret_theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, 10);
	close(pair[1]);
	*ret_ours = pair[0];
	return 0;
}

static int spawn(struct core *core, int theirs, pid_t *ret, struct gantry_error *err)
{
	char *argv[] = { (char *)"gantry-shim", (char *)NO_ID, NULL };
	posix_spawn_file_actions_t actions;
	int code;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, 0, 1);
	if (!getenv("GANTRY_DEBUG")) {
		posix_spawn_file_actions_adddup2(&actions, 0, 2);
	}
	posix_spawn_file_actions_adddup2(&actions, theirs, SHIM_FD_CONTROL);
	code = spawn_with(&actions, core->paths.shim, argv, ret);
	posix_spawn_file_actions_destroy(&actions);
	if (code) {
		error_errno(err, code, "cannot start %s", core->paths.shim);
		return error_hint(err, "is gantry installed whole?");
	}
	return 0;
}

static void spawn_in_task(struct core *core, void *data)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	int theirs = (int)(intptr_t)data;
	pid_t pid = 0;

	(void)spawn(core, theirs, &pid, &ignored);
	close(theirs);
	pthread_mutex_lock(&core->lock);
	core->ahead.pid = pid ? pid : -1;
	pthread_cond_broadcast(&core->idle);
	pthread_mutex_unlock(&core->lock);
}

/* In a task, since who spawns waits until the new process has its turn and executes its program. */
void launch_ahead(struct core *core)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	int ours, theirs;

	if (make_sockets(&ours, &theirs, &ignored) < 0) {
		return;
	}
	core->ahead = (struct launched){ ours, 0 };
	if (engine_task(core, spawn_in_task, (void *)(intptr_t)theirs, &ignored) < 0) {
		close(theirs);
		core->ahead.pid = -1;
	}
}

/* The one that was started ahead; control is -1 when there is none. */
static struct launched take(struct core *core)
{
	struct launched l;

	pthread_mutex_lock(&core->lock);
	while (core->ahead.control >= 0 && core->ahead.pid == 0) {
		pthread_cond_wait(&core->idle, &core->lock);
	}
	l = core->ahead;
	core->ahead.control = -1;
	pthread_mutex_unlock(&core->lock);
	if (l.control >= 0 && l.pid < 0) {
		replace_fd(&l.control, -1);
	}
	return l;
}

static int launch_now(struct core *core, struct launched *ret, struct gantry_error *err)
{
	auto_fd int ours = -1;
	auto_fd int theirs = -1;
	pid_t pid;
	int r = make_sockets(&ours, &theirs, err);

	if (r == 0) {
		r = spawn(core, theirs, &pid, err);
	}
	if (r == 0) {
		*ret = (struct launched){ steal_fd(&ours), pid };
	}
	return r;
}

void launch_warm(struct core *core, const char *runtime)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_free struct shim_message *m = NULL;

	if (core->ahead.control < 0 || !(m = malloc(sizeof(*m)))) {
		return;
	}
	shim_message_init(m, SHIM_WARM);
	shim_message_add(m, "runtime.path", runtime);
	(void)shim_send(core->ahead.control, m, NULL, 0, &ignored);
}

int launch_shim(struct core *core, struct launched *ret, struct gantry_error *err)
{
	struct launched l = take(core);
	int r = l.control >= 0 ? 0 : launch_now(core, &l, err);

	if (r == 0 && core->ids != USERNS_HOST) {
		r = userns_add_holder(&core->paths, l.pid, err);
	}
	if (r < 0) {
		replace_fd(&l.control, -1);
		return r;
	}
	*ret = l;
	return 0;
}

void launch_drop(struct core *core)
{
	struct launched l = take(core);

	replace_fd(&l.control, -1);
}
