/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <stddef.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "seccomp_lib.h"

static const struct {
	const char *name;
	size_t offset;
} symbols[] = {
	{ "seccomp_init", offsetof(struct seccomp_lib, init) },
	{ "seccomp_release", offsetof(struct seccomp_lib, release) },
	{ "seccomp_arch_resolve_name", offsetof(struct seccomp_lib, arch_resolve_name) },
	{ "seccomp_arch_native", offsetof(struct seccomp_lib, arch_native) },
	{ "seccomp_arch_add", offsetof(struct seccomp_lib, arch_add) },
	{ "seccomp_attr_set", offsetof(struct seccomp_lib, attr_set) },
	{ "seccomp_syscall_resolve_name", offsetof(struct seccomp_lib, syscall_resolve_name) },
	{ "seccomp_rule_add_array", offsetof(struct seccomp_lib, rule_add_array) },
	{ "seccomp_export_bpf", offsetof(struct seccomp_lib, export_bpf) },
};

const struct seccomp_lib *seccomp_lib_get(struct gantry_error *err)
{
	static struct seccomp_lib lib;
	void *so = dlopen("libseccomp.so.2", RTLD_NOW | RTLD_LOCAL);

	if (!so) {
		error_set(err, GANTRY_ERR_UNSUPPORTED, "cannot load libseccomp: %s", dlerror());
		error_hint(err, "install the package libseccomp2");
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		void *symbol = dlsym(so, symbols[i].name);

		if (!symbol) {
			error_set(err, GANTRY_ERR_UNSUPPORTED, "libseccomp has no %s",
				  symbols[i].name);
			return NULL;
		}
		*(void **)((char *)&lib + symbols[i].offset) = symbol;
	}
	return &lib;
}
