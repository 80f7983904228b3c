/* SPDX-License-Identifier: Apache-2.0 */
/* Drivers that do nothing, to measure what reaching one costs. */
#include <stddef.h>

#include <gantry/log.h>
#include <gantry/plugin.h>
#include <gantry/volume.h>

static int volume_create(void *self, const struct gantry_volume_create_args *args, struct gantry_reply *reply,
			 struct gantry_error *err)
{
	return 0;
}

static int volume_mount(void *self, const struct gantry_volume_mount_args *args, struct gantry_reply *reply,
			struct gantry_error *err)
{
	return gantry_volume_mount_set_path(reply, "/var/lib/volumes/data");
}

static int volume_unmount(void *self, const struct gantry_volume_unmount_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	return 0;
}

static int volume_inspect(void *self, const struct gantry_volume_inspect_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	return 0;
}

static int volume_list(void *self, const struct gantry_volume_list_args *args, struct gantry_reply *reply,
		       struct gantry_error *err)
{
	return 0;
}

static int volume_remove(void *self, const struct gantry_volume_remove_args *args, struct gantry_reply *reply,
			 struct gantry_error *err)
{
	return 0;
}

static const struct gantry_volume_ops volume_ops = {
	.struct_size = sizeof(volume_ops),
	.create = volume_create,
	.mount = volume_mount,
	.unmount = volume_unmount,
	.inspect = volume_inspect,
	.list = volume_list,
	.remove = volume_remove,
};

static int log_open(void *self, const struct gantry_log_open_args *args, struct gantry_reply *reply,
		    struct gantry_error *err)
{
	return gantry_log_open_set_log(reply, 1);
}

static int log_write(void *self, const struct gantry_log_write_args *args, struct gantry_reply *reply,
		     struct gantry_error *err)
{
	return 0;
}

static int log_close(void *self, const struct gantry_log_close_args *args, struct gantry_reply *reply,
		     struct gantry_error *err)
{
	return 0;
}

static int log_check(void *self, const struct gantry_log_check_options_args *args, struct gantry_reply *reply,
		     struct gantry_error *err)
{
	return 0;
}

static const struct gantry_log_ops log_ops = {
	.struct_size = sizeof(log_ops),
	.open = log_open,
	.write = log_write,
	.close = log_close,
	.check_options = log_check,
};

static const struct gantry_driver volume_driver = {
	.size = sizeof(volume_driver), .threads = GANTRY_THREADS_PARALLEL,
	.kind = "volume", .name = "nothing", .ops = &volume_ops,
};
static const struct gantry_driver log_driver = {
	.size = sizeof(log_driver), .threads = GANTRY_THREADS_SERIAL,
	.kind = "log", .name = "nothing", .ops = &log_ops,
};
static const struct gantry_driver *const drivers[] = { &volume_driver, &log_driver, NULL };

GANTRY_PLUGIN(.name = "bench", .version = "1", .licence = "Apache-2.0", .drivers = drivers,
	      .flags = GANTRY_PLUGIN_UNLOADABLE);
