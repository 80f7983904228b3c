/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: leaks: more descriptors */
#include "broken.h"

static int broken_mount(void *self, const struct gantry_volume_mount_args *args, struct gantry_reply *reply,
			struct gantry_error *err)
{
	(void)!open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return mount(self, args, reply, err);
}

BROKEN(.mount = broken_mount);
