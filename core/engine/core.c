/* SPDX-License-Identifier: Apache-2.0 */
/* A core is constant after core_open() but for its counters, which its lock
 * guards; everything that changes lies in the database and behind drivers. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/engine/engine.h"
#include "core/engine/leftovers.h"
#include "core/events/events.h"
#include "core/monitor/monitor.h"
#include "core/plugin/native.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

const struct gantry_error *core_warning(const struct core *core)
{
	return core->unfinished.code < 0 ? &core->unfinished : NULL;
}

/* A daemon says at its start what is missing, and not to the first who asks for it. */
static int check_drivers(struct core *core, struct gantry_error *err)
{
	static const char *const keys[][2] = { { "storage", "storage.driver" },
					       { "runtime", "runtime.driver" } };
	struct json_object *logs = config_list(core->config, "log.driver");
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(keys); i++) {
		const char *name = config_string(core->config, keys[i][1]);

		r = strcmp(name, "auto") ? registry_has(core->registry, keys[i][0], name, err) : 0;
	}
	for (size_t i = 0; r == 0 && i < json_array_size(logs); i++) {
		r = registry_has(core->registry, "log", json_item_string(logs, i), err);
	}
	return r;
}

int core_open(const struct core_options *options, struct core **ret, struct gantry_error *err)
{
	struct core *core = calloc(1, sizeof(*core));
	int r;

	if (!core) {
		return error_no_memory(err);
	}
	pthread_mutex_init(&core->lock, NULL);
	pthread_cond_init(&core->idle, NULL);
	core->daemon = options->daemon;
	core->will_start = options->will_start;
	core->mark = (struct mark)MARK_INIT;
	core->ahead.control = -1;
	r = policy_new(core, &core->policy, err);
	if (r == 0) {
		core->service = (struct gantry_engine_service){
			.size = sizeof(core->service),
			.self = core,
			.ops = policy_engine_ops(core->policy),
		};
		r = paths_init(&core->paths, options, err);
	}
	if (r == 0) {
		r = userns_enter(&core->paths, &core->ids, err);
	}
	core->uid = userns_outer_uid();
	core->gid = userns_outer_gid();
	if (r == GANTRY_ERR_UNSUPPORTED) {
		/* `gantry doctor` must be able to say so */
		core->ids = USERNS_NONE;
		core->refusal = *err;
		error_clear(err);
		r = 0;
	}
	if (r == 0 && options->will_start && core->ids != USERNS_NONE) {
		launch_ahead(core);
	}
	if (r == 0) {
		r = config_load(&core->paths, options->settings, &core->config, err);
	}
	if (r == 0) {
		r = db_open(core->paths.root, &core->db, err);
	}
	if (r == 0) {
		r = events_new(core->paths.root, &core->events, err);
	}
	if (r == 0) {
		r = registry_new(&core->paths, core->config, core->db, core->events, &core->service,
				 &core->registry, err);
	}
	if (r == 0 && core->daemon) {
		r = check_drivers(core, err);
	}
	if (r == 0 && !options->bare) {
		r = engine_reconcile(core, err);
	}
	if (r == 0 && !options->bare) {
		r = policy_start(core->policy, err);
	}
	if (r < 0) {
		core_close(core);
		return r;
	}
	*ret = core;
	return 0;
}

struct core *core_close(struct core *core)
{
	if (!core) {
		return NULL;
	}
	launch_drop(core);
	policy_stop(core->policy);
	pthread_mutex_lock(&core->lock);
	while (core->tasks > 0) {
		pthread_cond_wait(&core->idle, &core->lock);
	}
	pthread_mutex_unlock(&core->lock);
	if (!core->daemon) {
		native_plugins_stay_mapped();
	}
	registry_free(core->registry);
	leftovers_leave(core);
	mark_remove(&core->mark);
	events_free(core->events);
	db_close(core->db);
	config_free(core->config);
	if (core->ids == USERNS_FULL || core->ids == USERNS_SINGLE) {
		userns_leave(&core->paths);
	}
	paths_done(&core->paths);
	policy_free(core->policy);
	pthread_cond_destroy(&core->idle);
	pthread_mutex_destroy(&core->lock);
	free(core);
	return NULL;
}

static int serve(struct core *core, const char *api, const struct gantry_api_handle_args *request,
		 struct reply *ret, struct gantry_error *err)
{
	struct driver *driver;
	int r = registry_get(core->registry, "api",
			     api ? api : config_string(core->config, "api.driver"), &driver, err);

	return r < 0 ? r : api_handle(driver, request, ret, err);
}

int core_handle(struct core *core, const char *api, const struct gantry_api_handle_args *request,
		struct reply *ret, struct gantry_error *err)
{
	int64_t budget = config_int(core->config, "plugin.budget_s");
	int64_t outer = driver_budget();
	int r;

	/* A request within a request, as hooks make them, has the time of the first. */
	if (!outer && budget > 0) {
		driver_set_budget(time_monotonic_ns() + budget * INT64_C(1000000000));
	}
	r = policy_handle(core, core->policy, api, request, serve, ret, err);
	driver_set_budget(outer);
	return r;
}

#define TASK_STACK (2 << 20) /* address space; hooks of policies may run on it */

struct task {
	struct core *core;
	void (*fn)(struct core *core, void *data);
	void *data;
	struct json_object *who; /* whose request it goes on with */
};

static void *task_main(void *arg)
{
	struct task task = *(struct task *)arg;

	free(arg);
	policy_asking_adopt(task.who);
	task.fn(task.core, task.data);
	policy_asking_adopt(NULL);
	pthread_mutex_lock(&task.core->lock);
	if (--task.core->tasks == 0) {
		pthread_cond_broadcast(&task.core->idle);
	}
	pthread_mutex_unlock(&task.core->lock);
	return NULL;
}

int engine_task(struct core *core, void (*fn)(struct core *core, void *data), void *data,
		struct gantry_error *err)
{
	struct task *task = malloc(sizeof(*task));
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int code;

	if (!task) {
		return error_no_memory(err);
	}
	*task = (struct task){ core, fn, data, policy_asking_copy() };
	pthread_mutex_lock(&core->lock);
	core->tasks++;
	pthread_mutex_unlock(&core->lock);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, TASK_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	code = pthread_create(&thread, &attr, task_main, task);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (code) {
		pthread_mutex_lock(&core->lock);
		core->tasks--;
		pthread_mutex_unlock(&core->lock);
		json_object_put(task->who);
		free(task);
		return error_errno(err, code, "cannot start a thread");
	}
	return 0;
}

struct stream {
	void (*fn)(struct core *core, void *data, int sink);
	void *data;
	int sink;
};

static void stream_main(struct core *core, void *arg)
{
	struct stream stream = *(struct stream *)arg;

	free(arg);
	stream.fn(core, stream.data, stream.sink);
}

int engine_stream(struct core *core, void (*fn)(struct core *core, void *data, int sink),
		  void *data, int *ret_stream, struct gantry_error *err)
{
	struct stream *stream = malloc(sizeof(*stream));
	int ends[2];
	int r;

	if (!stream) {
		return error_no_memory(err);
	}
	if (pipe2(ends, O_CLOEXEC) < 0) {
		free(stream);
		return error_errno(err, errno, "cannot make a pipe");
	}
	*stream = (struct stream){ fn, data, ends[1] };
	r = engine_task(core, stream_main, stream, err);
	if (r < 0) {
		free(stream);
		close(ends[0]);
		close(ends[1]);
		return r;
	}
	*ret_stream = ends[0];
	return 0;
}

int engine_driver(struct core *core, const char *kind, struct driver **ret, struct gantry_error *err)
{
	char key[32] = "";

	strncat(key, kind, sizeof(key) - 8);
	strcat(key, ".driver");
	return registry_get(core->registry, kind, config_string(core->config, key), ret, err);
}

/* The first candidate whose probe passes; all reasons are kept for the error. */
static int choose_storage(struct core *core, char **ret, struct gantry_error *err)
{
	struct json_object *candidates = config_list(core->config, "storage.candidates");
	auto_(buf) struct buf why = BUF_INIT;

	for (size_t i = 0; i < json_array_size(candidates); i++) {
		const char *name = json_item_string(candidates, i);

		if (registry_probe(core->registry, "storage", name, err) == 0) {
			*ret = strdup(name);
			return *ret ? db_meta_set(core->db, "storage.driver", name, err)
				    : error_no_memory(err);
		}
		buf_addf(&why, "%s%s: %s", why.len ? "; " : "", name, err->message);
		error_clear(err);
	}
	error_set(err, GANTRY_ERR_UNSUPPORTED, "no storage driver can serve on this host: %s",
		  buf_str(&why));
	return error_hint(err, "`gantry doctor` says what to do about each");
}

int engine_storage(struct core *core, struct driver **ret, struct gantry_error *err)
{
	const char *configured = config_string(core->config, "storage.driver");
	auto_free char *chosen = NULL;
	int r = 0;

	if (core->ids == USERNS_NONE) {
		*err = core->refusal;
		return err->code;
	}
	if (strcmp(configured, "auto")) {
		chosen = strdup(configured);
	} else {
		r = db_meta_get(core->db, "storage.driver", &chosen, err);
		if (r == 0 && !chosen) {
			r = choose_storage(core, &chosen, err);
		}
	}
	return r < 0 ? r : registry_get(core->registry, "storage", chosen, ret, err);
}

void engine_event(struct core *core, const char *type, const char *action, const char *actor,
		  struct json_object *attributes)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	(void)events_record(core->events, type, action, actor, attributes ? json_text(attributes) : NULL,
			    &ignored);
	policy_event(core->policy, type, action, actor, attributes);
	monitor_tell(core, type, action, actor, attributes);
}
