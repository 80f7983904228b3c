/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the policy gate share.
 */
#ifndef CORE_POLICY_INTERNAL_H
#define CORE_POLICY_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include <gantry/engine.h>

#include "core/policy/policy.h"

struct driver;

/* Drivers beside the one that is managed; each must allow, too. */
#define POLICY_LINKS 8
struct policy_link {
	_Atomic(struct driver *) driver; /* NULL: it cannot be had, so it denies */
	atomic_uint wanted;              /* bit per point */
};

struct policy {
	struct core *core;
	struct gantry_engine_ops ops; /* wrapped */
	pthread_mutex_t lock;         /* one looks at a time */
	atomic_llong looked_at;       /* when `wanted` was read; 0: never */
	atomic_uint wanted;           /* bit per point; all when a driver cannot be asked */
	atomic_uint wanted_first;     /* the same of the managed driver alone */
	struct policy_link links[POLICY_LINKS];
	atomic_int headers;           /* does one look at a request's headers? */
	atomic_int every_answer;      /* does one want to be asked at answers that are no JSON? */
	atomic_int usage;             /* does a hook look at engine.usage? */
	_Atomic uint64_t *stamp;      /* counts changes by any process; NULL: not mapped */
	_Atomic uint64_t seen;        /* *stamp when `wanted` was read */
	pthread_t ticker;
	int ticks;                    /* ticker runs */
	int stopping;                 /* under lock */
	pthread_cond_t stop;
};

extern const char *const policy_names[POLICY_AT_COUNT];

/* Fills policy->ops from the engine's. */
void gate_fill(struct policy *policy);

/* The gate that a core's operations pass. */
struct policy *gate_of(void *self);

/* 1: *ret is the driver; 0: no policy was ever set up here. */
int policy_driver(struct policy *policy, struct driver **ret, struct gantry_error *err);

/* chain.c: reads the points of policy.drivers; what they want is returned. */
unsigned chain_look(struct policy *policy);
/* Lets each of them decide that wants the point; *object and *answer may be rewritten. */
int chain_evaluate(struct policy *policy, enum policy_at at, struct json_object *request,
		   struct json_object **object, struct json_object **answer, struct gantry_error *err);

/* One driver decides. */
int policy_ask_driver(struct driver *driver, const char *point, struct json_object *request,
		      struct json_object **object, struct json_object **answer,
		      struct gantry_error *err);

/* look.c: reads again which points are wanted; all processes are told when policies
 * were changed. */
void policy_look(struct policy *policy);
int policy_is_stale(struct policy *policy);
void policy_unmap(struct policy *policy);

/* who.c: who asks, as {uid, gid, user, auth, ...}; a new reference. */
struct json_object *asking_now(void);

/* Sets who asks on this thread; NULL: this process's user.  Returns what was. */
struct json_object *set_asking(struct json_object *who);

/* May who asks manage policies?  DENIED if not. */
int asking_may_manage(struct gantry_error *err);

/* Asks with an answer, too (api.answer); as policy_ask otherwise. */
int ask_full(struct policy *policy, enum policy_at at, struct json_object *target,
	     struct json_object *object, struct json_object *answer,
	     struct json_object **ret_object, struct json_object **ret_answer,
	     struct gantry_error *err);

#endif
