/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy driver is opened when something is to be asked, and only if it was
 * ever used here: its folder exists.  What cannot be asked is refused.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/container/container.h"
#include "core/engine/engine.h"
#include "core/image/image.h"
#include "core/policy/internal.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

const char *const policy_names[POLICY_AT_COUNT] = {
	[POLICY_API_REQUEST] = "api.request",
	[POLICY_API_AUTHENTICATED] = "api.authenticated",
	[POLICY_API_ANSWER] = "api.answer",
	[POLICY_LOGIN] = "login",
	[POLICY_IMAGE_PULL] = "image.pull",
	[POLICY_IMAGE_MANIFEST] = "image.manifest",
	[POLICY_IMAGE_VERIFIED] = "image.verified",
	[POLICY_IMAGE_PUSH] = "image.push",
	[POLICY_IMAGE_REMOVE] = "image.remove",
	[POLICY_CONTAINER_CREATE] = "container.create",
	[POLICY_CONTAINER_UPDATE] = "container.update",
	[POLICY_CONTAINER_START] = "container.start",
	[POLICY_CONTAINER_EXEC] = "container.exec",
	[POLICY_CONTAINER_STOP] = "container.stop",
	[POLICY_CONTAINER_REMOVE] = "container.remove",
	[POLICY_NETWORK_CONNECT] = "network.connect",
	[POLICY_VOLUME_MOUNT] = "volume.mount",
	[POLICY_PLUGIN_INSTALL] = "plugin.install",
	[POLICY_TICK] = "tick",
	[POLICY_EVENT] = "event",
};

int policy_new(struct core *core, struct policy **ret, struct gantry_error *err)
{
	struct policy *policy = calloc(1, sizeof(*policy));
	pthread_condattr_t monotonic;

	if (!policy) {
		return error_no_memory(err);
	}
	policy->core = core;
	pthread_mutex_init(&policy->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&policy->stop, &monotonic);
	pthread_condattr_destroy(&monotonic);
	gate_fill(policy);
	*ret = policy;
	return 0;
}

struct policy *policy_free(struct policy *policy)
{
	if (policy) {
		policy_unmap(policy);
		pthread_cond_destroy(&policy->stop);
		pthread_mutex_destroy(&policy->lock);
		free(policy);
	}
	return NULL;
}

const struct gantry_engine_ops *policy_engine_ops(struct policy *policy)
{
	return &policy->ops;
}

int policy_driver(struct policy *policy, struct driver **ret, struct gantry_error *err)
{
	const char *name = config_string(policy->core->config, "policy.driver");
	auto_free char *folder = NULL;
	int r;

	if (!name || !*name) {
		return 0;
	}
	folder = path_join(policy->core->paths.root, "drivers", "policy", name, NULL);
	if (!folder) {
		return error_no_memory(err);
	}
	if (access(folder, F_OK) < 0) {
		return 0;
	}
	r = registry_get(policy->core->registry, "policy", name, ret, err);
	return r < 0 ? r : 1;
}

/* ---- the tick ---- */

static void *tick_main(void *arg)
{
	struct policy *policy = arg;
	int64_t seconds = config_int(policy->core->config, "policy.tick");
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	pthread_mutex_lock(&policy->lock);
	while (!policy->stopping) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		next.tv_sec += seconds;
		while (!policy->stopping &&
		       pthread_cond_timedwait(&policy->stop, &policy->lock, &next) != ETIMEDOUT) {
		}
		if (policy->stopping) {
			break;
		}
		pthread_mutex_unlock(&policy->lock);
		if (policy_wants(policy, POLICY_TICK)) {
			(void)policy_ask(policy, POLICY_TICK, NULL, json_object_new_object(), NULL,
					 &ignored);
		}
		pthread_mutex_lock(&policy->lock);
	}
	pthread_mutex_unlock(&policy->lock);
	return NULL;
}

int policy_start(struct policy *policy, struct gantry_error *err)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int code;

	if (!policy->core->daemon || config_int(policy->core->config, "policy.tick") <= 0) {
		return 0;
	}
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 2 << 20); /* Lua runs on it */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	code = pthread_create(&policy->ticker, &attr, tick_main, policy);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	policy->ticks = code == 0;
	return code ? error_errno(err, code, "cannot start the thread of the policy tick") : 0;
}

void policy_stop(struct policy *policy)
{
	if (policy && policy->ticks) {
		pthread_mutex_lock(&policy->lock);
		policy->stopping = 1;
		pthread_cond_signal(&policy->stop);
		pthread_mutex_unlock(&policy->lock);
		pthread_join(policy->ticker, NULL);
		policy->ticks = 0;
	}
}

/* ---- asking ---- */

static int refused(const struct reply *reply, struct gantry_error *err)
{
	const char *hook = reply_string(reply, GANTRY_POLICY_EVALUATE_RET_HOOK);
	const char *reason = reply_string(reply, GANTRY_POLICY_EVALUATE_RET_REASON);

	if (!hook) {
		return error_set(err, GANTRY_ERR_DENIED, "%s", reason ? reason : "a policy refuses it");
	}
	return error_set(err, GANTRY_ERR_DENIED, "policy %s: %s", hook, reason ? reason : "refused");
}

static int take_result(const struct reply *reply, uint32_t field, struct json_object **slot,
		       struct gantry_error *err)
{
	const char *text = reply_string(reply, field);
	struct json_object *value;
	int r;

	if (!text || !slot) {
		return 0;
	}
	r = json_parse(text, strlen(text), "rewritten request", &value, err);
	if (r == 0) {
		json_object_put(*slot);
		*slot = value;
	}
	return r;
}

int policy_ask_driver(struct driver *driver, const char *point, struct json_object *request,
		      struct json_object **object, struct json_object **answer,
		      struct gantry_error *err)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	const char *decision;
	int r = 0;

	if (driver) {
		r = policy_evaluate(driver, &GANTRY_POLICY_EVALUATE_ARGS(.point = point,
				    .request = json_text(request)), &reply, err);
	}
	if (r < 0) {
		error_prefix(err, "policy cannot be asked, so %s is refused", point);
		return err->code = GANTRY_ERR_DENIED;
	}
	decision = reply_string(&reply, GANTRY_POLICY_EVALUATE_RET_DECISION);
	if (!decision || (strcmp(decision, "allow") != 0 && strcmp(decision, "rewrite") != 0)) {
		return refused(&reply, err);
	}
	r = take_result(&reply, GANTRY_POLICY_EVALUATE_RET_OBJECT, object, err);
	return r < 0 ? r : take_result(&reply, GANTRY_POLICY_EVALUATE_RET_ANSWER, answer, err);
}

/* Hooks that read answers see those that are JSON and of requests that succeeded. */
static int is_for_hooks(struct json_object *request, struct json_object **answer)
{
	int64_t status = json_get_int(json_get_object(request, "object"), "Status", 0);

	return !answer || (*answer && status >= 200 && status <= 299);
}

/* The managed driver, then the others, each with what the one before made of it. */
static int evaluate(struct policy *policy, enum policy_at at, struct json_object *request,
		    struct json_object **object, struct json_object **answer,
		    struct gantry_error *err)
{
	int first = (int)(atomic_load(&policy->wanted_first) >> at) & 1;
	struct driver *driver = NULL;
	int r = 0;

	if (first && (at != POLICY_API_ANSWER || is_for_hooks(request, answer))) {
		r = policy_driver(policy, &driver, err);
		if (r < 0) {
			error_prefix(err, "policy cannot be asked, so %s is refused", policy_names[at]);
			return err->code = GANTRY_ERR_DENIED;
		}
		if (r > 0) {
			r = policy_ask_driver(driver, policy_names[at], request, object, answer, err);
		}
	}
	return r < 0 ? r : chain_evaluate(policy, at, request, object, answer, err);
}

/* ---- what a user has already ---- */

struct usage {
	const char *owner;
	int64_t containers;
	int64_t memory_bytes;
	int64_t images;
};

/* A container's owner is its label gantry.owner, which a policy sets. */
static int add_container(struct core *core, struct container *c, void *data,
			 struct gantry_error *err)
{
	struct usage *usage = data;
	const char *owner = json_get_string(json_get_object(container_config(c), "Labels"),
					    "gantry.owner");

	(void)core;
	(void)err;
	if (owner && strcmp(owner, usage->owner) == 0) {
		usage->containers++;
		usage->memory_bytes += json_get_int(container_host_config(c), "Memory", 0);
	}
	return 0;
}

/* An image's owner is who brought it here. */
static int add_image(struct core *core, struct image *image, void *data, struct gantry_error *err)
{
	struct usage *usage = data;
	const char *owner = json_get_string(image->doc, "Owner");

	(void)core;
	(void)err;
	usage->images += owner && strcmp(owner, usage->owner) == 0;
	return 0;
}

static struct json_object *usage_of_asking(struct core *core, enum policy_at at)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct json_object *o = json_object_new_object();
	char owner[128];
	struct usage usage = { .owner = owner };

	policy_asking_name(owner, sizeof(owner));
	if (at == POLICY_IMAGE_PULL) {
		(void)image_each(core, add_image, &usage, &ignored);
		json_set_int(o, "images", usage.images);
		return o;
	}
	(void)container_each(core, add_container, &usage, &ignored);
	json_set_int(o, "containers", usage.containers);
	json_set_int(o, "memory_bytes", usage.memory_bytes);
	return o;
}

static int has_usage(enum policy_at at)
{
	return at == POLICY_CONTAINER_CREATE || at == POLICY_CONTAINER_UPDATE || at == POLICY_IMAGE_PULL;
}

static struct json_object *describe_engine(struct policy *policy, enum policy_at at)
{
	struct json_object *engine = json_object_new_object();

	json_set_string(engine, "version", PACKAGE_VERSION);
	json_set_bool(engine, "rootless", policy->core->ids != USERNS_HOST);
	/* Counting reads every record, so it is done only where a hook looks at it. */
	if (has_usage(at) && atomic_load(&policy->usage)) {
		json_set(engine, "usage", usage_of_asking(policy->core, at));
	}
	return engine;
}

int ask_full(struct policy *policy, enum policy_at at, struct json_object *target,
	     struct json_object *object, struct json_object *answer,
	     struct json_object **ret_object, struct json_object **ret_answer,
	     struct gantry_error *err)
{
	auto_json struct json_object *request = json_object_new_object();
	int r;

	json_set_string(request, "point", policy_names[at]);
	/* At api.request nobody has looked yet at who is asking. */
	if (at != POLICY_API_REQUEST) {
		json_set(request, "who", asking_now());
	}
	json_set(request, "target", target);
	json_set(request, "object", json_object_get(object));
	json_set(request, "answer", json_object_get(answer));
	json_set(request, "engine", describe_engine(policy, at));
	r = evaluate(policy, at, request, &object, ret_answer ? &answer : NULL, err);
	if (r == 0 && ret_object) {
		*ret_object = steal(&object);
	}
	if (r == 0 && ret_answer) {
		*ret_answer = steal(&answer);
	}
	json_object_put(object);
	json_object_put(answer);
	return r;
}

int policy_ask(struct policy *policy, enum policy_at at, struct json_object *target,
	       struct json_object *object, struct json_object **ret_object,
	       struct gantry_error *err)
{
	return ask_full(policy, at, target, object, NULL, ret_object, NULL, err);
}

void policy_event(struct policy *policy, const char *type, const char *action, const char *actor,
		  struct json_object *attributes)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct json_object *object;

	if (!policy || !policy_wants(policy, POLICY_EVENT)) {
		return;
	}
	object = json_object_new_object();
	json_set_string(object, "Type", type);
	json_set_string(object, "Action", action);
	json_set_string(object, "Actor", actor);
	json_set(object, "Attributes", json_object_get(attributes));
	(void)policy_ask(policy, POLICY_EVENT, NULL, object, NULL, &ignored);
}
