/* SPDX-License-Identifier: Apache-2.0 */
/* A process of the container can end before its helper has told its pid: as long as
 * a helper works, the status of an unknown child is kept. */
#include <string.h>
#include <sys/wait.h>

#include "core/shim/container.h"
#include "core/shim/exec.h"
#include "core/shim/finish.h"
#include "core/shim/shim.h"
#include "helpers/cleanup.h"

static void keep(struct shim *shim, pid_t pid, int status)
{
	if (!shim->helpers) {
		shim->n_unclaimed = 0;
		return;
	}
	if (shim->n_unclaimed == ARRAY_SIZE(shim->unclaimed)) {
		shim->n_unclaimed--;
		memmove(shim->unclaimed, shim->unclaimed + 1,
			shim->n_unclaimed * sizeof(*shim->unclaimed));
	}
	shim->unclaimed[shim->n_unclaimed++] = (struct ended){ pid, status };
}

void reap_children(struct shim *shim)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
		if (pid == shim->pid) {
			container_ended(shim, status);
		} else if (pid == shim->reconciler) {
			shim->reconciler = 0;
			finish_cleaned(shim);
		} else if (helper_is(&shim->creator, pid)) {
			helper_ended(&shim->creator);
		} else if (!exec_ended(shim, pid, status)) {
			keep(shim, pid, status);
		}
	}
}

int reap_claim(struct shim *shim, pid_t pid, int *ret_status)
{
	for (unsigned i = 0; i < shim->n_unclaimed; i++) {
		if (shim->unclaimed[i].pid == pid) {
			*ret_status = shim->unclaimed[i].status;
			shim->unclaimed[i].pid = 0;
			return 1;
		}
	}
	return 0;
}
