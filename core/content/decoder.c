/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/content/codecs.h"
#include "core/content/decoder.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define OUT_SIZE (128 * 1024)
#define MAGIC_SIZE 4

enum coding {
	CODING_UNKNOWN = 0,
	CODING_NONE,
	CODING_GZIP,
	CODING_ZSTD,
};

struct decoder {
	decoder_sink sink;
	void *ctx;
	enum coding coding;
	const struct codec_zlib *z;    /* one of the two, once the coding is known */
	const struct codec_zstd *zstd;
	unsigned char magic[MAGIC_SIZE];
	size_t n_magic;
	z_stream gzip;
	int at_member_end; /* a gzip member or zstd frame just ended */
	ZSTD_DStream *zstream;
	unsigned char *out;
};

int decoder_new(decoder_sink sink, void *ctx, struct decoder **ret, struct gantry_error *err)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (!d || !(d->out = malloc(OUT_SIZE))) {
		free(d);
		return error_no_memory(err);
	}
	d->sink = sink;
	d->ctx = ctx;
	*ret = d;
	return 0;
}

struct decoder *decoder_free(struct decoder *d)
{
	if (d) {
		if (d->coding == CODING_GZIP) {
			d->z->inflateEnd_(&d->gzip);
		}
		if (d->zstream) {
			d->zstd->ZSTD_freeDStream_(d->zstream);
		}
		free(d->out);
		free(d);
	}
	return NULL;
}

static int start(struct decoder *d, struct gantry_error *err)
{
	static const unsigned char zstd_magic[4] = { 0x28, 0xb5, 0x2f, 0xfd };

	if (d->magic[0] == 0x1f && d->magic[1] == 0x8b) {
		d->z = codec_zlib(err);
		if (!d->z) {
			return err->code;
		}
		if (d->z->inflateInit2__(&d->gzip, 15 + 16, ZLIB_VERSION, sizeof(d->gzip)) != Z_OK) {
			return error_no_memory(err);
		}
		d->coding = CODING_GZIP;
	} else if (!memcmp(d->magic, zstd_magic, 4) ||
		   ((d->magic[0] & 0xf0) == 0x50 && !memcmp(d->magic + 1, "\x2a\x4d\x18", 3))) {
		d->zstd = codec_zstd(err);
		if (!d->zstd) {
			return err->code;
		}
		d->zstream = d->zstd->ZSTD_createDStream_();
		if (!d->zstream) {
			return error_no_memory(err);
		}
		d->coding = CODING_ZSTD;
	} else {
		d->coding = CODING_NONE;
	}
	return 0;
}

static int feed_gzip(struct decoder *d, const void *data, size_t len, struct gantry_error *err)
{
	d->gzip.next_in = (Bytef *)data;
	d->gzip.avail_in = (uInt)len;
	while (d->gzip.avail_in > 0) {
		int rc, r;

		if (d->at_member_end) {
			/* Another member, or padding that gzip(1) ignores as well. */
			if (*d->gzip.next_in != 0x1f) {
				return 0;
			}
			d->z->inflateReset_(&d->gzip);
			d->at_member_end = 0;
		}
		do {
			d->gzip.next_out = d->out;
			d->gzip.avail_out = OUT_SIZE;
			rc = d->z->inflate_(&d->gzip, Z_NO_FLUSH);
			if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
				return error_set(err, GANTRY_ERR_CORRUPT, "the gzip stream is corrupt: %s",
						 d->gzip.msg ? d->gzip.msg : "bad data");
			}
			r = d->sink(d->ctx, d->out, OUT_SIZE - d->gzip.avail_out, err);
			if (r < 0) {
				return r;
			}
		} while (d->gzip.avail_out == 0 && rc == Z_OK);
		d->at_member_end = rc == Z_STREAM_END;
	}
	return 0;
}

static int feed_zstd(struct decoder *d, const void *data, size_t len, struct gantry_error *err)
{
	ZSTD_inBuffer in = { data, len, 0 };
	int full = 0;

	while (in.pos < in.size || full) {
		ZSTD_outBuffer out = { d->out, OUT_SIZE, 0 };
		size_t left = d->zstd->ZSTD_decompressStream_(d->zstream, &out, &in);
		int r;

		if (d->zstd->ZSTD_isError_(left)) {
			return error_set(err, GANTRY_ERR_CORRUPT, "the zstd stream is corrupt: %s",
					 d->zstd->ZSTD_getErrorName_(left));
		}
		d->at_member_end = left == 0;
		full = out.pos == out.size;
		r = d->sink(d->ctx, d->out, out.pos, err);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

static int feed(struct decoder *d, const void *data, size_t len, struct gantry_error *err)
{
	switch (d->coding) {
	case CODING_GZIP:
		return feed_gzip(d, data, len, err);
	case CODING_ZSTD:
		return feed_zstd(d, data, len, err);
	default:
		return d->sink(d->ctx, data, len, err);
	}
}

int decoder_feed(struct decoder *d, const void *data, size_t len, struct gantry_error *err)
{
	const unsigned char *p = data;
	int r;

	if (d->coding == CODING_UNKNOWN) {
		while (d->n_magic < MAGIC_SIZE && len > 0) {
			d->magic[d->n_magic++] = *p++;
			len--;
		}
		if (d->n_magic < MAGIC_SIZE) {
			return 0;
		}
		r = start(d, err);
		if (r == 0) {
			r = feed(d, d->magic, MAGIC_SIZE, err);
		}
		if (r < 0) {
			return r;
		}
	}
	return len ? feed(d, p, len, err) : 0;
}

int decoder_finish(struct decoder *d, struct gantry_error *err)
{
	if (d->coding == CODING_UNKNOWN && d->n_magic > 0) {
		return d->sink(d->ctx, d->magic, d->n_magic, err);
	}
	if ((d->coding == CODING_GZIP || d->coding == CODING_ZSTD) && !d->at_member_end) {
		return error_set(err, GANTRY_ERR_CORRUPT, "the compressed stream ends in the middle");
	}
	return 0;
}
