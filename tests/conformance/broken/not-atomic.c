/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: killed: so it was after the process was killed */
#include "broken.h"

/* A volume is a folder, and later a mark in it; without the mark it is broken. */
static int broken_create(void *self, const struct gantry_volume_create_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	const struct driver *d = self;
	char path[PATH_MAX], mark[PATH_MAX];
	int r = check_name("volume", args->name, err);

	(void)reply;
	if (r < 0 || is_there(d, args->name)) {
		return r;
	}
	if (args->options && args->options[0] && strcmp(args->options, "{}")) {
		return gantry_fail(err, GANTRY_ERR_INVALID, "no options");
	}
	mkdir(join(path, d->host->state_dir, args->name, NULL), 0755);
	join(mark, d->host->state_dir, args->name, ".mark");
	close(open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	return 0;
}

static int broken_inspect(void *self, const struct gantry_volume_inspect_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	const struct driver *d = self;
	char mark[PATH_MAX];
	int r = inspect(self, args, reply, err);

	if (r == 0 && access(join(mark, d->host->state_dir, args->name, ".mark"), F_OK) < 0) {
		r = gantry_fail(err, GANTRY_ERR_CORRUPT, "volume %s has no mark", args->name);
	}
	return r;
}

BROKEN(.create = broken_create, .inspect = broken_inspect);
