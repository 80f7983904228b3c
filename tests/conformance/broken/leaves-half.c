/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: killed: left for ever */
#include "broken.h"

/* What is half made has a name that nobody looks for again. */
static int broken_create(void *self, const struct gantry_volume_create_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	const struct driver *d = self;
	char half[PATH_MAX], whole[PATH_MAX];
	int r = check_name("volume", args->name, err);

	(void)reply;
	if (r < 0 || is_there(d, args->name)) {
		return r;
	}
	snprintf(half, sizeof(half), "%s/.half-XXXXXX", d->host->state_dir);
	if (!mkdtemp(half) || rename(half, join(whole, d->host->state_dir, args->name, NULL)) < 0) {
		return gantry_fail_errno(err, errno, "volume %s", args->name);
	}
	return 0;
}

BROKEN(.create = broken_create);
