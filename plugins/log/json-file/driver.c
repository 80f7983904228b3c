/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log/json-file: container output as Docker's json-file writes it, one JSON record
 * per line in <folder>/<container>-json.log, rotated by size.  One log is used by one caller at
 * a time; nothing is shared between logs.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <gantry/log.h>
#include <gantry/plugin.h>

#include "compress.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "options.h"
#include "reader.h"
#include "writer.h"

static int json_file_open(void *self, const struct gantry_log_open_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(log_options) struct log_options options = { 0 };
	auto_(buf) struct buf attributes = BUF_INIT;
	struct log_writer *w;
	int r = log_options_parse(args->options, &options, err);

	if (r == 0) {
		r = log_attributes(&options, args->container, args->info, &attributes, err);
	}
	if (r == 0) {
		r = log_writer_open(args->directory, args->container, &options,
				    buf_str(&attributes), &w, err);
	}
	return r < 0 ? r : gantry_log_open_set_log(reply, (uint64_t)(uintptr_t)w);
}

static int json_file_write(void *self, const struct gantry_log_write_args *args,
			   struct gantry_reply *reply, struct gantry_error *err)
{
	return log_writer_add((struct log_writer *)(uintptr_t)args->log, (int)args->stream,
			      args->time_ns, args->data.data, args->data.size, args->partial != 0,
			      args->more != 0, err);
}

static int json_file_close(void *self, const struct gantry_log_close_args *args,
			   struct gantry_reply *reply, struct gantry_error *err)
{
	return log_writer_close((struct log_writer *)(uintptr_t)args->log, err);
}

static int json_file_check_options(void *self, const struct gantry_log_check_options_args *args,
				   struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(log_options) struct log_options options = { 0 };
	auto_(buf) struct buf attributes = BUF_INIT;
	int r = log_options_parse(args->options, &options, err);

	return r < 0 ? r : log_attributes(&options, "", NULL, &attributes, err);
}

static int json_file_read(void *self, const struct gantry_log_read_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	return log_read(args, err);
}

static int json_file_remove(void *self, const struct gantry_log_remove_args *args,
			    struct gantry_reply *reply, struct gantry_error *err)
{
	char name[LOG_NAME_MAX];
	auto_dir DIR *dir = NULL;
	struct dirent *e;
	int r = log_file_name(args->container, name, err);

	if (r < 0) {
		return r;
	}
	dir = opendir(args->directory);
	if (!dir) {
		return errno == ENOENT ? 0
				       : error_errno(err, errno, "cannot open the log folder %s",
						     args->directory);
	}
	while ((e = readdir(dir))) {
		/* "NAME", "NAME.1", "NAME.1.gz", "NAME.1.gz.tmp" */
		size_t n = strlen(name);

		if (strncmp(e->d_name, name, n) || (e->d_name[n] && e->d_name[n] != '.')) {
			continue;
		}
		if (unlinkat(dirfd(dir), e->d_name, 0) < 0 && errno != ENOENT) {
			return error_errno(err, errno, "cannot remove the log %s/%s",
					   args->directory, e->d_name);
		}
	}
	return 0;
}

static int json_file_activate(const struct gantry_host *host, const char *config, void **ret_self,
			      struct gantry_error *err)
{
	*ret_self = NULL;
	return 0;
}

static const struct gantry_log_ops ops = {
	.struct_size = sizeof(ops),
	.open = json_file_open,
	.write = json_file_write,
	.close = json_file_close,
	.check_options = json_file_check_options,
	.read = json_file_read,
	.remove = json_file_remove,
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PER_OBJECT,
	.kind = "log",
	.name = "json-file",
	.summary = "JSON records in a file per container, with rotation",
	.ops = &ops,
	.open = json_file_activate,
};

GANTRY_PLUGIN(.name = "log-json-file", .version = "0.1.0", .licence = "Apache-2.0",
	      .drivers = (const struct gantry_driver *const[]){ &driver, NULL },
	      .flags = GANTRY_PLUGIN_UNLOADABLE);
