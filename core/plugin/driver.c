/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/plugin/driver.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

static _Thread_local const struct driver *current;

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

struct driver *driver_free(struct driver *d)
{
	if (!d) {
		return NULL;
	}
	if (d->form) {
		d->form->close(d);
	}
	pthread_mutex_destroy(&d->lock);
	for (int i = 0; i < DRIVER_OBJECT_LOCKS; i++) {
		pthread_mutex_destroy(&d->object_locks[i]);
	}
	free(d->name);
	free(d->plugin);
	free(d);
	return NULL;
}

int driver_has(const struct driver *d, unsigned op)
{
	return d->form->has(d, op);
}

const struct driver *driver_current(void)
{
	return current;
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

int driver_call(struct driver *d, unsigned op_number, const void *args, struct reply *ret,
		struct gantry_error *err)
{
	const struct gantry_op *op = &d->iface->ops[op_number];
	const struct driver *outer = current;
	pthread_mutex_t *lock = lock_for(d, op, args);
	int64_t start = time_monotonic_ns();
	int r;

	reply_done(ret);
	ret->op = op;
	if (lock) {
		pthread_mutex_lock(lock);
	}
	current = d;
	r = d->form->invoke(d, op_number, args, &ret->base, err);
	current = outer;
	if (lock) {
		pthread_mutex_unlock(lock);
	}
	r = check_contract(d, op, r, ret, err);
	atomic_fetch_add_explicit(&d->stats.calls, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&d->stats.total_ns,
				  (unsigned long long)(time_monotonic_ns() - start),
				  memory_order_relaxed);
	if (r < 0) {
		atomic_fetch_add_explicit(&d->stats.errors, 1, memory_order_relaxed);
	}
	return r;
}
