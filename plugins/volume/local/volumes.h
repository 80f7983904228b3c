/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The volumes on disk: <state>/<name>/_data, with options.json beside it when there are
 * options; and in the run folder, users/<name>/<user> for each user of a mounted one.
 */
#ifndef LOCAL_VOLUMES_H
#define LOCAL_VOLUMES_H

#include <gantry/plugin.h>

#include "options.h"

struct volumes {
	const struct gantry_host *host;
	int state;
	int run;
};

int volumes_open(struct volumes *v, const struct gantry_host *host, struct gantry_error *err);
void volumes_done(struct volumes *v);

/* INVALID when it cannot name a volume. */
int volume_check_name(const char *name, struct gantry_error *err);

int volume_make(const struct volumes *v, const char *name, const char *options,
		struct gantry_error *err);
/* *ret_path (the caller's) is the folder, mounted where the options say so. */
int volume_use(const struct volumes *v, const char *name, const char *user, char **ret_path,
	       struct gantry_error *err);
int volume_release(const struct volumes *v, const char *name, const char *user,
		   struct gantry_error *err);
/* *ret_path as in volume_use, without mounting. */
int volume_path(const struct volumes *v, const char *name, char **ret_path,
		struct gantry_error *err);
int volume_delete(const struct volumes *v, const char *name, struct gantry_error *err);

#endif
