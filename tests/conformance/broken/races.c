/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: concurrency:  */
#include "broken.h"

/* It says that it needs no lock, and puts names together where every thread does. */
static char shared[PATH_MAX];

static int broken_mount(void *self, const struct gantry_volume_mount_args *args, struct gantry_reply *reply,
			struct gantry_error *err)
{
	const struct driver *d = self;
	char ignored[PATH_MAX];
	int r;

	join(shared, d->host->state_dir, args->name, NULL);
	r = must_be_there(d, args->name, err);
	usleep(200);
	(void)ignored;
	if (r == 0) {
		r = access(shared, F_OK) < 0 ? gantry_fail_errno(err, errno, "volume %s: %s", args->name, shared)
					     : gantry_volume_mount_set_path(reply, shared);
	}
	return r;
}

BROKEN_DRIVER(GANTRY_THREADS_PARALLEL, open_driver, .mount = broken_mount);
