/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <locale.h>
#include <pthread.h>

#include "archive_lib.h"
#include "error.h"

/* The name of the 3.x ABI since 2011. */
#define SONAME "libarchive.so.13"

static struct archive_lib library;
static const char *missing; /* why it could not be loaded, or NULL */
static locale_t utf8;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
	void *so = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);

	utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (!so) {
		missing = SONAME;
		return;
	}
#define X(name)                                                 \
	library.name = (__typeof__(name) *)dlsym(so, #name);    \
	if (!library.name)                                      \
		missing = #name;
	ARCHIVE_LIB_FUNCTIONS(X)
#undef X
}

const struct archive_lib *archive_lib_load(struct gantry_error *err)
{
	pthread_once(&once, load);
	if (missing) {
		error_set(err, GANTRY_ERR_UNSUPPORTED, "cannot load libarchive: %s is missing", missing);
		error_hint(err, "install libarchive 3.4 or newer (the package libarchive13)");
		return NULL;
	}
	return &library;
}

archive_locale_t archive_locale_enter(void)
{
	return utf8 ? (archive_locale_t)uselocale(utf8) : NULL;
}

void archive_locale_leave(archive_locale_t previous)
{
	if (previous)
		uselocale((locale_t)previous);
}
