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
	{ "regex", no_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int delete_one(struct oci *o, const char *id, const char *dir, void *data,
		      struct gantry_error *err)
{
	struct gantry_error warning = GANTRY_ERROR_INIT;
	bool force = *(bool *)data;
	int r;

	if (access(dir, F_OK) < 0)
		return force ? 0
			     : error_set(err, GANTRY_ERR_NOT_FOUND,
					 "container \"%s\" does not exist", id);
	r = container_delete_warned(id, dir, force, &warning, err);
	if (warning.code < 0)
		oci_warn_user(o, warning.message);
	return r < 0 ? r : oci_remove_state_dir(dir, err);
}

int oci_delete(struct oci *o, int argc, char **argv)
{
	bool force = false, regex = false;
	int c;

	while ((c = getopt_long(argc, argv, "+frh", options, NULL)) != -1) {
		if (c != 'f' && c != 'r')
			return oci_usage("delete", NULL);
		force |= c == 'f';
		regex |= c == 'r';
	}
	if (argc - optind != 1)
		return oci_usage("delete", "one container ID is needed");
	return oci_each(o, argv[optind], regex, delete_one, &force);
}
