/* SPDX-License-Identifier: Apache-2.0 */
/* `lock` guards which incarnation is current; calls hold a reference to theirs, so
 * that one which is replaced ends when its last call has. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/plugin/process_internal.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"
#include "helpers/io.h"

#define START_NS (20 * SECOND)
#define BACKOFF_NS (SECOND / 10)
#define BACKOFF_MAX_NS (10 * SECOND)
#define BREAKER_WINDOW_NS (60 * SECOND)
#define BREAKER_NS (30 * SECOND)

/* ---- what it is ---- */

static char *text_of(struct jsonspan object, const char *name)
{
	auto_(buf) struct buf text = BUF_INIT;

	return jsonspan_text(jsonspan_get(object, name), &text) < 0 ? NULL : strdup(buf_str(&text));
}

static uint32_t type_of(const char *name)
{
	return !name || !strcmp(name, "string") ? GANTRY_TYPE_STRING
	       : !strcmp(name, "integer")	? GANTRY_TYPE_INTEGER
	       : !strcmp(name, "boolean")	? GANTRY_TYPE_BOOLEAN
	       : !strcmp(name, "list")		? GANTRY_TYPE_LIST
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
					 "each of its configuration keys needs a name, and a type "
					 "that is string, "
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
	struct jsonspan about = {NULL, 0};

	if (i->about && jsonspan_check(i->about, strlen(i->about), &about) < 0) {
		about = (struct jsonspan){NULL, 0};
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
static void note_failure(struct process_driver *p, enum ending ending,
			 const struct gantry_error *why)
{
	int64_t now = time_monotonic_ns();
	int64_t delay = BACKOFF_NS;

	p->last_failure = *why;
	if (p->page) {
		atomic_fetch_add(&p->page->crashes, 1);
		page_note_failure(p->page, why->message);
	}
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
	p->not_before_ns = now + (delay == BACKOFF_NS	   ? 0
				  : delay < BACKOFF_MAX_NS ? delay
							   : BACKOFF_MAX_NS);
	p->breaker = p->failed_ns[BREAKER_FAILURES - 1] &&
		     now - p->failed_ns[BREAKER_FAILURES - 1] < BREAKER_WINDOW_NS;
	if (p->breaker) {
		p->not_before_ns = now + BREAKER_NS;
	}
}

static int refuse(const struct process_driver *p, struct gantry_error *err)
{
	error_set(err, GANTRY_ERR_UNAVAILABLE,
		  "it failed %d times within a minute and is not started again for %lld seconds; "
		  "at last: %s",
		  BREAKER_FAILURES,
		  (long long)((p->not_before_ns - time_monotonic_ns()) / SECOND + 1),
		  p->last_failure.message);
	return error_hint(
		err,
		"`gantry plugin logs %s/%s` shows why; `gantry plugin reload` starts it at once",
		p->spec.kind, p->spec.name);
}

/* Waits until it may be started, at most until the deadline.  With the lock held. */
static int wait_for_start(struct process_driver *p, int64_t deadline_ns, struct gantry_error *err)
{
	int64_t wait = p->not_before_ns - time_monotonic_ns();
	struct timespec t = {wait / SECOND, wait % SECOND};

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

/* Drivers that may call the engine may do so at any time. */
static void listen(const struct process_driver *p, struct incarnation *i)
{
	if (!strcmp(p->iface->kind, "api") || !strcmp(p->iface->kind, "monitor")) {
		incarnation_listen(i);
	}
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
	if (p->page) {
		p->reloads = atomic_load(&p->page->reloads);
		atomic_fetch_add(&p->page->starts, 1);
	}
	r = incarnation_start(&p->spec, p->host, ++p->starts, p->config,
			      until < deadline_ns ? until : deadline_ns, &i, err);
	if (r < 0) {
		note_failure(p, ENDING_EXIT, err);
		return r;
	}
	if (p->config) {
		listen(p, i);
	}
	p->current = i;
	return 0;
}

/* Somebody asked for a reload: starts anew, with a clean record.  What runs goes on
 * until its last call and handle are done; it stays current where the new one does not
 * start.  With the lock held; returns what to let go of. */
static struct incarnation *replace_outdated(struct process_driver *p, int64_t deadline_ns)
{
	struct incarnation *old = steal(&p->current);
	struct gantry_error why = GANTRY_ERROR_INIT;

	memset(p->failed_ns, 0, sizeof(p->failed_ns));
	p->breaker = 0;
	p->not_before_ns = 0;
	p->reloads = atomic_load(&p->page->reloads);
	if (old && start(p, deadline_ns, &why) < 0) {
		const struct gantry_log_service *log = gantry_service(p->host, "log");

		if (log) {
			log->write(p->host, GANTRY_LOG_ERROR, why.message);
		}
		p->current = steal(&old);
	}
	return old;
}

int process_acquire(struct process_driver *p, int64_t deadline_ns, struct incarnation **ret,
		    struct gantry_error *err)
{
	struct incarnation *old = NULL;
	int r = 0;

	pthread_mutex_lock(&p->lock);
	if (p->page && !p->retired &&
	    atomic_load_explicit(&p->page->reloads, memory_order_relaxed) != p->reloads) {
		old = replace_outdated(p, deadline_ns);
	}
	if (!p->current) {
		r = start(p, deadline_ns, err);
	}
	if (r == 0) {
		*ret = incarnation_ref(p->current);
	}
	pthread_mutex_unlock(&p->lock);
	incarnation_unref(old);
	return r;
}

void process_give_up(struct process_driver *p, struct incarnation *i, struct gantry_error *err)
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

void process_forsake(struct process_driver *p, struct incarnation *i)
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

void process_let_go(struct process_driver *p)
{
	struct incarnation *old;

	pthread_mutex_lock(&p->lock);
	old = p->retired ? steal(&p->current) : NULL;
	pthread_mutex_unlock(&p->lock);
	incarnation_unref(old);
}

static void process_retire(struct driver *d)
{
	struct process_driver *p = d->form_data;

	pthread_mutex_lock(&p->lock);
	p->retired = 1;
	pthread_mutex_unlock(&p->lock);
	process_let_go(p);
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
	.retire = process_retire,
};

/* ---- a driver's life ---- */

static int copy_text(const char *text, const char **ret)
{
	*ret = strdup(text ? text : "");
	return *ret ? 0 : -1;
}

static int copy_spec(struct process_driver *p, const struct process_spec *spec,
		     struct gantry_error *err)
{
	size_t n = 0;

	p->spec.exec = spec->exec;
	if (copy_text(spec->host_program, &p->spec.host_program) < 0 ||
	    copy_text(spec->kind, &p->spec.kind) < 0 || copy_text(spec->name, &p->spec.name) < 0 ||
	    copy_text(spec->file, &p->spec.file) < 0 ||
	    copy_text(spec->state_dir, &p->spec.state_dir) < 0 ||
	    copy_text(spec->run_dir, &p->spec.run_dir) < 0) {
		return error_no_memory(err);
	}
	p->spec.memory_mib = spec->memory_mib;
	p->spec.pids = spec->pids;
	p->spec.deadline_s = spec->deadline_s;
	for (size_t i = 0; i < ARRAY_SIZE(spec->folders) && spec->folders[i]; i++) {
		if (copy_text(spec->folders[i], &p->spec.folders[i]) < 0) {
			return error_no_memory(err);
		}
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
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		(void)page_map(p->spec.run_dir, &p->page, &ignored);
		p->spec.page = p->page;
	}
	if (r == 0 && p->page) {
		p->reloads = atomic_load(&p->page->reloads);
		atomic_fetch_add(&p->page->starts, 1);
	}
	if (r == 0) {
		r = incarnation_start(&p->spec, host, ++p->starts, NULL,
				      time_monotonic_ns() + START_NS, &p->current, err);
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
	handles_done(&p->handles);
	incarnation_unref(p->current);
	page_unmap(p->page);
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
	for (size_t i = 0; i < ARRAY_SIZE(p->spec.folders); i++) {
		free((char *)p->spec.folders[i]);
	}
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
	int r = process_acquire(p, time_monotonic_ns() + START_NS, &i, err);

	if (r == 0) {
		r = incarnation_prepare(i, "probe", config, time_monotonic_ns() + START_NS, err);
		if (r == GANTRY_ERR_UNAVAILABLE && peer_is_broken(&i->peer)) {
			process_give_up(p, i, err);
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
	int r = process_acquire(p, time_monotonic_ns() + START_NS, &i, err);

	p->config = strdup(config && *config ? config : "{}");
	if (r == 0 && !p->config) {
		r = error_no_memory(err);
	}
	r = r < 0 ? r
		  : incarnation_prepare(i, "open", p->config, time_monotonic_ns() + START_NS, err);
	if (r == GANTRY_ERR_UNAVAILABLE && i->ending == ENDING_KILLED) {
		/* By somebody else; the next one is opened as it is started. */
		process_give_up(p, i, err);
		error_clear(err);
		i = incarnation_unref(i);
		r = process_acquire(p, time_monotonic_ns() + START_NS, &i, err);
	}
	if (r == 0) {
		listen(p, i);
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
