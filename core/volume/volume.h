/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes as records, and their use by containers.
 */
#ifndef CORE_VOLUME_VOLUME_H
#define CORE_VOLUME_VOLUME_H

#include "core/container/container.h"

/* Creates (or finds) a volume; name NULL makes one up and marks it anonymous.
 * *ret_name is the caller's. */
int volume_ensure(struct core *core, const char *name, const char *driver,
		  struct json_object *options, struct json_object *labels, char **ret_name,
		  struct gantry_error *err);

/* The driver of a volume that exists and the options that it was created with (NULL
 * when there are none); the caller owns both. */
int volume_describe(struct core *core, const char *name, char **ret_driver,
		    struct json_object **ret_options, struct gantry_error *err);

/* Makes it available to a user (a container's id): *ret_path is a folder of the
 * host (caller frees). */
int volume_mount_path(struct core *core, const char *name, const char *user, char **ret_path,
		      struct gantry_error *err);
int volume_release(struct core *core, const char *name, const char *user,
		   struct gantry_error *err);

/* Ids of the containers that name it, as an array the caller owns. */
int volume_users(struct core *core, const char *name, struct json_object **ret,
		 struct gantry_error *err);

/* Removes one; IN_USE while a container names it.  force: also when the driver
 * fails. */
int volume_delete(struct core *core, const char *name, int force, struct gantry_error *err);

#endif
