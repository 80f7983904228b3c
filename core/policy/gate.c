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

	if (!policy_wants(policy, "container.create")) {
		return engine_container_create(self, args, reply, err);
	}
	r = json_parse_object(args->config, "container configuration", &config, err);
	if (r == 0) {
		r = policy_ask(policy, "container.create", create_target(args->name, config),
			       json_object_get(config), &result, err);
	}
	if (r < 0) {
		return r;
	}
	changed = GANTRY_ENGINE_CONTAINER_CREATE_ARGS(.name = args->name, .platform = args->platform,
						      .config = json_text(result));
	return engine_container_create(self, &changed, reply, err);
}

/* Asks about an operation on a container that exists. */
static int ask_container(void *self, const char *point, const char *name, const char *operation,
			 struct gantry_error *err)
{
	struct policy *policy = gate_of(self);
	struct json_object *object = NULL, *target;

	if (!policy_wants(policy, point)) {
		return 0;
	}
	target = container_target(self, name, strcmp(point, "container.start") == 0 ? &object : NULL);
	if (!object) {
		object = json_object_new_object();
	}
	json_set_string(object, "Operation", operation);
	return policy_ask(policy, point, target, object, NULL, err);
}

#define WRAP_CONTAINER(verb, point)                                              \
	WRAP(container_##verb)                                                   \
	{                                                                        \
		int r = ask_container(self, point, args->name, #verb, err);      \
		return r < 0 ? r : engine_container_##verb(self, args, reply, err); \
	}

WRAP_CONTAINER(start, "container.start")
WRAP_CONTAINER(stop, "container.stop")
WRAP_CONTAINER(restart, "container.stop")
WRAP_CONTAINER(kill, "container.stop")
WRAP_CONTAINER(pause, "container.stop")
WRAP_CONTAINER(unpause, "container.stop")
WRAP_CONTAINER(remove, "container.remove")

WRAP(exec_create)
{
	struct policy *policy = gate_of(self);
	struct gantry_engine_exec_create_args changed;
	auto_json struct json_object *config = NULL;
	auto_json struct json_object *result = NULL;
	int r;

	if (!policy_wants(policy, "container.exec")) {
		return engine_exec_create(self, args, reply, err);
	}
	r = json_parse_object(args->config, "exec configuration", &config, err);
	if (r == 0) {
		r = policy_ask(policy, "container.exec", container_target(self, args->name, NULL),
			       json_object_get(config), &result, err);
	}
	if (r < 0) {
		return r;
	}
	changed = GANTRY_ENGINE_EXEC_CREATE_ARGS(.name = args->name, .config = json_text(result));
	return engine_exec_create(self, &changed, reply, err);
}

/* ---- images ---- */

static struct json_object *describe_reference(struct core *core, const char *text)
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
static int ask_image(void *self, const char *point, const char *reference, const char *platform,
		     struct json_object **ret_object, struct gantry_error *err)
{
	struct json_object *object = describe_reference(self, reference);
	int r;

	json_set_string(object, "Platform", platform);
	r = policy_ask(gate_of(self), point, image_target(reference), object, ret_object, err);
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

	if (!policy_wants(gate_of(self), "image.pull")) {
		return engine_image_pull(self, args, reply, err);
	}
	r = ask_image(self, "image.pull", args->reference, args->platform, &object, err);
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

	if (!policy_wants(gate_of(self), "image.push")) {
		return engine_image_push(self, args, reply, err);
	}
	r = ask_image(self, "image.push", args->reference, NULL, &object, err);
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

	if (policy_wants(gate_of(self), "image.remove")) {
		r = ask_image(self, "image.remove", args->name, NULL, &object, err);
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

	if (!policy_wants(policy, "network.connect")) {
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
	r = policy_ask(policy, "network.connect", target, json_object_get(config), &result, err);
	if (r < 0) {
		return r;
	}
	changed.name = json_get_string(result, "Network");
	changed.config = json_text(result);
	return engine_network_connect(self, &changed, reply, err);
}

WRAP(auth)
{
	struct policy *policy = gate_of(self);
	auto_json struct json_object *credentials = NULL;
	struct json_object *object;
	int r;

	if (!policy_wants(policy, "login")) {
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
	r = policy_ask(policy, "login", NULL, object, NULL, err);
	return r < 0 ? r : engine_auth(self, args, reply, err);
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
	ops->exec_create = gated_exec_create;
	ops->image_pull = gated_image_pull;
	ops->image_push = gated_image_push;
	ops->image_remove = gated_image_remove;
	ops->network_connect = gated_network_connect;
	ops->auth = gated_auth;
}
