/* SPDX-License-Identifier: Apache-2.0 */
#include <helpers/cleanup.h>

#include "../container.h"
#include "oci.h"

int oci_start(struct oci *o, int argc, char **argv)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_free char *dir = NULL;

	if (argc != 2)
		return oci_usage("start", "one container ID is needed");
	dir = oci_state_dir(o, argv[1], &err);
	if (!dir || container_start(argv[1], dir, &err) < 0)
		return oci_fail(o, &err);
	return 0;
}
