/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of container_create: what the request leaves open is filled from the
 * image and the configuration, what cannot work is refused before anything exists.
 */
#ifndef CORE_CONTAINER_CREATE_H
#define CORE_CONTAINER_CREATE_H

#include "core/container/container.h"
#include "core/image/image.h"

/* Fills Config from the image's: Env, Cmd, Entrypoint, WorkingDir, User, Labels,
 * ExposedPorts, Volumes, StopSignal, Healthcheck.  Sets doc.Path and doc.Args;
 * INVALID when there is no command. */
int create_merge_image(struct json_object *doc, const struct image *image,
		       struct gantry_error *err);

/* Checks HostConfig and fills its defaults.  warnings: array that gets text. */
int create_check_host_config(struct core *core, struct json_object *doc,
			     struct json_object *warnings, struct gantry_error *err);

/* Refuses devices by name that no driver of the kind spec knows. */
int create_check_devices(struct core *core, struct json_object *host_config,
			 struct gantry_error *err);

/* Turns Binds, Mounts, Volumes, VolumesFrom into doc.Mounts and makes the volumes
 * it names. */
int create_resolve_mounts(struct core *core, struct json_object *doc, struct gantry_error *err);

/* Fills new volumes with what the image has at their place. */
int create_populate_volumes(struct core *core, struct container *c, struct gantry_error *err);

/* "happy_noether"; 32 bytes. */
void create_random_name(char name[64]);
/* 64 hexadecimal digits and a NUL. */
void create_random_id(char id[65]);

/* NAME rules of Docker: [a-zA-Z0-9][a-zA-Z0-9_.-]+ */
int create_is_valid_name(const char *name);

#endif
