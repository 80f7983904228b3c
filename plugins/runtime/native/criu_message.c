/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>

#include "criu_message.h"

enum wire {
	WIRE_VARINT = 0,
	WIRE_64 = 1,
	WIRE_BYTES = 2,
	WIRE_32 = 5,
};

static void put_varint(struct buf *out, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		buf_addc(out, (char)(0x80 | (value & 0x7f)));
	buf_addc(out, (char)value);
}

static void put_key(struct buf *out, unsigned int field, enum wire wire)
{
	put_varint(out, (uint64_t)field << 3 | wire);
}

void criu_put_int(struct buf *out, unsigned int field, int64_t value)
{
	put_key(out, field, WIRE_VARINT);
	put_varint(out, (uint64_t)value);
}

static void put_bytes(struct buf *out, unsigned int field, const void *data, size_t len)
{
	put_key(out, field, WIRE_BYTES);
	put_varint(out, len);
	buf_add(out, data, len);
}

void criu_put_text(struct buf *out, unsigned int field, const char *value)
{
	put_bytes(out, field, value, strlen(value));
}

void criu_put_message(struct buf *out, unsigned int field, const struct buf *value)
{
	out->failed |= value->failed;
	put_bytes(out, field, buf_str(value), value->len);
}

void criu_put_pair(struct buf *out, unsigned int field, const char *key, const char *value)
{
	auto_(buf) struct buf pair = BUF_INIT;

	criu_put_text(&pair, 1, key);
	criu_put_text(&pair, 2, value);
	criu_put_message(out, field, &pair);
}

void criu_put_fd(struct buf *out, unsigned int field, const char *key, int fd)
{
	auto_(buf) struct buf pair = BUF_INIT;

	criu_put_text(&pair, 1, key);
	criu_put_int(&pair, 2, fd);
	criu_put_message(out, field, &pair);
}

/* What is left of a message. */
struct reader {
	const uint8_t *p, *end;
};

struct field {
	unsigned int number;
	uint64_t value;      /* WIRE_VARINT */
	struct reader bytes; /* WIRE_BYTES; empty otherwise */
};

static int get_varint(struct reader *r, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		if (r->p == r->end)
			return -EBADMSG;
		value |= (uint64_t)(*r->p & 0x7f) << shift;
		if (!(*r->p++ & 0x80)) {
			*ret = value;
			return 0;
		}
	}
	return -EBADMSG;
}

/* Returns 1, 0 at the end, or -EBADMSG. */
static int next_field(struct reader *r, struct field *ret)
{
	uint64_t key, len = 0;

	if (r->p == r->end)
		return 0;
	*ret = (struct field){ 0 };
	if (get_varint(r, &key) < 0 || key >> 3 == 0 || key >> 3 > UINT32_MAX)
		return -EBADMSG;
	ret->number = (unsigned int)(key >> 3);
	switch (key & 7) {
	case WIRE_VARINT:
		return get_varint(r, &ret->value) < 0 ? -EBADMSG : 1;
	case WIRE_BYTES:
		if (get_varint(r, &len) < 0)
			return -EBADMSG;
		break;
	case WIRE_64:
		len = 8;
		break;
	case WIRE_32:
		len = 4;
		break;
	default:
		return -EBADMSG;
	}
	if (len > (uint64_t)(r->end - r->p))
		return -EBADMSG;
	ret->bytes = (struct reader){ r->p, r->p + len };
	r->p += len;
	return 1;
}

static void get_text(const struct field *f, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)(f->bytes.end - f->bytes.p), (const char *)f->bytes.p);
}

static int parse_restore(struct reader r, struct criu_answer *a)
{
	struct field f;
	int n;

	while ((n = next_field(&r, &f)) > 0) {
		if (f.number == 1)
			a->pid = (int32_t)f.value;
	}
	return n;
}

static int parse_notify(struct reader r, struct criu_answer *a)
{
	struct field f;
	int n;

	while ((n = next_field(&r, &f)) > 0) {
		if (f.number == 1)
			get_text(&f, a->script, sizeof(a->script));
		else if (f.number == 2)
			a->pid = (int32_t)f.value;
	}
	return n;
}

int criu_answer_parse(const void *data, size_t len, struct criu_answer *ret)
{
	struct reader r = { data, (const uint8_t *)data + len };
	struct criu_answer a = { 0 };
	bool has_type = false;
	struct field f;
	int n;

	while ((n = next_field(&r, &f)) > 0) {
		int inner = 0;

		switch (f.number) {
		case 1:
			a.type = (uint32_t)f.value;
			has_type = true;
			break;
		case 2:
			a.success = f.value != 0;
			break;
		case 4:
			inner = parse_restore(f.bytes, &a);
			break;
		case 5:
			inner = parse_notify(f.bytes, &a);
			break;
		case 7:
			a.error = (int32_t)f.value;
			break;
		case 9:
			get_text(&f, a.message, sizeof(a.message));
			break;
		default:
			break;
		}
		if (inner < 0)
			return inner;
	}
	if (n < 0 || !has_type)
		return -EBADMSG;
	*ret = a;
	return 0;
}
