/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the policy driver before something is done.  The engine's operations
 * are wrapped in one table, so that no front end and no operation can forget to
 * ask; where no hook is set, asking costs a look at a bit.
 */
#ifndef CORE_POLICY_POLICY_H
#define CORE_POLICY_POLICY_H

#include <gantry/api.h>
#include <gantry/engine.h>

#include "helpers/json.h"
#include "helpers/reply.h"

struct core;
struct policy;
struct reference;

/* Where hooks are asked; the names that drivers know are in policy.c. */
enum policy_at {
	POLICY_API_REQUEST,
	POLICY_API_AUTHENTICATED,
	POLICY_API_ANSWER,
	POLICY_LOGIN,
	POLICY_IMAGE_PULL,
	POLICY_IMAGE_MANIFEST,
	POLICY_IMAGE_VERIFIED,
	POLICY_IMAGE_PUSH,
	POLICY_IMAGE_REMOVE,
	POLICY_CONTAINER_CREATE,
	POLICY_CONTAINER_UPDATE,
	POLICY_CONTAINER_START,
	POLICY_CONTAINER_EXEC,
	POLICY_CONTAINER_STOP,
	POLICY_CONTAINER_REMOVE,
	POLICY_NETWORK_CONNECT,
	POLICY_VOLUME_MOUNT,
	POLICY_PLUGIN_INSTALL,
	POLICY_TICK,
	POLICY_EVENT,
	POLICY_AT_COUNT,
};

int policy_new(struct core *core, struct policy **ret, struct gantry_error *err);
/* Starts the daemon's tick; to be called once the core is open. */
int policy_start(struct policy *policy, struct gantry_error *err);
void policy_stop(struct policy *policy);

/* Policies, or drivers of them, are others now: every process looks again before it asks. */
void policy_changed(struct policy *policy);
struct policy *policy_free(struct policy *policy);

/* The engine's operations behind the gate; owned by policy. */
const struct gantry_engine_ops *policy_engine_ops(struct policy *policy);

/* Is there a hook at the point?  When the driver cannot be asked, yes. */
int policy_wants(struct policy *policy, enum policy_at at);

/* Asks.  target and object are taken over.  0: go on, with *ret_object (the caller
 * puts it) as what is to be executed, rewritten or not.  DENIED: the message says
 * which hook and why. */
int policy_ask(struct policy *policy, enum policy_at at, struct json_object *target,
	       struct json_object *object, struct json_object **ret_object,
	       struct gantry_error *err);

/* {Reference, Registry, Repository, Tag, Digest}: an image as hooks see it. */
struct json_object *policy_describe_image(struct core *core, const char *reference);

/* Serves a request of the Engine API between api.request and api.answer; who asks
 * is known to the hooks of every operation that it leads to.  serve() is called at
 * most once, with the request as rewritten. */
typedef int (*policy_serve_fn)(struct core *core, const char *api,
			       const struct gantry_api_handle_args *request, struct reply *ret,
			       struct gantry_error *err);
int policy_handle(struct core *core, struct policy *policy, const char *api,
		  const struct gantry_api_handle_args *request, policy_serve_fn serve,
		  struct reply *ret, struct gantry_error *err);

/* Who asks on this thread, to go on asking on another: a copy that the other
 * thread takes over.  NULL: this process's own user. */
struct json_object *policy_asking_copy(void);
void policy_asking_adopt(struct json_object *who);
/* The name of who asks, or its uid as text. */
void policy_asking_name(char *ret, size_t size);

/* Tells observers of an event; nothing comes of it. */
void policy_event(struct policy *policy, const char *type, const char *action, const char *actor,
		  struct json_object *attributes);

#endif
