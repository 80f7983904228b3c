/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gantry/fake.h>

#include "fake_host.h"
#include "helpers/error.h"

#define MAX_OPEN 8

struct opened {
	const struct gantry_driver *driver;
	void *self;
};

struct fake_host {
	struct gantry_fake *fake;
	struct opened opened[MAX_OPEN];
};

struct fake_host *fake_host_new(void)
{
	struct fake_host *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->fake = gantry_fake_new();
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
	gantry_fake_free(f->fake);
	free(f);
}

const struct gantry_host *fake_host_get(const struct fake_host *f)
{
	return gantry_fake_host(f->fake);
}

const char *fake_host_dir(const struct fake_host *f)
{
	return gantry_fake_folder(f->fake);
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
	r = d->open ? d->open(gantry_fake_host(f->fake), config, &self, err) : 0;
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
	return gantry_fake_log(f->fake);
}

const char *fake_host_events(const struct fake_host *f)
{
	return gantry_fake_events(f->fake);
}
