/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log/docker-plugin: container output to plugins that speak Docker's plugin protocol,
 * version 1, through a pipe of their records.
 */
#include <stdlib.h>

#include <gantry/log.h>
#include <gantry/plugin.h>

#include "helpers/cleanup.h"
#include "helpers/docker_plugin.h"
#include "helpers/error.h"
#include "reader.h"
#include "writer.h"

#define INTERFACE "LogDriver"

struct adaptor {
	struct docker_plugin *plugin;
	const struct gantry_host *host;
	int64_t patience_ms;
};

static int docker_open_log(void *self, const struct gantry_log_open_args *args,
			   struct gantry_reply *reply, struct gantry_error *err)
{
	struct adaptor *a = self;
	struct writer *w;
	int r = writer_open(a->plugin, a->host->run_dir, a->patience_ms, args, &w, err);

	return r < 0 ? r : gantry_log_open_set_log(reply, (uint64_t)(uintptr_t)w);
}

static int docker_write(void *self, const struct gantry_log_write_args *args,
			struct gantry_reply *reply, struct gantry_error *err)
{
	return writer_add((struct writer *)(uintptr_t)args->log, args, err);
}

static int docker_close_log(void *self, const struct gantry_log_close_args *args,
			    struct gantry_reply *reply, struct gantry_error *err)
{
	return writer_close((struct writer *)(uintptr_t)args->log, err);
}

/* The protocol lets a plugin see its options only when it starts. */
static int docker_check_options(void *self, const struct gantry_log_check_options_args *args,
				struct gantry_reply *reply, struct gantry_error *err)
{
	return 0;
}

static int docker_read(void *self, const struct gantry_log_read_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	return reader_read(((struct adaptor *)self)->plugin, args, err);
}

static int docker_discover(const char *config, const char *name, struct gantry_reply *reply,
			   struct gantry_error *err)
{
	return docker_plugin_discover(config, INTERFACE, 0, name, reply, err);
}

static void docker_close(void *self)
{
	struct adaptor *a = self;

	docker_plugin_free(a->plugin);
	free(a);
}

static int docker_open(const struct gantry_host *host, const char *config, void **ret_self,
		       struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	struct adaptor *a = calloc(1, sizeof(*a));
	int r = a ? docker_plugin_new(config, INTERFACE, &a->plugin, err) : error_no_memory(err);

	if (r == 0) {
		r = json_parse_object(config, "the adaptor's configuration", &o, err);
	}
	if (r < 0) {
		if (a) {
			docker_close(a);
		}
		return r;
	}
	a->host = host;
	a->patience_ms = json_get_int(o, "write_deadline", 5) * 1000;
	*ret_self = a;
	return 0;
}

static const struct gantry_log_ops ops = {
	.struct_size = sizeof(ops),
	.open = docker_open_log,
	.write = docker_write,
	.close = docker_close_log,
	.check_options = docker_check_options,
	.read = docker_read,
};

static const struct gantry_config_key keys[] = {
	DOCKER_PLUGIN_CONFIG,
	{ "write_deadline", GANTRY_TYPE_INTEGER, 0, "5",
	  "seconds that a container is held up by a plugin that does not read its output" },
	{ NULL, 0, 0, NULL, NULL },
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PER_OBJECT,
	.kind = "log",
	.name = "docker-plugin",
	.summary = "Docker's log plugins, found in /run/docker/plugins and by .spec files",
	.ops = &ops,
	.config = keys,
	.open = docker_open,
	.close = docker_close,
	.discover = docker_discover,
};

GANTRY_PLUGIN(.name = "log-docker-plugin", .version = "0.1.0", .licence = "Apache-2.0",
	      .drivers = (const struct gantry_driver *const[]){ &driver, NULL },
	      .permissions = (const char *const[]){ DOCKER_PLUGIN_PERMISSIONS, NULL });
