/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/plugin/driver.h"
#include "core/plugin/page.h"
#include "core/plugin/trace.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

/* The drivers whose calls this thread is inside of, innermost first. */
struct frame {
	const struct driver *driver;
	const struct frame *outer;
};

static _Thread_local const struct frame *frames;
static _Thread_local int64_t budget_ns; /* monotonic; 0: none */

int driver_new(const struct gantry_interface *iface, const struct driver_form *form,
	       const char *name, const char *plugin, struct driver **ret, struct gantry_error *err)
{
	struct driver *d = calloc(1, sizeof(*d));

	if (!d) {
		return error_no_memory(err);
	}
	d->iface = iface;
	d->form = form;
	d->threads = GANTRY_THREADS_SERIAL;
	pthread_mutex_init(&d->lock, NULL);
	issued_init(&d->issued);
	for (int i = 0; i < DRIVER_OBJECT_LOCKS; i++) {
		pthread_mutex_init(&d->object_locks[i], NULL);
	}
	d->name = strdup(name);
	d->plugin = strdup(plugin);
	if (!d->name || !d->plugin) {
		d->form = NULL;
		driver_free(d);
		return error_no_memory(err);
	}
	*ret = d;
	return 0;
}

int driver_rename(struct driver *d, const char *name, struct gantry_error *err)
{
	char *copy = strdup(name);

	if (!copy) {
		return error_no_memory(err);
	}
	free(d->name);
	d->name = copy;
	return 0;
}

void driver_retire(struct driver *d)
{
	if (d->form->retire) {
		d->form->retire(d);
	}
}

struct driver *driver_free(struct driver *d)
{
	if (!d) {
		return NULL;
	}
	if (d->form) {
		d->form->close(d);
	}
	pthread_mutex_destroy(&d->lock);
	issued_done(&d->issued);
	for (int i = 0; i < DRIVER_OBJECT_LOCKS; i++) {
		pthread_mutex_destroy(&d->object_locks[i]);
	}
	free(d->name);
	free(d->plugin);
	page_unmap(d->page);
	free(d->run_dir);
	free(d);
	return NULL;
}

int driver_has(const struct driver *d, unsigned op)
{
	return d->form->has(d, op);
}

int driver_is_isolated(const struct driver *d)
{
	return !strcmp(d->form->name, "process");
}

const struct driver *driver_current(void)
{
	return frames ? frames->driver : NULL;
}

/* Holds the driver to its contract; a breach is reported as INTERNAL. */
static int check_contract(const struct driver *d, const struct gantry_op *op, int r,
			  const struct reply *ret, struct gantry_error *err)
{
	if (r < 0 && (err->code != r || !err->message[0])) {
		return error_set(err, GANTRY_ERR_INTERNAL,
				 "%s driver %s: %s returned %d but filled the error with %d (%s)",
				 d->iface->kind, d->name, op->name, r, err->code,
				 err->message[0] ? err->message : "no message");
	}
	if (r > 0) {
		return error_set(err, GANTRY_ERR_INTERNAL,
				 "%s driver %s: %s returned %d, which is neither 0 nor an error",
				 d->iface->kind, d->name, op->name, r);
	}
	for (uint32_t i = 0; r == 0 && i < op->n_results; i++) {
		const struct gantry_field *f = &op->results[i];

		if (!ret->values[i].type && f->type != GANTRY_TYPE_LIST &&
		    !(f->flags & GANTRY_FIELD_OPTIONAL)) {
			return error_set(err, GANTRY_ERR_INTERNAL,
					 "%s driver %s: %s succeeded without the result %s",
					 d->iface->kind, d->name, op->name, f->name);
		}
	}
	return r;
}

/* Handles must be this driver's own.  An operation named close ends the one it is given,
 * whatever it answers. */
static int check_handles(struct driver *d, const struct gantry_op *op, const void *args,
			 struct gantry_error *err)
{
	for (uint32_t i = 0; i < op->n_args; i++) {
		uint64_t number;
		int known;

		if (op->args[i].type != GANTRY_TYPE_HANDLE) {
			continue;
		}
		memcpy(&number, (const char *)args + op->args[i].offset, sizeof(number));
		known = strcmp(op->name, "close") ? issued_has(&d->issued, number)
						  : issued_remove(&d->issued, number);
		if (!known && !(op->args[i].flags & GANTRY_FIELD_OPTIONAL && number == 0)) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "%s driver %s: %s was given a %s that this driver has not opened, or has closed",
					 d->iface->kind, d->name, op->name, op->args[i].name);
		}
	}
	return 0;
}

static int keep_handles(struct driver *d, const struct gantry_op *op, const struct reply *ret,
			struct gantry_error *err)
{
	for (uint32_t i = 0; i < op->n_results; i++) {
		if (op->results[i].type == GANTRY_TYPE_HANDLE && ret->values[i].type &&
		    issued_add(&d->issued, (uint64_t)ret->values[i].number) < 0) {
			return error_no_memory(err);
		}
	}
	return 0;
}

/* The lock of the object that the first argument names: text, or a handle. */
static pthread_mutex_t *object_lock(struct driver *d, const struct gantry_op *op, const void *args)
{
	const char *at = (const char *)args + op->args[0].offset;
	uint64_t hash = 0xcbf29ce484222325;

	if (op->args[0].type == GANTRY_TYPE_STRING) {
		for (const char *p = *(const char *const *)at; p && *p; p++) {
			hash = (hash ^ (unsigned char)*p) * 0x100000001b3;
		}
	} else {
		hash = *(const uint64_t *)at;
	}
	return &d->object_locks[hash % DRIVER_OBJECT_LOCKS];
}

/* What the driver's declared thread model makes this call wait for, or NULL. */
static pthread_mutex_t *lock_for(struct driver *d, const struct gantry_op *op, const void *args)
{
	if (d->threads == GANTRY_THREADS_SERIAL) {
		return &d->lock;
	}
	if (d->threads != GANTRY_THREADS_PER_OBJECT || op->threads == GANTRY_OP_THREADS_ANY) {
		return NULL;
	}
	return op->threads == GANTRY_OP_THREADS_OBJECT ? object_lock(d, op, args) : &d->lock;
}

void driver_attach(struct driver *d, const char *run_dir)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	d->run_dir = strdup(run_dir);
	if (d->run_dir && page_map(run_dir, &d->page, &ignored) < 0) {
		d->page = NULL;
	}
}

int64_t driver_set_budget(int64_t until_ns)
{
	int64_t old = budget_ns;

	budget_ns = until_ns;
	return old;
}

int64_t driver_budget(void)
{
	return budget_ns;
}

/* For everybody who uses the driver; without a page nobody could ask. */
static void count(struct plugin_page *p, int result, int64_t took_ns)
{
	atomic_fetch_add_explicit(&p->calls, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&p->total_ns, (unsigned long long)took_ns, memory_order_relaxed);
	atomic_fetch_add_explicit(&p->latency[page_bucket((uint64_t)took_ns)], 1, memory_order_relaxed);
	if (result < 0) {
		atomic_fetch_add_explicit(&p->errors, 1, memory_order_relaxed);
		if (result == GANTRY_ERR_TIMEOUT) {
			atomic_fetch_add_explicit(&p->timeouts, 1, memory_order_relaxed);
		}
	}
}

/* A driver whose calls take turns would wait for itself. */
static int refuse_reentry(const struct driver *d, const struct gantry_op *op, struct gantry_error *err)
{
	for (const struct frame *f = frames; f; f = f->outer) {
		if (f->driver == d) {
			error_set(err, GANTRY_ERR_CONFLICT,
				  "%s driver %s: %s is called while the driver waits for the engine in another call",
				  d->iface->kind, d->name, op->name);
			return error_hint(err, "a driver that calls the engine back declares threads = parallel");
		}
	}
	return 0;
}

int driver_call(struct driver *d, unsigned op_number, const void *args, struct reply *ret,
		struct gantry_error *err)
{
	const struct gantry_op *op = &d->iface->ops[op_number];
	const struct frame frame = { d, frames };
	pthread_mutex_t *lock = lock_for(d, op, args);
	int64_t start = d->page ? time_monotonic_ns() : 0;
	int r;

	reply_done(ret);
	ret->op = op;
	if (lock && refuse_reentry(d, op, err) < 0) {
		return err->code;
	}
	if (lock) {
		pthread_mutex_lock(lock);
	}
	frames = &frame;
	r = check_handles(d, op, args, err);
	if (r == 0) {
		r = d->form->invoke(d, op_number, args, &ret->base, err);
	}
	frames = frame.outer;
	if (lock) {
		pthread_mutex_unlock(lock);
	}
	r = check_contract(d, op, r, ret, err);
	if (r == 0) {
		r = keep_handles(d, op, ret, err);
	}
	if (d->page) {
		int64_t took = time_monotonic_ns() - start;

		count(d->page, r, took);
		if (atomic_load_explicit(&d->page->traced, memory_order_relaxed)) {
			trace_call(d, op, args, ret, r, err, time_now_ns() - took, took);
		}
	}
	return r;
}
