/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A volume driver that takes its time.  The option "do" of create says how: "work:MS" goes on
 * and says so, "sleep:MS" does not, "wait" goes on until it is cancelled.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <gantry/facade.h>
#include <gantry/volume.h>

static const struct gantry_host *our_host;

static void pause_ms(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

	nanosleep(&t, NULL);
}

static int create(void *self, const struct gantry_volume_create_args *args,
		  struct gantry_reply *reply, struct gantry_error *err)
{
	const char *order = args->options ? strstr(args->options, "\"do\":\"") : NULL;
	char word[16] = "";
	int ms = 0;

	if (order) {
		sscanf(order, "\"do\":\"%15[a-z]:%d", word, &ms);
	}
	if (!strcmp(word, "wait")) {
		for (int i = 0; i < 600 && !gantry_is_cancelled(our_host); i++) {
			pause_ms(50);
		}
		return gantry_is_cancelled(our_host)
			       ? gantry_fail(err, GANTRY_ERR_CANCELLED, "as you wish")
			       : gantry_fail(err, GANTRY_ERR_INTERNAL, "nobody cancelled it");
	}
	if (!strcmp(word, "sleep")) {
		pause_ms(ms);
	}
	for (int done = 0; !strcmp(word, "work") && done < ms; done += 50) {
		pause_ms(50);
		gantry_progress(our_host, "a little more");
	}
	return 0;
}

static int mount_volume(void *self, const struct gantry_volume_mount_args *args,
			struct gantry_reply *reply, struct gantry_error *err)
{
	return gantry_volume_mount_set_path(reply, "/");
}

static int unmount(void *self, const struct gantry_volume_unmount_args *args,
		   struct gantry_reply *reply, struct gantry_error *err)
{
	return 0;
}

static int inspect(void *self, const struct gantry_volume_inspect_args *args,
		   struct gantry_reply *reply, struct gantry_error *err)
{
	return 0;
}

static int list(void *self, const struct gantry_volume_list_args *args, struct gantry_reply *reply,
		struct gantry_error *err)
{
	return 0;
}

static int remove_volume(void *self, const struct gantry_volume_remove_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	return 0;
}

static int open_driver(const struct gantry_host *host, const char *config, void **ret,
		       struct gantry_error *err)
{
	our_host = host;
	return 0;
}

static const struct gantry_volume_ops ops = {
	.struct_size = sizeof(ops),
	.create = create,
	.mount = mount_volume,
	.unmount = unmount,
	.inspect = inspect,
	.list = list,
	.remove = remove_volume,
};

static const struct gantry_driver serial = {
	.size = sizeof(serial),
	.threads = GANTRY_THREADS_SERIAL,
	.kind = "volume",
	.name = "patient",
	.ops = &ops,
	.open = open_driver,
};
static const struct gantry_driver parallel = {
	.size = sizeof(parallel),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "volume",
	.name = "patients",
	.ops = &ops,
	.open = open_driver,
};
static const struct gantry_driver *const drivers[] = {&serial, &parallel, NULL};

GANTRY_PLUGIN(.name = "volume-patient", .version = "1", .licence = "Apache-2.0",
	      .drivers = drivers);
