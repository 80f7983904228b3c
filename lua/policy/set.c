/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain: which hooks run at a point, in which order, and what becomes of
 * their answers.  A set never changes, so any number of threads may evaluate at
 * once; hooks of one script wait for each other, within the request's budget.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

#include "lua/policy/internal.h"
#include "lua/policy/record.h"

#define BUDGET_DEFAULT INT64_C(1000000000)

struct policy_set {
	int refs;
	struct policy_config config;
	struct policy_script **scripts;
	size_t n_scripts;
	struct hook **hooks[POLICY_POINTS]; /* by point, in order */
	size_t n_hooks[POLICY_POINTS];
};

struct policy_set *policy_set_ref(struct policy_set *set)
{
	__atomic_add_fetch(&set->refs, 1, __ATOMIC_RELAXED);
	return set;
}

struct policy_set *policy_set_unref(struct policy_set *set)
{
	size_t i;

	if (!set || __atomic_sub_fetch(&set->refs, 1, __ATOMIC_ACQ_REL) > 0) {
		return NULL;
	}
	for (i = 0; i < POLICY_POINTS; i++) {
		free(set->hooks[i]);
	}
	for (i = 0; i < set->n_scripts; i++) {
		policy_script_unref(set->scripts[i]);
	}
	free(set->scripts);
	free(set);
	return NULL;
}

/* By priority, then script, then declaration. */
static int compare_hooks(const void *a, const void *b)
{
	const struct hook *x = *(struct hook *const *)a, *y = *(struct hook *const *)b;
	int order = (x->priority > y->priority) - (x->priority < y->priority);

	if (order == 0) {
		order = strcmp(x->script->name, y->script->name);
	}
	return order ? order : x->number - y->number;
}

/* Counts (when hooks is NULL) or collects the hooks of a point. */
static size_t collect(const struct policy_set *set, int point, struct hook **hooks)
{
	size_t i, k, n = 0;

	for (i = 0; i < set->n_scripts; i++) {
		for (k = 0; k < set->scripts[i]->n_hooks; k++) {
			struct hook *hook = &set->scripts[i]->hooks[k];

			if (hook->points & (1u << point)) {
				if (hooks) {
					hooks[n] = hook;
				}
				n++;
			}
		}
	}
	return n;
}

static int build_chains(struct policy_set *set, struct gantry_error *err)
{
	int point;

	for (point = 0; point < POLICY_POINTS; point++) {
		size_t n = collect(set, point, NULL);

		if (n == 0) {
			continue;
		}
		set->hooks[point] = calloc(n, sizeof(struct hook *));
		if (!set->hooks[point]) {
			return error_no_memory(err);
		}
		set->n_hooks[point] = collect(set, point, set->hooks[point]);
		qsort(set->hooks[point], n, sizeof(struct hook *), compare_hooks);
	}
	return 0;
}

int policy_set_new(const struct policy_config *config, struct policy_script *const *scripts,
		   size_t n, struct policy_set **ret, struct gantry_error *err)
{
	struct policy_set *set = calloc(1, sizeof(*set));
	size_t i;

	if (!set) {
		return error_no_memory(err);
	}
	set->refs = 1;
	set->config = *config;
	if (!set->config.limits.budget_ns) {
		set->config.limits.budget_ns = BUDGET_DEFAULT;
	}
	set->scripts = calloc(n + 1, sizeof(*set->scripts));
	if (!set->scripts) {
		policy_set_unref(set);
		return error_no_memory(err);
	}
	for (i = 0; i < n; i++) {
		set->scripts[set->n_scripts++] = policy_script_ref(scripts[i]);
	}
	if (build_chains(set, err) < 0) {
		policy_set_unref(set);
		return err->code;
	}
	*ret = set;
	return 0;
}

int policy_set_has(const struct policy_set *set, int point)
{
	return point >= 0 && point < POLICY_POINTS && set->n_hooks[point] > 0;
}

size_t policy_set_size(const struct policy_set *set)
{
	return set->n_scripts;
}

const struct policy_script *policy_set_script(const struct policy_set *set, size_t i)
{
	return set->scripts[i];
}

void policy_decision_done(struct policy_decision *decision)
{
	json_object_put(decision->object);
	json_object_put(decision->answer);
	json_object_put(decision->changes);
	json_object_put(decision->trace);
	*decision = (struct policy_decision)POLICY_DECISION_INIT;
}

/* ---- deciding ---- */

struct evaluation {
	struct policy_set *set;
	int point;
	json_object *request; /* what the next hook sees; owned */
	int64_t started;
	int64_t end;          /* of the request's budget */
	struct policy_decision *ret;
};

static void set_hook_name(struct policy_decision *ret, const struct hook *hook)
{
	snprintf(ret->hook, sizeof(ret->hook), "%s/%s", hook->script->name, hook->name);
}

static void deny(struct evaluation *ev, const struct hook *hook, const char *reason)
{
	ev->ret->denied = 1;
	set_hook_name(ev->ret, hook);
	snprintf(ev->ret->reason, sizeof(ev->ret->reason), "%s", reason);
}

/* Puts a changed member into a request of our own, which shares the others. */
static int put_member(struct evaluation *ev, const char *key, json_object *value,
		      struct gantry_error *err)
{
	json_object *copy = json_object_new_object();

	if (!copy) {
		return error_no_memory(err);
	}
	json_object_object_foreach(ev->request, name, member)
	{
		json_object_object_add(copy, name, json_object_get(member));
	}
	json_object_object_add(copy, key, json_object_get(value));
	json_object_put(ev->request);
	ev->request = copy;
	return 0;
}

static int validate(struct evaluation *ev, json_object *object, struct gantry_error *err)
{
	const struct policy_config *config = &ev->set->config;
	int r;

	if (!config->validate) {
		return 0;
	}
	r = config->validate(config->ctx, policy_points[ev->point].name, object, err);
	return r < 0 ? error_prefix(err, "the rewrite is not valid") : 0;
}

/* Applies a rewrite; on failure nothing has changed. */
static int apply(struct evaluation *ev, const struct hook *hook, json_object *patch,
		 struct gantry_error *err)
{
	unsigned flags = policy_points[ev->point].flags;
	int is_answer = (flags & POLICY_MAY_REWRITE_ANSWER) != 0;
	const char *key = is_answer ? "answer" : "object";
	json_object **slot = is_answer ? &ev->ret->answer : &ev->ret->object;
	json_object *value = NULL;
	auto_json json_object *changes = json_object_new_array();
	char name[128];
	size_t i;
	int r;

	if (!(flags & (POLICY_MAY_REWRITE | POLICY_MAY_REWRITE_ANSWER))) {
		return error_set(err, GANTRY_ERR_INVALID, "nothing can be rewritten at %s",
				 policy_points[ev->point].name);
	}
	if (!changes) {
		return error_no_memory(err);
	}
	snprintf(name, sizeof(name), "%s/%s", hook->script->name, hook->name);
	value = json_object_get(json_get(ev->request, key));
	r = merge_patch(&value, patch, policy_points[ev->point].name, key, name, changes, err);
	if (r == 0 && json_object_array_length(changes) > 0) {
		r = is_answer ? 0 : validate(ev, value, err);
		if (r == 0) {
			r = put_member(ev, key, value, err);
		}
		if (r == 0) {
			json_object_put(*slot);
			*slot = json_object_get(value);
			if (!ev->ret->changes) {
				ev->ret->changes = json_object_new_array();
			}
			for (i = 0; i < json_object_array_length(changes); i++) {
				json_object_array_add(ev->ret->changes, json_object_get(
						      json_object_array_get_idx(changes, i)));
			}
		}
	}
	json_object_put(value);
	return r;
}

/* Waits for the script's state, within the budget. */
static int lock_script(struct evaluation *ev, struct policy_script *script,
		       struct gantry_error *err)
{
	struct timespec until = { ev->end / 1000000000, ev->end % 1000000000 };
	int r = pthread_mutex_trylock(&script->lock);

	if (r == EBUSY) {
		r = pthread_mutex_clocklock(&script->lock, CLOCK_MONOTONIC, &until);
	}
	return r == 0 ? 0 :
	       error_set(err, GANTRY_ERR_TIMEOUT, "script %s is busy with other requests",
			 script->name);
}

static int run_locked(struct evaluation *ev, struct hook *hook, int64_t now, struct answer *answer,
		      struct gantry_error *err)
{
	int64_t left = ev->end - now;
	int r = script_revive(hook->script, left, err);

	if (r < 0) {
		return r;
	}
	return hook_run(hook, ev->request, hook->deadline_ns < left ? hook->deadline_ns : left,
			answer, err);
}

static int run_hook(struct evaluation *ev, struct hook *hook, struct answer *answer,
		    struct gantry_error *err)
{
	int64_t now = time_monotonic_ns();
	int r;

	memset(answer, 0, sizeof(*answer));
	if (now >= ev->end) {
		return error_set(err, GANTRY_ERR_TIMEOUT,
				 "the %lld ms that all hooks of a request have together are used up",
				 (long long)(ev->set->config.limits.budget_ns / 1000000));
	}
	r = lock_script(ev, hook->script, err);
	if (r < 0) {
		return r;
	}
	r = run_locked(ev, hook, now, answer, err);
	pthread_mutex_unlock(&hook->script->lock);
	if (r == 0 && answer->verdict == VERDICT_REWRITE) {
		r = apply(ev, hook, answer->patch, err);
		json_object_put(answer->patch);
		answer->patch = NULL;
	}
	if (r == 0 && answer->verdict == VERDICT_DENY &&
	    !(policy_points[ev->point].flags & POLICY_MAY_DENY)) {
		r = error_set(err, GANTRY_ERR_INVALID, "nothing can be denied at %s",
			      policy_points[ev->point].name);
	}
	return r;
}

/* What a failed hook means: closed denies, where something can be denied. */
static void failed(struct evaluation *ev, const struct hook *hook, const struct gantry_error *err)
{
	char reason[sizeof(ev->ret->reason)];

	if (hook->fail_open || !(policy_points[ev->point].flags & POLICY_MAY_DENY)) {
		return;
	}
	snprintf(reason, sizeof(reason), "policy hook %s/%s failed and fails closed: %.300s",
		 hook->script->name, hook->name, err->message);
	deny(ev, hook, reason);
}

static int step(struct evaluation *ev, struct hook *hook)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	int64_t before = time_monotonic_ns();
	struct answer answer;
	int r = run_hook(ev, hook, &answer, &err);

	ev->ret->hooks_run++;
	if (r < 0) {
		failed(ev, hook, &err);
	} else if (answer.verdict == VERDICT_DENY) {
		deny(ev, hook, answer.reason);
	}
	record_step(&ev->ret->trace, hook, r, r < 0 ? NULL : &answer, &err,
		    time_monotonic_ns() - before, ev->ret->denied);
	return ev->ret->denied;
}

static int begin(struct evaluation *ev, struct policy_set *set, int point, json_object *request,
		 struct policy_decision *ret)
{
	ev->set = set;
	ev->point = point;
	ev->request = json_object_get(request);
	ev->started = time_monotonic_ns();
	ev->end = ev->started + set->config.limits.budget_ns;
	ev->ret = ret;
	return 0;
}

int policy_evaluate(struct policy_set *set, int point, json_object *request,
		    struct policy_decision *ret, struct gantry_error *err)
{
	struct evaluation ev;
	size_t i;
	int r = 0;

	*ret = (struct policy_decision)POLICY_DECISION_INIT;
	if (point < 0 || point >= POLICY_POINTS) {
		return error_set(err, GANTRY_ERR_INTERNAL, "no such policy point");
	}
	if (set->n_hooks[point] == 0) {
		return 0;
	}
	begin(&ev, set, point, request, ret);
	for (i = 0; i < set->n_hooks[point]; i++) {
		struct hook *hook = set->hooks[point][i];

		if (filters_match(hook->filters, hook->n_filters, ev.request) && step(&ev, hook)) {
			break;
		}
	}
	ret->spent_ns = time_monotonic_ns() - ev.started;
	if (ret->hooks_run && set->config.audit) {
		r = record_decision(&set->config, point, request, ret, err);
	}
	json_object_put(ev.request);
	if (r < 0) {
		policy_decision_done(ret);
	}
	return r;
}
