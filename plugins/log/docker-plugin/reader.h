/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin's log as the records that the engine reads.
 */
#ifndef DOCKER_LOG_READER_H
#define DOCKER_LOG_READER_H

#include <gantry/log.h>

#include "helpers/docker_plugin.h"

/* As the operation read of the kind log.  UNSUPPORTED when the plugin cannot. */
int reader_read(struct docker_plugin *p, const struct gantry_log_read_args *args,
		struct gantry_error *err);

#endif
