/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's operations behind their points.  Each wrapper shows the hooks what
 * the operation will execute, as it will execute it, and then executes what they
 * made of it.
 */
#include <string.h>

#include "core/container/container.h"
#include "core/engine/engine.h"
#include "core/image/reference.h"
#include "core/policy/internal.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

struct policy *gate_of(void *self)
{
	return ((struct core *)self)->policy;
}

#define WRAP(name)                                                                        \
	static int gated_##name(void *self, const struct gantry_engine_##name##_args *args, \
				struct gantry_reply *reply, struct gantry_error *err)

/* ---- what is about to be touched ---- */

static struct json_object *image_target(const char *reference)
{
	struct json_object *target = json_object_new_object();

	json_set_string(target, "kind", "image");
	json_set_string(target, "reference", reference);
	return target;
}

/* A container that exists; when it does not, its name alone, and the operation
 * will say so. */
static struct json_object *container_target(struct core *core, const char *name,
					    struct json_object **ret_doc)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct json_object *target = json_object_new_object();
	auto_container struct container *c = NULL;

	json_set_string(target, "kind", "container");
	json_set_string(target, "name", name);
	if (container_find(core, name, &c, &ignored) < 0) {
		return target;
	}
	json_set_string(target, "id", c->id);
	json_set_string(target, "name", c->name);
	json_set_string(target, "image", json_get_string(container_config(c), "Image"));
	json_set(target, "labels", json_object_get(json_get(container_config(c), "Labels")));
	if (ret_doc) {
		*ret_doc = json_object_get(c->doc);
	}
	return target;
}

/* An operation that refuses what hooks made of a request says so. */
static int after_rewrite(int r, struct json_object *asked, struct json_object *executed,
			 struct gantry_error *err)
{
	if (r == GANTRY_ERR_INVALID && !json_object_equal(asked, executed)) {
		error_prefix(err, "a policy rewrote the request, which is not valid any more");
		error_hint(err, "`gantry policy logs --json` shows what was changed and by which hook");
	}
	return r;
}

/* ---- containers ---- */

static struct json_object *create_target(const char *name, struct json_object *config)
{
	struct json_object *target = json_object_new_object();

	json_set_string(target, "kind", "container");
	json_set_string(target, "name", name);
	json_set_string(target, "image", json_get_string(config, "Image"));
	json_set(target, "labels", json_object_get(json_get(config, "Labels")));
	return target;
}

WRAP(container_create)
{
	struct policy *policy = gate_of(self);
	struct gantry_engine_container_create_args changed;
	auto_json struct json_object *config = NULL;
	auto_json struct json_object *result = NULL;
	int r;

	if (!policy_wants(policy, POLICY_CONTAINER_CREATE)) {
		return engine_container_create(self, args, reply, err);
	}
	r = json_parse_object(args->config, "container configuration", &config, err);
	if (r == 0) {
		r = policy_ask(policy, POLICY_CONTAINER_CREATE, create_target(args->name, config),
			       json_object_get(config), &result, err);
	}
	if (r < 0) {
		return r;
	}
	changed = GANTRY_ENGINE_CONTAINER_CREATE_ARGS(.name = args->name, .platform = args->platform,
						      .config = json_text(result));
	return after_rewrite(engine_container_create(self, &changed, reply, err), config, result, err);
}

/* Asks about an operation on a container that exists. */
static int ask_container(void *self, enum policy_at at, const char *name, const char *operation,
			 struct gantry_error *err)
{
	struct policy *policy = gate_of(self);
	struct json_object *object = NULL, *target;

	if (!policy_wants(policy, at)) {
		return 0;
	}
	target = container_target(self, name, at == POLICY_CONTAINER_START ? &object : NULL);
	if (!object) {
		object = json_object_new_object();
	}
	json_set_string(object, "Operation", operation);
	return policy_ask(policy, at, target, object, NULL, err);
}

#define WRAP_CONTAINER(verb, point)                                              \
	WRAP(container_##verb)                                                   \
	{                                                                        \
		int r = ask_container(self, point, args->name, #verb, err);      \
		return r < 0 ? r : engine_container_##verb(self, args, reply, err); \
	}

WRAP_CONTAINER(start, POLICY_CONTAINER_START)
WRAP_CONTAINER(stop, POLICY_CONTAINER_STOP)
WRAP_CONTAINER(restart, POLICY_CONTAINER_STOP)
WRAP_CONTAINER(kill, POLICY_CONTAINER_STOP)
WRAP_CONTAINER(pause, POLICY_CONTAINER_STOP)
WRAP_CONTAINER(unpause, POLICY_CONTAINER_STOP)
WRAP_CONTAINER(remove, POLICY_CONTAINER_REMOVE)

WRAP(container_update)
{
	struct policy *policy = gate_of(self);
	struct gantry_engine_container_update_args changed = *args;
	auto_json struct json_object *config = NULL;
	auto_json struct json_object *result = NULL;
	int r;

	if (!policy_wants(policy, POLICY_CONTAINER_UPDATE)) {
		return engine_container_update(self, args, reply, err);
	}
	r = json_parse_object(args->config, "container update", &config, err);
	if (r == 0) {
		r = policy_ask(policy, POLICY_CONTAINER_UPDATE,
			       container_target(self, args->name, NULL), json_object_get(config),
			       &result, err);
	}
	if (r < 0) {
		return r;
	}
	changed.config = json_text(result);
	return after_rewrite(engine_container_update(self, &changed, reply, err), config, result, err);
}

WRAP(exec_create)
{
	struct policy *policy = gate_of(self);
	struct gantry_engine_exec_create_args changed;
	auto_json struct json_object *config = NULL;
	auto_json struct json_object *result = NULL;
	int r;

	if (!policy_wants(policy, POLICY_CONTAINER_EXEC)) {
		return engine_exec_create(self, args, reply, err);
	}
	r = json_parse_object(args->config, "exec configuration", &config, err);
	if (r == 0) {
		r = policy_ask(policy, POLICY_CONTAINER_EXEC, container_target(self, args->name, NULL),
			       json_object_get(config), &result, err);
	}
	if (r < 0) {
		return r;
	}
	changed = GANTRY_ENGINE_EXEC_CREATE_ARGS(.name = args->name, .config = json_text(result));
	return after_rewrite(engine_exec_create(self, &changed, reply, err), config, result, err);
}

/* ---- images ---- */

struct json_object *policy_describe_image(struct core *core, const char *text)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct json_object *object = json_object_new_object();
	struct reference ref;

	json_set_string(object, "Reference", text);
	if (reference_parse(text, config_string(core->config, "registry.default"), &ref, &ignored) == 0) {
		json_set_string(object, "Registry", ref.domain);
		json_set_string(object, "Repository", ref.path);
		json_set_string(object, "Tag", ref.tag[0] ? ref.tag : ref.digest[0] ? NULL : "latest");
		json_set_string(object, "Digest", ref.digest[0] ? ref.digest : NULL);
	}
	return object;
}

/* Asks about a reference; *ret_object holds the one to use. */
static int ask_image(void *self, enum policy_at at, const char *reference, const char *platform,
		     struct json_object **ret_object, struct gantry_error *err)
{
	struct json_object *object = policy_describe_image(self, reference);
	int r;

	json_set_string(object, "Platform", platform);
	r = policy_ask(gate_of(self), at, image_target(reference), object, ret_object, err);
	if (r == 0 && !json_get_string(*ret_object, "Reference")) {
		return error_set(err, GANTRY_ERR_DENIED, "policy removed the reference of an image");
	}
	return r;
}

WRAP(image_pull)
{
	struct gantry_engine_image_pull_args changed = *args;
	auto_json struct json_object *object = NULL;
	int r;

	if (!policy_wants(gate_of(self), POLICY_IMAGE_PULL)) {
		return engine_image_pull(self, args, reply, err);
	}
	r = ask_image(self, POLICY_IMAGE_PULL, args->reference, args->platform, &object, err);
	if (r < 0) {
		return r;
	}
	changed.reference = json_get_string(object, "Reference");
	changed.platform = json_get_string(object, "Platform");
	return engine_image_pull(self, &changed, reply, err);
}

WRAP(image_push)
{
	struct gantry_engine_image_push_args changed = *args;
	auto_json struct json_object *object = NULL;
	int r;

	if (!policy_wants(gate_of(self), POLICY_IMAGE_PUSH)) {
		return engine_image_push(self, args, reply, err);
	}
	r = ask_image(self, POLICY_IMAGE_PUSH, args->reference, NULL, &object, err);
	if (r < 0) {
		return r;
	}
	changed.reference = json_get_string(object, "Reference");
	return engine_image_push(self, &changed, reply, err);
}

WRAP(image_remove)
{
	auto_json struct json_object *object = NULL;
	int r = 0;

	if (policy_wants(gate_of(self), POLICY_IMAGE_REMOVE)) {
		r = ask_image(self, POLICY_IMAGE_REMOVE, args->name, NULL, &object, err);
	}
	return r < 0 ? r : engine_image_remove(self, args, reply, err);
}

/* ---- networks, credentials ---- */

WRAP(network_connect)
{
	struct policy *policy = gate_of(self);
	struct gantry_engine_network_connect_args changed = *args;
	auto_json struct json_object *config = NULL;
	auto_json struct json_object *result = NULL;
	struct json_object *target;
	int r;

	if (!policy_wants(policy, POLICY_NETWORK_CONNECT)) {
		return engine_network_connect(self, args, reply, err);
	}
	r = json_parse_object(args->config, "connection", &config, err);
	if (r < 0) {
		return r;
	}
	target = container_target(self, json_get_string(config, "Container") ?
						json_get_string(config, "Container") : "", NULL);
	json_set_string(target, "network", args->name);
	json_set_string(config, "Network", args->name);
	r = policy_ask(policy, POLICY_NETWORK_CONNECT, target, json_object_get(config), &result, err);
	if (r < 0) {
		return r;
	}
	changed.name = json_get_string(result, "Network");
	changed.config = json_text(result);
	return after_rewrite(engine_network_connect(self, &changed, reply, err), config, result, err);
}

WRAP(auth)
{
	struct policy *policy = gate_of(self);
	auto_json struct json_object *credentials = NULL;
	struct json_object *object;
	int r;

	if (!policy_wants(policy, POLICY_LOGIN)) {
		return engine_auth(self, args, reply, err);
	}
	r = json_parse_object(args->credentials, "credentials", &credentials, err);
	if (r < 0) {
		return r;
	}
	/* Everything but the secrets. */
	object = json_object_new_object();
	json_set_string(object, "ServerAddress", json_get_string(credentials, "serveraddress"));
	json_set_string(object, "Username", json_get_string(credentials, "username"));
	r = policy_ask(policy, POLICY_LOGIN, NULL, object, NULL, err);
	return r < 0 ? r : engine_auth(self, args, reply, err);
}

/* Code comes onto this host, or is put to work: who may bring it? */
static int brings_code(const char *command)
{
	static const char *const commands[] = { "install", "upgrade", "enable", "trust" };

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(command, commands[i])) {
			return 1;
		}
	}
	return 0;
}

WRAP(plugin_manage)
{
	struct policy *policy = gate_of(self);
	auto_json struct json_object *options = NULL;
	struct json_object *target, *object;
	int r;

	if (!brings_code(args->command) || !policy_wants(policy, POLICY_PLUGIN_INSTALL)) {
		return engine_ops.plugin_manage(self, args, reply, err);
	}
	r = json_parse_object(args->options, "options", &options, err);
	if (r < 0) {
		return r;
	}
	target = json_object_new_object();
	json_set_string(target, "kind", "plugin");
	json_set_string(target, "name", args->name);
	object = json_object_new_object();
	json_set_string(object, "Command", args->command);
	json_set_string(object, "Reference", args->name);
	json_set(object, "Options", json_object_get(options));
	r = policy_ask(policy, POLICY_PLUGIN_INSTALL, target, object, NULL, err);
	return r < 0 ? r : engine_ops.plugin_manage(self, args, reply, err);
}

void gate_fill(struct policy *policy)
{
	struct gantry_engine_ops *ops = &policy->ops;

	*ops = engine_ops;
	ops->container_create = gated_container_create;
	ops->container_start = gated_container_start;
	ops->container_stop = gated_container_stop;
	ops->container_restart = gated_container_restart;
	ops->container_kill = gated_container_kill;
	ops->container_pause = gated_container_pause;
	ops->container_unpause = gated_container_unpause;
	ops->container_remove = gated_container_remove;
	ops->container_update = gated_container_update;
	ops->exec_create = gated_exec_create;
	ops->image_pull = gated_image_pull;
	ops->image_push = gated_image_push;
	ops->image_remove = gated_image_remove;
	ops->network_connect = gated_network_connect;
	ops->auth = gated_auth;
	if (engine_ops.plugin_manage) {
		ops->plugin_manage = gated_plugin_manage;
	}
}
