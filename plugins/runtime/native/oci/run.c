/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "../container.h"
#include "oci.h"

static void remove_container(const struct oci *o, const struct oci_new *n)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT, warning = GANTRY_ERROR_INIT;

	container_delete_warned(n->id, n->state_dir, true, &warning, &ignored);
	if (warning.code < 0)
		oci_warn_user(o, warning.message);
	oci_remove_state_dir(n->state_dir, &ignored);
}

static int start(const struct oci_new *n, struct container_process *p, struct gantry_error *err)
{
	int r;

	if (n->detach && p->console >= 0)
		return error_set(err, GANTRY_ERR_INVALID,
				 "process.terminal: --detach needs --console-socket");
	if ((r = oci_send_pidfd(n->pidfd_socket, p, err)) < 0 ||
	    (r = oci_write_pid_file(n->pid_file, p->pid, err)) < 0)
		return r;
	return n->restore ? container_restored(n->state_dir, p, err)
			  : container_release(n->state_dir, p, err);
}

int oci_run_new(const struct oci *o, struct oci_new *n)
{
	auto_(container_process) struct container_process p = CONTAINER_PROCESS_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	int status = 0;

	if (!n->detach)
		oci_watch_prepare();
	if (oci_new_container(o, n, true, &p, &err) < 0) {
		status = oci_fail(o, &err);
	} else if (start(n, &p, &err) < 0) {
		status = oci_fail(o, &err);
		remove_container(o, n);
	} else if (!n->detach) {
		status = oci_watch(p.pid, p.console);
		if (!n->keep)
			remove_container(o, n);
	}
	oci_new_done(n);
	return status;
}

int oci_run(struct oci *o, int argc, char **argv)
{
	struct oci_new n;
	int status = oci_parse_new(argc, argv, "run", &n);

	return status ? status : oci_run_new(o, &n);
}
