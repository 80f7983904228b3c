/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reply.h"

static void value_done(struct reply_value *v)
{
	if (v->type == GANTRY_TYPE_FD && v->number >= 0)
		close((int)v->number);
	for (uint32_t i = 0; i < v->n_items; i++)
		free(v->items[i]);
	free(v->items);
	free(v->data);
	*v = (struct reply_value){ 0 };
}

void reply_done(struct reply *r)
{
	for (int i = 0; i < REPLY_MAX_FIELDS; i++) {
		if (r->values[i].type)
			value_done(&r->values[i]);
	}
}

/* The slot for a field, if the operation has such a result of such a type. */
static struct reply_value *slot(struct gantry_reply *reply, uint32_t field, uint32_t type)
{
	struct reply *r = (struct reply *)reply;
	uint32_t want;

	if (field >= REPLY_MAX_FIELDS || (r->op && field >= r->op->n_results))
		return NULL;
	want = r->op ? r->op->results[field].type : type;
	if (want == GANTRY_TYPE_JSON)
		want = GANTRY_TYPE_STRING;
	if (want == GANTRY_TYPE_BOOLEAN || want == GANTRY_TYPE_HANDLE)
		want = GANTRY_TYPE_INTEGER;
	if (want != type)
		return NULL;
	if (r->values[field].type && type != GANTRY_TYPE_LIST)
		value_done(&r->values[field]);
	return &r->values[field];
}

static int put_bytes_as(struct gantry_reply *reply, uint32_t field, uint32_t type,
			const void *data, uint64_t size)
{
	struct reply_value *v = slot(reply, field, type);
	char *copy;

	if (!v)
		return GANTRY_ERR_INTERNAL;
	copy = malloc(size + 1);
	if (!copy)
		return GANTRY_ERR_NO_MEMORY;
	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	v->type = type;
	v->data = copy;
	v->size = size;
	return 0;
}

static int put_string(struct gantry_reply *reply, uint32_t field, const char *text)
{
	return text ? put_bytes_as(reply, field, GANTRY_TYPE_STRING, text, strlen(text)) : 0;
}

static int put_bytes(struct gantry_reply *reply, uint32_t field, const void *data, uint64_t size)
{
	return put_bytes_as(reply, field, GANTRY_TYPE_BYTES, data, size);
}

static int put_integer(struct gantry_reply *reply, uint32_t field, int64_t value)
{
	struct reply_value *v = slot(reply, field, GANTRY_TYPE_INTEGER);

	if (!v)
		return GANTRY_ERR_INTERNAL;
	v->type = GANTRY_TYPE_INTEGER;
	v->number = value;
	return 0;
}

static int put_fd(struct gantry_reply *reply, uint32_t field, int32_t fd)
{
	struct reply_value *v = slot(reply, field, GANTRY_TYPE_FD);

	if (!v) {
		if (fd >= 0)
			close(fd);
		return GANTRY_ERR_INTERNAL;
	}
	v->type = GANTRY_TYPE_FD;
	v->number = fd;
	return 0;
}

static int put_item(struct gantry_reply *reply, uint32_t field, const char *text)
{
	struct reply_value *v = slot(reply, field, GANTRY_TYPE_LIST);
	char **items = v ? v->items : NULL;
	char *copy;

	if (!v)
		return GANTRY_ERR_INTERNAL;
	/* Room grows when the count reaches a power of two. */
	if ((v->n_items & (v->n_items + 1)) == 0) {
		items = realloc(v->items, sizeof(*items) * ((size_t)v->n_items + 1) * 2);
		if (!items)
			return GANTRY_ERR_NO_MEMORY;
		v->items = items;
	}
	copy = strdup(text);
	if (!copy)
		return GANTRY_ERR_NO_MEMORY;
	v->type = GANTRY_TYPE_LIST;
	v->items[v->n_items++] = copy;
	v->items[v->n_items] = NULL;
	return 0;
}

const struct gantry_reply_ops reply_ops = {
	.size = sizeof(reply_ops),
	.put_string = put_string,
	.put_integer = put_integer,
	.put_bytes = put_bytes,
	.put_fd = put_fd,
	.put_item = put_item,
};

const char *reply_string(const struct reply *r, uint32_t field)
{
	return r->values[field].data;
}

int64_t reply_integer(const struct reply *r, uint32_t field, int64_t fallback)
{
	return r->values[field].type ? r->values[field].number : fallback;
}

struct gantry_bytes reply_bytes(const struct reply *r, uint32_t field)
{
	return (struct gantry_bytes){ r->values[field].data, r->values[field].size };
}

const char *const *reply_list(const struct reply *r, uint32_t field)
{
	static const char *const none[] = { NULL };

	return r->values[field].items ? (const char *const *)r->values[field].items : none;
}

int reply_take_fd(struct reply *r, uint32_t field)
{
	int fd = -1;

	if (r->values[field].type == GANTRY_TYPE_FD) {
		fd = (int)r->values[field].number;
		r->values[field].number = -1;
	}
	return fd;
}

char *reply_take_string(struct reply *r, uint32_t field)
{
	char *text = r->values[field].data;

	r->values[field].data = NULL;
	r->values[field].size = 0;
	return text;
}
