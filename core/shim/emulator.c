/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/shim/emulator.h"
#include "core/shim/shim.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

/* Its socket is there before the container is, so nobody has to wait for it. */
static int spawn(const char *program, int sock)
{
	char *argv[] = {(char *)"gantry-emulate", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	pid_t pid;
	int code;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, sock, 3);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	code = posix_spawn(&pid, program, &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return code;
}

int emulator_start(struct shim *shim, struct gantry_error *err)
{
	const char *program = shim_message_get(&shim->create, "emulate");
	auto_free char *path = NULL;
	auto_fd int sock = -1;
	int code;

	if (!program) {
		return 0;
	}
	path = shim_path(&shim->create, "emulate.sock");
	if (!path) {
		return error_no_memory(err);
	}
	sock = unix_listen(path, 0600);
	if (sock < 0) {
		return error_errno(err, -sock, "cannot listen at %s", path);
	}
	code = spawn(program, sock);
	return code ? error_errno(err, code, "cannot start %s", program) : 0;
}
