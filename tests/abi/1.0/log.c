/* SPDX-License-Identifier: Apache-2.0 */
/* The source of log.x86_64.so: a log driver that keeps nothing, and says so in the host's log. */
#include <stdlib.h>

#include <gantry/facade.h>
#include <gantry/log.h>

struct driver {
	const struct gantry_host *host;
	int is_open;
};

static int open_log(void *self, const struct gantry_log_open_args *args, struct gantry_reply *reply,
		    struct gantry_error *err)
{
	struct driver *d = self;

	gantry_log(d->host, GANTRY_LOG_INFO, "the output of %s is not kept", args->container);
	d->is_open = 1;
	return gantry_log_open_set_log(reply, 7) < 0 ? gantry_fail(err, GANTRY_ERR_NO_MEMORY, "out of memory") : 0;
}

static int check_handle(const struct driver *d, uint64_t log, struct gantry_error *err)
{
	return d->is_open && log == 7 ? 0 : gantry_fail(err, GANTRY_ERR_INVALID, "no log is open");
}

static int write_log(void *self, const struct gantry_log_write_args *args, struct gantry_reply *reply,
		     struct gantry_error *err)
{
	(void)reply;
	return check_handle(self, args->log, err);
}

static int close_log(void *self, const struct gantry_log_close_args *args, struct gantry_reply *reply,
		     struct gantry_error *err)
{
	struct driver *d = self;
	int r = check_handle(d, args->log, err);

	(void)reply;
	d->is_open = 0;
	return r;
}

static int check_options(void *self, const struct gantry_log_check_options_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	(void)self, (void)args, (void)reply, (void)err;
	return 0;
}

static int open_driver(const struct gantry_host *host, const char *config, void **ret_self,
		       struct gantry_error *err)
{
	struct driver *d = calloc(1, sizeof(*d));

	(void)config;
	if (!d) {
		return gantry_fail(err, GANTRY_ERR_NO_MEMORY, "out of memory");
	}
	d->host = host;
	*ret_self = d;
	return 0;
}

static const struct gantry_log_ops ops = {
	.struct_size = sizeof(ops),
	.open = open_log,
	.write = write_log,
	.close = close_log,
	.check_options = check_options,
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_SERIAL,
	.kind = "log",
	.name = "example",
	.summary = "Keeps nothing",
	.ops = &ops,
	.open = open_driver,
	.close = free,
};

static const struct gantry_driver *const drivers[] = { &driver, NULL };

GANTRY_PLUGIN(.name = "example-log", .version = "1.0.0", .licence = "Apache-2.0", .drivers = drivers);
