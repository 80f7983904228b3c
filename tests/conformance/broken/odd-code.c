/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: operation inspect: which is none */
#include "broken.h"

static int broken_inspect(void *self, const struct gantry_volume_inspect_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	int r = inspect(self, args, reply, err);

	return r < 0 ? gantry_fail(err, -ENOENT * 100, "no volume %s", args->name) : 0;
}

BROKEN(.inspect = broken_inspect);
