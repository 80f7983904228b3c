/* SPDX-License-Identifier: Apache-2.0 */
/* `lock` guards which incarnation is current; calls hold a reference to theirs, so
 * that one which is replaced ends when its last call has. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/plugin/handles.h"
#include "core/plugin/incarnation.h"
#include "core/plugin/process.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"
#include "helpers/io.h"

#define SECOND INT64_C(1000000000)
#define START_NS (5 * SECOND)
#define GRACE_NS (1 * SECOND)
#define BACKOFF_NS (SECOND / 10)
#define BACKOFF_MAX_NS (10 * SECOND)
#define BREAKER_FAILURES 5
#define BREAKER_WINDOW_NS (60 * SECOND)
#define BREAKER_NS (30 * SECOND)
#define ATTEMPTS 4

struct process_driver {
	const struct gantry_interface *iface;
	struct process_spec spec; /* texts are owned */
	const char **permissions;
	const struct gantry_host *host;
	char *config;             /* NULL until it is opened */

	pthread_mutex_t lock;
	struct incarnation *current;
	uint64_t starts;
	int64_t failed_ns[BREAKER_FAILURES]; /* the last failures, newest first */
	int64_t not_before_ns;    /* no start until then */
	int breaker;              /* that is because of too many failures */
	struct gantry_error last_failure;

	uint64_t has;
	uint32_t threads;
	struct gantry_plugin descriptor;
	struct gantry_driver table;
	struct gantry_config_key *keys;
	struct handles handles;
};

/* ---- what it is ---- */

static char *text_of(struct jsonspan object, const char *name)
{
	auto_(buf) struct buf text = BUF_INIT;

	return jsonspan_text(jsonspan_get(object, name), &text) < 0 ? NULL : strdup(buf_str(&text));
}

static uint32_t type_of(const char *name)
{
	return !name || !strcmp(name, "string") ? GANTRY_TYPE_STRING
	       : !strcmp(name, "integer")	  ? GANTRY_TYPE_INTEGER
	       : !strcmp(name, "boolean")	  ? GANTRY_TYPE_BOOLEAN
	       : !strcmp(name, "list")		  ? GANTRY_TYPE_LIST
						  : 0;
}

static int read_keys(struct process_driver *p, const char *text, struct gantry_error *err)
{
	struct jsonspan list, item;
	const char *at = NULL;
	size_t n = 0;

	if (!text || jsonspan_check(text, strlen(text), &list) < 0) {
		return 0;
	}
	while (jsonspan_item(list, &at, &item)) {
		n++;
	}
	p->keys = calloc(n + 1, sizeof(*p->keys));
	if (!p->keys) {
		return error_no_memory(err);
	}
	at = NULL;
	for (size_t i = 0; jsonspan_item(list, &at, &item); i++) {
		auto_free char *type = text_of(item, "type");

		p->keys[i].name = text_of(item, "name");
		p->keys[i].type = type_of(type);
		p->keys[i].default_text = text_of(item, "default");
		p->keys[i].doc = text_of(item, "doc");
		if (!p->keys[i].name || !p->keys[i].type) {
			return error_set(err, GANTRY_ERR_UNSUPPORTED,
					 "each of its configuration keys needs a name, and a type that is string, "
					 "integer, boolean or list");
		}
	}
	p->table.config = p->keys;
	return 0;
}

static uint32_t version_of(struct jsonspan about, const char *name)
{
	auto_free char *text = text_of(about, name);
	unsigned major, minor;

	return text && sscanf(text, "%u.%u", &major, &minor) == 2 ? GANTRY_VERSION(major, minor)
								   : GANTRY_ABI_VERSION;
}

/* Keeps what the first incarnation says; later ones may say otherwise only after a
 * reload. */
static int learn(struct process_driver *p, const struct incarnation *i, struct gantry_error *err)
{
	struct jsonspan about = { NULL, 0 };

	if (i->about && jsonspan_check(i->about, strlen(i->about), &about) < 0) {
		about = (struct jsonspan){ NULL, 0 };
	}
	p->has = i->has;
	p->threads = i->threads;
	p->descriptor = (struct gantry_plugin){
		.size = sizeof(p->descriptor),
		.abi = version_of(about, "abi"),
		.needs = version_of(about, "needs"),
		.name = strdup(i->plugin),
		.version = strdup(i->version),
		.licence = text_of(about, "licence"),
	};
	p->table = (struct gantry_driver){
		.size = sizeof(p->table),
		.threads = i->threads,
		.kind = p->iface->kind,
		.name = p->spec.name,
		.summary = text_of(about, "summary"),
	};
	return p->descriptor.name && p->descriptor.version ? read_keys(p, i->config_keys, err)
							    : error_no_memory(err);
}

const struct gantry_driver *process_driver_table(const struct process_driver *p)
{
	return &p->table;
}

const struct gantry_plugin *process_driver_descriptor(const struct process_driver *p)
{
	return &p->descriptor;
}

/* ---- starting and failing ---- */

/* Remembers a failure and decides when to try again.  With the lock held. */
static void note_failure(struct process_driver *p, enum ending ending, const struct gantry_error *why)
{
	int64_t now = time_monotonic_ns();
	int64_t delay = BACKOFF_NS;

	p->last_failure = *why;
	if (ending == ENDING_KILLED) {
		return; /* not its fault */
	}
	memmove(p->failed_ns + 1, p->failed_ns, sizeof(p->failed_ns) - sizeof(p->failed_ns[0]));
	p->failed_ns[0] = now;
	for (int n = 1; n < BREAKER_FAILURES; n++) {
		if (p->failed_ns[n] && now - p->failed_ns[n] < BREAKER_WINDOW_NS) {
			delay *= 2;
		}
	}
	/* The first restart is at once. */
	p->not_before_ns = now + (delay == BACKOFF_NS ? 0 : delay < BACKOFF_MAX_NS ? delay : BACKOFF_MAX_NS);
	p->breaker = p->failed_ns[BREAKER_FAILURES - 1] &&
		     now - p->failed_ns[BREAKER_FAILURES - 1] < BREAKER_WINDOW_NS;
	if (p->breaker) {
		p->not_before_ns = now + BREAKER_NS;
	}
}

static int refuse(const struct process_driver *p, struct gantry_error *err)
{
	error_set(err, GANTRY_ERR_UNAVAILABLE,
		  "it failed %d times within a minute and is not started again for %lld seconds; at last: %s",
		  BREAKER_FAILURES, (long long)((p->not_before_ns - time_monotonic_ns()) / SECOND + 1),
		  p->last_failure.message);
	return error_hint(err, "`gantry plugin logs %s/%s` shows why; `gantry plugin reload` starts it at once",
			  p->spec.kind, p->spec.name);
}

/* Waits until it may be started, at most until the deadline.  With the lock held. */
static int wait_for_start(struct process_driver *p, int64_t deadline_ns, struct gantry_error *err)
{
	int64_t wait = p->not_before_ns - time_monotonic_ns();
	struct timespec t = { wait / SECOND, wait % SECOND };

	if (wait <= 0) {
		return 0;
	}
	if (p->breaker || p->not_before_ns >= deadline_ns) {
		return p->breaker ? refuse(p, err) : (*err = p->last_failure, err->code);
	}
	pthread_mutex_unlock(&p->lock);
	while (nanosleep(&t, &t) < 0 && errno == EINTR) {
	}
	pthread_mutex_lock(&p->lock);
	return 0;
}

/* Starts the next incarnation and makes it current.  With the lock held. */
static int start(struct process_driver *p, int64_t deadline_ns, struct gantry_error *err)
{
	int64_t until = time_monotonic_ns() + START_NS;
	struct incarnation *i;
	int r = wait_for_start(p, deadline_ns, err);

	if (r < 0) {
		return r;
	}
	if (p->current) { /* somebody else was faster */
		return 0;
	}
	r = incarnation_start(&p->spec, p->host, ++p->starts, until < deadline_ns ? until : deadline_ns, &i, err);
	if (r == 0 && p->config) {
		r = incarnation_prepare(i, "open", p->config, until < deadline_ns ? until : deadline_ns, err);
		if (r < 0) {
			incarnation_kill(i);
			incarnation_unref(i);
		}
	}
	if (r < 0) {
		note_failure(p, ENDING_EXIT, err);
		return r;
	}
	p->current = i;
	return 0;
}

/* The current incarnation, started when there is none. */
static int acquire(struct process_driver *p, int64_t deadline_ns, struct incarnation **ret,
		   struct gantry_error *err)
{
	int r = 0;

	pthread_mutex_lock(&p->lock);
	if (!p->current) {
		r = start(p, deadline_ns, err);
	}
	if (r == 0) {
		*ret = incarnation_ref(p->current);
	}
	pthread_mutex_unlock(&p->lock);
	return r;
}

/* i is of no more use: says why and lets go of it. */
static void give_up(struct process_driver *p, struct incarnation *i, struct gantry_error *err)
{
	struct incarnation *old = NULL;
	enum ending ending;

	pthread_mutex_lock(&p->lock);
	ending = incarnation_explain(i, err);
	if (p->current == i) {
		old = steal(&p->current);
		note_failure(p, ending, err);
	}
	pthread_mutex_unlock(&p->lock);
	incarnation_unref(old);
}

/* It neither answered nor heeded the cancellation: it is stopped, and the next call
 * meets a new one. */
static void forsake(struct process_driver *p, struct incarnation *i)
{
	struct incarnation *old = NULL;
	struct gantry_error why = GANTRY_ERROR_INIT;

	error_set(&why, GANTRY_ERR_UNAVAILABLE, "its process did not answer and was stopped");
	incarnation_kill(i);
	peer_break(&i->peer, &why);
	pthread_mutex_lock(&p->lock);
	if (p->current == i) {
		old = steal(&p->current);
		note_failure(p, ENDING_BREACH, &why);
	}
	pthread_mutex_unlock(&p->lock);
	incarnation_unref(old);
}

/* ---- calls ---- */

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

/* One call as it is tried on one incarnation after another. */
struct attempt {
	struct process_driver *p;
	unsigned number;
	const struct gantry_op *op;
	const void *args;
	struct reply *ret;
	struct gantry_error *err;
	int64_t deadline_ns;
	int sent;       /* the plugin may have seen it */
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
		.op = op, .reply = &ret->base, .err = a->err, .deadline_ns = a->deadline_ns,
		.grace_ns = GRACE_NS, .limit_ns = INT64_MAX,
		.extend_ns = op->deadline == GANTRY_DEADLINE_SHORT ? 0 : class_ns(op->deadline),
	};

	int r;

	peer_begin(&i->peer, &call);
	buf_addf(&line, "{\"type\":\"call\",\"id\":%lld,\"op\":\"%s\"", (long long)call.id, op->name);
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

/* The handle in the words of incarnation i: opened again if it was another's. */
static int translate_handle(struct attempt *a, struct incarnation *i, struct handle *h)
{
	const struct gantry_op *op = &a->p->iface->ops[h->op];
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_(buf) struct buf args = BUF_INIT;
	struct wire_fds fds = WIRE_FDS_INIT;
	int r = 0;

	pthread_mutex_lock(&h->lock);
	if (h->incarnation != i->number && !h->args) {
		r = error_set(a->err, GANTRY_ERR_CONFLICT,
			      "what %s returned was lost when its process ended", op->name);
		error_hint(a->err, "begin again");
	} else if (h->incarnation != i->number) {
		buf_adds(&args, h->args);
		ret.op = op;
		r = converse(a, i, op, &args, &fds, &ret);
		if (r == 0) {
			h->theirs = (uint64_t)reply_integer(
				&ret, (uint32_t)(handle_field(op->results, op->n_results) - op->results), 0);
			h->incarnation = i->number;
		}
	}
	pthread_mutex_unlock(&h->lock);
	return r;
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
			return error_set(a->err, GANTRY_ERR_INVALID, "%s %llu is not open in this driver",
					 a->op->args[f].name, (unsigned long long)*slot);
		}
		r = translate_handle(a, i, h);
		*slot = h->theirs;
		handles_put(&a->p->handles, h);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

/* A handle that was returned gets a number of ours; one that was closed ends. */
static int settle_handles(struct attempt *a, struct incarnation *i, const struct buf *args, int had_fds)
{
	const struct gantry_field *f = handle_field(a->op->results, a->op->n_results);
	int again = (a->op->flags & GANTRY_OP_IDEMPOTENT) && !had_fds;
	struct reply_value *v;
	uint64_t number;

	if (f) {
		v = &a->ret->values[f - a->op->results];
		number = handles_add(&a->p->handles, (uint64_t)v->number, i->number, a->number,
				     again ? buf_str(args) : NULL);
		if (!number) {
			return error_no_memory(a->err);
		}
		v->number = (int64_t)number;
	}
	f = handle_field(a->op->args, a->op->n_args);
	if (f && !strcmp(a->op->name, "close")) {
		handles_remove(&a->p->handles, *(const uint64_t *)((const char *)a->args + f->offset));
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
		r = acquire(a->p, a->deadline_ns, &i, a->err);
		if (r < 0) {
			return error_prefix(a->err, "%s", a->op->name);
		}
		r = try_on(a, i);
		if (r == GANTRY_ERR_UNAVAILABLE && peer_is_broken(&i->peer)) {
			give_up(a->p, i, a->err);
			again = may_retry(a, tried);
		} else if (r == GANTRY_ERR_TIMEOUT && a->unanswered) {
			forsake(a->p, i);
			error_hint(a->err, "its process was stopped and is started again when it is needed; "
					   "`gantry plugin logs %s/%s` shows what it did",
				   a->p->spec.kind, a->p->spec.name);
		}
		incarnation_unref(i);
		if (!again) {
			return r;
		}
	}
}

static int process_invoke(struct driver *d, unsigned number, const void *args, struct gantry_reply *reply,
			  struct gantry_error *err)
{
	struct process_driver *p = d->form_data;
	const struct gantry_op *op = &d->iface->ops[number];
	int64_t class = class_ns(op->deadline);
	struct attempt a = {
		.p = p, .number = number, .op = op, .args = args, .err = err,
		.ret = (struct reply *)reply, /* the core's are no others */
		.deadline_ns = class ? time_monotonic_ns() + class : INT64_MAX,
	};
	int r;

	if (!(p->has & UINT64_C(1) << number)) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "%s driver %s cannot %s", d->iface->kind, d->name,
				 op->name);
	}
	r = attempt_call(&a);
	if (r == GANTRY_ERR_UNAVAILABLE || r == GANTRY_ERR_TIMEOUT || r == GANTRY_ERR_INTERNAL) {
		error_prefix(err, "%s driver %s", d->iface->kind, d->name);
	}
	return r;
}

static int process_has(const struct driver *d, unsigned op)
{
	const struct process_driver *p = d->form_data;

	return (p->has & UINT64_C(1) << op) != 0;
}

static void process_close(struct driver *d)
{
	process_driver_free(d->form_data);
}

static const struct driver_form process_form = {
	.name = "process",
	.invoke = process_invoke,
	.has = process_has,
	.close = process_close,
};

/* ---- a driver's life ---- */

static int copy_text(const char *text, const char **ret)
{
	*ret = strdup(text ? text : "");
	return *ret ? 0 : -1;
}

static int copy_spec(struct process_driver *p, const struct process_spec *spec, struct gantry_error *err)
{
	size_t n = 0;

	p->spec.exec = spec->exec;
	if (copy_text(spec->host_program, &p->spec.host_program) < 0 || copy_text(spec->kind, &p->spec.kind) < 0 ||
	    copy_text(spec->name, &p->spec.name) < 0 || copy_text(spec->file, &p->spec.file) < 0 ||
	    copy_text(spec->state_dir, &p->spec.state_dir) < 0 || copy_text(spec->run_dir, &p->spec.run_dir) < 0) {
		return error_no_memory(err);
	}
	while (spec->permissions && spec->permissions[n]) {
		n++;
	}
	p->permissions = calloc(n + 1, sizeof(*p->permissions));
	for (size_t i = 0; p->permissions && i < n; i++) {
		if (copy_text(spec->permissions[i], &p->permissions[i]) < 0) {
			return error_no_memory(err);
		}
	}
	p->spec.permissions = p->permissions;
	return p->permissions ? 0 : error_no_memory(err);
}

int process_driver_new(const struct process_spec *spec, const struct gantry_host *host,
		       struct process_driver **ret, struct gantry_error *err)
{
	struct process_driver *p = calloc(1, sizeof(*p));
	int r;

	if (!p) {
		return error_no_memory(err);
	}
	pthread_mutex_init(&p->lock, NULL);
	handles_init(&p->handles);
	p->iface = interface_find(spec->kind);
	p->host = host;
	p->last_failure = (struct gantry_error)GANTRY_ERROR_INIT;
	r = copy_spec(p, spec, err);
	if (r == 0) {
		r = incarnation_start(&p->spec, host, ++p->starts, time_monotonic_ns() + START_NS, &p->current, err);
		r = r < 0 ? r : learn(p, p->current, err);
	}
	if (r < 0) {
		error_prefix(err, "cannot start plugin %s", spec->file);
		process_driver_free(p);
		return err->code;
	}
	*ret = p;
	return 0;
}

struct process_driver *process_driver_free(struct process_driver *p)
{
	if (!p) {
		return NULL;
	}
	incarnation_unref(p->current);
	handles_done(&p->handles);
	pthread_mutex_destroy(&p->lock);
	for (const struct gantry_config_key *k = p->keys; k && k->name; k++) {
		free((char *)k->name);
		free((char *)k->default_text);
		free((char *)k->doc);
	}
	free(p->keys);
	for (const char **text = p->permissions; text && *text; text++) {
		free((char *)*text);
	}
	free(p->permissions);
	free((char *)p->spec.host_program);
	free((char *)p->spec.kind);
	free((char *)p->spec.name);
	free((char *)p->spec.file);
	free((char *)p->spec.state_dir);
	free((char *)p->spec.run_dir);
	free((char *)p->descriptor.name);
	free((char *)p->descriptor.version);
	free((char *)p->descriptor.licence);
	free((char *)p->table.summary);
	free(p->config);
	free(p);
	return NULL;
}

int process_driver_probe(struct process_driver *p, const char *config, struct gantry_error *err)
{
	struct incarnation *i;
	int r = acquire(p, time_monotonic_ns() + START_NS, &i, err);

	if (r == 0) {
		r = incarnation_prepare(i, "probe", config, time_monotonic_ns() + START_NS, err);
		if (r == GANTRY_ERR_UNAVAILABLE && peer_is_broken(&i->peer)) {
			give_up(p, i, err);
		}
		incarnation_unref(i);
	}
	return r < 0 ? error_prefix(err, "%s driver %s", p->spec.kind, p->spec.name) : 0;
}

int process_driver_open(struct process_driver *p, const char *config, struct driver **ret,
			struct gantry_error *err)
{
	struct incarnation *i = NULL;
	struct driver *d;
	int r = acquire(p, time_monotonic_ns() + START_NS, &i, err);

	p->config = strdup(config && *config ? config : "{}");
	if (r == 0 && !p->config) {
		r = error_no_memory(err);
	}
	r = r < 0 ? r : incarnation_prepare(i, "open", p->config, time_monotonic_ns() + START_NS, err);
	if (r == 0) {
		r = driver_new(p->iface, &process_form, p->spec.name, p->descriptor.name, &d, err);
	}
	incarnation_unref(i);
	if (r < 0) {
		error_prefix(err, "%s driver %s", p->spec.kind, p->spec.name);
		process_driver_free(p);
		return err->code;
	}
	d->threads = p->threads;
	d->form_data = p;
	*ret = d;
	return 0;
}
