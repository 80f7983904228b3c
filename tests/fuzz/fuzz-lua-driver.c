/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bindings of drivers.  An input is the text of a script that claims to be a driver of
 * any kind; each operation that it has is called with every argument set to something
 * strange.  What comes back is checked as the core checks it: an error that is returned
 * is one that is filled.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <gantry/script.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"
#include "helpers/io.h"
#include "helpers/reply.h"
#include "lua/host/host.h"
#include "tests/unit/fake_host.h"

extern const struct gantry_script_host gantry_script_host;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fill(const struct gantry_field *field, char *at)
{
	static const char *const list[] = { "a", "\xff", "", NULL };

	switch (field->type) {
	case GANTRY_TYPE_STRING:
		*(const char **)(void *)at = "na\xff""me";
		break;
	case GANTRY_TYPE_JSON:
		*(const char **)(void *)at = "{\"a\":[1,null,{\"b\":\"\\u0000\"}],\"options\":{}}";
		break;
	case GANTRY_TYPE_BYTES:
		*(struct gantry_bytes *)(void *)at = (struct gantry_bytes){ "a\0b\n", 4 };
		break;
	case GANTRY_TYPE_LIST:
		*(const char *const **)(void *)at = list;
		break;
	case GANTRY_TYPE_FD:
		*(int32_t *)(void *)at = -1;
		break;
	default:
		*(int64_t *)(void *)at = INT64_MIN;
	}
}

static void call(const struct gantry_driver *driver, const struct gantry_op *op, void *self)
{
	_Alignas(16) char args[1024] = { 0 };
	auto_(reply) struct reply reply = REPLY_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	gantry_op_fn fn;
	int r;

	memcpy(&fn, (const char *)driver->ops + op->slot, sizeof(fn));
	if (!fn) {
		return;
	}
	*(uint64_t *)(void *)args = sizeof(args);
	for (uint32_t i = 0; i < op->n_args; i++) {
		fill(&op->args[i], args + op->args[i].offset);
	}
	r = fn(self, args, &reply.base, &err);
	if ((r < 0) != (err.code < 0) || (r < 0 && (r != err.code || !err.message[0]))) {
		abort();
	}
}

static void use(const struct gantry_plugin *plugin, struct fake_host *host)
{
	const struct gantry_driver *driver = plugin->drivers[0];
	const struct gantry_interface *iface = interface_find(driver->kind);
	struct gantry_error err = GANTRY_ERROR_INIT;
	void *self;

	if (driver->open_with(driver->context, fake_host_get(host), "{}", &self, &err) < 0) {
		return;
	}
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < iface->n_ops; i++) {
			call(driver, &iface->ops[i], self);
		}
	}
	driver->close(self);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake_host *host;
	const struct gantry_plugin *plugin;
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_fd int fd = memfd_create("script", MFD_CLOEXEC);
	char path[64];

	if (!host) {
		host = fake_host_new();
		script_cpu_ns = 20000000;
	}
	if (fd < 0 || write_all(fd, data, size) < 0) {
		abort();
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (gantry_script_host.load(path, NULL, &plugin, &err) == 0) {
		use(plugin, host);
		gantry_script_host.unload(plugin);
	}
	return 0;
}
