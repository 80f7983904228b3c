/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: folders that the runtime driver fills, and starts containers from. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/container/container.h"
#include "core/container/create.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

/* The folder that holds a container's checkpoints. */
static int parent_folder(struct core *core, const struct container *c, const char *dir, char **ret,
			 struct gantry_error *err)
{
	auto_free char *own = container_dir(core, c->id);

	if (dir && *dir && dir[0] != '/') {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid checkpoint directory \"%s\": it must be an absolute path", dir);
	}
	*ret = dir && *dir ? strdup(dir) : path_join(own, "checkpoints", NULL);
	return *ret ? 0 : error_no_memory(err);
}

static int folder(struct core *core, const struct container *c, const char *name, const char *dir,
		  char **ret, struct gantry_error *err)
{
	auto_free char *parent = NULL;
	int r;

	if (!create_is_valid_name(name)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "Invalid checkpoint ID (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
				 name);
	}
	r = parent_folder(core, c, dir, &parent, err);
	if (r < 0) {
		return r;
	}
	*ret = path_join(parent, name, NULL);
	return *ret ? 0 : error_no_memory(err);
}

int container_find_checkpoint(struct core *core, const struct container *c, const char *name,
			      const char *dir, char **ret, struct gantry_error *err)
{
	auto_free char *path = NULL;
	int r = folder(core, c, name, dir, &path, err);

	if (r < 0) {
		return r;
	}
	if (access(path, F_OK) < 0) {
		error_set(err, GANTRY_ERR_NOT_FOUND, "checkpoint %s does not exist for container %s", name,
			  c->name);
		return error_hint(err, "`gantry checkpoint ls %s` lists those that do", c->name);
	}
	*ret = steal(&path);
	return 0;
}

static int make_folder(struct container *c, const char *path, const char *name,
		       struct gantry_error *err)
{
	auto_free char *parent = strdup(path);
	int r;

	if (!parent) {
		return error_no_memory(err);
	}
	*strrchr(parent, '/') = '\0';
	r = make_dirs(AT_FDCWD, parent, 0700);
	if (r < 0) {
		return error_errno(err, -r, "cannot create folder %s", parent);
	}
	if (mkdir(path, 0700) < 0) {
		return errno == EEXIST
			       ? error_set(err, GANTRY_ERR_EXISTS,
					   "checkpoint with name %s already exists for container %s", name,
					   c->name)
			       : error_errno(err, errno, "cannot create folder %s", path);
	}
	return 0;
}

/* The processes into the folder.  With `end` no restart policy starts it again. */
static int save(struct core *core, struct container *c, const char *path, int end,
		struct gantry_error *err)
{
	auto_free char *state_dir = container_runtime_dir(core, c->id);
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *runtime;
	int r = container_runtime(core, c, &runtime, err);

	if (r == 0 && end) {
		r = container_announce_stop(core, c->id, 0, err);
	}
	if (r < 0) {
		return r;
	}
	r = runtime_checkpoint(runtime,
			       &GANTRY_RUNTIME_CHECKPOINT_ARGS(.id = c->id, .state_dir = state_dir,
							       .images = path, .leave_running = !end),
			       &ret, err);
	if (r < 0 && end) {
		(void)container_announce_stop(core, c->id, 1, &ignored);
	}
	if (r == 0 && end) {
		json_set_bool(c->state, "ManuallyStopped", 1);
		(void)container_save_state(core, c, &ignored);
	}
	return r;
}

ENGINE_OP(checkpoint_create)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	auto_free char *path = NULL;
	auto_free char *id = NULL;
	int r = container_find_locked(core, args->name, &c, err);

	if (r < 0) {
		return r;
	}
	r = folder(core, c, args->checkpoint, args->dir, &path, err);
	if (r == 0 && !container_is(c, "running")) {
		r = error_set(err, GANTRY_ERR_CONFLICT, "Container %s is not running", c->id);
	}
	if (r == 0) {
		r = make_folder(c, path, args->checkpoint, err);
	}
	if (r < 0) {
		return r;
	}
	r = save(core, c, path, args->exit != 0, err);
	if (r < 0) {
		remove_tree(AT_FDCWD, path);
		return error_prefix(err, "Cannot checkpoint container %s", c->name);
	}
	container_event(core, c, "checkpoint", NULL);
	id = strdup(c->id);
	c = container_free(c);
	return args->exit && id ? container_stop_and_wait(core, id, SIGKILL, -1, err) : 0;
}

ENGINE_OP(checkpoint_list)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	auto_json struct json_object *list = json_object_new_array();
	auto_free char *parent = NULL;
	struct dirent **names = NULL;
	int n, r = container_find(core, args->name, &c, err);

	if (r == 0) {
		r = parent_folder(core, c, args->dir, &parent, err);
	}
	if (r < 0) {
		return r;
	}
	n = scandir(parent, &names, NULL, alphasort);
	if (n < 0 && errno != ENOENT) {
		return error_errno(err, errno, "cannot read folder %s", parent);
	}
	for (int i = 0; i < n; i++) {
		if (names[i]->d_type == DT_DIR && names[i]->d_name[0] != '.') {
			struct json_object *item = json_object_new_object();

			json_set_string(item, "Name", names[i]->d_name);
			json_object_array_add(list, item);
		}
		free(names[i]);
	}
	free(names);
	return gantry_engine_checkpoint_list_set_checkpoints(reply, json_text(list));
}

ENGINE_OP(checkpoint_remove)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	auto_free char *path = NULL;
	int r = container_find_locked(core, args->name, &c, err);

	if (r == 0) {
		r = container_find_checkpoint(core, c, args->checkpoint, args->dir, &path, err);
	}
	if (r < 0) {
		return r;
	}
	r = remove_tree(AT_FDCWD, path);
	return r < 0 ? error_errno(err, -r, "cannot remove %s", path) : 0;
}
