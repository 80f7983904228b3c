/* SPDX-License-Identifier: Apache-2.0 */
/* Loading happens under the registry's lock; a loaded plugin is constant. */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <gantry/script.h>

#include "core/plugin/native.h"
#include "core/plugin/script.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"

#define MAX_DRIVERS 16
#define SYMBOL "gantry_plugin"

struct native_plugin {
	atomic_int refs;
	char *path;
	void *handle; /* NULL when linked in */
	const struct gantry_plugin *script; /* of a script: what its host described */
	const struct gantry_script_host *script_host;
	struct gantry_plugin descriptor;
	struct gantry_driver drivers[MAX_DRIVERS];
	unsigned n_drivers;
};

struct native_driver {
	struct native_plugin *plugin;
	void *self;
	void (*close)(void *self);
	gantry_op_fn ops[]; /* complete: one per operation of the interface */
};

/* Copies a struct that starts with a 32-bit size. */
static void copy_sized(void *to, size_t to_size, const void *from)
{
	uint32_t claimed = *(const uint32_t *)from;

	memset(to, 0, to_size);
	memcpy(to, from, claimed < to_size ? claimed : to_size);
}

static int refuse(struct gantry_error *err, const char *path, const char *why)
{
	return error_set(err, GANTRY_ERR_UNSUPPORTED, "cannot load plugin %s: %s", path, why);
}

static int copy_drivers(struct native_plugin *p, struct gantry_error *err)
{
	const struct gantry_driver *const *list = p->descriptor.drivers;

	if (!list || !list[0]) {
		return refuse(err, p->path, "it lists no drivers");
	}
	for (; list[p->n_drivers]; p->n_drivers++) {
		struct gantry_driver *d = &p->drivers[p->n_drivers];

		if (p->n_drivers == MAX_DRIVERS) {
			return refuse(err, p->path, "it lists more than 16 drivers");
		}
		if (list[p->n_drivers]->size < offsetof(struct gantry_driver, probe)) {
			return refuse(err, p->path, "a driver's table is truncated");
		}
		copy_sized(d, sizeof(*d), list[p->n_drivers]);
		if (!d->kind || !d->name || !d->ops) {
			return refuse(err, p->path, "a driver lacks its kind, name or operations");
		}
	}
	return 0;
}

static int check_descriptor(struct native_plugin *p, const struct gantry_plugin *theirs,
			    size_t symbol_size, struct gantry_error *err)
{
	struct gantry_plugin *d = &p->descriptor;

	if (symbol_size && (symbol_size < sizeof(uint32_t) || theirs->size > symbol_size)) {
		return refuse(err, p->path, "its descriptor claims to be larger than it is");
	}
	if (theirs->size < offsetof(struct gantry_plugin, permissions)) {
		return refuse(err, p->path, "its descriptor is truncated");
	}
	copy_sized(d, sizeof(*d), theirs);
	if (d->abi >> 16 != GANTRY_ABI_MAJOR) {
		error_set(err, GANTRY_ERR_UNSUPPORTED,
			  "cannot load plugin %s: it was built for plugin ABI %u, this gantry has %u",
			  p->path, d->abi >> 16, GANTRY_ABI_MAJOR);
		return error_hint(err, "install a version of the plugin for ABI %u", GANTRY_ABI_MAJOR);
	}
	if (d->needs > GANTRY_ABI_VERSION) {
		error_set(err, GANTRY_ERR_UNSUPPORTED,
			  "cannot load plugin %s: it needs plugin ABI %u.%u, this gantry has %u.%u",
			  p->path, d->needs >> 16, d->needs & 0xffff, GANTRY_ABI_MAJOR,
			  GANTRY_ABI_MINOR);
		return error_hint(err, "upgrade gantry, or install an older version of the plugin");
	}
	if (!d->name || !d->version) {
		return refuse(err, p->path, "its descriptor lacks a name or a version");
	}
	return copy_drivers(p, err);
}

static int plugin_new(const char *path, void *handle, struct native_plugin **ret,
		      struct gantry_error *err)
{
	struct native_plugin *p = calloc(1, sizeof(*p));

	if (!p) {
		return error_no_memory(err);
	}
	atomic_init(&p->refs, 1);
	p->handle = handle;
	p->path = strdup(path);
	if (!p->path) {
		free(p);
		return error_no_memory(err);
	}
	*ret = p;
	return 0;
}

static int load_script(const char *path, struct native_plugin **ret, struct gantry_error *err)
{
	const struct gantry_script_host *host;
	const struct gantry_plugin *descriptor;
	int r = script_load(path, &descriptor, &host, err);

	if (r < 0) {
		return r;
	}
	r = native_plugin_adopt(descriptor, ret, err);
	if (r < 0) {
		host->unload(descriptor);
		return r;
	}
	(*ret)->script = descriptor;
	(*ret)->script_host = host;
	return 0;
}

/* dlopen() knows objects by name, and would return the old one for a path whose file
 * was replaced: that is opened by another name.  Called under the registry's lock, or
 * in a process with one thread. */
static void *open_object(const char *path)
{
	static struct loaded {
		struct loaded *next;
		dev_t dev;
		ino_t ino;
		char path[];
	} *loaded;
	char name[64];
	struct loaded *l;
	struct stat st;
	int fd;

	if (stat(path, &st) < 0) {
		return dlopen(path, RTLD_NOW | RTLD_LOCAL);
	}
	for (l = loaded; l; l = l->next) {
		if (!strcmp(l->path, path) && (l->dev != st.st_dev || l->ino != st.st_ino)) {
			fd = open(path, O_RDONLY | O_CLOEXEC); /* stays open: its number is the name */
			snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
			return dlopen(fd < 0 ? path : name, RTLD_NOW | RTLD_LOCAL);
		}
	}
	l = malloc(sizeof(*l) + strlen(path) + 1);
	if (l) {
		*l = (struct loaded){ .next = loaded, .dev = st.st_dev, .ino = st.st_ino };
		strcpy(l->path, path);
		loaded = l;
	}
	return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

int native_plugin_load(const char *path, struct native_plugin **ret, struct gantry_error *err)
{
	struct native_plugin *p;
	const struct gantry_plugin *theirs;
	const ElfW(Sym) *symbol = NULL;
	Dl_info info;
	void *handle;
	int r;

	if (script_suffix(path)) {
		return load_script(path, ret, err);
	}
	handle = open_object(path);
	if (!handle) {
		error_set(err, GANTRY_ERR_UNAVAILABLE, "cannot load plugin %s: %s", path, dlerror());
		return error_hint(err, "reinstall the plugin, or the library that it misses");
	}
	theirs = dlsym(handle, SYMBOL);
	if (!theirs) {
		refuse(err, path, "it does not export " SYMBOL);
		dlclose(handle);
		return error_hint(err, "is this a gantry plugin? See GANTRY_PLUGIN in gantry/plugin.h");
	}
	dladdr1(theirs, &info, (void **)&symbol, RTLD_DL_SYMENT);
	r = plugin_new(path, handle, &p, err);
	if (r < 0) {
		dlclose(handle);
		return r;
	}
	r = check_descriptor(p, theirs, symbol ? symbol->st_size : 0, err);
	if (r < 0) {
		p->descriptor.flags = 0;
		native_plugin_unref(p);
		return r;
	}
	*ret = p;
	return 0;
}

int native_plugin_adopt(const struct gantry_plugin *descriptor, struct native_plugin **ret,
			struct gantry_error *err)
{
	struct native_plugin *p;
	int r = plugin_new(descriptor->name ? descriptor->name : "(built in)", NULL, &p, err);

	if (r < 0) {
		return r;
	}
	r = check_descriptor(p, descriptor, 0, err);
	if (r < 0) {
		native_plugin_unref(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct native_plugin *native_plugin_ref(struct native_plugin *p)
{
	atomic_fetch_add(&p->refs, 1);
	return p;
}

static atomic_int stay_mapped;

void native_plugins_stay_mapped(void)
{
	atomic_store(&stay_mapped, 1);
}

struct native_plugin *native_plugin_unref(struct native_plugin *p)
{
	if (!p || atomic_fetch_sub(&p->refs, 1) > 1) {
		return NULL;
	}
	/* Mapped for ever unless the plugin says that unmapping is safe. */
	if (p->handle && (p->descriptor.flags & GANTRY_PLUGIN_UNLOADABLE) &&
	    !atomic_load(&stay_mapped)) {
		dlclose(p->handle);
	}
	if (p->script) {
		p->script_host->unload(p->script);
	}
	free(p->path);
	free(p);
	return NULL;
}

const struct gantry_plugin *native_plugin_descriptor(const struct native_plugin *p)
{
	return &p->descriptor;
}

const struct gantry_driver *native_plugin_driver_at(const struct native_plugin *p, unsigned i)
{
	return i < p->n_drivers ? &p->drivers[i] : NULL;
}

const struct gantry_driver *native_plugin_driver(const struct native_plugin *p, const char *kind,
						 const char *name)
{
	for (unsigned i = 0; i < p->n_drivers; i++) {
		if (!strcmp(p->drivers[i].kind, kind) && !strcmp(p->drivers[i].name, name)) {
			return &p->drivers[i];
		}
	}
	return NULL;
}

int native_table_has(const struct gantry_driver *driver, const struct gantry_op *op)
{
	gantry_op_fn call = NULL;

	if (op->slot + sizeof(call) <= *(const uint64_t *)driver->ops) {
		memcpy(&call, (const char *)driver->ops + op->slot, sizeof(call));
	}
	return call != NULL;
}

static int native_invoke(struct driver *d, unsigned op, const void *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	struct native_driver *n = d->form_data;

	if (!n->ops[op]) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "%s driver %s cannot %s",
				 d->iface->kind, d->name, d->iface->ops[op].name);
	}
	return n->ops[op](n->self, args, reply, err);
}

static int native_has(const struct driver *d, unsigned op)
{
	const struct native_driver *n = d->form_data;

	return n->ops[op] != NULL;
}

static void native_close(struct driver *d)
{
	struct native_driver *n = d->form_data;

	if (!n) {
		return;
	}
	if (n->close && n->self) {
		n->close(n->self);
	}
	native_plugin_unref(n->plugin);
	free(n);
}

static const struct driver_form native_form = {
	.name = "native",
	.invoke = native_invoke,
	.has = native_has,
	.close = native_close,
};

/* Fills the complete table from the plugin's sparse one and names every required
 * operation that is missing, all in one message. */
static int fill_operations(struct native_driver *n, const struct gantry_interface *iface,
			   const struct gantry_driver *theirs, const char *path,
			   struct gantry_error *err)
{
	auto_(buf) struct buf missing = BUF_INIT;

	for (uint32_t i = 0; i < iface->n_ops; i++) {
		const struct gantry_op *op = &iface->ops[i];

		if (native_table_has(theirs, op)) {
			memcpy(&n->ops[i], (const char *)theirs->ops + op->slot, sizeof(gantry_op_fn));
		}
		if (!n->ops[i] && (op->flags & GANTRY_OP_REQUIRED)) {
			buf_addf(&missing, "%s%s", missing.len ? ", " : "", op->name);
		}
	}
	if (missing.len) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED,
				 "cannot load plugin %s: %s driver %s lacks required operations: %s",
				 path, theirs->kind, theirs->name, buf_str(&missing));
	}
	return 0;
}

int native_driver_open(struct native_plugin *p, const char *kind, const char *name,
		       const struct gantry_host *host, const char *config, struct driver **ret,
		       struct gantry_error *err)
{
	const struct gantry_driver *theirs = native_plugin_driver(p, kind, name);
	const struct gantry_interface *iface = interface_find(kind);
	struct native_driver *n;
	struct driver *d;
	int r;

	if (!theirs || !iface) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "plugin %s has no %s driver %s", p->path,
				 kind, name);
	}
	r = driver_new(iface, &native_form, name, p->descriptor.name, &d, err);
	if (r < 0) {
		return r;
	}
	n = calloc(1, sizeof(*n) + iface->n_ops * sizeof(gantry_op_fn));
	d->form_data = n;
	if (!n) {
		driver_free(d);
		return error_no_memory(err);
	}
	n->plugin = native_plugin_ref(p);
	d->threads = theirs->threads;
	r = fill_operations(n, iface, theirs, p->path, err);
	if (r == 0 && theirs->check) {
		r = theirs->check(config, err);
	}
	if (r == 0 && theirs->open_with) {
		r = theirs->open_with(theirs->context, host, config, &n->self, err);
	} else if (r == 0 && theirs->open) {
		r = theirs->open(host, config, &n->self, err);
	}
	if (r < 0) {
		driver_free(d);
		return error_prefix(err, "%s driver %s", kind, name);
	}
	n->close = theirs->close;
	*ret = d;
	return 0;
}
