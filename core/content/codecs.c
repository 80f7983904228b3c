/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <pthread.h>

#include "core/content/codecs.h"
#include "helpers/error.h"

static struct codec_zlib z;
static struct codec_zstd zstd;
static int has_zlib, has_zstd;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#define X(name) ((to->name##_ = (__typeof__(name) *)dlsym(lib, #name)) != NULL) &&

static int load_zlib(struct codec_zlib *to, void *lib)
{
	return lib && CODEC_ZLIB_FUNCTIONS(X) 1;
}

static int load_zstd(struct codec_zstd *to, void *lib)
{
	return lib && CODEC_ZSTD_FUNCTIONS(X) 1;
}

static void load(void)
{
	has_zlib = load_zlib(&z, dlopen("libz.so.1", RTLD_NOW | RTLD_LOCAL));
	has_zstd = load_zstd(&zstd, dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL));
}

static void missing(struct gantry_error *err, const char *library, const char *package)
{
	error_set(err, GANTRY_ERR_UNAVAILABLE, "cannot load %s, which this layer needs", library);
	error_hint(err, "install the package %s", package);
}

const struct codec_zlib *codec_zlib(struct gantry_error *err)
{
	pthread_once(&once, load);
	if (!has_zlib) {
		missing(err, "libz.so.1", "zlib1g");
	}
	return has_zlib ? &z : NULL;
}

const struct codec_zstd *codec_zstd(struct gantry_error *err)
{
	pthread_once(&once, load);
	if (!has_zstd) {
		missing(err, "libzstd.so.1", "libzstd1");
	}
	return has_zstd ? &zstd : NULL;
}
