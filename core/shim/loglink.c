/* SPDX-License-Identifier: Apache-2.0 */
/* Used by the shim's only thread, so that a slow driver holds the container up and
 * loses nothing.  One that is gone is waited for once; after that, it loses records
 * until it takes one again, and holds nobody up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/plugin/native.h"
#include "core/plugin/page.h"
#include "core/plugin/process.h"
#include "core/shim/batch.h"
#include "core/shim/loglink.h"
#include "core/shim/shim.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define PERMISSIONS_MAX 32
#define PATIENCE_NS INT64_C(20000000000)

struct loglink {
	struct shim *shim;
	char prefix[16]; /* of its fields in the CREATE message */
	struct native_plugin *plugin;
	struct driver *driver;
	struct shim_host host;
	unsigned long long reloads; /* when it was opened */
	uint64_t handle;
	int is_open;
	uint64_t lost; /* records since the last one that was written */
	struct batch batch; /* of a driver in another process; else unused */
};

static const char *field(const struct loglink *l, const char *member)
{
	char key[40];

	snprintf(key, sizeof(key), "%s.%s", l->prefix, member);
	return shim_message_get(&l->shim->create, key);
}

/* In a process of its own. */
static int open_process(struct loglink *l, struct gantry_error *err)
{
	const char *permissions[PERMISSIONS_MAX + 1] = { NULL };
	struct process_spec spec = {
		.host_program = field(l, "host"),
		.kind = "log",
		.name = field(l, "driver"),
		.file = field(l, "path"),
		.exec = field(l, "exec") != NULL,
		.permissions = permissions,
		.state_dir = field(l, "state"),
		.run_dir = field(l, "run"),
		.folders = { field(l, "dir") },
	};
	const char *permission = NULL;
	struct process_driver *p;
	char key[40];
	int r;

	snprintf(key, sizeof(key), "%s.permission", l->prefix);
	for (int n = 0; n < PERMISSIONS_MAX; n++) {
		permission = permissions[n] = shim_message_next(&l->shim->create, key, permission);
		if (!permission) {
			break;
		}
	}
	r = process_driver_new(&spec, &l->host.public, &p, err);
	return r < 0 ? r : process_driver_open(p, field(l, "config"), &l->driver, err);
}

static int open_native(struct loglink *l, struct native_plugin **ret_plugin, struct driver **ret,
		       struct gantry_error *err)
{
	int r = native_plugin_load(field(l, "path"), ret_plugin, err);

	return r < 0 ? r
		     : native_driver_open(*ret_plugin, "log", field(l, "driver"), &l->host.public,
					  field(l, "config"), ret, err);
}

static int open_driver(struct loglink *l, struct gantry_error *err)
{
	const char *name = field(l, "driver");
	int r;

	if (!field(l, "path")) {
		return error_set(err, GANTRY_ERR_INVALID, "CREATE names no file for log driver %s", name);
	}
	shim_host_init(&l->host, l->shim, field(l, "state"), field(l, "run"), name);
	r = field(l, "host") ? open_process(l, err) : open_native(l, &l->plugin, &l->driver, err);
	if (r == 0 && field(l, "run")) {
		driver_attach(l->driver, field(l, "run"));
		l->reloads = l->driver->page ? atomic_load(&l->driver->page->reloads) : 0;
	}
	return r;
}

static int open_log(struct loglink *l, struct gantry_error *err)
{
	const struct shim_message *m = &l->shim->create;
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = log_open(l->driver,
			 &GANTRY_LOG_OPEN_ARGS(.container = shim_message_get(m, "id"),
					       .directory = field(l, "dir"),
					       .options = field(l, "options"),
					       .info = shim_message_get(m, "log.info")),
			 &ret, err);

	if (r == 0) {
		l->handle = (uint64_t)reply_integer(&ret, GANTRY_LOG_OPEN_RET_LOG, 0);
		l->is_open = 1;
	}
	return r;
}

static void close_log(struct loglink *l)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;

	if (l->is_open &&
	    log_close(l->driver, &GANTRY_LOG_CLOSE_ARGS(.log = l->handle), &ret, &err) < 0) {
		shim_note(l->shim, "cannot close the log: %s", err.message);
	}
	l->is_open = 0;
}

static void close_driver(struct loglink *l)
{
	driver_free(steal(&l->driver));
	native_plugin_unref(steal(&l->plugin));
}

int loglink_open(struct shim *shim, unsigned number, struct loglink **ret, struct gantry_error *err)
{
	struct loglink *l = calloc(1, sizeof(*l));
	int r;

	if (!l) {
		return error_no_memory(err);
	}
	l->shim = shim;
	l->batch.fd = -1;
	snprintf(l->prefix, sizeof(l->prefix), number ? "log%u" : "log", number);
	if (!field(l, "driver")) {
		free(l);
		*ret = NULL;
		return 0;
	}
	r = open_driver(l, err);
	if (r == 0) {
		r = open_log(l, err);
	}
	if (r == 0 && field(l, "host") && driver_has(l->driver, GANTRY_LOG_OP_APPEND)) {
		r = batch_init(&l->batch, err);
	}
	if (r < 0) {
		loglink_close(l);
		return error_prefix(err, "cannot open the log");
	}
	*ret = l;
	return 0;
}

struct loglink *loglink_close(struct loglink *l)
{
	if (l) {
		close_log(l);
		if (l->lost) {
			shim_note(l->shim, "%llu log records were lost", (unsigned long long)l->lost);
		}
		batch_done(&l->batch);
		close_driver(l);
		free(l);
	}
	return NULL;
}

/* Was it reloaded?  One out of process sees to that itself. */
static int is_outdated(const struct loglink *l)
{
	return !l->batch.memory && l->plugin && l->driver->page &&
	       atomic_load_explicit(&l->driver->page->reloads, memory_order_relaxed) != l->reloads;
}

/* Goes on with the next version, or with this one where that cannot be had. */
static void replace(struct loglink *l)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct native_plugin *old_plugin = l->plugin;
	struct driver *old_driver = l->driver;
	struct native_plugin *plugin = NULL;
	struct driver *driver = NULL;

	l->reloads = atomic_load(&l->driver->page->reloads);
	if (open_native(l, &plugin, &driver, &err) < 0) {
		shim_note(l->shim, "the log driver was not reloaded: %s", err.message);
		native_plugin_unref(plugin);
		return;
	}
	driver_attach(driver, field(l, "run"));
	close_log(l);
	l->plugin = plugin;
	l->driver = driver;
	if (open_log(l, &err) < 0) {
		shim_note(l->shim, "the log driver was not reloaded: %s", err.message);
		l->plugin = old_plugin;
		l->driver = old_driver;
		old_plugin = plugin;
		old_driver = driver;
		error_clear(&err);
		if (open_log(l, &err) < 0) {
			shim_note(l->shim, "cannot open the log again: %s", err.message);
		}
	}
	driver_free(old_driver);
	native_plugin_unref(old_plugin);
}

/* Tells of lost records once when it begins and once when it is over. */
static void note_lost(struct loglink *l, size_t lost, const struct gantry_error *err)
{
	if (lost) {
		if (!l->lost) {
			shim_note(l->shim, "cannot write to the log: %s", err->message);
		}
		l->lost += lost;
	} else if (l->lost) {
		shim_note(l->shim, "%llu log records were lost", (unsigned long long)l->lost);
		l->lost = 0;
	}
}

void loglink_lose(struct loglink *l)
{
	l->lost++;
}

void loglink_flush(struct loglink *l)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	size_t lost = 0;

	if (l->batch.used) {
		(void)batch_send(&l->batch, l->driver, l->handle, l->lost ? 0 : PATIENCE_NS, &lost,
				 &err);
		note_lost(l, lost, &err);
	}
	if (is_outdated(l)) {
		replace(l);
	}
}

void loglink_write(struct loglink *l, const struct log_record *r)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	int code;

	if (l->batch.memory) {
		if (!batch_add(&l->batch, r->stream, r->time_ns, r->partial, r->data, r->len)) {
			loglink_flush(l);
			(void)batch_add(&l->batch, r->stream, r->time_ns, r->partial, r->data, r->len);
		}
		return;
	}
	code = log_write(l->driver,
			 &GANTRY_LOG_WRITE_ARGS(.log = l->handle, .stream = r->stream,
						.time_ns = r->time_ns, .data = { r->data, r->len },
						.partial = r->partial, .more = r->more),
			 &ret, &err);
	note_lost(l, code < 0, &err);
}
