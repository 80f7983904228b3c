/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin: the runtime as a driver of gantry. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gantry/plugin.h>
#include <gantry/runtime.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "container.h"
#include "state.h"

struct native {
	char *cache_dir; /* compiled filters; cleared by a reboot, as kernels change then */
};

static int native_create(void *self, const struct gantry_runtime_create_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	const struct native *n = self;
	auto_(container_process) struct container_process p = CONTAINER_PROCESS_INIT;
	struct container_options o = {
		.id = args->id, .bundle = args->bundle, .state_dir = args->state_dir,
		.spec = args->spec, .seccomp = args->seccomp, .cache_dir = n->cache_dir,
		.rootfs = args->rootfs, .stdio = { args->stdin, args->stdout, args->stderr },
		.console_socket = -1, .console_width = (unsigned short)args->console_width,
		.console_height = (unsigned short)args->console_height,
		.parent = CHILD_OF_CALLERS_PARENT, .start = START_BY_SOCKET,
		.join = CGROUP_JOIN_LIMITED, .reaper = args->init != 0, .new_keyring = true,
	};
	int r = container_create(&o, &p, err);

	if (r < 0)
		return error_prefix(err, "cannot create container %s", args->id);
	gantry_runtime_create_set_pid(reply, p.pid);
	if (p.console >= 0)
		gantry_runtime_create_set_console(reply, steal_fd(&p.console));
	for (size_t i = 0; i < p.n_warnings; i++)
		gantry_runtime_create_add_warning(reply, p.warnings[i]);
	return 0;
}

static int native_checkpoint(void *self, const struct gantry_runtime_checkpoint_args *args,
			     struct gantry_reply *reply, struct gantry_error *err)
{
	struct checkpoint_options o = {
		.images = args->images, .leave_running = args->leave_running != 0, .status_fd = -1,
		/* the network is the engine's to make anew */
		.empty_ns = CLONE_NEWNET, .file_locks = true, .ext_unix_sk = true, .link_remap = true,
	};

	return container_checkpoint(args->id, args->state_dir, &o, err);
}

static int native_restore(void *self, const struct gantry_runtime_restore_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(container_process) struct container_process p = CONTAINER_PROCESS_INIT;
	struct container_options co = {
		.id = args->id, .bundle = args->bundle, .state_dir = args->state_dir,
		.spec = args->spec, .rootfs = args->rootfs,
		.stdio = { args->stdin, args->stdout, args->stderr }, .console_socket = -1,
		.parent = CHILD_OF_CALLERS_PARENT, .start = START_BY_SOCKET,
		.join = CGROUP_JOIN_LIMITED,
	};
	struct checkpoint_options o = {
		.images = args->images, .empty_ns = CLONE_NEWNET, .file_locks = true,
		.ext_unix_sk = true, .status_fd = -1, .hold = true,
	};
	int r = container_restore(&co, &o, &p, err);

	if (r < 0)
		return r;
	gantry_runtime_restore_set_pid(reply, p.pid);
	if (p.console >= 0)
		gantry_runtime_restore_set_console(reply, steal_fd(&p.console));
	for (size_t i = 0; i < p.n_warnings; i++)
		gantry_runtime_restore_add_warning(reply, p.warnings[i]);
	return 0;
}

static int native_start(void *self, const struct gantry_runtime_start_args *args,
			struct gantry_reply *reply, struct gantry_error *err)
{
	return container_start(args->id, args->state_dir, err);
}

static int native_exec(void *self, const struct gantry_runtime_exec_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	const struct native *n = self;
	auto_(container_process) struct container_process p = CONTAINER_PROCESS_INIT;
	struct exec_options o = {
		.id = args->id, .state_dir = args->state_dir, .process = args->process,
		.seccomp = args->seccomp, .cache_dir = n->cache_dir,
		.stdio = { args->stdin, args->stdout, args->stderr }, .console_socket = -1,
		.console_width = (unsigned short)args->console_width,
		.console_height = (unsigned short)args->console_height,
		.parent = CHILD_OF_CALLERS_PARENT,
	};
	int r = container_exec(&o, &p, err);

	if (r < 0)
		return r;
	gantry_runtime_exec_set_pid(reply, p.pid);
	if (p.console >= 0)
		gantry_runtime_exec_set_console(reply, steal_fd(&p.console));
	return 0;
}

static int native_signal(void *self, const struct gantry_runtime_signal_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	if (args->signal < 0 || args->signal > 64)
		return error_set(err, GANTRY_ERR_INVALID, "%lld is not a signal",
				 (long long)args->signal);
	return container_signal(args->id, args->state_dir, (int)args->signal, args->all != 0, err);
}

static int native_pause(void *self, const struct gantry_runtime_pause_args *args,
			struct gantry_reply *reply, struct gantry_error *err)
{
	return container_freeze(args->id, args->state_dir, true, err);
}

static int native_resume(void *self, const struct gantry_runtime_resume_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	return container_freeze(args->id, args->state_dir, false, err);
}

static int native_update(void *self, const struct gantry_runtime_update_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	return container_update(args->id, args->state_dir, args->resources, err);
}

static int native_state(void *self, const struct gantry_runtime_state_args *args,
			struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(state) struct state s = { 0 };
	struct cgroup_host host;
	enum status status;
	int r = state_read(args->state_dir, &s, err);

	if (r < 0 || (r = cgroup_detect(&host, err)) < 0)
		return error_prefix(err, "container %s", args->id);
	status = state_status(args->state_dir, &s, &host);
	gantry_runtime_state_set_status(reply, status_name(status));
	gantry_runtime_state_set_pid(reply, status == STATUS_STOPPED ? 0 : s.pid);
	return 0;
}

static int native_stats(void *self, const struct gantry_runtime_stats_args *args,
			struct gantry_reply *reply, struct gantry_error *err)
{
	auto_free char *text = NULL;
	int r = container_stats(args->id, args->state_dir, &text, err);

	return r < 0 ? r : gantry_runtime_stats_set_stats(reply, text);
}

static int native_processes(void *self, const struct gantry_runtime_processes_args *args,
			    struct gantry_reply *reply, struct gantry_error *err)
{
	auto_free pid_t *pids = NULL;
	size_t n = 0;
	int r = container_pids(args->id, args->state_dir, &pids, &n, err);

	for (size_t i = 0; i < n && r == 0; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", pids[i]);
		gantry_runtime_processes_add_pid(reply, text);
	}
	return r;
}

static int native_delete(void *self, const struct gantry_runtime_delete_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	return container_delete(args->id, args->state_dir, args->force != 0, err);
}

static int native_features(void *self, const struct gantry_runtime_features_args *args,
			   struct gantry_reply *reply, struct gantry_error *err)
{
	auto_free char *text = runtime_features();

	return text ? gantry_runtime_features_set_features(reply, text) : error_no_memory(err);
}

static int native_open(const struct gantry_host *host, const char *config, void **ret_self,
		       struct gantry_error *err)
{
	struct native *n = calloc(1, sizeof(*n));

	if (!n)
		return error_no_memory(err);
	if (host->run_dir && asprintf(&n->cache_dir, "%s/seccomp", host->run_dir) < 0) {
		free(n);
		return error_no_memory(err);
	}
	*ret_self = n;
	return 0;
}

static void native_close(void *self)
{
	struct native *n = self;

	free(n->cache_dir);
	free(n);
}

static const struct gantry_runtime_ops ops = {
	.struct_size = sizeof(ops),
	.create = native_create,
	.start = native_start,
	.exec = native_exec,
	.signal = native_signal,
	.pause = native_pause,
	.resume = native_resume,
	.update = native_update,
	.state = native_state,
	.stats = native_stats,
	.processes = native_processes,
	.delete = native_delete,
	.features = native_features,
	.checkpoint = native_checkpoint,
	.restore = native_restore,
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PER_OBJECT,
	.kind = "runtime",
	.name = "native",
	.summary = "containers of Linux namespaces and control groups, set up in process",
	.ops = &ops,
	.open = native_open,
	.close = native_close,
};

static const struct gantry_driver *const drivers[] = { &driver, NULL };

GANTRY_PLUGIN(.name = "native", .version = "0.1.0", .licence = "Apache-2.0", .drivers = drivers,
	      .flags = GANTRY_PLUGIN_UNLOADABLE);
