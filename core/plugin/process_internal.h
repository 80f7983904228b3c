/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rooms of the process form share: its life (process.c) and its calls
 * (process_call.c).
 */
#ifndef CORE_PLUGIN_PROCESS_INTERNAL_H
#define CORE_PLUGIN_PROCESS_INTERNAL_H

#include "core/plugin/handles.h"
#include "core/plugin/incarnation.h"
#include "core/plugin/page.h"
#include "core/plugin/process.h"

#define SECOND INT64_C(1000000000)
#define BREAKER_FAILURES 5

struct process_driver {
	const struct gantry_interface *iface;
	struct process_spec spec; /* texts are owned */
	const char **permissions;
	const struct gantry_host *host;
	char *config;             /* NULL until it is opened */

	pthread_mutex_t lock;
	struct incarnation *current;
	struct plugin_page *page; /* or NULL */
	unsigned long long reloads; /* of the page, when current was started */
	uint64_t starts;
	int64_t failed_ns[BREAKER_FAILURES]; /* the last failures, newest first */
	int64_t not_before_ns;    /* no start until then */
	int breaker;              /* that is because of too many failures */
	atomic_int retired;       /* another driver has taken its place */
	struct gantry_error last_failure;

	uint64_t has;
	uint32_t threads;
	struct gantry_plugin descriptor;
	struct gantry_driver table;
	struct gantry_config_key *keys;
	struct handles handles;
};

/* The current incarnation, started when there is none, anew after a reload. */
int process_acquire(struct process_driver *p, int64_t deadline_ns, struct incarnation **ret,
		    struct gantry_error *err);
/* i is of no more use: says why and lets go of it. */
void process_give_up(struct process_driver *p, struct incarnation *i, struct gantry_error *err);
/* It neither answered nor heeded the cancellation: it is stopped, and the next call
 * meets a new one. */
void process_forsake(struct process_driver *p, struct incarnation *i);

/* Of a driver that is retired, after a call: its process ends when no call and no handle
 * is left in it. */
void process_let_go(struct process_driver *p);

/* The form's call. */
int process_invoke(struct driver *d, unsigned number, const void *args, struct gantry_reply *reply,
		   struct gantry_error *err);

#endif
