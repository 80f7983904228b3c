/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "entry.h"
#include "helpers/buf.h"

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

/* ---- writing ---- */

static void put_varint(struct buf *out, uint64_t v)
{
	while (v >= 0x80) {
		buf_addc(out, (char)(v | 0x80));
		v >>= 7;
	}
	buf_addc(out, (char)v);
}

static void put_number(struct buf *out, unsigned field, uint64_t v)
{
	if (v) {
		put_varint(out, field << 3 | VARINT);
		put_varint(out, v);
	}
}

static void put_bytes(struct buf *out, unsigned field, const void *data, size_t len)
{
	if (len) {
		put_varint(out, field << 3 | BYTES);
		put_varint(out, len);
		buf_add(out, data, len);
	}
}

void entry_encode(const struct entry *e, struct buf *out)
{
	struct buf message = BUF_INIT, metadata = BUF_INIT;
	const char *source = e->stream == 2 ? "stderr" : "stdout";
	unsigned char head[4];

	put_bytes(&message, 1, source, strlen(source));
	put_number(&message, 2, (uint64_t)e->time_ns);
	put_bytes(&message, 3, e->line, e->len);
	put_number(&message, 4, (uint64_t)(e->partial != 0));
	if (e->partial) {
		put_number(&metadata, 1, (uint64_t)(e->last != 0));
		put_bytes(&metadata, 2, e->id, strlen(e->id));
		put_number(&metadata, 3, (uint64_t)e->ordinal);
		put_bytes(&message, 5, metadata.data, metadata.len);
	}
	head[0] = (unsigned char)(message.len >> 24);
	head[1] = (unsigned char)(message.len >> 16);
	head[2] = (unsigned char)(message.len >> 8);
	head[3] = (unsigned char)message.len;
	buf_add(out, head, sizeof(head));
	buf_add(out, message.data, message.len);
	out->failed |= message.failed | metadata.failed;
	buf_done(&message);
	buf_done(&metadata);
}

/* ---- reading ---- */

struct reader {
	const unsigned char *p, *end;
};

static int get_varint(struct reader *r, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (r->p == r->end) {
			return -1;
		}
		v |= (uint64_t)(*r->p & 0x7f) << shift;
		if (!(*r->p++ & 0x80)) {
			*ret = v;
			return 0;
		}
	}
	return -1;
}

/* One field: number, type, and its value (a number, or a range). */
struct field {
	unsigned number, type;
	uint64_t value;
	const char *data;
	size_t len;
};

static int skip(struct reader *r, size_t n, struct field *f)
{
	if ((size_t)(r->end - r->p) < n) {
		return -1;
	}
	f->data = (const char *)r->p;
	f->len = n;
	r->p += n;
	return 0;
}

static int get_field(struct reader *r, struct field *f)
{
	uint64_t key, n;

	*f = (struct field){ 0 };
	if (get_varint(r, &key) < 0 || key >> 3 == 0 || key >> 3 > 0x1fffffff) {
		return -1;
	}
	f->number = (unsigned)(key >> 3);
	f->type = (unsigned)(key & 7);
	switch (f->type) {
	case VARINT:
		return get_varint(r, &f->value);
	case FIXED64:
		return skip(r, 8, f);
	case FIXED32:
		return skip(r, 4, f);
	case BYTES:
		return get_varint(r, &n) < 0 || n > ENTRY_MAX ? -1 : skip(r, (size_t)n, f);
	default:
		return -1;
	}
}

static int decode_metadata(const char *data, size_t len, struct entry *e)
{
	struct reader r = { (const unsigned char *)data, (const unsigned char *)data + len };
	struct field f;

	while (r.p < r.end) {
		if (get_field(&r, &f) < 0) {
			return -1;
		}
		if (f.number == 1 && f.type == VARINT) {
			e->last = f.value != 0;
		} else if (f.number == 2 && f.type == BYTES) {
			size_t n = f.len < sizeof(e->id) - 1 ? f.len : sizeof(e->id) - 1;

			memcpy(e->id, f.data, n);
			e->id[n] = '\0';
		} else if (f.number == 3 && f.type == VARINT) {
			e->ordinal = (int)(uint32_t)f.value;
		}
	}
	return 0;
}

int entry_decode(const char *data, size_t len, struct entry *ret)
{
	struct reader r = { (const unsigned char *)data, (const unsigned char *)data + len };
	struct entry e = { .stream = 1, .line = "" };
	struct field f;

	while (r.p < r.end) {
		if (get_field(&r, &f) < 0) {
			return -1;
		}
		if (f.number == 1 && f.type == BYTES) {
			e.stream = f.len == 6 && !memcmp(f.data, "stderr", 6) ? 2 : 1;
		} else if (f.number == 2 && f.type == VARINT) {
			e.time_ns = (int64_t)f.value;
		} else if (f.number == 3 && f.type == BYTES) {
			e.line = f.data;
			e.len = f.len;
		} else if (f.number == 4 && f.type == VARINT) {
			e.partial = f.value != 0;
		} else if (f.number == 5 && f.type == BYTES && decode_metadata(f.data, f.len, &e) < 0) {
			return -1;
		}
	}
	*ret = e;
	return 0;
}
