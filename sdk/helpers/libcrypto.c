/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

#include "cleanup.h"
#include "error.h"
#include "libcrypto.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void *library;

static void load(void)
{
	static const char *const names[] = { "libcrypto.so.3", "libcrypto.so.1.1" };

	for (size_t i = 0; !library && i < ARRAY_SIZE(names); i++) {
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	}
}

void *libcrypto_symbol(const char *name)
{
	pthread_once(&once, load);
	return library ? dlsym(library, name) : NULL;
}

int libcrypto_missing(const char *what_for, struct gantry_error *err)
{
	error_set(err, GANTRY_ERR_UNAVAILABLE, "cannot load libcrypto, which %s", what_for);
	return error_hint(err, "install OpenSSL's library (package libssl3)");
}
