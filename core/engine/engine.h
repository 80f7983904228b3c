/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a core: what its parts share, and the operations of the service
 * "engine" (sdk/interfaces/engine.lua), one function each, in the folder of the
 * object they are about.  core/engine/ops.c lists them.
 */
#ifndef CORE_ENGINE_ENGINE_H
#define CORE_ENGINE_ENGINE_H

#include <pthread.h>

#include <gantry/engine.h>
#include <gantry/error.h>

#include "core/base/paths.h"
#include "core/base/userns.h"
#include "core/config/config.h"
#include "core/container/launch.h"
#include "core/core.h"
#include "core/engine/reconcile.h"
#include "core/plugin/driver.h"
#include "core/plugin/registry.h"
#include "core/policy/policy.h"
#include "core/state/db.h"
#include "helpers/reply.h"

struct core {
	struct paths paths;
	enum userns_ids ids; /* USERNS_HOST: this engine may do all */
	struct gantry_error refusal; /* USERNS_NONE: why */
	uid_t uid; /* who runs it, as the host knows him */
	gid_t gid;
	struct config *config;
	struct db *db;
	struct events *events;
	struct registry *registry;
	struct gantry_engine_service service;
	struct policy *policy; /* the gate before the operations */
	int daemon;
	int new_boot; /* nobody has looked at what is there since the host started */
	struct gantry_error unfinished; /* why reconciling failed; code 0: it did not */
	int will_start; /* this process is here to start a container */
	pthread_mutex_t lock;   /* tasks and waiters */
	pthread_cond_t idle;    /* signalled when tasks reaches 0 */
	unsigned tasks;         /* threads that fill answers */
	struct mark mark;       /* ours */
	struct launched ahead;  /* a shim for the container that will be started */
	struct leftover *leftovers; /* what is to be deleted when nobody waits */
};

/* The signature of every operation. */
#define ENGINE_OP(name)                                                          \
	int engine_##name(void *self, const struct gantry_engine_##name##_args *args, \
			  struct gantry_reply *reply, struct gantry_error *err)

extern const struct gantry_engine_ops engine_ops;

/* Runs fn in a thread of its own that core_close() waits for.  fn owns data. */
int engine_task(struct core *core, void (*fn)(struct core *core, void *data), void *data,
		struct gantry_error *err);

/* An answer that goes on: makes a pipe, runs fn in a task with the write end
 * (which it closes) and returns the read end. */
int engine_stream(struct core *core, void (*fn)(struct core *core, void *data, int sink),
		  void *data, int *ret_stream, struct gantry_error *err);

/* The driver that serves a kind here: the configured one, or for storage the
 * first usable candidate (found once, then remembered). */
int engine_driver(struct core *core, const char *kind, struct driver **ret,
		  struct gantry_error *err);
int engine_storage(struct core *core, struct driver **ret, struct gantry_error *err);

/* Publishes an event; failure to do so is nobody's failure. */
void engine_event(struct core *core, const char *type, const char *action, const char *actor,
		  struct json_object *attributes);

/* Finishes or undoes what dead processes left.  Cheap when nothing is due: one
 * comparison of the boot id and one look at the intents. */
int engine_reconcile(struct core *core, struct gantry_error *err);

/* Operations, by room. */

ENGINE_OP(version);
ENGINE_OP(info);
ENGINE_OP(disk_usage);
ENGINE_OP(doctor);
ENGINE_OP(auth);
ENGINE_OP(policy);
ENGINE_OP(events);
ENGINE_OP(plugin_list);
ENGINE_OP(plugin_inspect);
ENGINE_OP(plugin_stats);
ENGINE_OP(plugin_reload);
ENGINE_OP(plugin_logs);
ENGINE_OP(plugin_trace);
ENGINE_OP(monitor_report);
ENGINE_OP(plugin_manage);

ENGINE_OP(container_create);
ENGINE_OP(container_list);
ENGINE_OP(container_inspect);
ENGINE_OP(container_start);
ENGINE_OP(container_stop);
ENGINE_OP(container_restart);
ENGINE_OP(container_kill);
ENGINE_OP(container_remove);
ENGINE_OP(container_wait);
ENGINE_OP(container_attach);
ENGINE_OP(container_logs);
ENGINE_OP(container_stats);
ENGINE_OP(container_top);
ENGINE_OP(container_pause);
ENGINE_OP(checkpoint_create);
ENGINE_OP(checkpoint_list);
ENGINE_OP(checkpoint_remove);
ENGINE_OP(container_unpause);
ENGINE_OP(container_rename);
ENGINE_OP(container_update);
ENGINE_OP(container_resize);
ENGINE_OP(container_changes);
ENGINE_OP(container_export);
ENGINE_OP(container_archive_stat);
ENGINE_OP(container_archive_get);
ENGINE_OP(container_archive_put);
ENGINE_OP(container_commit);
ENGINE_OP(container_prune);
ENGINE_OP(exec_create);
ENGINE_OP(exec_start);
ENGINE_OP(exec_inspect);
ENGINE_OP(exec_resize);

ENGINE_OP(image_pull);
ENGINE_OP(image_push);
ENGINE_OP(image_load);
ENGINE_OP(image_save);
ENGINE_OP(image_import);
ENGINE_OP(image_list);
ENGINE_OP(image_inspect);
ENGINE_OP(image_history);
ENGINE_OP(image_tag);
ENGINE_OP(image_remove);
ENGINE_OP(image_prune);

ENGINE_OP(network_create);
ENGINE_OP(network_list);
ENGINE_OP(network_inspect);
ENGINE_OP(network_remove);
ENGINE_OP(network_connect);
ENGINE_OP(network_disconnect);
ENGINE_OP(network_prune);

ENGINE_OP(volume_create);
ENGINE_OP(volume_list);
ENGINE_OP(volume_inspect);
ENGINE_OP(volume_remove);
ENGINE_OP(volume_prune);

#endif
