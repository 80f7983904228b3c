/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the flags of `run` and `create` to the JSON of a create request.  Each
 * part fills the members of its own flags and leaves out what was not given,
 * so that the engine's defaults hold.
 */
#ifndef CLI_OPTIONS_OPTIONS_H
#define CLI_OPTIONS_OPTIONS_H

#include <gantry/error.h>

#include "cli/command.h"
#include "helpers/json.h"

/* The body of POST /containers/create.  args: flags, then the image and its command. */
int options_container(const struct args *args, struct json_object **ret, struct gantry_error *err);

/* Parts; config and host are the objects "Config" and "HostConfig" to fill. */
int options_resources(const struct args *args, struct json_object *host, struct gantry_error *err);
int options_mounts(const struct args *args, struct json_object *config, struct json_object *host,
		   struct gantry_error *err);
int options_ports(const struct args *args, struct json_object *config, struct json_object *host,
		  struct gantry_error *err);
int options_devices(const struct args *args, struct json_object *host, struct gantry_error *err);
int options_security(const struct args *args, struct json_object *host, struct gantry_error *err);
int options_networks(const struct args *args, struct json_object *config, struct json_object *host,
		     struct json_object **ret, struct gantry_error *err);
int options_health(const struct args *args, struct json_object *config, struct gantry_error *err);

/* Environment: a NAME alone takes its value from ours; files are read line by line. */
int options_env(const struct args *args, struct json_object **ret, struct gantry_error *err);
/* KEY=VALUE flags, and files of them, as an object. */
int options_map(const struct args *args, const char *flag, const char *file_flag,
		struct json_object **ret, struct gantry_error *err);
/* All values of a repeated flag as an array; NULL when there are none. */
struct json_object *options_list(const struct args *args, const char *flag);
/* "on-failure:3". */
int options_restart(const char *text, struct json_object *host, struct gantry_error *err);

/* Splits "a=b,c" at commas outside double quotes; fn gets key and value ("" without
 * an equals sign, has_value 0). */
int options_csv(const char *text,
		int (*fn)(void *user, const char *key, const char *value, int has_value,
			  struct gantry_error *err),
		void *user, struct gantry_error *err);

/* An object member that is made when it is not there yet. */
struct json_object *options_member(struct json_object *o, const char *key);

#endif
