/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/content/codecs.h"
#include "core/content/digest.h"
#include "core/lazy/chunk.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define TRAILER 8 /* of a gzip member */
#define SKIP_STEP 65536

static int corrupt(struct gantry_error *err, const char *what)
{
	return error_set(err, GANTRY_ERR_CORRUPT, "a chunk of the layer is damaged: %s", what);
}

/* Where decoded bytes go: the first c->skip nowhere. */
struct output {
	unsigned char *to;
	size_t left;
	size_t skip;
	unsigned char *waste; /* SKIP_STEP bytes, while something is skipped */
};

static int output_init(struct output *o, const struct index_chunk *c, void *to)
{
	*o = (struct output){ .to = to, .left = c->out_size, .skip = c->skip };
	o->waste = c->skip ? malloc(SKIP_STEP) : NULL;
	return c->skip && !o->waste ? -1 : 0;
}

static void output_place(const struct output *o, unsigned char **ret, size_t *ret_room)
{
	*ret = o->skip ? o->waste : o->to;
	*ret_room = !o->skip ? o->left : o->skip < SKIP_STEP ? o->skip : SKIP_STEP;
}

static void output_took(struct output *o, size_t n)
{
	if (o->skip) {
		o->skip -= n;
	} else {
		o->to += n;
		o->left -= n;
	}
}

static int set_window(const struct codec_zlib *z, z_stream *s, const struct index *x,
		      const struct index_chunk *c)
{
	unsigned char window[INDEX_WINDOW];
	uLongf size = sizeof(window);

	if (!c->window_size) {
		return Z_OK;
	}
	if (z->uncompress_(window, &size, x->windows + c->window, c->window_size) != Z_OK) {
		return Z_DATA_ERROR;
	}
	return z->inflateSetDictionary_(s, window, (uInt)size);
}

static int start_inflate(const struct codec_zlib *z, z_stream *s, const struct index *x,
			 const struct index_chunk *c)
{
	int r = z->inflateInit2__(s, c->kind == CHUNK_GZIP ? 15 + 16 : -15, ZLIB_VERSION, sizeof(*s));

	if (r != Z_OK || c->kind == CHUNK_GZIP) {
		return r;
	}
	if (c->bits) {
		r = z->inflatePrime_(s, c->bits, *s->next_in >> (8 - c->bits));
		s->next_in++;
		s->avail_in--;
	}
	if (r == Z_OK) {
		r = set_window(z, s, x, c);
	}
	if (r != Z_OK) {
		z->inflateEnd_(s);
	}
	return r;
}

/* Goes on with the next member of the stream. */
static int next_member(const struct codec_zlib *z, z_stream *s, int *raw)
{
	uInt trailer = *raw ? TRAILER : 0;

	if (s->avail_in <= trailer) {
		return Z_DATA_ERROR;
	}
	s->next_in += trailer;
	s->avail_in -= trailer;
	if (!*raw) {
		return z->inflateReset_(s);
	}
	*raw = 0;
	z->inflateEnd_(s);
	return z->inflateInit2__(s, 15 + 16, ZLIB_VERSION, sizeof(*s));
}

static int inflate_all(const struct codec_zlib *z, z_stream *s, int raw, struct output *o)
{
	int r = Z_OK;

	while (r == Z_OK && (o->skip || o->left)) {
		unsigned char *to;
		size_t room;

		output_place(o, &to, &room);
		s->next_out = to;
		s->avail_out = (uInt)room;
		r = z->inflate_(s, Z_NO_FLUSH);
		output_took(o, room - s->avail_out);
		if (r == Z_STREAM_END && (o->skip || o->left)) {
			r = next_member(z, s, &raw);
		}
	}
	return r == Z_STREAM_END ? Z_OK : r;
}

static int decode_gzip(const struct index *x, const struct index_chunk *c, const void *packed,
		       struct output *o, struct gantry_error *err)
{
	const struct codec_zlib *z = codec_zlib(err);
	z_stream s = { .next_in = (Bytef *)packed, .avail_in = (uInt)chunk_packed_size(c) };
	int r;

	if (!z) {
		return err->code;
	}
	if (s.avail_in == 0) {
		return corrupt(err, "it is empty");
	}
	r = start_inflate(z, &s, x, c);
	if (r == Z_OK) {
		r = inflate_all(z, &s, c->kind == CHUNK_DEFLATE, o);
		z->inflateEnd_(&s);
	}
	if (r == Z_MEM_ERROR) {
		return error_no_memory(err);
	}
	return r == Z_OK ? 0 : corrupt(err, "it is no gzip stream");
}

static int decode_zstd(const struct index_chunk *c, const void *packed, struct output *o,
		       struct gantry_error *err)
{
	const struct codec_zstd *zstd = codec_zstd(err);
	ZSTD_DStream *stream = zstd ? zstd->ZSTD_createDStream_() : NULL;
	ZSTD_inBuffer in = { packed, c->in_size, 0 };
	int bad = 0;

	if (!stream) {
		return zstd ? error_no_memory(err) : err->code;
	}
	while (!bad && (o->skip || o->left)) {
		size_t before = in.pos, room;
		ZSTD_outBuffer out = { 0 };
		unsigned char *to;

		output_place(o, &to, &room);
		out.dst = to;
		out.size = room;
		bad = zstd->ZSTD_isError_(zstd->ZSTD_decompressStream_(stream, &out, &in)) ||
		      (out.pos == 0 && in.pos == before);
		output_took(o, out.pos);
	}
	zstd->ZSTD_freeDStream_(stream);
	return bad ? corrupt(err, "it is no zstd stream") : 0;
}

static int check_digest(const struct index_chunk *c, const void *out, struct gantry_error *err)
{
	char got[DIGEST_SIZE], want[DIGEST_SIZE] = "sha256:";
	int r = digest_of(out, c->out_size, got, err);

	for (size_t i = 0; i < sizeof(c->digest); i++) {
		snprintf(want + 7 + 2 * i, 3, "%02x", c->digest[i]);
	}
	if (r == 0 && strcmp(got, want)) {
		r = corrupt(err, "its digest is another");
	}
	return r;
}

int chunk_decode(const struct index *x, const struct index_chunk *c, const void *packed, void *out,
		 struct gantry_error *err)
{
	struct output o;
	int r = output_init(&o, c, out) < 0 ? error_no_memory(err) : 0;

	if (r < 0) {
		return r;
	}
	if (c->kind == CHUNK_PLAIN) {
		memcpy(out, (const char *)packed + c->skip, c->out_size);
	} else if (c->kind == CHUNK_ZSTD) {
		r = decode_zstd(c, packed, &o, err);
	} else {
		r = decode_gzip(x, c, packed, &o, err);
	}
	free(o.waste);
	return r < 0 || !c->has_digest ? r : check_digest(c, out, err);
}
