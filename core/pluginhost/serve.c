/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end of core/plugin/process.c: takes calls off the socket and makes them
 * on a native driver.  As many threads as the driver bears read in turn, and the one
 * that read a call executes it, so that no call is handed over.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gantry/log.h>

#include "core/plugin/native.h"
#include "core/plugin/peer.h"
#include "core/pluginhost/pluginhost.h"
#include "core/pluginhost/records.h"
#include "core/pluginhost/services.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"
#include "helpers/io.h"

#define MAX_THREADS 64
#define FIRST_ID 1
#define WATCH_NS 200000
#define WATCH_QUIET 5
#define PROGRESS_NS INT64_C(100000000)

struct job {
	struct job *next;
	struct message m;
	int cancelled;
};

/* A call that a thread executes. */
struct call {
	struct call *next;
	int64_t id;
	int64_t said_ns; /* when it last said that it goes on */
	atomic_int cancelled;
};

struct stub {
	const struct host_options *options;
	const struct gantry_interface *iface;
	struct peer peer;
	struct host_services services;
	struct native_plugin *plugin;
	const struct gantry_driver *table;
	struct driver *driver; /* NULL until open */

	pthread_mutex_t lock;
	unsigned threads;
	unsigned busy;	   /* in a call */
	unsigned long calls;
	int watched;	   /* the watcher is awake */
	pthread_cond_t wake;
	struct job *first; /* calls that wait for a serial driver */
	struct job **last;
	struct call *calls_made;
};

static struct stub stub; /* a process serves one driver */
static _Thread_local struct call *current;

/* ---- answers ---- */

static void send_line(struct peer *p, struct buf *line, struct wire_fds *fds)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	(void)peer_send(p, line, fds, INT64_MAX, &ignored);
}

static void answer_error(struct peer *p, int64_t id, const struct gantry_error *err)
{
	auto_(buf) struct buf line = BUF_INIT;

	buf_addf(&line, "{\"type\":\"error\",\"id\":%lld,", (long long)id);
	wire_put_error(&line, err);
	buf_addc(&line, '}');
	send_line(p, &line, NULL);
}

void refuse_greeting(const struct gantry_error *err)
{
	struct peer p;

	peer_init(&p, CHANNEL_FD, NULL, NULL);
	answer_error(&p, FIRST_ID, err);
}

static void answer_results(struct stub *s, int64_t id, const struct gantry_op *op,
			   const struct reply *reply)
{
	auto_(buf) struct buf line = BUF_INIT;
	auto_(buf) struct buf results = BUF_INIT;
	struct wire_fds fds = WIRE_FDS_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;

	if (wire_put_results(&results, &fds, op, reply, &err) < 0) {
		wire_fds_sent(&fds);
		answer_error(&s->peer, id, &err);
		return;
	}
	buf_addf(&line, "{\"type\":\"result\",\"id\":%lld", (long long)id);
	if (fds.n) {
		buf_addf(&line, ",\"fds\":%u", fds.n);
	}
	buf_addf(&line, ",\"results\":%s}", buf_str(&results));
	send_line(&s->peer, &line, &fds);
}

static void answer_nothing(struct stub *s, int64_t id)
{
	auto_(buf) struct buf line = BUF_INIT;

	buf_addf(&line, "{\"type\":\"result\",\"id\":%lld,\"results\":{}}", (long long)id);
	send_line(&s->peer, &line, NULL);
}

/* Log drivers without `append` get it from their host. */
static int adapts_append(const struct stub *s, const struct gantry_op *op)
{
	return s->iface == &interface_log && op == &interface_log.ops[GANTRY_LOG_OP_APPEND] &&
	       !native_table_has(s->table, op);
}

/* ---- the greeting ---- */

static void add_text(struct buf *out, const char *name, const char *text)
{
	size_t start = out->len;

	if (text) {
		buf_addf(out, ",\"%s\":", name);
		if (json_add_text(out, text, strlen(text)) < 0) {
			out->len = start;
		}
	}
}

static void add_keys(struct buf *out, const struct gantry_config_key *k)
{
	static const char *const types[] = {
		[GANTRY_TYPE_STRING] = "string",
		[GANTRY_TYPE_INTEGER] = "integer",
		[GANTRY_TYPE_BOOLEAN] = "boolean",
		[GANTRY_TYPE_LIST] = "list",
	};

	buf_adds(out, ",\"config\":[");
	for (const char *comma = ""; k && k->name; k++, comma = ",") {
		buf_addf(out, "%s{\"type\":\"%s\"", comma,
			 k->type < ARRAY_SIZE(types) && types[k->type] ? types[k->type] : "?");
		add_text(out, "name", k->name);
		add_text(out, "default", k->default_text);
		add_text(out, "doc", k->doc);
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
}

static void add_about(struct buf *out, const struct gantry_plugin *p, const struct gantry_driver *d)
{
	buf_addf(out, ",\"about\":{\"abi\":\"%u.%u\",\"needs\":\"%u.%u\"", p->abi >> 16,
		 p->abi & 0xffff, p->needs >> 16, p->needs & 0xffff);
	add_text(out, "licence", p->licence);
	add_text(out, "summary", d->summary);
	buf_addc(out, '}');
}

static void add_operations(struct buf *out, const struct stub *s)
{
	const char *comma = "";

	buf_adds(out, ",\"operations\":[");
	for (uint32_t i = 0; i < s->iface->n_ops; i++) {
		if (native_table_has(s->table, &s->iface->ops[i]) ||
		    adapts_append(s, &s->iface->ops[i])) {
			buf_addf(out, "%s\"%s\"", comma, s->iface->ops[i].name);
			comma = ",";
		}
	}
	buf_addc(out, ']');
}

static void greet(struct stub *s, int64_t id)
{
	const struct gantry_plugin *p = native_plugin_descriptor(s->plugin);
	auto_(buf) struct buf line = BUF_INIT;

	buf_addf(&line,
		 "{\"type\":\"result\",\"id\":%lld,\"results\":{\"protocol\":%d,\"threads\":\"%s\"",
		 (long long)id, WIRE_VERSION,
		 s->table->threads == GANTRY_THREADS_PARALLEL	  ? "parallel"
		 : s->table->threads == GANTRY_THREADS_PER_OBJECT ? "per-object"
								  : "serial");
	add_text(&line, "name", p->name);
	add_text(&line, "version", p->version);
	add_operations(&line, s);
	add_keys(&line, s->table->config);
	add_about(&line, p, s->table);
	buf_adds(&line, "}}");
	send_line(&s->peer, &line, NULL);
}

/* ---- calls ---- */

static char *config_of(const struct message *m)
{
	struct jsonspan config = jsonspan_get(jsonspan_get(m->body, "args"), "config");

	return config.len ? strndup(config.at, config.len) : strdup("{}");
}

static int open_driver(struct stub *s, const struct message *m, struct gantry_error *err)
{
	auto_free char *config = config_of(m);

	if (s->driver) {
		return error_set(err, GANTRY_ERR_CONFLICT, "it is open already");
	}
	return config ? native_driver_open(s->plugin, s->options->kind, s->options->driver,
					   &s->services.public, config, &s->driver, err)
		      : error_no_memory(err);
}

static int probe_driver(struct stub *s, const struct message *m, struct gantry_error *err)
{
	auto_free char *config = config_of(m);

	return s->table->probe ? s->table->probe(&s->services.public, config ? config : "{}", err)
			       : 0;
}

static int find_op(const struct stub *s, const struct message *m)
{
	struct jsonspan name = jsonspan_get(m->body, "op");

	for (uint32_t i = 0; i < s->iface->n_ops; i++) {
		if (jsonspan_kind(name) == '"' && jsonspan_key_is(name, s->iface->ops[i].name)) {
			return (int)i;
		}
	}
	return -1;
}

static void begin_call(struct stub *s, struct call *c)
{
	pthread_mutex_lock(&s->lock);
	c->next = s->calls_made;
	s->calls_made = c;
	pthread_mutex_unlock(&s->lock);
	current = c;
}

static void end_call(struct stub *s, struct call *c)
{
	struct call **at = &s->calls_made;

	current = NULL;
	pthread_mutex_lock(&s->lock);
	while (*at != c) {
		at = &(*at)->next;
	}
	*at = c->next;
	pthread_mutex_unlock(&s->lock);
}

/* The caller has given up on a call, which may not have begun. */
static void cancel_call(struct stub *s, int64_t id)
{
	pthread_mutex_lock(&s->lock);
	for (struct call *c = s->calls_made; c; c = c->next) {
		if (c->id == id) {
			atomic_store(&c->cancelled, 1);
		}
	}
	for (struct job *job = s->first; job; job = job->next) {
		job->cancelled |= job->m.id == id;
	}
	pthread_mutex_unlock(&s->lock);
}

int64_t serve_call_to_extend(void)
{
	int64_t now = time_monotonic_ns();

	if (!current || now - current->said_ns < PROGRESS_NS) {
		return 0;
	}
	current->said_ns = now;
	return current->id;
}

int serve_is_cancelled(void)
{
	if (!current) {
		return 0;
	}
	/* In a driver that is serial nobody else reads. */
	if (!atomic_load(&current->cancelled)) {
		peer_look(&stub.peer);
	}
	return atomic_load(&current->cancelled);
}

static void make_call(struct stub *s, struct message *m)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct call call = {.id = m->id};
	struct wire_args args;
	int number = find_op(s, m);
	const struct gantry_op *op = number < 0 ? NULL : &s->iface->ops[number];
	int r;

	if (!op || !s->driver) {
		error_set(&err, GANTRY_ERR_UNSUPPORTED,
			  op ? "it is not open" : "there is no such operation");
		answer_error(&s->peer, m->id, &err);
		return;
	}
	r = wire_get_args(jsonspan_get(m->body, "args"), &m->fds, op, &args, &err);
	if (r == 0) {
		begin_call(s, &call);
		r = adapts_append(s, op)
			    ? append_records(s->driver, args.args, &err)
			    : driver_call(s->driver, (unsigned)number, args.args, &reply, &err);
		end_call(s, &call);
		wire_args_done(&args, op);
	}
	if (r < 0) {
		answer_error(&s->peer, m->id, &err);
	} else {
		answer_results(s, m->id, op, &reply);
	}
}

static void execute(struct stub *s, struct message *m)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	int r;

	switch (m->type) {
	case MESSAGE_HELLO:
		greet(s, m->id);
		return;
	case MESSAGE_CALL:
		make_call(s, m);
		return;
	case MESSAGE_OPEN:
		r = open_driver(s, m, &err);
		break;
	default:
		r = probe_driver(s, m, &err);
	}
	if (r < 0) {
		answer_error(&s->peer, m->id, &err);
	} else {
		answer_nothing(s, m->id);
	}
}

/* ---- threads ---- */

static void *serve_thread(void *arg)
{
	struct stub *s = arg;
	struct gantry_error err = GANTRY_ERROR_INIT;

	while (peer_serve(&s->peer, &err) == 0) {
	}
	return NULL;
}

/* Is this thread inside a call?  It reads on while it waits for an answer of the host, but
 * what it holds (a driver's locks) must not meet another call. */
static _Thread_local int in_call;

/* Who reads a call executes it, and to wake another thread to read on would cost more than
 * most calls take.  So none is woken; while there are calls this thread looks every now and
 * then whether one of them keeps everybody from reading. */
static void *watch_thread(void *arg)
{
	static const struct timespec pause = {.tv_nsec = WATCH_NS};
	struct stub *s = arg;
	unsigned long seen = 0;
	int quiet = 0;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		int read;

		while (!s->watched) {
			pthread_cond_wait(&s->wake, &s->lock);
		}
		pthread_mutex_unlock(&s->lock);
		nanosleep(&pause, NULL);
		read = peer_nudge(&s->peer);
		pthread_mutex_lock(&s->lock);
		quiet = s->calls == seen && read ? quiet + 1 : 0;
		seen = s->calls;
		if (quiet == WATCH_QUIET) {
			s->watched = quiet = 0;
		}
	}
	return NULL;
}

static void start_thread(struct stub *s, void *(*run)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;

	if (s->driver && s->driver->threads != GANTRY_THREADS_SERIAL && s->threads < MAX_THREADS) {
		pthread_attr_init(&attr);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		if (!s->peer.nudged) {
			s->peer.nudged = pthread_create(&thread, &attr, watch_thread, s) == 0;
		}
		s->threads += pthread_create(&thread, &attr, run, s) == 0;
		pthread_attr_destroy(&attr);
	}
}

static struct job *next_job(struct stub *s)
{
	struct job *job;

	pthread_mutex_lock(&s->lock);
	job = s->first;
	if (job) {
		s->first = job->next;
		s->last = s->first ? s->last : &s->first;
	} else {
		s->busy--;
	}
	pthread_mutex_unlock(&s->lock);
	return job;
}

/* What was put aside, until there is nothing. */
static void run_jobs(struct stub *s)
{
	struct job *job;

	in_call = 1;
	while ((job = next_job(s))) {
		if (job->cancelled) {
			struct gantry_error err = GANTRY_ERROR_INIT;

			error_set(&err, GANTRY_ERR_CANCELLED, "it was cancelled before it began");
			answer_error(&s->peer, job->m.id, &err);
		} else {
			execute(s, &job->m);
		}
		message_done(&job->m);
		free(job);
	}
	in_call = 0;
}

static void *job_thread(void *arg)
{
	struct stub *s = arg;

	pthread_mutex_lock(&s->lock);
	s->busy++;
	pthread_mutex_unlock(&s->lock);
	run_jobs(s);
	return serve_thread(s);
}

/* A call that is read by a thread inside another waits for a thread that is not: a new one,
 * or, where the driver is serial, this one when it is done. */
static int put_aside(struct stub *s, struct message *m)
{
	struct job *job = in_call ? calloc(1, sizeof(*job)) : NULL;

	if (!job) {
		return 0;
	}
	job->m = *m;
	m->line = NULL;
	m->fds.n = 0;
	*s->last = job;
	s->last = &job->next;
	start_thread(s, job_thread);
	return 1;
}

static void handle(struct peer *p, struct message *m)
{
	struct stub *s = p->data;
	int waits;

	if (m->type == MESSAGE_CANCEL) {
		cancel_call(s, m->id);
		return;
	}
	if (m->type != MESSAGE_HELLO && m->type != MESSAGE_OPEN && m->type != MESSAGE_PROBE &&
	    m->type != MESSAGE_CALL) {
		return;
	}
	pthread_mutex_lock(&s->lock);
	waits = put_aside(s, m);
	s->calls++;
	if (s->peer.nudged && !s->watched) {
		s->watched = 1;
		pthread_cond_signal(&s->wake);
	}
	if (!waits) {
		s->busy++;
		/* One thread reads while others are in calls. */
		if (s->busy == s->threads) {
			start_thread(s, serve_thread);
		}
	}
	pthread_mutex_unlock(&s->lock);
	if (!waits) {
		in_call = 1;
		execute(s, m);
		run_jobs(s);
	}
}

static int load(struct stub *s, struct gantry_error *err)
{
	int r = native_plugin_load(s->options->file, &s->plugin, err);

	if (r < 0) {
		return r;
	}
	s->table = native_plugin_driver(s->plugin, s->options->kind, s->options->driver);
	return s->table && s->iface
		       ? 0
		       : error_set(err, GANTRY_ERR_INVALID,
				   "plugin %s has no %s driver %s, though its manifest says so",
				   s->options->file, s->options->kind, s->options->driver);
}

int serve(const struct host_options *options)
{
	struct stub *s = &stub;
	struct gantry_error err = GANTRY_ERROR_INIT;

	s->options = options;
	s->iface = interface_find(options->kind);
	s->last = &s->first;
	s->threads = 1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	if (load(s, &err) < 0) {
		refuse_greeting(&err);
		return 1;
	}
	peer_init(&s->peer, CHANNEL_FD, handle, s);
	services_init(&s->services, &s->peer, options->kind, options->state_dir, options->run_dir);
	serve_thread(s);
	if (s->driver && s->threads == 1) {
		driver_free(s->driver);
	}
	return 0;
}
