/* SPDX-License-Identifier: Apache-2.0 */
/* Changing what a container is called and may use. */
#include <stdlib.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/container/create.h"
#include "core/container/spec.h"
#include "core/shim/protocol.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

ENGINE_OP(container_rename)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	auto_json struct json_object *extra = json_object_new_object();
	const char *name = args->new_name[0] == '/' ? args->new_name + 1 : args->new_name;
	char *copy;
	int r = container_find_locked(core, args->name, &c, err);

	if (r < 0) {
		return r;
	}
	if (!create_is_valid_name(name)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
				 name);
	}
	copy = strdup(name);
	if (!copy) {
		return error_no_memory(err);
	}
	json_set_string(extra, "oldName", c->name);
	free(c->name);
	c->name = copy;
	r = container_save_doc(core, c, err);
	if (r == GANTRY_ERR_EXISTS) {
		return error_set(err, r,
				 "Error when allocating new name: Conflict. The container name \"/%s\" is "
				 "already in use. You have to remove (or rename) that container to be able to "
				 "reuse that name.",
				 name);
	}
	if (r == 0) {
		container_event(core, c, "rename", extra);
	}
	return r;
}

/* Takes over the members that the request sets. */
static void merge_update(struct json_object *hc, struct json_object *update)
{
	json_object_object_foreach(update, key, value)
	{
		int unset = !value ||
			    (json_object_is_type(value, json_type_int) && !json_object_get_int64(value)) ||
			    (json_object_is_type(value, json_type_string) &&
			     !json_object_get_string_len(value)) ||
			    (json_object_is_type(value, json_type_object) &&
			     !json_get_string(value, "Name"));

		if (!unset) {
			json_set(hc, key, json_object_get(value));
		}
	}
}

static int apply_live(struct core *core, struct container *c, struct gantry_error *err)
{
	auto_free char *state_dir = container_runtime_dir(core, c->id);
	auto_json struct json_object *resources = NULL;
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *runtime;
	int r = spec_resources(container_host_config(c), &resources, err);

	if (r == 0) {
		json_object_object_del(resources, "devices");
		r = container_runtime(core, c, &runtime, err);
	}
	if (r == 0) {
		r = runtime_update(runtime,
				   &GANTRY_RUNTIME_UPDATE_ARGS(.id = c->id, .state_dir = state_dir,
							       .resources = json_text(resources)),
				   &ret, err);
	}
	return r;
}

/* The shim keeps the restart policy while it runs. */
static int tell_policy(struct core *core, struct container *c, struct gantry_error *err)
{
	struct json_object *policy = json_get_object(container_host_config(c), "RestartPolicy");
	auto_free char *run_dir = container_run_dir(core, c->id);
	auto_free struct shim_message *m = malloc(sizeof(*m));
	int sock = -1;
	int r = m ? shim_connect(run_dir, &sock, err) : error_no_memory(err);

	if (r < 0) {
		return r;
	}
	shim_message_init(m, SHIM_UPDATE);
	shim_message_add(m, "restart", json_get_string(policy, "Name"));
	shim_message_add_int(m, "restart_max", json_get_int(policy, "MaximumRetryCount", 0));
	r = shim_request(sock, m, NULL, 0, err);
	close(sock);
	return r;
}

ENGINE_OP(container_update)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	auto_json struct json_object *update = NULL;
	auto_json struct json_object *warnings = json_object_new_array();
	int r = json_parse_object(args->config, "update", &update, err);

	if (r == 0) {
		r = container_find_locked(core, args->name, &c, err);
	}
	if (r < 0) {
		return r;
	}
	/* A lower memory limit would otherwise collide with an inherited swap limit. */
	if (json_get_int(update, "Memory", 0) && !json_get_int(update, "MemorySwap", 0)) {
		int64_t swap = json_get_int(container_host_config(c), "MemorySwap", 0);

		if (swap > 0 && swap < json_get_int(update, "Memory", 0)) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "Memory limit should be smaller than already set memoryswap limit, "
					 "update the memoryswap at the same time");
		}
	}
	merge_update(container_host_config(c), update);
	r = create_check_host_config(core, c->doc, warnings, err);
	if (r == 0 && container_is_running(c)) {
		r = apply_live(core, c, err);
	}
	if (r == 0 && container_is_running(c) && json_get_object(update, "RestartPolicy")) {
		r = tell_policy(core, c, err);
	}
	if (r == 0) {
		r = container_save_doc(core, c, err);
	}
	if (r < 0) {
		return error_prefix(err, "Cannot update container %s", c->id);
	}
	container_event(core, c, "update", NULL);
	return 0;
}
