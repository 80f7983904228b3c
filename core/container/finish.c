/* SPDX-License-Identifier: Apache-2.0 */
/* What follows the end of a container.  Every step can be repeated, the record is
 * written last: who dies here leaves a "running" container without a shim, which
 * the next who looks finishes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/container/container.h"
#include "core/network/network.h"
#include "core/volume/volume.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

struct end {
	int code;
	int64_t finished_ns;
};

/* The shim's word, or 137 when it was killed before it could say any. */
static struct end read_end(const char *run_dir)
{
	struct end end = { 137, time_now_ns() };
	auto_free char *path = path_join(run_dir, "exit", NULL);
	auto_(buf) struct buf text = BUF_INIT;
	long long finished;
	int code;

	if (path && read_file(AT_FDCWD, path, &text, 4096) == 0 &&
	    sscanf(buf_str(&text), "%d %lld", &code, &finished) == 2) {
		end = (struct end){ code, finished };
	}
	return end;
}

/* Was the out-of-memory killer in it? Asked only when it was killed. */
static int was_oom_killed(struct driver *runtime, const char *id, const char *state_dir)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_json struct json_object *stats = NULL;

	if (runtime_stats(runtime, &GANTRY_RUNTIME_STATS_ARGS(.id = id, .state_dir = state_dir), &ret,
			  &ignored) < 0 ||
	    json_parse_object(reply_string(&ret, GANTRY_RUNTIME_STATS_RET_STATS), "stats", &stats,
			      &ignored) < 0) {
		return 0;
	}
	return json_get_int(json_get_object(stats, "memory"), "oom_kills", 0) > 0;
}

static void release_volumes(struct core *core, struct container *c)
{
	struct json_object *mounts = json_get_array(c->doc, "Mounts");

	for (size_t i = 0; i < json_array_size(mounts); i++) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;
		const char *name = json_get_string(json_object_array_get_idx(mounts, i), "Name");

		if (name) {
			(void)volume_release(core, name, c->id, &ignored);
		}
	}
}

static void publish_end(struct core *core, struct container *c, int code)
{
	auto_json struct json_object *extra = json_object_new_object();
	char text[16];

	snprintf(text, sizeof(text), "%d", code);
	json_set_string(extra, "exitCode", text);
	container_event(core, c, "die", extra);
}

static int finish_locked(struct core *core, struct container *c, struct gantry_error *err)
{
	auto_free char *run_dir = container_run_dir(core, c->id);
	auto_free char *state_dir = container_runtime_dir(core, c->id);
	auto_(reply) struct reply ret = REPLY_INIT;
	struct end end = read_end(run_dir);
	struct driver *runtime;
	int r = container_runtime(core, c, &runtime, err);

	if (r < 0) {
		return r;
	}
	if (end.code == 137) {
		json_set_bool(c->state, "OOMKilled", was_oom_killed(runtime, c->id, state_dir));
	}
	r = runtime_delete(runtime,
			   &GANTRY_RUNTIME_DELETE_ARGS(.id = c->id, .state_dir = state_dir, .force = 1),
			   &ret, err);
	if (r == 0) {
		r = network_detach_all(core, c, err);
	}
	if (r < 0) {
		return error_prefix(err, "cannot clean up after container %s", c->name);
	}
	release_volumes(core, c);
	json_set_int(c->state, "Pid", 0);
	json_set_int(c->state, "ExitCode", end.code);
	json_set_int(c->state, "FinishedNs", end.finished_ns);
	publish_end(core, c, end.code);
	if (json_get_bool(container_host_config(c), "AutoRemove", 0)) {
		free(c->status);
		c->status = strdup("exited");
		return container_delete(core, c, 1, err);
	}
	return container_set_status(core, c, "exited", err);
}

/* Does a shim still live?  Then it is not over. */
static int shim_lives(const char *run_dir)
{
	auto_free char *path = path_join(run_dir, "shim.lock", NULL);
	auto_free char *exit_path = path_join(run_dir, "exit", NULL);
	auto_fd int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (exit_path && access(exit_path, F_OK) == 0) {
		return 0;
	}
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;
}

/* container_find() calls us for a container whose shim is gone, so this locks and
 * reads by itself. */
int container_finish(struct core *core, const char *id, struct gantry_error *err)
{
	auto_container struct container *c = NULL;
	int r = container_lock_by_id(core, id, &c, err);

	if (r == GANTRY_ERR_NOT_FOUND) {
		error_clear(err);
		return 0;
	}
	return r < 0 ? r : container_finish_locked(core, c, err);
}

int container_finish_locked(struct core *core, struct container *c, struct gantry_error *err)
{
	auto_free char *run_dir = container_run_dir(core, c->id);

	return container_is_running(c) && !shim_lives(run_dir) ? finish_locked(core, c, err) : 0;
}
