/* SPDX-License-Identifier: Apache-2.0 */
/* log/none: drops a container's output.  Its only state is the number of the next handle,
 * so anything may run at once. */
#include <stdatomic.h>
#include <string.h>

#include <gantry/log.h>
#include <gantry/plugin.h>

#include "helpers/error.h"

static int check(const char *options, struct gantry_error *err)
{
	const char *p = options ? options + strspn(options, " \t\r\n") : "";

	if (*p == '{') {
		p++;
		p += strspn(p, " \t\r\n");
	}
	if (*p && *p != '}') {
		return error_set(err, GANTRY_ERR_INVALID, "log driver none takes no log options");
	}
	return 0;
}

static int none_open(void *self, const struct gantry_log_open_args *args,
		     struct gantry_reply *reply, struct gantry_error *err)
{
	static atomic_ullong last;
	int r = check(args->options, err);

	return r < 0 ? r : gantry_log_open_set_log(reply, atomic_fetch_add(&last, 1) + 1);
}

static int none_write(void *self, const struct gantry_log_write_args *args,
		      struct gantry_reply *reply, struct gantry_error *err)
{
	return 0;
}

static int none_close(void *self, const struct gantry_log_close_args *args,
		      struct gantry_reply *reply, struct gantry_error *err)
{
	return 0;
}

static int none_check_options(void *self, const struct gantry_log_check_options_args *args,
			      struct gantry_reply *reply, struct gantry_error *err)
{
	return check(args->options, err);
}

static int none_read(void *self, const struct gantry_log_read_args *args,
		     struct gantry_reply *reply, struct gantry_error *err)
{
	error_set(err, GANTRY_ERR_UNSUPPORTED, "log driver none keeps no output to read");
	return error_hint(err, "create the container with --log-driver json-file");
}

static const struct gantry_log_ops ops = {
	.struct_size = sizeof(ops),
	.open = none_open,
	.write = none_write,
	.close = none_close,
	.check_options = none_check_options,
	.read = none_read,
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "log",
	.name = "none",
	.summary = "Container output is dropped",
	.ops = &ops,
};

GANTRY_PLUGIN(.name = "log-none", .version = "0.1.0", .licence = "Apache-2.0",
	      .drivers = (const struct gantry_driver *const[]){ &driver, NULL },
	      .flags = GANTRY_PLUGIN_UNLOADABLE);
