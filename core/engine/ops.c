/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/engine.h"

const struct gantry_engine_ops engine_ops = {
	.struct_size = sizeof(engine_ops),
	.events = engine_events,
	.plugin_list = engine_plugin_list,
	.plugin_inspect = engine_plugin_inspect,
};
