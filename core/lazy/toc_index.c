/* SPDX-License-Identifier: Apache-2.0 */
/* Both tables are the same JSON, {"entries": [...]}, with small differences: a regular file is
 * followed by the other chunks of its content, of type "chunk". */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/content/digest.h"
#include "core/lazy/build.h"
#include "core/lazy/toc.h"
#include "helpers/base64.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"
#include "helpers/layer.h"

struct reading {
	const struct toc *toc;
	struct build *b;
	int64_t *offsets; /* where chunks begin, sorted */
	size_t n_offsets;
	const char *name; /* of the file whose chunks come */
	int64_t size, done; /* its bytes, and those that chunks brought */
};

static int compare_offsets(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* A chunk ends where the next one starts. */
static int collect_offsets(struct reading *rd, struct json_object *entries, struct gantry_error *err)
{
	size_t n = json_array_size(entries);

	rd->offsets = malloc((n + 1) * sizeof(*rd->offsets));
	if (!rd->offsets) {
		return error_no_memory(err);
	}
	for (size_t i = 0; i < n; i++) {
		int64_t offset = json_get_int(json_object_array_get_idx(entries, i), "offset", 0);

		if (offset > 0 && offset < rd->toc->offset) {
			rd->offsets[rd->n_offsets++] = offset;
		}
	}
	rd->offsets[rd->n_offsets++] = rd->toc->offset;
	qsort(rd->offsets, rd->n_offsets, sizeof(*rd->offsets), compare_offsets);
	return 0;
}

static int64_t next_offset(const struct reading *rd, int64_t offset)
{
	size_t low = 0, high = rd->n_offsets;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rd->offsets[middle] > offset) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return low < rd->n_offsets ? rd->offsets[low] : offset;
}

static int bad(struct gantry_error *err, const char *what)
{
	return error_set(err, GANTRY_ERR_CORRUPT, "%s", what);
}

static int parse_digest(const char *text, unsigned char to[32])
{
	if (!digest_is_valid(text)) {
		return -1;
	}
	for (size_t i = 0; i < 32; i++) {
		unsigned byte;

		if (sscanf(text + 7 + 2 * i, "%2x", &byte) != 1) {
			return -1;
		}
		to[i] = (unsigned char)byte;
	}
	return 0;
}

static int fill_chunk(const struct reading *rd, struct json_object *e, int64_t size,
		      struct index_chunk *c, struct gantry_error *err)
{
	int64_t offset = json_get_int(e, "offset", 0);
	int64_t skip = json_get_int(e, "innerOffset", 0);
	int64_t end = next_offset(rd, offset);
	const char *digest = json_get_string(e, "chunkDigest");

	if (!digest && size == rd->size) {
		digest = json_get_string(e, "digest");
	}
	if (parse_digest(digest, c->digest) < 0) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "its chunk has no digest");
	}
	/* Only where tar headers and small files share a member with it does one begin at 0. */
	if (offset < 0 || (offset == 0 && skip == 0) || offset >= rd->toc->offset || end <= offset ||
	    skip < 0) {
		return bad(err, "its chunk lies nowhere");
	}
	if (skip > INDEX_CHUNK_MAX || size > INDEX_CHUNK_MAX - skip || end - offset > 2LL * INDEX_CHUNK_MAX) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "its chunk is larger than %d MiB",
				 INDEX_CHUNK_MAX >> 20);
	}
	c->kind = rd->toc->kind == TOC_ESTARGZ ? CHUNK_GZIP : CHUNK_ZSTD;
	c->has_digest = 1;
	c->offset = (uint64_t)offset;
	c->in_size = (uint32_t)(end - offset);
	c->out_size = (uint32_t)size;
	c->skip = (uint32_t)skip;
	return 0;
}

static int add_chunk(struct reading *rd, struct json_object *e, struct gantry_error *err)
{
	int64_t offset = json_get_int(e, "chunkOffset", 0);
	int64_t size = json_get_int(e, "chunkSize", 0);
	const char *type = json_get_string(e, "chunkType");
	struct index_chunk c = { 0 };
	uint64_t position = build_space(rd->b);
	int r;

	if (size == 0) {
		size = rd->size - offset;
	}
	if (offset != rd->done || size <= 0 || size > rd->size - offset) {
		return bad(err, "its chunks do not follow one another");
	}
	rd->done += size;
	if (type && !strcmp(type, "zeros")) {
		return 0;
	}
	r = fill_chunk(rd, e, size, &c, err);
	if (r == 0) {
		r = build_add_chunk(rd->b, &c, err);
	}
	return r < 0 ? r : build_add_extent(rd->b, (uint64_t)offset, position, (uint64_t)size, err);
}

/* RFC 3339. */
static int parse_time(const char *text, struct build_entry *e)
{
	struct tm tm = { 0 };
	int n = 0, digits = 0, hours, minutes;
	const char *p;

	if (!text) {
		return 0;
	}
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
		   &tm.tm_min, &tm.tm_sec, &n) != 6 || !n) {
		return -1;
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	e->mtime = timegm(&tm);
	p = text + n;
	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9'; p++) {
			if (digits++ < 9) {
				e->mtime_ns = e->mtime_ns * 10 + (uint32_t)(*p - '0');
			}
		}
		for (; digits < 9; digits++) {
			e->mtime_ns *= 10;
		}
	}
	if ((*p == '+' || *p == '-') && sscanf(p + 1, "%2d:%2d", &hours, &minutes) == 2) {
		e->mtime += (*p == '+' ? -60 : 60) * (hours * 60 + minutes);
	}
	return 0;
}

static int type_of(const char *type, mode_t *ret, int *ret_hardlink)
{
	static const struct {
		const char *name;
		mode_t mode;
	} types[] = {
		{ "reg", S_IFREG }, { "dir", S_IFDIR }, { "symlink", S_IFLNK }, { "hardlink", S_IFREG },
		{ "char", S_IFCHR }, { "block", S_IFBLK }, { "fifo", S_IFIFO },
	};

	for (size_t i = 0; type && i < ARRAY_SIZE(types); i++) {
		if (!strcmp(type, types[i].name)) {
			*ret = types[i].mode;
			*ret_hardlink = !strcmp(type, "hardlink");
			return 0;
		}
	}
	return -1;
}

static int add_xattrs(struct reading *rd, struct json_object *e, struct gantry_error *err)
{
	struct json_object *xattrs = json_get_object(e, "xattrs");
	int r = 0;

	if (!xattrs) {
		return 0;
	}
	json_object_object_foreach(xattrs, name, value)
	{
		const char *text = json_object_get_string(value);
		auto_(buf) struct buf raw = BUF_INIT;

		if (r == 0 && (!text || base64_decode(text, strlen(text), &raw) < 0)) {
			r = bad(err, "an attribute is not in base64");
		}
		if (r == 0) {
			r = build_add_xattr(rd->b, name, buf_str(&raw), raw.len, err);
		}
	}
	return r;
}

static int check_finished(const struct reading *rd, struct gantry_error *err)
{
	char shown[256];

	if (rd->done == rd->size) {
		return 0;
	}
	return error_set(err, GANTRY_ERR_CORRUPT, "entry %s: its chunks have %lld of its %lld bytes",
			 layer_printable(rd->name, shown, sizeof(shown)), (long long)rd->done,
			 (long long)rd->size);
}

static int is_id(int64_t id)
{
	return id >= 0 && id < UINT32_MAX;
}

static int add_entry(struct reading *rd, struct json_object *e, struct gantry_error *err)
{
	const char *type = json_get_string(e, "type");
	const char *link = json_get_string(e, "linkName");
	int64_t uid = json_get_int(e, "uid", 0), gid = json_get_int(e, "gid", 0);
	int64_t major = json_get_int(e, "devMajor", 0), minor = json_get_int(e, "devMinor", 0);
	struct build_entry entry = {
		.path = json_get_string(e, "name"),
		.uid = (uint32_t)uid,
		.gid = (uint32_t)gid,
		.size = json_get_int(e, "size", 0),
		.major = (unsigned)major,
		.minor = (unsigned)minor,
		.target = link,
	};
	int is_hardlink = 0, r;

	if (type && !strcmp(type, "chunk")) {
		return rd->name ? add_chunk(rd, e, err) : bad(err, "a chunk without a file");
	}
	r = check_finished(rd, err);
	if (r < 0) {
		return r;
	}
	if (type_of(type, &entry.mode, &is_hardlink) < 0 || !entry.path) {
		return bad(err, "a kind of file that layers do not have");
	}
	if (!is_id(uid) || !is_id(gid) || major < 0 || minor < 0 || major > UINT32_MAX ||
	    minor > UINT32_MAX || entry.size < 0 ||
	    parse_time(json_get_string(e, "modtime"), &entry) < 0) {
		return bad(err, "its owner, size, time or device number is impossible");
	}
	entry.mode |= (mode_t)json_get_int(e, "mode", 0) & 07777;
	entry.hardlink = is_hardlink ? (link ? link : "") : NULL;
	r = build_add(rd->b, &entry, err);
	if (r == 0) {
		r = add_xattrs(rd, e, err);
	}
	rd->name = S_ISREG(entry.mode) && !is_hardlink ? entry.path : NULL;
	rd->size = rd->name ? entry.size : 0;
	rd->done = 0;
	return r < 0 || rd->size == 0 ? r : add_chunk(rd, e, err);
}

static int add_all(struct reading *rd, struct json_object *entries, struct gantry_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(entries); i++) {
		struct json_object *e = json_object_array_get_idx(entries, i);
		const char *name = json_get_string(e, "name");
		char shown[256];

		r = add_entry(rd, e, err);
		if (r < 0 && !strstr(err->message, "entry ")) {
			error_prefix(err, "entry %s", layer_printable(name ? name : "", shown, sizeof(shown)));
		}
	}
	return r < 0 ? r : check_finished(rd, err);
}

int toc_index(const struct toc *toc, const struct buf *json, struct build *b, struct gantry_error *err)
{
	struct reading rd = { .toc = toc, .b = b };
	auto_json struct json_object *o = NULL;
	struct json_object *entries;
	int r = json_parse(buf_str(json), json->len, "the table of contents", &o, err);

	entries = r == 0 ? json_get_array(o, "entries") : NULL;
	if (r == 0 && !entries) {
		r = error_set(err, GANTRY_ERR_CORRUPT, "the table of contents has no entries");
	}
	if (r == 0) {
		r = collect_offsets(&rd, entries, err);
	}
	if (r == 0) {
		r = add_all(&rd, entries, err);
	}
	free(rd.offsets);
	if (r == GANTRY_ERR_INVALID) {
		err->code = r = GANTRY_ERR_CORRUPT;
	}
	return r;
}
