/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "fuse/holder.h"
#include "fuse/session.h"
#include "fuse/unionfs.h"

int holder_run(struct unionfs *fs, struct gantry_error *err)
{
	return session_run(fs, 0, err);
}
