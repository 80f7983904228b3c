/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: leaks: bytes of memory */
#include "broken.h"

static int broken_inspect(void *self, const struct gantry_volume_inspect_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	static void *volatile last;

	last = malloc(4096);
	return inspect(self, args, reply, err);
}

BROKEN(.inspect = broken_inspect);
