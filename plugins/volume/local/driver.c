/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume/local: folders on this host, and filesystems that are mounted while a container
 * uses them, with the options of Docker's local driver.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include <gantry/plugin.h>
#include <gantry/volume.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/snapshots.h"
#include "volumes.h"

static int local_create(void *self, const struct gantry_volume_create_args *args,
			struct gantry_reply *reply, struct gantry_error *err)
{
	return volume_make(self, args->name, args->options, err);
}

static int local_mount(void *self, const struct gantry_volume_mount_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	auto_free char *path = NULL;
	int r = volume_use(self, args->name, args->user, &path, err);

	return r < 0 ? r : gantry_volume_mount_set_path(reply, path);
}

static int local_unmount(void *self, const struct gantry_volume_unmount_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	return volume_release(self, args->name, args->user, err);
}

static int local_inspect(void *self, const struct gantry_volume_inspect_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	auto_free char *path = NULL;
	int r = volume_path(self, args->name, &path, err);

	return r < 0 ? r : gantry_volume_inspect_set_mountpoint(reply, path);
}

static int local_usage(void *self, const struct gantry_volume_usage_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	auto_free char *path = NULL;
	auto_fd int fd = -1;
	int64_t bytes, inodes;
	int r = volume_path(self, args->name, &path, err);

	if (r < 0) {
		return r;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return error_errno(err, errno, "cannot open volume %s", args->name);
	}
	r = tree_usage(fd, &bytes, &inodes, err);
	return r < 0 ? error_prefix(err, "volume %s", args->name)
		     : gantry_volume_usage_set_bytes(reply, bytes);
}

static int local_list(void *self, const struct gantry_volume_list_args *args,
		      struct gantry_reply *reply, struct gantry_error *err)
{
	const struct volumes *v = self;
	int fd = openat(v->state, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct dirent *e;

	if (!dir) {
		return error_errno(err, errno, "cannot list %s", v->host->state_dir);
	}
	while ((e = readdir(dir))) {
		if (volume_check_name(e->d_name, &ignored) == 0 &&
		    gantry_volume_list_add_name(reply, e->d_name) < 0) {
			return error_no_memory(err);
		}
	}
	return 0;
}

static int local_remove(void *self, const struct gantry_volume_remove_args *args,
			struct gantry_reply *reply, struct gantry_error *err)
{
	return volume_delete(self, args->name, err);
}

static int local_open(const struct gantry_host *host, const char *config, void **ret_self,
		      struct gantry_error *err)
{
	struct volumes *v = calloc(1, sizeof(*v));
	int r = v ? volumes_open(v, host, err) : error_no_memory(err);

	if (r < 0) {
		free(v);
		return r;
	}
	*ret_self = v;
	return 0;
}

static void local_close(void *self)
{
	volumes_done(self);
	free(self);
}

static const struct gantry_volume_ops ops = {
	.struct_size = sizeof(ops),
	.create = local_create,
	.mount = local_mount,
	.unmount = local_unmount,
	.inspect = local_inspect,
	.usage = local_usage,
	.list = local_list,
	.remove = local_remove,
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "volume",
	.name = "local",
	.summary = "Folders on this host, and what mount(8) can mount",
	.ops = &ops,
	.open = local_open,
	.close = local_close,
};

GANTRY_PLUGIN(.name = "volume-local", .version = "0.1.0", .licence = "Apache-2.0",
	      .drivers = (const struct gantry_driver *const[]){ &driver, NULL },
	      .permissions = (const char *const[]){ "sys_admin", NULL });
