/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver as the rest of the core sees it: complete, whatever form and
 * isolation fill it.  All calls go through driver_call(), which attributes,
 * checks, counts and times them; typed wrappers are in <gantry/calls.h>.
 */
#ifndef CORE_PLUGIN_DRIVER_H
#define CORE_PLUGIN_DRIVER_H

#include <pthread.h>
#include <stdatomic.h>

#include <gantry/interface.h>
#include <gantry/plugin.h>

#include "core/plugin/issued.h"
#include "helpers/reply.h"

struct driver;

/* What a form of driver (native, lua, process) fills in. */
struct driver_form {
	const char *name; /* "native", "lua", "process" */
	/* Calls one operation; a driver that lacks it answers UNSUPPORTED. */
	int (*invoke)(struct driver *d, unsigned op, const void *args, struct gantry_reply *reply,
		      struct gantry_error *err);
	/* Has it this operation? */
	int (*has)(const struct driver *d, unsigned op);
	/* Closes the instance and frees form_data. */
	void (*close)(struct driver *d);
	/* Another has taken its place; what need not be kept for calls that are under way may
	 * go.  Optional. */
	void (*retire)(struct driver *d);
};

/* Objects that a driver's calls are about share these locks by their hash. */
#define DRIVER_OBJECT_LOCKS 16

struct driver {
	const struct gantry_interface *iface;
	const struct driver_form *form;
	char *name;      /* "overlay" */
	char *plugin;    /* the package it came from */
	void *form_data; /* the form's own */
	uint32_t threads;      /* GANTRY_THREADS_* */
	pthread_mutex_t lock;  /* held around calls of serial drivers */
	pthread_mutex_t object_locks[DRIVER_OBJECT_LOCKS]; /* GANTRY_THREADS_PER_OBJECT */
	struct issued issued;  /* handles that it has given */
	struct plugin_page *page; /* shared with other processes; NULL until attached */
	char *run_dir;
};

/* A driver without form_data; the form fills it. */
int driver_new(const struct gantry_interface *iface, const struct driver_form *form,
	       const char *name, const char *plugin, struct driver **ret,
	       struct gantry_error *err);

/* A driver that an adaptor opened goes by the name of what it serves. */
int driver_rename(struct driver *d, const char *name, struct gantry_error *err);

/* No new calls will come, though some may be under way. */
void driver_retire(struct driver *d);

/* Closes the instance.  NULL is fine; returns NULL. */
struct driver *driver_free(struct driver *d);

/* Calls an operation by number.  args is the operation's args struct; ret is an
 * initialised reply, emptied first.  Returns 0 or the code in err.  A driver
 * that breaks the contract (an error without message, a missing result) yields
 * INTERNAL that names it. */
int driver_call(struct driver *d, unsigned op, const void *args, struct reply *ret,
		struct gantry_error *err);

/* From now on its calls are counted, and can be traced, where all processes that use
 * the driver do it: in its run folder.  Without that folder nothing changes. */
void driver_attach(struct driver *d, const char *run_dir);

/* Limits the time that this thread's request may spend in drivers out of process, all
 * together, but for transfers and what waits; 0 for no limit.  Returns the old end. */
int64_t driver_set_budget(int64_t until_ns);
int64_t driver_budget(void);

int driver_has(const struct driver *d, unsigned op);

/* Does it run in a process of its own, confined? */
int driver_is_isolated(const struct driver *d);

/* The driver whose call this thread is inside of, or NULL. */
const struct driver *driver_current(void);

#endif
