/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: operation create: processes were left behind */
#include "broken.h"

static int broken_create(void *self, const struct gantry_volume_create_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	if (fork() == 0) {
		for (;;) {
			pause();
		}
	}
	return create(self, args, reply, err);
}

BROKEN(.create = broken_create);
