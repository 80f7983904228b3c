/* SPDX-License-Identifier: Apache-2.0 */
/* what docker save and docker load exchange: helpers/archive_transport.h with names as in manifest.json. */
#include "config.h"

#include "helpers/archive_transport.h"

static int docker_archive_open(const struct gantry_host *host, const char *config, void **ret_self,
		     struct gantry_error *err)
{
	return archive_transport_new(host, config, ARCHIVE_DOCKER, ret_self, err);
}

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "transport",
	.name = "docker-archive",
	.summary = "what docker save and docker load exchange",
	.ops = &archive_transport_ops,
	.config = archive_transport_config,
	.check = archive_transport_check,
	.open = docker_archive_open,
	.close = archive_transport_free,
};

static const struct gantry_driver *const drivers[] = { &driver, NULL };

GANTRY_PLUGIN(.name = "docker-archive", .version = PACKAGE_VERSION, .licence = "Apache-2.0",
	      .drivers = drivers);
