/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One container's output on its way to a plugin: a FIFO that the plugin reads.
 */
#ifndef DOCKER_LOG_WRITER_H
#define DOCKER_LOG_WRITER_H

#include <gantry/log.h>

#include "helpers/docker_plugin.h"

struct writer;

/* Makes the FIFO in folder and has the plugin open it. */
int writer_open(struct docker_plugin *p, const char *folder, int64_t patience_ms,
		const struct gantry_log_open_args *args, struct writer **ret,
		struct gantry_error *err);

/* Waits at most patience_ms for a plugin that does not read; after that it loses records
 * at once until the plugin reads again.  A plugin that came back is told to start again. */
int writer_add(struct writer *w, const struct gantry_log_write_args *args, struct gantry_error *err);

/* Waits until the plugin has read everything, and frees. */
int writer_close(struct writer *w, struct gantry_error *err);

/* What a plugin is told of a container. */
struct json_object *writer_info(const char *container, const char *options, const char *info);

#endif
