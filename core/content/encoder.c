/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#include <zlib.h>

#include "core/content/encoder.h"
#include "helpers/error.h"

#define OUT_SIZE (128 * 1024)
#define LEVEL 5 /* near gzip's default in size, in two thirds of its time */

static struct {
	__typeof__(deflateInit2_) *init;
	__typeof__(deflate) *deflate;
	__typeof__(deflateEnd) *end;
} z;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load_library(void)
{
	void *lib = dlopen("libz.so.1", RTLD_NOW | RTLD_LOCAL);

	if (lib) {
		z.init = dlsym(lib, "deflateInit2_");
		z.deflate = dlsym(lib, "deflate");
		z.end = dlsym(lib, "deflateEnd");
	}
}

struct encoder {
	decoder_sink sink;
	void *ctx;
	z_stream stream;
	unsigned char out[OUT_SIZE];
};

int encoder_new(decoder_sink sink, void *ctx, struct encoder **ret, struct gantry_error *err)
{
	struct encoder *e;

	pthread_once(&once, load_library);
	if (!z.init || !z.deflate || !z.end) {
		error_set(err, GANTRY_ERR_UNAVAILABLE, "cannot load libz.so.1, which compresses layers");
		return error_hint(err, "install the package zlib1g");
	}
	e = calloc(1, sizeof(*e));
	if (!e || z.init(&e->stream, LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
			 sizeof(e->stream)) != Z_OK) {
		free(e);
		return error_no_memory(err);
	}
	e->sink = sink;
	e->ctx = ctx;
	*ret = e;
	return 0;
}

struct encoder *encoder_free(struct encoder *e)
{
	if (e) {
		z.end(&e->stream);
		free(e);
	}
	return NULL;
}

static int run(struct encoder *e, int flush, struct gantry_error *err)
{
	int r = 0;

	do {
		e->stream.next_out = e->out;
		e->stream.avail_out = OUT_SIZE;
		z.deflate(&e->stream, flush);
		r = e->sink(e->ctx, e->out, OUT_SIZE - e->stream.avail_out, err);
	} while (r == 0 && e->stream.avail_out == 0);
	return r;
}

int encoder_feed(struct encoder *e, const void *data, size_t len, struct gantry_error *err)
{
	e->stream.next_in = (Bytef *)data;
	e->stream.avail_in = (uInt)len;
	return run(e, Z_NO_FLUSH, err);
}

int encoder_finish(struct encoder *e, struct gantry_error *err)
{
	e->stream.avail_in = 0;
	return run(e, Z_FINISH, err);
}
