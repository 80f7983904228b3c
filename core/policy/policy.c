/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy driver is opened when something is to be asked, and only if it was
 * ever used here: its folder exists.  What cannot be asked is refused.
 */
#include "config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/container/container.h"
#include "core/engine/engine.h"
#include "core/policy/internal.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define LOOK_NS INT64_C(1000000000)

static _Thread_local struct json_object *asking; /* borrowed from policy_handle */

struct json_object *set_asking(struct json_object *who)
{
	struct json_object *was = asking;

	asking = who;
	return was;
}

int policy_new(struct core *core, struct policy **ret, struct gantry_error *err)
{
	struct policy *policy = calloc(1, sizeof(*policy));

	if (!policy) {
		return error_no_memory(err);
	}
	policy->core = core;
	pthread_mutex_init(&policy->lock, NULL);
	gate_fill(policy);
	*ret = policy;
	return 0;
}

struct policy *policy_free(struct policy *policy)
{
	if (policy) {
		json_object_put(policy->points);
		pthread_mutex_destroy(&policy->lock);
		free(policy);
	}
	return NULL;
}

const struct gantry_engine_ops *policy_engine_ops(struct policy *policy)
{
	return &policy->ops;
}

/* 1: *ret is the driver; 0: no policy was ever set up here. */
static int open_driver(struct policy *policy, struct driver **ret, struct gantry_error *err)
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

/* Reads the points again when it is time; holds the lock. */
static void look(struct policy *policy)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	int64_t now = time_monotonic_ns();
	const char *const *point;
	struct driver *driver;
	int r;

	if (policy->looked_at && now - policy->looked_at < LOOK_NS) {
		return;
	}
	policy->looked_at = now;
	json_object_put(policy->points);
	policy->points = json_object_new_object();
	r = open_driver(policy, &driver, &err);
	if (r > 0) {
		r = policy_points(driver, &GANTRY_POLICY_POINTS_ARGS(), &reply, &err);
	}
	policy->broken = r < 0;
	for (point = reply_list(&reply, GANTRY_POLICY_POINTS_RET_POINT); *point; point++) {
		json_set_bool(policy->points, *point, 1);
	}
}

int policy_wants(struct policy *policy, const char *point)
{
	int wants;

	pthread_mutex_lock(&policy->lock);
	look(policy);
	wants = policy->broken || json_get(policy->points, point) != NULL;
	pthread_mutex_unlock(&policy->lock);
	return wants;
}

/* ---- who ---- */

static void add_user(struct json_object *who)
{
	int64_t uid = json_get_int(who, "uid", -1);
	struct passwd entry, *found = NULL;
	char text[4096];

	if (uid >= 0 && !json_get_string(who, "user") &&
	    getpwuid_r((uid_t)uid, &entry, text, sizeof(text), &found) == 0 && found) {
		json_set_string(who, "user", found->pw_name);
	}
}

struct json_object *asking_now(struct policy *policy)
{
	struct json_object *who = NULL;

	if (!asking || json_object_deep_copy(asking, &who, NULL) < 0) {
		who = json_object_new_object();
		json_set_int(who, "uid", policy->core->uid);
		json_set_int(who, "gid", policy->core->gid);
		json_set_string(who, "transport", "none");
	}
	json_set_string(who, "auth", json_get(who, "certificate") ? "tls" :
				     json_get(who, "uid")	  ? "peer" :
								    "none");
	add_user(who);
	return who;
}

/* ---- asking ---- */

static int refused(const struct reply *reply, struct gantry_error *err)
{
	const char *hook = reply_string(reply, GANTRY_POLICY_EVALUATE_RET_HOOK);
	const char *reason = reply_string(reply, GANTRY_POLICY_EVALUATE_RET_REASON);

	error_set(err, GANTRY_ERR_DENIED, "policy %s: %s", hook ? hook : "",
		  reason ? reason : "refused");
	return err->code;
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

static int evaluate(struct policy *policy, const char *point, struct json_object *request,
		    struct json_object **object, struct json_object **answer,
		    struct gantry_error *err)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	struct driver *driver = NULL;
	const char *decision;
	int r = open_driver(policy, &driver, err);

	if (r == 0) {
		return 0;
	}
	if (r > 0) {
		r = policy_evaluate(driver, &GANTRY_POLICY_EVALUATE_ARGS(.point = point,
				    .request = json_text(request)), &reply, err);
	}
	if (r < 0) {
		error_prefix(err, "policy cannot be asked, so %s is refused", point);
		return err->code = GANTRY_ERR_DENIED;
	}
	decision = reply_string(&reply, GANTRY_POLICY_EVALUATE_RET_DECISION);
	if (strcmp(decision, "allow") != 0 && strcmp(decision, "rewrite") != 0) {
		return refused(&reply, err);
	}
	r = take_result(&reply, GANTRY_POLICY_EVALUATE_RET_OBJECT, object, err);
	return r < 0 ? r : take_result(&reply, GANTRY_POLICY_EVALUATE_RET_ANSWER, answer, err);
}

/* ---- what a user has already ---- */

struct usage {
	const char *owner;
	int64_t containers;
	int64_t memory_bytes;
};

/* A container's owner is its label gantry.owner, which a policy sets. */
static int add_usage(struct core *core, struct container *c, void *data, struct gantry_error *err)
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

static struct json_object *usage_of(struct core *core, struct json_object *who)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct json_object *o = json_object_new_object();
	struct usage usage = { json_get_string(who, "user"), 0, 0 };
	char uid[32];

	if (!usage.owner) {
		snprintf(uid, sizeof(uid), "%lld", (long long)json_get_int(who, "uid", -1));
		usage.owner = uid;
	}
	(void)container_each(core, add_usage, &usage, &ignored);
	json_set_int(o, "containers", usage.containers);
	json_set_int(o, "memory_bytes", usage.memory_bytes);
	return o;
}

int ask_full(struct policy *policy, const char *point, struct json_object *target,
	     struct json_object *object, struct json_object *answer,
	     struct json_object **ret_object, struct json_object **ret_answer,
	     struct gantry_error *err)
{
	auto_json struct json_object *request = json_object_new_object();
	struct json_object *engine = json_object_new_object();
	int r;

	json_set_string(engine, "version", PACKAGE_VERSION);
	json_set_bool(engine, "rootless", policy->core->ids != USERNS_HOST);
	json_set_string(request, "point", point);
	/* At api.request nobody has looked yet at who is asking. */
	if (strcmp(point, "api.request") != 0) {
		json_set(request, "who", asking_now(policy));
	}
	if (strcmp(point, "container.create") == 0) {
		json_set(engine, "usage", usage_of(policy->core, json_get(request, "who")));
	}
	json_set(request, "target", target);
	json_set(request, "object", json_object_get(object));
	json_set(request, "answer", json_object_get(answer));
	json_set(request, "engine", engine);
	r = evaluate(policy, point, request, &object, ret_answer ? &answer : NULL, err);
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

int policy_ask(struct policy *policy, const char *point, struct json_object *target,
	       struct json_object *object, struct json_object **ret_object,
	       struct gantry_error *err)
{
	return ask_full(policy, point, target, object, NULL, ret_object, NULL, err);
}

void policy_event(struct policy *policy, const char *type, const char *action, const char *actor,
		  struct json_object *attributes)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct json_object *object;

	if (!policy || !policy_wants(policy, "event")) {
		return;
	}
	object = json_object_new_object();
	json_set_string(object, "Type", type);
	json_set_string(object, "Action", action);
	json_set_string(object, "Actor", actor);
	json_set(object, "Attributes", json_object_get(attributes));
	(void)policy_ask(policy, "event", NULL, object, NULL, &ignored);
}
