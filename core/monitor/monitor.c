/* SPDX-License-Identifier: Apache-2.0 */
/* Stateless: the list is the configuration's, the drivers are the registry's. */
#include <stdio.h>
#include <stdlib.h>

#include <gantry/calls.h>

#include "core/engine/engine.h"
#include "core/monitor/monitor.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

static int tell_one(struct core *core, const char *name, const struct gantry_monitor_event_args *args,
		    struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *driver;
	int r = registry_get(core->registry, "monitor", name, &driver, err);

	if (r < 0 || !driver_has(driver, GANTRY_MONITOR_OP_EVENT)) {
		return r;
	}
	return monitor_event(driver, args, &ret, err);
}

void monitor_tell(struct core *core, const char *type, const char *action, const char *actor,
		  struct json_object *attributes)
{
	struct json_object *names = config_list(core->config, "monitor.drivers");
	size_t n = json_array_size(names);

	if (n == 0) {
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct gantry_error err = GANTRY_ERROR_INIT;

		if (tell_one(core, json_item_string(names, i),
			     &GANTRY_MONITOR_EVENT_ARGS(.time_ns = time_now_ns(), .type = type,
							.action = action, .id = actor,
							.attributes = attributes ? json_text(attributes)
										 : NULL),
			     &err) < 0) {
			fprintf(stderr, "gantry: the event %s %s is not counted: %s\n", type, action,
				err.message);
		}
	}
}

ENGINE_OP(monitor_report)
{
	struct core *core = self;
	auto_(reply) struct reply ret = REPLY_INIT;
	const char *name = args->name && *args->name
				   ? args->name
				   : json_item_string(config_list(core->config, "monitor.drivers"), 0);
	struct driver *driver;
	int r;

	if (!name) {
		error_set(err, GANTRY_ERR_NOT_FOUND, "no monitor driver is configured");
		return error_hint(err, "set monitor.drivers in gantry.conf, for example to [ \"prometheus\" ]");
	}
	r = registry_get(core->registry, "monitor", name, &driver, err);
	if (r == 0) {
		r = monitor_report(driver, &GANTRY_MONITOR_REPORT_ARGS(), &ret, err);
	}
	if (r < 0) {
		return r;
	}
	r = gantry_engine_monitor_report_set_media_type(
		reply, reply_string(&ret, GANTRY_MONITOR_REPORT_RET_MEDIA_TYPE));
	if (r == 0) {
		r = gantry_engine_monitor_report_set_text(
			reply, reply_string(&ret, GANTRY_MONITOR_REPORT_RET_TEXT));
	}
	return r < 0 ? error_no_memory(err) : 0;
}
