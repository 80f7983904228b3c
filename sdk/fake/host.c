/* SPDX-License-Identifier: Apache-2.0 */
/* Log and events lie behind a lock; the store is files, so that a driver finds in
 * another process what it stored in one that was killed. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <gantry/engine.h>
#include <gantry/fake.h>

#include "fake/store.h"
#include "helpers/buf.h"
#include "helpers/error.h"
#include "helpers/io.h"

struct gantry_fake {
	struct gantry_host base;
	char *folder;
	char *state_dir;
	char *run_dir;
	int is_temporary;
	struct fake_store store;
	pthread_mutex_t lock; /* guards what follows */
	struct buf log;
	struct buf events;
};

static struct gantry_fake *fake_of(const struct gantry_host *host)
{
	return (struct gantry_fake *)((char *)(uintptr_t)host - offsetof(struct gantry_fake, base));
}

static void *must(void *p, const char *what)
{
	if (!p) {
		fprintf(stderr, "fake host: %s: %s\n", what, strerror(errno));
		abort();
	}
	return p;
}

static void log_write(const struct gantry_host *host, uint32_t level, const char *text)
{
	struct gantry_fake *f = fake_of(host);

	pthread_mutex_lock(&f->lock);
	buf_addf(&f->log, "%u %s\n", level, text);
	pthread_mutex_unlock(&f->lock);
}

static int events_publish(const struct gantry_host *host, const char *type, const char *action,
			  const char *id, const char *attributes, struct gantry_error *err)
{
	struct gantry_fake *f = fake_of(host);

	pthread_mutex_lock(&f->lock);
	buf_addf(&f->events, "%s %s %s %s\n", type, action, id, attributes ? attributes : "{}");
	pthread_mutex_unlock(&f->lock);
	return 0;
}

static int store_get(const struct gantry_host *host, const char *key, struct gantry_reply *reply,
		     struct gantry_error *err)
{
	return fake_store_get(&fake_of(host)->store, key, reply, err);
}

static int store_put(const struct gantry_host *host, const char *key, const char *value,
		     struct gantry_error *err)
{
	return fake_store_put(&fake_of(host)->store, key, value, 0, err);
}

static int store_put_new(const struct gantry_host *host, const char *key, const char *value,
			 struct gantry_error *err)
{
	return fake_store_put(&fake_of(host)->store, key, value, 1, err);
}

static int store_remove(const struct gantry_host *host, const char *key, struct gantry_error *err)
{
	return fake_store_remove(&fake_of(host)->store, key, err);
}

static int store_list(const struct gantry_host *host, const char *prefix, struct gantry_reply *reply,
		      struct gantry_error *err)
{
	return fake_store_list(&fake_of(host)->store, prefix, reply, err);
}

/* Every operation of the engine: there is none. */
static int no_engine(void *self, const void *args, struct gantry_reply *reply, struct gantry_error *err)
{
	return error_set(err, GANTRY_ERR_UNSUPPORTED, "a fake host has no engine");
}

static struct gantry_engine_ops engine_ops = { .struct_size = sizeof(engine_ops) };

static void fill_engine(void)
{
	gantry_op_fn fn = no_engine;

	for (size_t at = offsetof(struct gantry_engine_ops, version); at < sizeof(engine_ops); at += sizeof(fn)) {
		memcpy((char *)&engine_ops + at, &fn, sizeof(fn));
	}
}

static const struct gantry_engine_service *engine_service(void)
{
	static const struct gantry_engine_service service = { sizeof(service), 0, NULL, &engine_ops };
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fill_engine);
	return &service;
}

static const void *query(const struct gantry_host *host, const char *service, uint32_t min_version)
{
	static const struct gantry_log_service log_service = { sizeof(log_service), 0, log_write };
	static const struct gantry_events_service events_service = {
		sizeof(events_service), 0, events_publish,
	};
	static const struct gantry_store_service store_service = {
		sizeof(store_service), 0, store_get, store_put, store_put_new, store_remove, store_list,
	};

	if (min_version > GANTRY_ABI_VERSION) {
		return NULL;
	}
	return !strcmp(service, "log")	    ? (const void *)&log_service
	       : !strcmp(service, "events") ? (const void *)&events_service
	       : !strcmp(service, "store")  ? (const void *)&store_service
	       : !strcmp(service, "engine") ? (const void *)engine_service()
					    : NULL;
}

static char *folder_in(const char *parent, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", parent, name) < 0 || (mkdir(path, 0700) < 0 && errno != EEXIST)) {
		must(NULL, name);
	}
	return path;
}

static struct gantry_fake *new_on(char *folder, int is_temporary)
{
	struct gantry_fake *f = must(calloc(1, sizeof(*f)), "allocate");
	char *store = folder_in(folder, "store");

	f->folder = folder;
	f->is_temporary = is_temporary;
	f->state_dir = folder_in(folder, "state");
	f->run_dir = folder_in(folder, "run");
	pthread_mutex_init(&f->lock, NULL);
	if (fake_store_init(&f->store, store) < 0) {
		must(NULL, store);
	}
	free(store);
	f->base = (struct gantry_host){
		.size = sizeof(struct gantry_host),
		.abi = GANTRY_ABI_VERSION,
		.state_dir = f->state_dir,
		.run_dir = f->run_dir,
		.query = query,
	};
	return f;
}

struct gantry_fake *gantry_fake_new(void)
{
	const char *tmp = getenv("TMPDIR");
	char *folder = NULL;

	if (asprintf(&folder, "%s/gantry-test.XXXXXX", tmp ? tmp : "/tmp") < 0) {
		must(NULL, "allocate");
	}
	must(mkdtemp(folder), folder);
	return new_on(folder, 1);
}

struct gantry_fake *gantry_fake_new_in(const char *folder)
{
	return new_on(must(strdup(folder), "allocate"), 0);
}

void gantry_fake_free(struct gantry_fake *f)
{
	if (!f) {
		return;
	}
	fake_store_done(&f->store);
	buf_done(&f->log);
	buf_done(&f->events);
	if (f->is_temporary) {
		remove_tree(AT_FDCWD, f->folder);
	}
	free(f->state_dir);
	free(f->run_dir);
	free(f->folder);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

const struct gantry_host *gantry_fake_host(const struct gantry_fake *f)
{
	return &f->base;
}

const char *gantry_fake_folder(const struct gantry_fake *f)
{
	return f->folder;
}

const char *gantry_fake_log(const struct gantry_fake *f)
{
	return buf_str(&f->log);
}

const char *gantry_fake_events(const struct gantry_fake *f)
{
	return buf_str(&f->events);
}

int gantry_fake_open(struct gantry_fake *f, const struct gantry_plugin *plugin, const char *kind,
		     const char *name, const char *config, const void **ret_ops, void **ret_self,
		     struct gantry_error *err)
{
	for (size_t i = 0; plugin->drivers[i]; i++) {
		const struct gantry_driver *d = plugin->drivers[i];
		void *self = NULL;
		int r;

		if (strcmp(d->kind, kind) != 0 || strcmp(d->name, name) != 0) {
			continue;
		}
		r = d->check ? d->check(config, err) : 0;
		if (r == 0 && d->size >= sizeof(*d) && d->open_with) {
			r = d->open_with(d->context, &f->base, config, &self, err);
		} else if (r == 0 && d->open) {
			r = d->open(&f->base, config, &self, err);
		}
		if (r == 0) {
			*ret_ops = d->ops;
			*ret_self = self;
		}
		return r;
	}
	return error_set(err, GANTRY_ERR_NOT_FOUND, "plugin %s has no driver %s/%s", plugin->name, kind, name);
}
