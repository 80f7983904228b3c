/* SPDX-License-Identifier: Apache-2.0 */
/* OCI image layouts, as a folder or a tar: helpers/archive_transport.h with names as in index.json. */
#include "config.h"

#include "helpers/archive_transport.h"

static int oci_layout_open(const struct gantry_host *host, const char *config, void **ret_self,
		     struct gantry_error *err)
{
	return archive_transport_new(host, config, ARCHIVE_OCI, ret_self, err);
}

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "transport",
	.name = "oci-layout",
	.summary = "OCI image layouts, as a folder or a tar",
	.ops = &archive_transport_ops,
	.config = archive_transport_config,
	.check = archive_transport_check,
	.open = oci_layout_open,
	.close = archive_transport_free,
};

static const struct gantry_driver *const drivers[] = { &driver, NULL };

GANTRY_PLUGIN(.name = "oci-layout", .version = PACKAGE_VERSION, .licence = "Apache-2.0",
	      .drivers = drivers);
