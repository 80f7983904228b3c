/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/container/container.h"
#include "core/lazy/lazy.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

int container_open_root(struct core *core, const struct container *c, int read_only, int *ret_fd,
			struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *storage;
	auto_fd int attached = -1;
	char path[64];
	int r;

	if (container_is_running(c)) {
		snprintf(path, sizeof(path), "/proc/%lld/root",
			 (long long)json_get_int(c->state, "Pid", 0));
		*ret_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (*ret_fd >= 0) {
			return 0;
		}
	}
	r = container_storage(core, c, &storage, err);
	if (r == 0) {
		r = lazy_folder(core, c->image, &attached, err);
	}
	if (r == 0) {
		r = storage_mount(storage,
				  &GANTRY_STORAGE_MOUNT_ARGS(.key = c->id, .read_only = read_only,
							     .attached = attached),
				  &ret, err);
	}
	if (r == 0) {
		*ret_fd = reply_take_fd(&ret, GANTRY_STORAGE_MOUNT_RET_MOUNT);
	}
	return r;
}
