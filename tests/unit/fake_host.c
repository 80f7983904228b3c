/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fake_host.h"
#include "helpers/buf.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define MAX_OPEN 8

struct pair {
	char *key;
	char *value;
};

struct opened {
	const struct gantry_driver *driver;
	void *self;
};

struct fake_host {
	struct gantry_host base;
	char *dir;
	char *state_dir;
	char *run_dir;
	pthread_mutex_t lock; /* guards everything below */
	struct buf log;
	struct buf events;
	struct pair *pairs; /* sorted by key */
	size_t n_pairs;
	struct opened opened[MAX_OPEN];
};

static struct fake_host *fake_host_of(const struct gantry_host *host)
{
	return (struct fake_host *)((char *)(uintptr_t)host - offsetof(struct fake_host, base));
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
	struct fake_host *f = fake_host_of(host);

	pthread_mutex_lock(&f->lock);
	buf_addf(&f->log, "%u %s\n", level, text);
	pthread_mutex_unlock(&f->lock);
}

static const struct gantry_log_service log_service = {
	.size = sizeof(log_service),
	.write = log_write,
};

/* The index of key, or where it would be inserted. */
static size_t store_find(const struct fake_host *f, const char *key, int *ret_found)
{
	size_t i = 0;

	while (i < f->n_pairs && strcmp(f->pairs[i].key, key) < 0)
		i++;
	*ret_found = i < f->n_pairs && strcmp(f->pairs[i].key, key) == 0;
	return i;
}

static int store_get(const struct gantry_host *host, const char *key, struct gantry_reply *reply,
		     struct gantry_error *err)
{
	struct fake_host *f = fake_host_of(host);
	int found, r = 0;
	size_t i;

	pthread_mutex_lock(&f->lock);
	i = store_find(f, key, &found);
	if (found)
		reply->ops->put_bytes(reply, 0, f->pairs[i].value, strlen(f->pairs[i].value));
	else
		r = error_set(err, GANTRY_ERR_NOT_FOUND, "key %s is not in the store", key);
	pthread_mutex_unlock(&f->lock);
	return r;
}

static void store_insert(struct fake_host *f, size_t at, const char *key, const char *value)
{
	f->pairs = must(realloc(f->pairs, (f->n_pairs + 1) * sizeof(*f->pairs)), "store");
	memmove(f->pairs + at + 1, f->pairs + at, (f->n_pairs - at) * sizeof(*f->pairs));
	f->pairs[at].key = must(strdup(key), "store");
	f->pairs[at].value = must(strdup(value), "store");
	f->n_pairs++;
}

static int store_write(const struct gantry_host *host, const char *key, const char *value,
		       int only_new, struct gantry_error *err)
{
	struct fake_host *f = fake_host_of(host);
	int found, r = 0;
	size_t i;

	pthread_mutex_lock(&f->lock);
	i = store_find(f, key, &found);
	if (!found) {
		store_insert(f, i, key, value);
	} else if (only_new) {
		r = error_set(err, GANTRY_ERR_EXISTS, "key %s is in the store already", key);
	} else {
		free(f->pairs[i].value);
		f->pairs[i].value = must(strdup(value), "store");
	}
	pthread_mutex_unlock(&f->lock);
	return r;
}

static int store_put(const struct gantry_host *host, const char *key, const char *value,
		     struct gantry_error *err)
{
	return store_write(host, key, value, 0, err);
}

static int store_put_new(const struct gantry_host *host, const char *key, const char *value,
			 struct gantry_error *err)
{
	return store_write(host, key, value, 1, err);
}

static void store_drop(struct fake_host *f, size_t i)
{
	free(f->pairs[i].key);
	free(f->pairs[i].value);
	f->n_pairs--;
	memmove(f->pairs + i, f->pairs + i + 1, (f->n_pairs - i) * sizeof(*f->pairs));
}

static int store_remove(const struct gantry_host *host, const char *key, struct gantry_error *err)
{
	struct fake_host *f = fake_host_of(host);
	int found;
	size_t i;

	pthread_mutex_lock(&f->lock);
	i = store_find(f, key, &found);
	if (found)
		store_drop(f, i);
	pthread_mutex_unlock(&f->lock);
	return 0;
}

static int store_list(const struct gantry_host *host, const char *prefix,
		      struct gantry_reply *reply, struct gantry_error *err)
{
	struct fake_host *f = fake_host_of(host);

	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->n_pairs; i++) {
		if (strncmp(f->pairs[i].key, prefix, strlen(prefix)) != 0)
			continue;
		reply->ops->put_item(reply, 0, f->pairs[i].key);
		reply->ops->put_item(reply, 1, f->pairs[i].value);
	}
	pthread_mutex_unlock(&f->lock);
	return 0;
}

static const struct gantry_store_service store_service = {
	.size = sizeof(store_service),
	.get = store_get,
	.put = store_put,
	.put_new = store_put_new,
	.remove = store_remove,
	.list = store_list,
};

static int events_publish(const struct gantry_host *host, const char *type, const char *action,
			  const char *id, const char *attributes, struct gantry_error *err)
{
	struct fake_host *f = fake_host_of(host);

	pthread_mutex_lock(&f->lock);
	buf_addf(&f->events, "%s %s %s %s\n", type, action, id, attributes ? attributes : "{}");
	pthread_mutex_unlock(&f->lock);
	return 0;
}

static const struct gantry_events_service events_service = {
	.size = sizeof(events_service),
	.publish = events_publish,
};

static const void *fake_query(const struct gantry_host *host, const char *service,
			      uint32_t min_version)
{
	if (min_version > GANTRY_ABI_VERSION)
		return NULL;
	if (!strcmp(service, "log"))
		return &log_service;
	if (!strcmp(service, "store"))
		return &store_service;
	if (!strcmp(service, "events"))
		return &events_service;
	return NULL;
}

static char *new_folder(const char *parent, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", parent, name) < 0 || mkdir(path, 0700) < 0)
		must(NULL, path ? path : name);
	return path;
}

struct fake_host *fake_host_new(void)
{
	struct fake_host *f = must(calloc(1, sizeof(*f)), "allocate");
	const char *tmp = getenv("TMPDIR");

	if (asprintf(&f->dir, "%s/gantry-test.XXXXXX", tmp ? tmp : "/tmp") < 0)
		must(NULL, "allocate");
	must(mkdtemp(f->dir), f->dir);
	f->state_dir = new_folder(f->dir, "state");
	f->run_dir = new_folder(f->dir, "run");
	pthread_mutex_init(&f->lock, NULL);
	f->base = (struct gantry_host){
		.size = sizeof(struct gantry_host),
		.abi = GANTRY_ABI_VERSION,
		.state_dir = f->state_dir,
		.run_dir = f->run_dir,
		.query = fake_query,
	};
	return f;
}

void fake_host_free(struct fake_host *f)
{
	if (!f)
		return;
	for (int i = 0; i < MAX_OPEN; i++) {
		if (f->opened[i].driver && f->opened[i].driver->close)
			f->opened[i].driver->close(f->opened[i].self);
	}
	while (f->n_pairs > 0)
		store_drop(f, f->n_pairs - 1);
	free(f->pairs);
	buf_done(&f->log);
	buf_done(&f->events);
	remove_tree(AT_FDCWD, f->dir);
	free(f->state_dir);
	free(f->run_dir);
	free(f->dir);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

const struct gantry_host *fake_host_get(const struct fake_host *f)
{
	return &f->base;
}

const char *fake_host_dir(const struct fake_host *f)
{
	return f->dir;
}

static const struct gantry_driver *find_driver(const char *path, const char *kind,
					       const char *name, struct gantry_error *err)
{
	char text[512];
	const struct gantry_plugin *plugin;
	void *so;

	/* A path with a slash, so that dlopen does not search. */
	snprintf(text, sizeof(text), "%s%s", path[0] == '/' ? "" : "./", path);
	so = dlopen(text, RTLD_NOW | RTLD_LOCAL);
	plugin = so ? dlsym(so, "gantry_plugin") : NULL;
	if (!plugin) {
		error_set(err, GANTRY_ERR_NOT_FOUND, "cannot load %s: %s", path, dlerror());
		return NULL;
	}
	for (size_t i = 0; plugin->drivers[i]; i++) {
		const struct gantry_driver *d = plugin->drivers[i];

		if (!strcmp(d->kind, kind) && !strcmp(d->name, name))
			return d;
	}
	error_set(err, GANTRY_ERR_NOT_FOUND, "%s has no driver %s/%s", path, kind, name);
	return NULL;
}

int fake_host_open(struct fake_host *f, const char *plugin, const char *kind, const char *name,
		   const char *config, const void **ret_ops, void **ret_self,
		   struct gantry_error *err)
{
	const struct gantry_driver *d = find_driver(plugin, kind, name, err);
	void *self = NULL;
	int slot = 0, r;

	if (!d)
		return err->code;
	while (slot < MAX_OPEN && f->opened[slot].driver)
		slot++;
	if (slot == MAX_OPEN)
		return error_set(err, GANTRY_ERR_LIMIT, "too many open drivers");
	if (d->check) {
		r = d->check(config, err);
		if (r < 0)
			return r;
	}
	r = d->open ? d->open(&f->base, config, &self, err) : 0;
	if (r < 0)
		return r;
	f->opened[slot] = (struct opened){ d, self };
	*ret_ops = d->ops;
	*ret_self = self;
	return 0;
}

void fake_host_close(struct fake_host *f, void *self)
{
	for (int i = 0; i < MAX_OPEN; i++) {
		if (!f->opened[i].driver || f->opened[i].self != self)
			continue;
		if (f->opened[i].driver->close)
			f->opened[i].driver->close(self);
		f->opened[i] = (struct opened){ 0 };
		return;
	}
}

const char *fake_host_log(const struct fake_host *f)
{
	return buf_str(&f->log);
}

const char *fake_host_events(const struct fake_host *f)
{
	return buf_str(&f->events);
}
