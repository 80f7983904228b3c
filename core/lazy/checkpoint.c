/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "core/content/codecs.h"
#include "core/content/digest.h"
#include "core/lazy/build.h"
#include "core/lazy/checkpoint.h"
#include "helpers/error.h"

#define SPAN (1 << 20)         /* decoded bytes after which a new chunk may start */
#define MAX_WHOLE (16 << 20)   /* decoded bytes without a place where one may */
#define OUT_SIZE (128 * 1024)
#define MAGIC_SIZE 4

enum coding { CODING_UNKNOWN, CODING_NONE, CODING_GZIP, CODING_ZSTD };

struct checkpoint {
	struct build *b;
	decoder_sink sink;
	void *ctx;
	enum coding coding;
	unsigned char magic[MAGIC_SIZE];
	size_t n_magic;
	uint64_t in;              /* bytes of the blob that were decoded */
	struct index_chunk chunk; /* the open one; out_size counts up */
	struct digester *digester; /* of its bytes */
	const struct codec_zlib *z;
	const struct codec_zstd *zstd;
	z_stream gzip;
	ZSTD_DStream *stream;
	int at_end;               /* of a member or frame */
	int is_over;              /* what follows the last member is padding */
	unsigned char *out;
};

int checkpoint_new(struct build *b, decoder_sink sink, void *ctx, struct checkpoint **ret,
		   struct gantry_error *err)
{
	struct checkpoint *c = calloc(1, sizeof(*c));

	if (!c || !(c->out = malloc(OUT_SIZE))) {
		free(c);
		return error_no_memory(err);
	}
	c->b = b;
	c->sink = sink;
	c->ctx = ctx;
	*ret = c;
	return 0;
}

struct checkpoint *checkpoint_free(struct checkpoint *c)
{
	if (c) {
		if (c->coding == CODING_GZIP) {
			c->z->inflateEnd_(&c->gzip);
		}
		if (c->stream) {
			c->zstd->ZSTD_freeDStream_(c->stream);
		}
		digester_free(c->digester);
		free(c->out);
		free(c);
	}
	return NULL;
}

/* Ends the open chunk at the current place of the blob. */
static int close_chunk(struct checkpoint *c, struct gantry_error *err)
{
	char digest[DIGEST_SIZE];
	int r = 0;

	if (c->chunk.out_size) {
		c->chunk.in_size = (uint32_t)(c->in - c->chunk.offset);
		digester_result(c->digester, digest);
		for (size_t i = 0; i < sizeof(c->chunk.digest); i++) {
			unsigned byte;

			sscanf(digest + 7 + 2 * i, "%2x", &byte);
			c->chunk.digest[i] = (unsigned char)byte;
		}
		c->chunk.has_digest = 1;
		r = build_add_chunk(c->b, &c->chunk, err);
	}
	c->digester = digester_free(c->digester);
	return r;
}

static int open_chunk(struct checkpoint *c, enum chunk_kind kind, struct gantry_error *err)
{
	int r = close_chunk(c, err);

	c->chunk = (struct index_chunk){ .kind = (uint8_t)kind, .offset = c->in };
	return r < 0 ? r : digester_new(&c->digester, err);
}

static int take(struct checkpoint *c, const void *data, size_t len, struct gantry_error *err)
{
	if (len == 0) {
		return 0;
	}
	c->chunk.out_size += (uint32_t)len;
	if (c->chunk.out_size > MAX_WHOLE) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED,
				 "its compressed stream cannot be read in parts of less than %d MiB",
				 MAX_WHOLE >> 20);
	}
	digester_add(c->digester, data, len);
	return c->sink(c->ctx, data, len, err);
}

static int start(struct checkpoint *c, struct gantry_error *err)
{
	static const unsigned char zstd_magic[4] = { 0x28, 0xb5, 0x2f, 0xfd };

	if (c->magic[0] == 0x1f && c->magic[1] == 0x8b) {
		c->z = codec_zlib(err);
		if (!c->z) {
			return err->code;
		}
		if (c->z->inflateInit2__(&c->gzip, 15 + 16, ZLIB_VERSION, sizeof(c->gzip)) != Z_OK) {
			return error_no_memory(err);
		}
		c->coding = CODING_GZIP;
		return open_chunk(c, CHUNK_GZIP, err);
	}
	if (!memcmp(c->magic, zstd_magic, 4) ||
	    ((c->magic[0] & 0xf0) == 0x50 && !memcmp(c->magic + 1, "\x2a\x4d\x18", 3))) {
		c->zstd = codec_zstd(err);
		c->stream = c->zstd ? c->zstd->ZSTD_createDStream_() : NULL;
		if (!c->stream) {
			return c->zstd ? error_no_memory(err) : err->code;
		}
		c->coding = CODING_ZSTD;
		return open_chunk(c, CHUNK_ZSTD, err);
	}
	c->coding = CODING_NONE;
	return open_chunk(c, CHUNK_PLAIN, err);
}

/* At the end of a deflate block: the bytes before it are what its decoding needs. */
static int mark_block(struct checkpoint *c, struct gantry_error *err)
{
	unsigned char window[INDEX_WINDOW], packed[INDEX_WINDOW + 4096];
	uLongf packed_size = sizeof(packed);
	uInt size = 0;
	int bits = c->gzip.data_type & 7;
	int r = open_chunk(c, CHUNK_DEFLATE, err);

	if (r < 0) {
		return r;
	}
	if (c->z->inflateGetDictionary_(&c->gzip, window, &size) != Z_OK ||
	    c->z->compress2_(packed, &packed_size, window, size, 6) != Z_OK) {
		return error_set(err, GANTRY_ERR_INTERNAL, "zlib does not show its window");
	}
	c->chunk.bits = (uint8_t)bits;
	c->chunk.window_size = (uint32_t)packed_size;
	return build_add_window(c->b, packed, packed_size, &c->chunk.window, err);
}

static int feed_gzip(struct checkpoint *c, const void *data, size_t len, struct gantry_error *err)
{
	z_stream *s = &c->gzip;
	int full = 0, r = 0;

	s->next_in = (Bytef *)data;
	s->avail_in = (uInt)len;
	while (r == 0 && !c->is_over && (s->avail_in > 0 || full)) {
		uInt before = s->avail_in;
		int rc;

		if (c->at_end) {
			/* Another member, or padding that gzip(1) ignores as well. */
			c->is_over = *s->next_in != 0x1f;
			if (c->is_over) {
				break;
			}
			c->z->inflateReset_(s);
			c->at_end = 0;
			if (c->chunk.out_size >= SPAN) {
				r = open_chunk(c, CHUNK_GZIP, err);
			}
		}
		s->next_out = c->out;
		s->avail_out = OUT_SIZE;
		rc = c->z->inflate_(s, Z_BLOCK);
		c->in += before - s->avail_in;
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
			return error_set(err, GANTRY_ERR_CORRUPT, "the gzip stream is corrupt: %s",
					 s->msg ? s->msg : "bad data");
		}
		if (r == 0) {
			r = take(c, c->out, OUT_SIZE - s->avail_out, err);
		}
		full = s->avail_out == 0;
		c->at_end = rc == Z_STREAM_END;
		if (r == 0 && (s->data_type & 128) && !(s->data_type & 64) && rc == Z_OK &&
		    c->chunk.out_size >= SPAN) {
			r = mark_block(c, err);
		}
		if (c->at_end && s->avail_in == 0) {
			break;
		}
		if (rc == Z_BUF_ERROR && s->avail_in == 0) {
			break;
		}
	}
	return r;
}

static int feed_zstd(struct checkpoint *c, const void *data, size_t len, struct gantry_error *err)
{
	ZSTD_inBuffer in = { data, len, 0 };
	int full = 0, r = 0;

	while (r == 0 && (in.pos < in.size || full)) {
		ZSTD_outBuffer out = { c->out, OUT_SIZE, 0 };
		size_t before = in.pos, left;

		if (c->at_end && c->chunk.out_size >= SPAN) {
			r = open_chunk(c, CHUNK_ZSTD, err);
		}
		left = c->zstd->ZSTD_decompressStream_(c->stream, &out, &in);
		c->in += in.pos - before;
		if (c->zstd->ZSTD_isError_(left)) {
			return error_set(err, GANTRY_ERR_CORRUPT, "the zstd stream is corrupt: %s",
					 c->zstd->ZSTD_getErrorName_(left));
		}
		if (r == 0) {
			r = take(c, out.dst, out.pos, err);
		}
		c->at_end = left == 0;
		full = out.pos == out.size && left != 0;
	}
	return r;
}

static int feed_plain(struct checkpoint *c, const char *data, size_t len, struct gantry_error *err)
{
	int r = 0;

	while (r == 0 && len > 0) {
		size_t room = SPAN - c->chunk.out_size;
		size_t n = len < room ? len : room;

		r = take(c, data, n, err);
		c->in += n;
		data += n;
		len -= n;
		if (r == 0 && c->chunk.out_size == SPAN) {
			r = open_chunk(c, CHUNK_PLAIN, err);
		}
	}
	return r;
}

static int feed(struct checkpoint *c, const void *data, size_t len, struct gantry_error *err)
{
	switch (c->coding) {
	case CODING_GZIP:
		return feed_gzip(c, data, len, err);
	case CODING_ZSTD:
		return feed_zstd(c, data, len, err);
	default:
		return feed_plain(c, data, len, err);
	}
}

int checkpoint_feed(struct checkpoint *c, const void *data, size_t len, struct gantry_error *err)
{
	const unsigned char *p = data;
	int r = 0;

	if (c->coding == CODING_UNKNOWN) {
		while (c->n_magic < MAGIC_SIZE && len > 0) {
			c->magic[c->n_magic++] = *p++;
			len--;
		}
		if (c->n_magic < MAGIC_SIZE) {
			return 0;
		}
		r = start(c, err);
		if (r == 0) {
			r = feed(c, c->magic, MAGIC_SIZE, err);
		}
	}
	return r == 0 && len ? feed(c, p, len, err) : r;
}

int checkpoint_finish(struct checkpoint *c, struct gantry_error *err)
{
	if ((c->coding == CODING_GZIP || c->coding == CODING_ZSTD) && !c->at_end) {
		return error_set(err, GANTRY_ERR_CORRUPT, "the compressed stream ends in the middle");
	}
	if (c->coding == CODING_UNKNOWN) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "it is too short to be a tar");
	}
	return close_chunk(c, err);
}
