/* SPDX-License-Identifier: Apache-2.0 */
#include <helpers/cleanup.h>

#include "../container.h"
#include "oci.h"

static int freeze(struct oci *o, int argc, char **argv, bool on)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_free char *dir = NULL;

	if (argc != 2)
		return oci_usage(on ? "pause" : "resume", "one container ID is needed");
	dir = oci_state_dir(o, argv[1], &err);
	if (!dir || container_freeze(argv[1], dir, on, &err) < 0)
		return oci_fail(o, &err);
	return 0;
}

int oci_pause(struct oci *o, int argc, char **argv)
{
	return freeze(o, argc, argv, true);
}

int oci_resume(struct oci *o, int argc, char **argv)
{
	return freeze(o, argc, argv, false);
}
