/* SPDX-License-Identifier: Apache-2.0 */
#include <helpers/cleanup.h>

#include "../container.h"
#include "oci.h"

int oci_start(struct oci *o, int argc, char **argv)
{
	struct gantry_error err = GANTRY_ERROR_INIT, ignored = GANTRY_ERROR_INIT;
	auto_free char *dir = NULL;
	bool ended = false;

	if (argc != 2)
		return oci_usage("start", "one container ID is needed");
	dir = oci_state_dir(o, argv[1], &err);
	if (dir && container_start_told(argv[1], dir, &ended, &err) == 0)
		return 0;
	/* the specification has it go on with the end of the lifecycle */
	if (ended && container_delete(argv[1], dir, true, &ignored) == 0)
		oci_remove_state_dir(dir, &ignored);
	return oci_fail(o, &err);
}
