/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call of an isolated driver: its deadline, its handles in the words of the process
 * that gets it, and further attempts when that process dies.
 */
#include <stdlib.h>
#include <string.h>

#include "core/plugin/process_internal.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define GRACE_NS (1 * SECOND)
#define ATTEMPTS 4

static int64_t class_ns(uint32_t class)
{
	switch (class) {
	case GANTRY_DEADLINE_SHORT:
		return 5 * SECOND;
	case GANTRY_DEADLINE_LONG:
		return 60 * SECOND;
	case GANTRY_DEADLINE_TRANSFER:
		return 600 * SECOND;
	default:
		return 0;
	}
}

/* How long an operation may take. */
static int64_t time_ns(const struct process_driver *p, const struct gantry_op *op)
{
	int64_t class = class_ns(op->deadline);

	return class && p->spec.deadline_s ? p->spec.deadline_s * SECOND : class;
}

/* One call as it is tried on one incarnation after another. */
struct attempt {
	struct process_driver *p;
	unsigned number;
	const struct gantry_op *op;
	const void *args;
	struct reply *ret;
	struct gantry_error *err;
	int64_t deadline_ns;
	int sent;	/* the plugin may have seen it */
	int unanswered; /* it let the deadline and the cancellation pass */
};

static const struct gantry_field *handle_field(const struct gantry_field *fields, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (fields[i].type == GANTRY_TYPE_HANDLE) {
			return &fields[i];
		}
	}
	return NULL;
}

/* Sends one call to an incarnation and waits. */
static int converse(struct attempt *a, struct incarnation *i, const struct gantry_op *op,
		    const struct buf *args, struct wire_fds *fds, struct reply *ret)
{
	auto_(buf) struct buf line = BUF_INIT;
	struct peer_call call = {
		.op = op,
		.reply = &ret->base,
		.err = a->err,
		.deadline_ns = a->deadline_ns,
		.grace_ns = GRACE_NS,
		.limit_ns = INT64_MAX,
		.extend_ns = op->deadline == GANTRY_DEADLINE_SHORT ? 0 : time_ns(a->p, op),
	};

	int r;

	peer_begin(&i->peer, &call);
	buf_addf(&line, "{\"type\":\"call\",\"id\":%lld,\"op\":\"%s\"", (long long)call.id,
		 op->name);
	if (call.deadline_ns != INT64_MAX) {
		buf_addf(&line, ",\"deadline_ms\":%lld",
			 (long long)((call.deadline_ns - time_monotonic_ns()) / 1000000));
	}
	if (fds->n) {
		buf_addf(&line, ",\"fds\":%u", fds->n);
	}
	buf_adds(&line, ",\"args\":");
	buf_add(&line, buf_str(args), args->len);
	buf_addc(&line, '}');
	r = peer_finish(&i->peer, &call, &line, fds);
	a->unanswered = r == GANTRY_ERR_TIMEOUT && !call.done;
	return r;
}

/* Is this handle's process alive, though another is current? */
static int home_lives(const struct handle *h)
{
	return !peer_is_broken(&h->home->peer);
}

/* Ends a handle in a process that is being replaced. */
static void close_at_home(struct attempt *a, struct handle *h)
{
	auto_(reply) struct reply none = REPLY_INIT;
	auto_(buf) struct buf args = BUF_INIT;
	struct wire_fds fds = WIRE_FDS_INIT;

	for (uint32_t n = 0; n < a->p->iface->n_ops; n++) {
		const struct gantry_op *op = &a->p->iface->ops[n];

		if (!strcmp(op->name, "close") && handle_field(op->args, op->n_args)) {
			buf_addf(&args, "{\"%s\":%llu}", handle_field(op->args, op->n_args)->name,
				 (unsigned long long)h->theirs);
			none.op = op;
			(void)converse(a, h->home, op, &args, &fds, &none);
			error_clear(a->err);
		}
	}
}

/* Opens in i what was open in another process. */
static int move_handle(struct attempt *a, struct incarnation *i, struct handle *h)
{
	const struct gantry_op *op = &a->p->iface->ops[h->op];
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_(buf) struct buf args = BUF_INIT;
	struct wire_fds fds = WIRE_FDS_INIT;
	int r;

	if (home_lives(h)) {
		close_at_home(a, h);
	}
	buf_adds(&args, h->args);
	ret.op = op;
	r = converse(a, i, op, &args, &fds, &ret);
	if (r == 0) {
		h->theirs = (uint64_t)reply_integer(
			&ret, (uint32_t)(handle_field(op->results, op->n_results) - op->results),
			0);
		incarnation_unref(h->home);
		h->home = incarnation_ref(i);
	}
	return r;
}

/* The handle in the words of incarnation i: opened again if it was another's. */
static int translate_handle(struct attempt *a, struct incarnation *i, struct handle *h,
			    uint64_t *ret)
{
	int r = 0;

	pthread_mutex_lock(&h->lock);
	if (h->home != i && !h->args) {
		r = error_set(a->err, GANTRY_ERR_CONFLICT,
			      "what %s returned was lost when its process ended",
			      a->p->iface->ops[h->op].name);
		error_hint(a->err, "begin again");
	} else if (h->home != i) {
		r = move_handle(a, i, h);
	}
	*ret = h->theirs;
	pthread_mutex_unlock(&h->lock);
	return r;
}

/* A handle that cannot be opened again keeps its calls in its own process, as long as
 * that lives. */
static struct incarnation *home_of_args(struct attempt *a)
{
	const struct gantry_field *f = handle_field(a->op->args, a->op->n_args);
	struct incarnation *home = NULL;
	struct handle *h = f ? handles_get(&a->p->handles,
					   *(const uint64_t *)((const char *)a->args + f->offset))
			     : NULL;

	if (h) {
		pthread_mutex_lock(&h->lock);
		if (!h->args && home_lives(h)) {
			home = incarnation_ref(h->home);
		}
		pthread_mutex_unlock(&h->lock);
		handles_put(&a->p->handles, h);
	}
	return home;
}

/* Puts the incarnation's own handles into a copy of the arguments. */
static int translate_args(struct attempt *a, struct incarnation *i, void *copy)
{
	memcpy(copy, a->args, a->op->args_size);
	for (uint32_t f = 0; f < a->op->n_args; f++) {
		uint64_t *slot = (uint64_t *)((char *)copy + a->op->args[f].offset);
		struct handle *h;
		int r;

		if (a->op->args[f].type != GANTRY_TYPE_HANDLE) {
			continue;
		}
		h = handles_get(&a->p->handles, *slot);
		if (!h) {
			return error_set(a->err, GANTRY_ERR_INVALID,
					 "%s %llu is not open in this driver", a->op->args[f].name,
					 (unsigned long long)*slot);
		}
		r = translate_handle(a, i, h, slot);
		handles_put(&a->p->handles, h);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

/* A handle that was returned gets a number of ours; one that was closed ends. */
static int settle_handles(struct attempt *a, struct incarnation *i, const struct buf *args,
			  int had_fds)
{
	const struct gantry_field *f = handle_field(a->op->results, a->op->n_results);
	int again = (a->op->flags & GANTRY_OP_IDEMPOTENT) && !had_fds;
	struct reply_value *v;
	uint64_t number;

	if (f) {
		v = &a->ret->values[f - a->op->results];
		number = handles_add(&a->p->handles, (uint64_t)v->number, i, a->number,
				     again ? buf_str(args) : NULL);
		if (!number) {
			return error_no_memory(a->err);
		}
		v->number = (int64_t)number;
	}
	f = handle_field(a->op->args, a->op->n_args);
	if (f && !strcmp(a->op->name, "close")) {
		handles_remove(&a->p->handles,
			       *(const uint64_t *)((const char *)a->args + f->offset));
	}
	return 0;
}

static int try_on(struct attempt *a, struct incarnation *i)
{
	auto_free void *copy = malloc(a->op->args_size);
	auto_(buf) struct buf args = BUF_INIT;
	struct wire_fds fds = WIRE_FDS_INIT;
	unsigned n_fds;
	int r = copy ? translate_args(a, i, copy) : error_no_memory(a->err);

	if (r == 0) {
		r = wire_put_args(&args, &fds, a->op, copy, a->err);
	}
	if (r < 0) {
		wire_fds_sent(&fds);
		return r;
	}
	n_fds = fds.n;
	a->sent = 1;
	r = converse(a, i, a->op, &args, &fds, a->ret);
	return r < 0 ? r : settle_handles(a, i, &args, n_fds > 0);
}

/* May it be tried on another incarnation, as this one has died? */
static int may_retry(const struct attempt *a, int tried)
{
	return tried < ATTEMPTS && time_monotonic_ns() < a->deadline_ns &&
	       (!a->sent || (a->op->flags & GANTRY_OP_IDEMPOTENT));
}

static int attempt_call(struct attempt *a)
{
	int r = GANTRY_ERR_INTERNAL;

	for (int tried = 1;; tried++) {
		struct incarnation *i = NULL;
		int again = 0;

		error_clear(a->err);
		i = home_of_args(a);
		r = i ? 0 : process_acquire(a->p, a->deadline_ns, &i, a->err);
		if (r < 0) {
			return error_prefix(a->err, "%s", a->op->name);
		}
		r = try_on(a, i);
		if (r == GANTRY_ERR_UNAVAILABLE && peer_is_broken(&i->peer)) {
			process_give_up(a->p, i, a->err);
			again = may_retry(a, tried);
		} else if (r == GANTRY_ERR_TIMEOUT && a->unanswered) {
			process_forsake(a->p, i);
			error_hint(
				a->err,
				"its process was stopped and is started again when it is needed; "
				"`gantry plugin logs %s/%s` shows what it did",
				a->p->spec.kind, a->p->spec.name);
		}
		incarnation_unref(i);
		if (!again) {
			return r;
		}
	}
}

int process_invoke(struct driver *d, unsigned number, const void *args, struct gantry_reply *reply,
		   struct gantry_error *err)
{
	struct process_driver *p = d->form_data;
	const struct gantry_op *op = &d->iface->ops[number];
	int64_t class = time_ns(p, op);
	struct attempt a = {
		.p = p,
		.number = number,
		.op = op,
		.args = args,
		.err = err,
		.ret = (struct reply *)reply, /* the core's are no others */
		.deadline_ns = class ? time_monotonic_ns() + class : INT64_MAX,
	};
	int64_t budget =
		op->deadline == GANTRY_DEADLINE_SHORT || op->deadline == GANTRY_DEADLINE_LONG
			? driver_budget()
			: 0;
	int r;

	if (budget && budget < a.deadline_ns) {
		a.deadline_ns = budget;
	}
	if (budget && budget <= time_monotonic_ns()) {
		error_set(err, GANTRY_ERR_TIMEOUT,
			  "%s driver %s: %s is not tried, as the request's time for plugins is "
			  "used up",
			  d->iface->kind, d->name, op->name);
		return error_hint(err, "`gantry plugin stats` shows which plugins are slow; "
				       "plugin.budget_s is the limit");
	}
	if (!(p->has & UINT64_C(1) << number)) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "%s driver %s cannot %s",
				 d->iface->kind, d->name, op->name);
	}
	r = attempt_call(&a);
	if (p->retired) {
		process_let_go(p);
	}
	if (r == GANTRY_ERR_UNAVAILABLE || r == GANTRY_ERR_TIMEOUT || r == GANTRY_ERR_INTERNAL) {
		error_prefix(err, "%s driver %s", d->iface->kind, d->name);
	}
	return r;
}
