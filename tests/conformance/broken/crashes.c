/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: hostile create: the driver crashed */
#include "broken.h"

static int broken_create(void *self, const struct gantry_volume_create_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	char room[64];

	if (args->options && args->options[0] == '[') {
		*(volatile char *)(uintptr_t)8 = 1;
	}
	(void)room;
	return create(self, args, reply, err);
}

BROKEN(.create = broken_create);
