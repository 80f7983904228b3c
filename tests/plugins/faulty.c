/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that no host may trust; FAULT chooses one. */
#include <stddef.h>

#include <gantry/plugin.h>
#include <gantry/volume.h>

#define WRONG_ABI 1
#define NEEDS_NEWER 2
#define TRUNCATED 3
#define LYING_SIZE 4
#define MISSING_OPS 5
#define BUILT_NEWER 6

static int list(void *self, const struct gantry_volume_list_args *args, struct gantry_reply *reply,
		struct gantry_error *err)
{
	return 0;
}

#if FAULT != MISSING_OPS
static int anything(void *self, const void *args, struct gantry_reply *reply,
		    struct gantry_error *err)
{
	return 0;
}
#endif

/* A table of an older, shorter kind of driver, where MISSING_OPS is asked for. */
static const struct gantry_volume_ops ops = {
	.struct_size =
		FAULT == MISSING_OPS ? offsetof(struct gantry_volume_ops, unmount) : sizeof(ops),
	.list = list,
#if FAULT != MISSING_OPS
	.create = (int (*)(void *, const struct gantry_volume_create_args *, struct gantry_reply *,
			   struct gantry_error *))anything,
	.mount = (int (*)(void *, const struct gantry_volume_mount_args *, struct gantry_reply *,
			  struct gantry_error *))anything,
	.unmount = (int (*)(void *, const struct gantry_volume_unmount_args *,
			    struct gantry_reply *, struct gantry_error *))anything,
	.inspect = (int (*)(void *, const struct gantry_volume_inspect_args *,
			    struct gantry_reply *, struct gantry_error *))anything,
	.remove = (int (*)(void *, const struct gantry_volume_remove_args *, struct gantry_reply *,
			   struct gantry_error *))anything,
#endif
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_SERIAL,
	.kind = "volume",
	.name = "faulty",
	.ops = &ops,
};
static const struct gantry_driver *const drivers[] = {&driver, NULL};

GANTRY_EXPORT extern const struct gantry_plugin gantry_plugin;
const struct gantry_plugin gantry_plugin = {
	.size = FAULT == TRUNCATED    ? 16
		: FAULT == LYING_SIZE ? 1 << 20
				      : sizeof(struct gantry_plugin),
	.abi = FAULT == WRONG_ABI     ? GANTRY_VERSION(9, 0)
	       : FAULT == BUILT_NEWER ? GANTRY_VERSION(1, 99)
				      : GANTRY_ABI_VERSION,
	.needs = FAULT == NEEDS_NEWER ? GANTRY_VERSION(1, 99) : GANTRY_VERSION(1, 0),
	.name = "volume-faulty",
	.version = "1",
	.licence = "Apache-2.0",
	.drivers = drivers,
};
