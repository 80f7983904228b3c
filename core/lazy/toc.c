/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/content/codecs.h"
#include "core/content/digest.h"
#include "core/lazy/toc.h"
#include "helpers/archive_lib.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

#define MAX_PACKED (64 << 20)
#define MAX_UNPACKED (256 << 20)
#define TOC_NAME "stargz.index.json"

#define STARGZ_DIGEST "containerd.io/snapshot/stargz/toc.digest"

/* Its name of 2023, and that before. */
static const struct {
	const char *position, *digest;
} chunked[] = {
	{ "io.github.containers.zstd-chunked.manifest-position",
	  "io.github.containers.zstd-chunked.manifest-checksum" },
	{ "io.containers.zstd-chunked.manifest-position", "io.containers.zstd-chunked.manifest-checksum" },
};

static int is_range(int64_t offset, int64_t size, int64_t blob_size)
{
	return offset > 0 && size > 0 && size <= MAX_PACKED && offset <= blob_size - size;
}

static int announced_chunked(struct json_object *notes, size_t i, int64_t blob_size, struct toc *ret)
{
	const char *position = json_get_string(notes, chunked[i].position);
	const char *digest = json_get_string(notes, chunked[i].digest);
	long long offset, size, unpacked;
	int type;

	if (!position || !digest_is_valid(digest) ||
	    sscanf(position, "%lld:%lld:%lld:%d", &offset, &size, &unpacked, &type) != 4 || type != 1 ||
	    !is_range(offset, size, blob_size) || unpacked <= 0 || unpacked > MAX_UNPACKED) {
		return 0;
	}
	*ret = (struct toc){ TOC_ZSTD_CHUNKED, digest, offset, size, unpacked };
	return 1;
}

void toc_announced(struct json_object *descriptor, int64_t blob_size, struct toc *ret)
{
	struct json_object *notes = json_get_object(descriptor, "annotations");
	const char *digest = json_get_string(notes, STARGZ_DIGEST);

	for (size_t i = 0; i < ARRAY_SIZE(chunked); i++) {
		if (announced_chunked(notes, i, blob_size, ret)) {
			return;
		}
	}
	*ret = (struct toc){ .kind = TOC_NONE };
	if (digest_is_valid(digest) && blob_size > TOC_FOOTER) {
		*ret = (struct toc){ .kind = TOC_ESTARGZ, .digest = digest };
	}
}

/* An empty gzip member whose extra field "SG" is 16 hexadecimal digits and "STARGZ". */
int toc_read_footer(struct toc *toc, const void *footer, int64_t blob_size)
{
	static const unsigned char head[] = { 0x1f, 0x8b, 8, 4, 0, 0, 0, 0 };
	const unsigned char *p = footer;
	char digits[17], *end;

	if (memcmp(p, head, 4) != 0 || memcmp(p + 10, "\x1a\0SG\x16\0", 6) != 0 ||
	    memcmp(p + 32, "STARGZ", 6) != 0) {
		return -1;
	}
	memcpy(digits, p + 16, 16);
	digits[16] = '\0';
	if (strspn(digits, "0123456789abcdef") != 16) {
		return -1;
	}
	toc->offset = (int64_t)strtoull(digits, &end, 16);
	toc->size = blob_size - TOC_FOOTER - toc->offset;
	return is_range(toc->offset, toc->size, blob_size) ? 0 : -1;
}

struct memory {
	const void *data;
	size_t size;
};

static la_ssize_t read_memory(struct archive *a, void *ctx, const void **ret)
{
	struct memory *m = ctx;
	size_t n = m->size;

	(void)a;
	*ret = m->data;
	m->size = 0;
	return (la_ssize_t)n;
}

static int read_entry(const struct archive_lib *lib, struct archive *a, struct buf *out)
{
	char chunk[65536];
	la_ssize_t n;

	while ((n = lib->archive_read_data(a, chunk, sizeof(chunk))) > 0) {
		if (out->len + (size_t)n > MAX_UNPACKED) {
			return -1;
		}
		buf_add(out, chunk, (size_t)n);
	}
	return n < 0 ? -1 : 0;
}

/* A gzipped tar with one file. */
static int unpack_stargz(const void *packed, size_t size, struct buf *json, struct gantry_error *err)
{
	const struct archive_lib *lib = archive_lib_load(err);
	struct memory memory = { packed, size };
	struct archive_entry *entry;
	struct archive *a = lib ? lib->archive_read_new() : NULL;
	int found = 0;

	if (!a) {
		return lib ? error_no_memory(err) : err->code;
	}
	lib->archive_read_support_filter_gzip(a);
	lib->archive_read_support_format_tar(a);
	if (lib->archive_read_open(a, &memory, NULL, read_memory, NULL) == ARCHIVE_OK &&
	    lib->archive_read_next_header(a, &entry) == ARCHIVE_OK) {
		const char *name = lib->archive_entry_pathname(entry);

		found = name && !strcmp(name, TOC_NAME) && read_entry(lib, a, json) == 0;
	}
	lib->archive_read_free(a);
	if (buf_failed(json)) {
		return error_no_memory(err);
	}
	return found ? 0 : error_set(err, GANTRY_ERR_CORRUPT, "the table of contents cannot be unpacked");
}

static int unpack_zstd(const struct toc *toc, const void *packed, size_t size, struct buf *json,
		       struct gantry_error *err)
{
	const struct codec_zstd *zstd = codec_zstd(err);
	ZSTD_DStream *stream = zstd ? zstd->ZSTD_createDStream_() : NULL;
	ZSTD_inBuffer in = { packed, size, 0 };
	ZSTD_outBuffer out = { buf_reserve(json, (size_t)toc->unpacked), (size_t)toc->unpacked, 0 };
	size_t left = 1;

	if (!stream || !out.dst) {
		if (stream) {
			zstd->ZSTD_freeDStream_(stream);
		}
		return zstd ? error_no_memory(err) : err->code;
	}
	while (left > 0 && in.pos < in.size) {
		size_t before = out.pos;

		left = zstd->ZSTD_decompressStream_(stream, &out, &in);
		if (zstd->ZSTD_isError_(left) || (out.pos == out.size && out.pos == before)) {
			break;
		}
	}
	zstd->ZSTD_freeDStream_(stream);
	if (left != 0 || out.pos != out.size) {
		return error_set(err, GANTRY_ERR_CORRUPT, "the table of contents cannot be unpacked");
	}
	json->len += out.pos;
	json->data[json->len] = '\0';
	return 0;
}

int toc_unpack(const struct toc *toc, const void *packed, size_t size, struct buf *json,
	       struct gantry_error *err)
{
	char digest[DIGEST_SIZE];
	int r = 0;

	if (toc->kind == TOC_ZSTD_CHUNKED) {
		r = digest_of(packed, size, digest, err);
	} else {
		r = unpack_stargz(packed, size, json, err);
		if (r == 0) {
			r = digest_of(json->data, json->len, digest, err);
		}
	}
	if (r == 0 && strcmp(digest, toc->digest)) {
		return error_set(err, GANTRY_ERR_CORRUPT,
				 "the table of contents has digest %s, but the manifest says %s", digest,
				 toc->digest);
	}
	return r < 0 || toc->kind != TOC_ZSTD_CHUNKED ? r : unpack_zstd(toc, packed, size, json, err);
}
