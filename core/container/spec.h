/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of the OCI specification, one room each; container_make_spec() puts them
 * together.
 */
#ifndef CORE_CONTAINER_SPEC_H
#define CORE_CONTAINER_SPEC_H

#include "core/container/container.h"

struct stat;

/* spec_mounts.c: the mounts array.  Volumes are made available (volume_mount). */
int spec_mounts(struct core *core, const struct container *c, const char *run_dir,
		struct json_object *spec, struct gantry_error *err);

/* spec_linux.c: linux.namespaces, masked and read-only paths, sysctl, cgroup path. */
int spec_linux(struct core *core, const struct container *c, struct json_object *spec,
	       struct gantry_error *err);

/* spec_resources.c: linux.resources (also for update) and linux.devices. */
int spec_resources(struct json_object *host_config, struct json_object **ret,
		   struct gantry_error *err);
/* Adds every device node of the host to an OCI devices list. */
void spec_host_devices(struct json_object *list);
/* Fills one entry of it. */
void spec_describe_device(struct json_object *o, const char *path, const struct stat *st);
int spec_devices(const struct container *c, struct json_object *spec, struct gantry_error *err);

/* spec_drivers.c: lets the drivers of the kind spec complete it; *spec may be replaced. */
int spec_drivers(struct core *core, const struct container *c, struct json_object **spec,
		 struct gantry_error *err);

/* spec_process.c: the process object. */
int spec_process(const struct container *c, int root, struct json_object *spec,
		 struct gantry_error *err);

int spec_is_privileged(const struct container *c);
/* HostConfig.MaskedPaths and ReadonlyPaths, or the default; the caller's. */
struct json_object *spec_masked_paths(const struct container *c);
struct json_object *spec_read_only_paths(const struct container *c);

/* A JSON array of the given strings. */
struct json_object *spec_strings(const char *first, ...) __attribute__((sentinel));

#endif
