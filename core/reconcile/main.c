/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gantry-reconcile [--root DIR] [--run-root DIR] [--config FILE] [--plugin-path PATH]
 *                  [exited ID | restart ID | health ID STATUS | boot]
 *
 * Started by a shim when its container has ended and nobody else finishes it, when
 * the restart policy says to run it again, or when its health has changed; and once
 * after boot, to start what is to run always.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/container/container.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static int restart(struct core *core, const char *id, struct gantry_error *err)
{
	auto_container struct container *c = NULL;
	int64_t count;
	int r = container_lock_by_id(core, id, &c, err);

	/* One lock for both: nobody takes it for one that has ended in between. */
	if (r == 0) {
		r = container_finish_locked(core, c, err);
	}
	if (r < 0 || container_is_running(c) || json_get_bool(c->state, "ManuallyStopped", 0)) {
		return r;
	}
	count = json_get_int(c->state, "RestartCount", 0) + 1;
	json_set_int(c->state, "RestartCount", count);
	return container_run(core, c, 0, 0, err);
}

static int publish_health(struct core *core, const char *id, const char *status,
			  struct gantry_error *err)
{
	auto_container struct container *c = NULL;
	char action[64];
	int r = container_find(core, id, &c, err);

	if (r == 0) {
		snprintf(action, sizeof(action), "health_status: %s", status);
		container_event(core, c, action, NULL);
	}
	return r;
}

/* restart=always, and unless-stopped if nobody stopped it. */
static int start_after_boot(struct core *core, struct container *c, void *data,
			    struct gantry_error *err)
{
	const char *policy =
		json_get_string(json_get_object(container_host_config(c), "RestartPolicy"), "Name");
	int always = policy && !strcmp(policy, "always");
	int unless_stopped = policy && !strcmp(policy, "unless-stopped");
	auto_container struct container *locked = NULL;
	struct gantry_error failed = GANTRY_ERROR_INIT;

	if (!container_is(c, "exited") ||
	    (!always && !(unless_stopped && !json_get_bool(c->state, "ManuallyStopped", 0)))) {
		return 0;
	}
	if (container_lock_by_id(core, c->id, &locked, &failed) < 0 ||
	    container_run(core, locked, 0, 0, &failed) < 0) {
		fprintf(stderr, "gantry-reconcile: container %s: %s\n", c->name, failed.message);
	}
	return 0;
}

static int run(struct core *core, int argc, char **argv, struct gantry_error *err)
{
	const char *what = argc > 0 ? argv[0] : "";

	if (!strcmp(what, "exited") && argc == 2) {
		return container_finish(core, argv[1], err);
	}
	if (!strcmp(what, "restart") && argc == 2) {
		return restart(core, argv[1], err);
	}
	if (!strcmp(what, "health") && argc == 3) {
		return publish_health(core, argv[1], argv[2], err);
	}
	if (!strcmp(what, "boot") && argc == 1) {
		return container_each(core, start_after_boot, NULL, err);
	}
	return argc == 0 ? 0 : error_set(err, GANTRY_ERR_INVALID, "unknown request \"%s\"", what);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "run-root", required_argument, NULL, 'u' },
		{ "config", required_argument, NULL, 'c' },
		{ "plugin-path", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	struct core_options core_options = { 0 };
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct core *core = NULL;
	int opt, r;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'r':
			core_options.root = optarg;
			break;
		case 'u':
			core_options.run_root = optarg;
			break;
		case 'c':
			core_options.config_file = optarg;
			break;
		case 'p':
			core_options.plugin_path = optarg;
			break;
		default:
			return 2;
		}
	}
	r = core_open(&core_options, &core, &err);
	if (r == 0 && core_warning(core)) {
		fprintf(stderr, "gantry-reconcile: %s\n", core_warning(core)->message);
	}
	if (r == 0) {
		r = run(core, argc - optind, argv + optind, &err);
	}
	core_close(core);
	if (r < 0) {
		fprintf(stderr, "gantry-reconcile: %s\n", err.message);
	}
	return r < 0 ? 1 : 0;
}
