/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sound volume driver (sdk/examples/c) to be broken in one place: the file that
 * includes this replaces an operation, and says which test must find it.
 *
 *	// FOUND-BY: leaks: descriptors
 *	BROKEN(.mount = leaking_mount)
 */
#ifndef BROKEN_H
#define BROKEN_H

#include <gantry/plugin.h>

#undef GANTRY_PLUGIN
#define GANTRY_PLUGIN(...) static const struct gantry_plugin sound_plugin __attribute__((unused)) = { __VA_ARGS__ }
#include "../../../sdk/examples/c/driver.c"
#undef GANTRY_PLUGIN

#define BROKEN_DRIVER(thread_model, open_function, ...)                                            \
	static const struct gantry_volume_ops broken_ops = {                                       \
		.struct_size = sizeof(broken_ops), .create = create, .mount = mount,               \
		.unmount = unmount, .inspect = inspect, .list = list, .remove = remove_volume,     \
		__VA_ARGS__                                                                        \
	};                                                                                         \
	static const struct gantry_driver broken_driver = {                                        \
		.size = sizeof(broken_driver), .threads = thread_model, .kind = "volume",          \
		.name = "broken", .summary = "Broken on purpose", .ops = &broken_ops,              \
		.open = open_function, .close = close_driver,                                      \
	};                                                                                         \
	extern const struct gantry_plugin gantry_plugin;                                           \
	GANTRY_EXPORT const struct gantry_plugin gantry_plugin = {                                 \
		.size = sizeof(gantry_plugin), .abi = GANTRY_ABI_VERSION,                          \
		.needs = GANTRY_VERSION(1, 0), .name = "broken", .version = "1.0.0",               \
		.licence = "Apache-2.0",                                                           \
		.drivers = (const struct gantry_driver *const[]){ &broken_driver, NULL },          \
	}
#define BROKEN(...) BROKEN_DRIVER(GANTRY_THREADS_PER_OBJECT, open_driver, __VA_ARGS__)

#endif
