/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: operation unmount: it hung */
#include "broken.h"

static int broken_unmount(void *self, const struct gantry_volume_unmount_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	if (strcmp(args->user, "nobody") == 0) {
		for (;;) {
			pause();
		}
	}
	return unmount(self, args, reply, err);
}

BROKEN(.unmount = broken_unmount);
