/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stddef.h>
#include <unistd.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "../container.h"
#include "oci.h"

static const struct option options[] = {
	{ "force", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int oci_delete(struct oci *o, int argc, char **argv)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_free char *dir = NULL;
	bool force = false;
	int c;

	while ((c = getopt_long(argc, argv, "+fh", options, NULL)) != -1) {
		if (c != 'f')
			return oci_usage("delete", NULL);
		force = true;
	}
	if (argc - optind != 1)
		return oci_usage("delete", "one container ID is needed");
	dir = oci_state_dir(o, argv[optind], &err);
	if (!dir)
		return oci_fail(o, &err);
	if (access(dir, F_OK) < 0) {
		if (force)
			return 0;
		error_set(&err, GANTRY_ERR_NOT_FOUND, "container \"%s\" does not exist",
			  argv[optind]);
		return oci_fail(o, &err);
	}
	if (container_delete(argv[optind], dir, force, &err) < 0 ||
	    oci_remove_state_dir(dir, &err) < 0)
		return oci_fail(o, &err);
	return 0;
}
