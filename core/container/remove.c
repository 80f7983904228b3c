/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/container/container.h"
#include "core/container/filters.h"
#include "core/container/log.h"
#include "core/engine/leftovers.h"
#include "core/volume/volume.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

static int remove_snapshot(struct core *core, struct container *c, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *storage;
	const char *rest;
	int r = container_storage(core, c, &storage, err);

	/* Not what a confined driver names: it may not delete more than it can. */
	if (r == 0) {
		r = storage_remove(storage,
				   &GANTRY_STORAGE_REMOVE_ARGS(.key = c->id, .defer = !driver_is_isolated(storage)),
				   &ret, err);
	}
	rest = r == 0 ? reply_string(&ret, GANTRY_STORAGE_REMOVE_RET_REST) : NULL;
	if (rest && *rest) {
		leftovers_add(core, rest);
	}
	return r;
}

static void remove_anonymous(struct core *core, struct container *c)
{
	struct json_object *mounts = json_get_array(c->doc, "Mounts");

	for (size_t i = 0; i < json_array_size(mounts); i++) {
		struct json_object *m = json_object_array_get_idx(mounts, i);
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		if (json_get_bool(m, "Anonymous", 0)) {
			(void)volume_delete(core, json_get_string(m, "Name"), 0, &ignored);
		}
	}
}

/* The folders: logs, and what the shim wrote.  The lock file goes with the run
 * folder; who waits for it finds no record. */
static int remove_folders(struct core *core, struct container *c, struct gantry_error *err)
{
	auto_free char *dir = container_dir(core, c->id);
	auto_free char *run_dir = container_run_dir(core, c->id);
	int r = remove_tree(AT_FDCWD, run_dir);

	if (access(dir, F_OK) == 0) {
		leftovers_add(core, dir);
	}
	return r < 0 ? error_errno(err, -r, "cannot remove folder %s", run_dir) : 0;
}

int container_delete(struct core *core, struct container *c, int volumes, struct gantry_error *err)
{
	int r;

	log_remove_all(core, c);
	r = remove_snapshot(core, c, err);

	if (r < 0) {
		return r;
	}
	r = db_begin(core->db, err);
	if (r < 0) {
		return r;
	}
	r = db_exec(core->db, err, "DELETE FROM execs WHERE container=?", "s", c->id);
	if (r == 0) {
		r = db_exec(core->db, err, "DELETE FROM containers WHERE id=?", "s", c->id);
	}
	r = db_end(core->db, r, err);
	if (r == 0) {
		if (volumes) {
			remove_anonymous(core, c);
		}
		container_event(core, c, "destroy", NULL);
		r = remove_folders(core, c, err);
	}
	return r;
}

static int refuse_running(const struct container *c, struct gantry_error *err)
{
	return error_set(err, GANTRY_ERR_CONFLICT,
			 "cannot remove container \"/%s\": container is %s: stop the container before "
			 "removing or force remove",
			 c->name, c->status);
}

static int kill_and_wait(struct core *core, const struct container *c, struct gantry_reply *reply,
			 struct gantry_error *err)
{
	if (container_is(c, "paused")) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		(void)engine_container_unpause(core, &GANTRY_ENGINE_CONTAINER_UNPAUSE_ARGS(.name = c->id), reply,
					       &ignored);
	}
	return container_stop_and_wait(core, c->id, SIGKILL, -1, err);
}

/* A container that does not run, locked: who looked before somebody started it looks again. */
static int find_stopped(struct core *core, const char *name, int force, struct container **ret,
			struct gantry_reply *reply, struct gantry_error *err)
{
	auto_container struct container *c = NULL;
	int r = container_find(core, name, &c, err);

	while (r == 0) {
		auto_free char *id = strdup(c->id);

		if (!id) {
			return error_no_memory(err);
		}
		if (container_is_running(c)) {
			r = force ? kill_and_wait(core, c, reply, err) : refuse_running(c, err);
		}
		c = container_free(c);
		r = r < 0 ? r : container_find_locked(core, id, &c, err);
		if (r == 0 && !container_is_running(c)) {
			*ret = steal(&c);
			return 0;
		}
	}
	return r;
}

ENGINE_OP(container_remove)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	auto_container struct container *there = NULL;
	int r = container_find(core, args->name, &there, err);

	if (r < 0) {
		return r;
	}
	r = find_stopped(core, there->id, (int)args->force, &c, reply, err);
	if (r == GANTRY_ERR_NOT_FOUND && args->force) { /* it was --rm, or another was faster */
		error_clear(err);
		return 0;
	}
	if (r == GANTRY_ERR_CONFLICT) {
		return r;
	}
	if (r == 0) {
		r = container_set_status(core, c, "removing", err);
	}
	if (r == 0) {
		r = container_delete(core, c, (int)args->volumes, err);
	}
	return r < 0 ? error_prefix(err, "cannot remove container %s", args->name) : 0;
}

struct prune {
	struct json_object *filters;
	struct json_object *deleted;
	int64_t until_ns, bytes;
};

static int prune_one(struct core *core, struct container *c, void *data, struct gantry_error *err)
{
	struct prune *p = data;
	auto_container struct container *locked = NULL;
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *storage;

	if (container_is_running(c) || !filters_match_prune(p->filters, p->until_ns, container_config(c),
							   c->created_ns)) {
		return 0;
	}
	if (container_storage(core, c, &storage, err) == 0 &&
	    storage_usage(storage, &GANTRY_STORAGE_USAGE_ARGS(.key = c->id), &ret, err) == 0) {
		p->bytes += reply_integer(&ret, GANTRY_STORAGE_USAGE_RET_BYTES, 0);
	}
	error_clear(err);
	if (container_find_locked(core, c->id, &locked, err) < 0 || container_is_running(locked)) {
		error_clear(err);
		return 0;
	}
	json_add_string(p->deleted, locked->id);
	return container_delete(core, locked, 0, err);
}

ENGINE_OP(container_prune)
{
	static const char *const known[] = { "label", "label!", "until", NULL };
	struct core *core = self;
	auto_json struct json_object *filters = NULL;
	auto_json struct json_object *report = json_object_new_object();
	struct prune p = { .deleted = json_object_new_array() };
	int r = json_parse_object(args->filters, "filters", &filters, err);

	json_set(report, "ContainersDeleted", p.deleted);
	p.filters = filters;
	if (r == 0) {
		r = filters_check(filters, known, err);
	}
	if (r == 0) {
		r = filters_until(filters, &p.until_ns, err);
	}
	if (r == 0) {
		r = container_each(core, prune_one, &p, err);
	}
	json_set_int(report, "SpaceReclaimed", p.bytes);
	return r < 0 ? r : gantry_engine_container_prune_set_report(reply, json_text(report));
}
