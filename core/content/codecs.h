/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zlib and libzstd, loaded when a compressed stream is met: starting a container needs
 * neither.  A function's name gets an
 * underscore, for some are macros: zlib->inflate_().
 */
#ifndef CORE_CONTENT_CODECS_H
#define CORE_CONTENT_CODECS_H

#include <zlib.h>
#include <zstd.h>

#include <gantry/error.h>

#define CODEC_ZLIB_FUNCTIONS(X) \
	X(inflateInit2_)        \
	X(inflate)              \
	X(inflateReset)         \
	X(inflateEnd)           \
	X(inflatePrime)         \
	X(inflateSetDictionary) \
	X(inflateGetDictionary) \
	X(compress2)            \
	X(compressBound)        \
	X(uncompress)

#define CODEC_ZSTD_FUNCTIONS(X)  \
	X(ZSTD_createDStream)    \
	X(ZSTD_freeDStream)      \
	X(ZSTD_decompressStream) \
	X(ZSTD_isError)          \
	X(ZSTD_getErrorName)

#define X(name) __typeof__(name) *name##_;
struct codec_zlib {
	CODEC_ZLIB_FUNCTIONS(X)
};
struct codec_zstd {
	CODEC_ZSTD_FUNCTIONS(X)
};
#undef X

/* The same for all callers and never unloaded; NULL with UNAVAILABLE when it is not
 * installed.  Safe from any thread. */
const struct codec_zlib *codec_zlib(struct gantry_error *err);
const struct codec_zstd *codec_zstd(struct gantry_error *err);

#endif
