/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the policy gate share.
 */
#ifndef CORE_POLICY_INTERNAL_H
#define CORE_POLICY_INTERNAL_H

#include <pthread.h>

#include <gantry/engine.h>

#include "core/policy/policy.h"

struct policy {
	struct core *core;
	struct gantry_engine_ops ops; /* wrapped */
	pthread_mutex_t lock;         /* what follows */
	int64_t looked_at;            /* when points was read */
	struct json_object *points;   /* {name: true} */
	int broken;                   /* the driver cannot be asked: ask, and be refused */
};

/* Fills policy->ops from the engine's. */
void gate_fill(struct policy *policy);

/* The gate that a core's operations pass. */
struct policy *gate_of(void *self);

/* Who asks, as {uid, gid, user, auth, ...}; a new reference. */
struct json_object *asking_now(struct policy *policy);

/* Asks with an answer, too (api.answer); as policy_ask otherwise. */
int ask_full(struct policy *policy, const char *point, struct json_object *target,
	     struct json_object *object, struct json_object *answer,
	     struct json_object **ret_object, struct json_object **ret_answer,
	     struct gantry_error *err);

/* Sets who asks on this thread; NULL: this process's user.  Returns what was. */
struct json_object *set_asking(struct json_object *who);

#endif
