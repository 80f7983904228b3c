/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine has now, as gauges. */
#ifndef MONITOR_PROMETHEUS_OBJECTS_H
#define MONITOR_PROMETHEUS_OBJECTS_H

#include <gantry/engine.h>

struct buf;

int objects_print(const struct gantry_engine_service *engine, struct buf *out,
		  struct gantry_error *err);

/* Appends text as a label's value: quotes, backslashes and line ends escaped. */
void label_escape(struct buf *out, const char *text);

#endif
