/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: operation remove: has the data of a removed one */
#include "broken.h"

static int broken_remove(void *self, const struct gantry_volume_remove_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	const struct driver *d = self;
	char from[PATH_MAX], to[PATH_MAX];
	int r = check_name("volume", args->name, err);

	(void)reply;
	snprintf(to, sizeof(to), "%s/.kept-%.100s", d->host->state_dir, args->name);
	if (r == 0) {
		(void)rename(join(from, d->host->state_dir, args->name, NULL), to);
	}
	return r;
}

static int broken_create(void *self, const struct gantry_volume_create_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	const struct driver *d = self;
	char from[PATH_MAX], to[PATH_MAX];

	if (check_name("volume", args->name, err) == 0) {
		snprintf(from, sizeof(from), "%s/.kept-%.100s", d->host->state_dir, args->name);
		(void)rename(from, join(to, d->host->state_dir, args->name, NULL));
	}
	return create(self, args, reply, err);
}

BROKEN(.remove = broken_remove, .create = broken_create);
