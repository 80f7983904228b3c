/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: repetition: create is idempotent */
#include "broken.h"

static int broken_create(void *self, const struct gantry_volume_create_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	if (args->name[0] && strlen(args->name) < 200 && !strchr(args->name, '/') && is_there(self, args->name)) {
		return gantry_fail(err, GANTRY_ERR_EXISTS, "volume %s exists", args->name);
	}
	return create(self, args, reply, err);
}

BROKEN(.create = broken_create);
