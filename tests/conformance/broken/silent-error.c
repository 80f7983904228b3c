/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: operation inspect: broke its contract */
#include "broken.h"

static int broken_inspect(void *self, const struct gantry_volume_inspect_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	struct gantry_error unseen = GANTRY_ERROR_INIT;

	(void)err;
	return inspect(self, args, reply, &unseen);
}

BROKEN(.inspect = broken_inspect);
