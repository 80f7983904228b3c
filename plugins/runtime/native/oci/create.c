/* SPDX-License-Identifier: Apache-2.0 */
#include <helpers/cleanup.h>

#include "../container.h"
#include "oci.h"

int oci_create(struct oci *o, int argc, char **argv)
{
	auto_(container_process) struct container_process p = CONTAINER_PROCESS_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct oci_new n;
	int status = oci_parse_new(argc, argv, "create", &n);

	if (status)
		return status;
	if (oci_new_container(o, &n, false, &p, &err) < 0) {
		status = oci_fail(o, &err);
	} else if (oci_send_pidfd(n.pidfd_socket, &p, &err) < 0 ||
		   oci_write_pid_file(n.pid_file, p.pid, &err) < 0) {
		container_delete(n.id, n.state_dir, true, &ignored);
		oci_remove_state_dir(n.state_dir, &ignored);
		status = oci_fail(o, &err);
	}
	oci_new_done(&n);
	return status;
}
