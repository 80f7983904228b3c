/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process form: a driver that runs in a process of its own, confined by
 * gantry-plugin-host, and speaks the protocol of docs/plugin-protocol.md.  It is
 * started when it is first needed, and again when it has died.
 */
#ifndef CORE_PLUGIN_PROCESS_H
#define CORE_PLUGIN_PROCESS_H

#include "core/plugin/driver.h"

/* What to run and what it may do.  Texts are copied. */
struct process_spec {
	const char *host_program; /* gantry-plugin-host */
	const char *kind;
	const char *name;
	const char *file;         /* shared object, script, or executable */
	int exec;                 /* file is an executable that speaks the protocol itself */
	const char *const *permissions; /* granted; ends with NULL */
	const char *state_dir;
	const char *run_dir;
	const char *folders[4];   /* that the engine lets it use, besides its own; ends with NULL */
	int64_t memory_mib;       /* 0: the default */
	int64_t pids;
	int64_t deadline_s;       /* of operations, instead of their class's; 0: not */
	struct plugin_page *page; /* set by process_driver_new */
};

struct process_driver;

/* Starts it and learns what it is; host is borrowed and outlives it. */
int process_driver_new(const struct process_spec *spec, const struct gantry_host *host,
		       struct process_driver **ret, struct gantry_error *err);
struct process_driver *process_driver_free(struct process_driver *p);

/* What it says of itself, as a native plugin's descriptor would; and "licence" and
 * the like as a JSON object, or NULL. */
const struct gantry_driver *process_driver_table(const struct process_driver *p);
const struct gantry_plugin *process_driver_descriptor(const struct process_driver *p);

/* Asks whether it could serve. */
int process_driver_probe(struct process_driver *p, const char *config, struct gantry_error *err);

/* Opens the driver; p then belongs to it. */
int process_driver_open(struct process_driver *p, const char *config, struct driver **ret,
			struct gantry_error *err);

#endif
