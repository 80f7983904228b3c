/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The native form: a driver in a shared object.  Its descriptor and tables are
 * copied once into zeroed structs of the host's own, whose missing operations
 * are filled in here; after that the plugin's memory is not read again.
 */
#ifndef CORE_PLUGIN_NATIVE_H
#define CORE_PLUGIN_NATIVE_H

#include "core/plugin/driver.h"

struct native_plugin; /* a loaded shared object; counted */

/* Loads path and checks its descriptor (size against the ELF symbol, ABI major,
 * needs).  The caller owns one reference. */
int native_plugin_load(const char *path, struct native_plugin **ret, struct gantry_error *err);
struct native_plugin *native_plugin_ref(struct native_plugin *p);
struct native_plugin *native_plugin_unref(struct native_plugin *p);
/* The process ends: unmapping, which takes longer than all else that is given back, is left to
 * the kernel. */
void native_plugins_stay_mapped(void);

/* The host's own copy of the descriptor, and of one of its drivers or NULL. */
const struct gantry_plugin *native_plugin_descriptor(const struct native_plugin *p);
const struct gantry_driver *native_plugin_driver(const struct native_plugin *p, const char *kind,
						 const char *name);
/* The drivers by number; NULL past the last. */
const struct gantry_driver *native_plugin_driver_at(const struct native_plugin *p, unsigned i);

/* Has the driver's table this operation? */
int native_table_has(const struct gantry_driver *driver, const struct gantry_op *op);

/* Opens an instance: check, then open with the host services and configuration
 * (JSON text).  host is borrowed and must outlive the driver. */
int native_driver_open(struct native_plugin *p, const char *kind, const char *name,
		       const struct gantry_host *host, const char *config, struct driver **ret,
		       struct gantry_error *err);

/* Same for a descriptor linked into this program (tests, static builds). */
int native_plugin_adopt(const struct gantry_plugin *descriptor, struct native_plugin **ret,
			struct gantry_error *err);

#endif
