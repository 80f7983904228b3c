/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/plugin/wire.h"
#include "helpers/base64.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

struct wire_block {
	struct wire_block *next;
	_Alignas(16) char data[];
};

static const char *const code_names[] = {
	"INVALID",	"NOT_FOUND", "EXISTS",	    "IN_USE",	   "CONFLICT", "PERMISSION",
	"UNAUTHORIZED", "DENIED",    "UNSUPPORTED", "UNAVAILABLE", "TIMEOUT",  "CANCELLED",
	"NO_SPACE",	"NO_MEMORY", "LIMIT",	    "CORRUPT",	   "IO",       "INTERNAL",
};

static const char *const type_names[] = {
	"?",
	"a string",
	"an integer",
	"true or false",
	"base64 text",
	"a JSON value",
	"a list of strings",
	"a descriptor's number",
	"a handle (an integer)",
};

const char *wire_code_name(int code)
{
	return code < 0 && (size_t)-code <= ARRAY_SIZE(code_names) ? code_names[-code - 1] : NULL;
}

int wire_code_number(struct jsonspan name)
{
	for (size_t i = 0; i < ARRAY_SIZE(code_names); i++) {
		if (jsonspan_kind(name) == '"' && jsonspan_key_is(name, code_names[i])) {
			return -(int)(i + 1);
		}
	}
	return 0;
}

void wire_fds_sent(struct wire_fds *fds)
{
	for (unsigned i = 0; i < fds->n; i++) {
		if (fds->made & (1u << i)) {
			close(fds->fd[i]);
		}
	}
	fds->n = fds->made = 0;
}

void wire_fds_done(struct wire_fds *fds)
{
	for (unsigned i = 0; i < fds->n; i++) {
		if (fds->fd[i] >= 0) {
			close(fds->fd[i]);
		}
	}
	fds->n = 0;
}

/* ---- writing ---- */

struct writer {
	struct buf *out;
	struct wire_fds *fds;
	struct gantry_error *err;
	int first;
};

static void put_name(struct writer *w, const char *name)
{
	buf_addf(w->out, "%s\"%s\":", w->first ? "" : ",", name);
	w->first = 0;
}

static int put_fd(struct writer *w, int fd, int made)
{
	if (w->fds->n == WIRE_FDS_MAX) {
		if (made) {
			close(fd);
		}
		return error_set(w->err, GANTRY_ERR_LIMIT,
				 "a message carries at most %d descriptors", WIRE_FDS_MAX);
	}
	w->fds->made |= made ? 1u << w->fds->n : 0;
	w->fds->fd[w->fds->n] = fd;
	buf_addf(w->out, "%u", w->fds->n++);
	return 0;
}

static int put_text(struct writer *w, const char *name, const char *text)
{
	put_name(w, name);
	return json_add_text(w->out, text, strlen(text)) == 0
		       ? 0
		       : error_set(w->err, GANTRY_ERR_INVALID, "%s is not UTF-8", name);
}

static int put_json(struct writer *w, const char *name, const char *text)
{
	put_name(w, name);
	return json_add_compact(w->out, text, strlen(text)) == 0
		       ? 0
		       : error_set(w->err, GANTRY_ERR_INVALID, "%s is not JSON", name);
}

static int put_list(struct writer *w, const char *name, const char *const *list)
{
	const char *comma = "";

	put_name(w, name);
	buf_addc(w->out, '[');
	for (; *list; list++) {
		buf_adds(w->out, comma);
		comma = ",";
		if (json_add_text(w->out, *list, strlen(*list)) < 0) {
			return error_set(w->err, GANTRY_ERR_INVALID, "an item of %s is not UTF-8",
					 name);
		}
	}
	buf_addc(w->out, ']');
	return 0;
}

/* Bytes in a sealed memory file, which the peer can read and nobody change. */
static int make_file(const struct gantry_bytes *bytes, struct gantry_error *err)
{
	int fd = memfd_create("gantry-bytes", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0) {
		return error_errno(err, errno, "cannot create a memory file");
	}
	r = write_all(fd, bytes->data, bytes->size);
	if (r < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
		close(fd);
		return error_errno(err, r < 0 ? -r : errno, "cannot fill a memory file");
	}
	return fd;
}

static int put_bytes(struct writer *w, const char *name, struct gantry_bytes bytes)
{
	int fd, r;

	put_name(w, name);
	if (bytes.size <= WIRE_INLINE_MAX) {
		buf_addc(w->out, '"');
		base64_encode(bytes.data, bytes.size, w->out);
		buf_addc(w->out, '"');
		return 0;
	}
	if (bytes.size > WIRE_BYTES_MAX) {
		return error_set(w->err, GANTRY_ERR_LIMIT, "%s is larger than %u bytes", name,
				 WIRE_BYTES_MAX);
	}
	fd = make_file(&bytes, w->err);
	if (fd < 0) {
		return fd;
	}
	buf_adds(w->out, "{\"fd\":");
	r = put_fd(w, fd, 1);
	buf_addf(w->out, ",\"size\":%llu}", (unsigned long long)bytes.size);
	return r;
}

static size_t field_size(uint32_t type)
{
	return type == GANTRY_TYPE_BYTES ? sizeof(struct gantry_bytes)
	       : type == GANTRY_TYPE_FD	 ? sizeof(int32_t)
					 : sizeof(uint64_t);
}

static int put_arg(struct writer *w, const struct gantry_field *f, const void *at)
{
	int optional = (f->flags & GANTRY_FIELD_OPTIONAL) != 0;
	int64_t number;

	switch (f->type) {
	case GANTRY_TYPE_STRING:
		return *(const char *const *)at ? put_text(w, f->name, *(const char *const *)at)
						: 0;
	case GANTRY_TYPE_JSON:
		return *(const char *const *)at ? put_json(w, f->name, *(const char *const *)at)
						: 0;
	case GANTRY_TYPE_LIST:
		return *(const char *const *const *)at
			       ? put_list(w, f->name, *(const char *const *const *)at)
			       : 0;
	case GANTRY_TYPE_BYTES:
		if (!((const struct gantry_bytes *)at)->data && optional) {
			return 0;
		}
		return put_bytes(w, f->name, *(const struct gantry_bytes *)at);
	case GANTRY_TYPE_FD:
		if (*(const int32_t *)at < 0) {
			return 0;
		}
		put_name(w, f->name);
		return put_fd(w, *(const int32_t *)at, 0);
	default:
		number = *(const int64_t *)at;
		if (number == 0 && optional) {
			return 0;
		}
		put_name(w, f->name);
		if (f->type == GANTRY_TYPE_BOOLEAN) {
			buf_adds(w->out, number ? "true" : "false");
		} else {
			buf_addf(w->out, "%lld", (long long)number);
		}
		return 0;
	}
}

int wire_put_args(struct buf *out, struct wire_fds *fds, const struct gantry_op *op,
		  const void *args, struct gantry_error *err)
{
	struct writer w = {out, fds, err, 1};
	uint64_t size = *(const uint64_t *)args;
	int r = 0;

	buf_addc(out, '{');
	for (uint32_t i = 0; r == 0 && i < op->n_args; i++) {
		const struct gantry_field *f = &op->args[i];

		if (f->offset + field_size(f->type) <= size) {
			r = put_arg(&w, f, (const char *)args + f->offset);
		}
	}
	buf_addc(out, '}');
	return r;
}

static int put_result(struct writer *w, const struct gantry_field *f, const struct reply_value *v)
{
	static const char *const none[] = {NULL};

	switch (f->type) {
	case GANTRY_TYPE_STRING:
		return v->data ? put_text(w, f->name, v->data) : 0;
	case GANTRY_TYPE_JSON:
		return v->data ? put_json(w, f->name, v->data) : 0;
	case GANTRY_TYPE_LIST:
		return put_list(w, f->name, v->items ? (const char *const *)v->items : none);
	case GANTRY_TYPE_BYTES:
		return put_bytes(w, f->name, (struct gantry_bytes){v->data, v->size});
	case GANTRY_TYPE_FD:
		if (v->number < 0) {
			return 0;
		}
		put_name(w, f->name);
		return put_fd(w, (int)v->number, 0);
	default:
		put_name(w, f->name);
		if (f->type == GANTRY_TYPE_BOOLEAN) {
			buf_adds(w->out, v->number ? "true" : "false");
		} else {
			buf_addf(w->out, "%lld", (long long)v->number);
		}
		return 0;
	}
}

int wire_put_results(struct buf *out, struct wire_fds *fds, const struct gantry_op *op,
		     const struct reply *results, struct gantry_error *err)
{
	struct writer w = {out, fds, err, 1};
	int r = 0;

	buf_addc(out, '{');
	for (uint32_t i = 0; r == 0 && i < op->n_results; i++) {
		if (results->values[i].type) {
			r = put_result(&w, &op->results[i], &results->values[i]);
		}
	}
	buf_addc(out, '}');
	return r;
}

void wire_put_error(struct buf *out, const struct gantry_error *err)
{
	const char *name = wire_code_name(err->code);
	size_t start;

	buf_addf(out, "\"code\":\"%s\",\"message\":", name ? name : "INTERNAL");
	start = out->len;
	if (json_add_text(out, err->message, strnlen(err->message, sizeof(err->message))) < 0) {
		out->len = start;
		buf_adds(out, "\"(a message that is not UTF-8)\"");
	}
	start = out->len;
	buf_adds(out, ",\"hint\":");
	if (!err->hint[0] ||
	    json_add_text(out, err->hint, strnlen(err->hint, sizeof(err->hint))) < 0) {
		out->len = start;
	}
	if (err->sys_errno) {
		buf_addf(out, ",\"errno\":%d", err->sys_errno);
	}
}

/* ---- reading ---- */

static int wrong_type(struct gantry_error *err, const struct gantry_field *f)
{
	return error_set(err, GANTRY_ERR_INVALID, "%s must be %s", f->name, type_names[f->type]);
}

static int take_fd(struct jsonspan value, struct wire_fds *fds, int *ret)
{
	int64_t n;

	if (jsonspan_integer(value, &n) < 0 || n < 0 || n >= fds->n || fds->fd[n] < 0) {
		return -1;
	}
	*ret = fds->fd[n];
	fds->fd[n] = -1;
	return 0;
}

/* Reading must neither block nor meet a file that shrinks, so it has to be a
 * sealed memory file. */
static int read_bytes_file(struct jsonspan value, struct wire_fds *fds, struct buf *out)
{
	auto_fd int fd = -1;
	int64_t size;
	char *to;

	if (jsonspan_integer(jsonspan_get(value, "size"), &size) < 0 || size < 0 ||
	    size > WIRE_BYTES_MAX || take_fd(jsonspan_get(value, "fd"), fds, &fd) < 0 ||
	    (fcntl(fd, F_GET_SEALS) & (F_SEAL_SHRINK | F_SEAL_WRITE)) !=
		    (F_SEAL_SHRINK | F_SEAL_WRITE) ||
	    fcntl(fd, F_GET_SEALS) < 0) {
		return -1;
	}
	to = buf_reserve(out, (size_t)size);
	if (!to || pread(fd, to, (size_t)size, 0) != size) {
		return -1;
	}
	out->len += (size_t)size;
	return 0;
}

static int read_bytes(struct jsonspan value, struct wire_fds *fds, struct buf *out)
{
	auto_(buf) struct buf text = BUF_INIT;

	if (jsonspan_kind(value) == '{') {
		return read_bytes_file(value, fds, out);
	}
	if (jsonspan_text(value, &text) < 0 || !buf_reserve(out, text.len)) {
		return -1;
	}
	return base64_decode(buf_str(&text), text.len, out);
}

static int read_boolean(struct jsonspan value, int64_t *ret)
{
	if (jsonspan_kind(value) != 't') {
		return -1;
	}
	*ret = value.at[0] == 't';
	return 0;
}

static void *block_new(struct wire_args *a, size_t size)
{
	struct wire_block *b = calloc(1, sizeof(*b) + size);

	if (!b) {
		return NULL;
	}
	b->next = a->blocks;
	a->blocks = b;
	return b->data;
}

static int get_text(struct wire_args *a, struct jsonspan value, const char **ret)
{
	auto_(buf) struct buf text = BUF_INIT;
	char *copy;

	if (jsonspan_text(value, &text) < 0 || !(copy = block_new(a, text.len + 1))) {
		return -1;
	}
	memcpy(copy, buf_str(&text), text.len);
	*ret = copy;
	return 0;
}

static int get_json(struct wire_args *a, struct jsonspan value, const char **ret)
{
	char *copy = block_new(a, value.len + 1);

	if (!copy) {
		return -1;
	}
	memcpy(copy, value.at, value.len);
	*ret = copy;
	return 0;
}

static int get_list(struct wire_args *a, struct jsonspan value, const char *const **ret)
{
	struct jsonspan item;
	const char *at = NULL;
	const char **list;
	size_t n = 0;

	if (jsonspan_kind(value) != '[') {
		return -1;
	}
	while (jsonspan_item(value, &at, &item)) {
		n++;
	}
	list = block_new(a, (n + 1) * sizeof(*list));
	if (!list) {
		return -1;
	}
	*ret = list;
	for (at = NULL; jsonspan_item(value, &at, &item); list++) {
		if (get_text(a, item, list) < 0) {
			return -1;
		}
	}
	return 0;
}

static int get_bytes(struct wire_args *a, struct jsonspan value, struct wire_fds *fds,
		     struct gantry_bytes *ret)
{
	auto_(buf) struct buf bytes = BUF_INIT;
	char *copy;

	if (read_bytes(value, fds, &bytes) < 0 || !(copy = block_new(a, bytes.len + 1))) {
		return -1;
	}
	memcpy(copy, buf_str(&bytes), bytes.len);
	*ret = (struct gantry_bytes){copy, bytes.len};
	return 0;
}

static int get_arg(struct wire_args *a, const struct gantry_field *f, struct jsonspan value,
		   struct wire_fds *fds, void *at)
{
	switch (f->type) {
	case GANTRY_TYPE_STRING:
		return get_text(a, value, at);
	case GANTRY_TYPE_JSON:
		return get_json(a, value, at);
	case GANTRY_TYPE_LIST:
		return get_list(a, value, at);
	case GANTRY_TYPE_BYTES:
		return get_bytes(a, value, fds, at);
	case GANTRY_TYPE_FD:
		return take_fd(value, fds, at);
	case GANTRY_TYPE_BOOLEAN:
		return read_boolean(value, at);
	default:
		return jsonspan_integer(value, at);
	}
}

static int is_there(struct jsonspan value)
{
	return value.len && jsonspan_kind(value) != 'n';
}

int wire_get_args(struct jsonspan object, struct wire_fds *fds, const struct gantry_op *op,
		  struct wire_args *ret, struct gantry_error *err)
{
	struct wire_args a = {NULL, NULL};
	int r = 0;

	a.args = block_new(&a, op->args_size);
	if (!a.args) {
		return error_no_memory(err);
	}
	*(uint64_t *)a.args = op->args_size;
	for (uint32_t i = 0; i < op->n_args; i++) {
		if (op->args[i].type == GANTRY_TYPE_FD) {
			*(int32_t *)((char *)a.args + op->args[i].offset) = -1;
		}
	}
	for (uint32_t i = 0; r == 0 && i < op->n_args; i++) {
		const struct gantry_field *f = &op->args[i];
		struct jsonspan value = jsonspan_get(object, f->name);

		if (is_there(value)) {
			if (get_arg(&a, f, value, fds, (char *)a.args + f->offset) < 0) {
				r = wrong_type(err, f);
			}
		} else if (!(f->flags & GANTRY_FIELD_OPTIONAL) && f->type != GANTRY_TYPE_LIST) {
			r = error_set(err, GANTRY_ERR_INVALID, "%s is missing", f->name);
		}
	}
	if (r < 0) {
		wire_args_done(&a, op);
		return r;
	}
	*ret = a;
	return 0;
}

void wire_args_done(struct wire_args *a, const struct gantry_op *op)
{
	for (uint32_t i = 0; a->args && i < op->n_args; i++) {
		int fd;

		if (op->args[i].type != GANTRY_TYPE_FD) {
			continue;
		}
		fd = *(int32_t *)((char *)a->args + op->args[i].offset);
		if (fd >= 0) {
			close(fd);
		}
	}
	while (a->blocks) {
		struct wire_block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
	a->args = NULL;
}

static int get_items(struct jsonspan value, struct gantry_reply *reply, uint32_t number)
{
	struct jsonspan item;
	const char *at = NULL;

	if (jsonspan_kind(value) != '[') {
		return -1;
	}
	while (jsonspan_item(value, &at, &item)) {
		auto_(buf) struct buf text = BUF_INIT;

		if (jsonspan_text(item, &text) < 0 ||
		    reply->ops->put_item(reply, number, buf_str(&text)) < 0) {
			return -1;
		}
	}
	return 0;
}

static int get_result(const struct gantry_field *f, uint32_t number, struct jsonspan value,
		      struct wire_fds *fds, struct gantry_reply *reply)
{
	auto_(buf) struct buf text = BUF_INIT;
	int64_t n;
	int fd;

	switch (f->type) {
	case GANTRY_TYPE_STRING:
		return jsonspan_text(value, &text) < 0
			       ? -1
			       : reply->ops->put_string(reply, number, buf_str(&text));
	case GANTRY_TYPE_JSON:
		buf_add(&text, value.at, value.len);
		return buf_failed(&text) ? -1
					 : reply->ops->put_string(reply, number, buf_str(&text));
	case GANTRY_TYPE_LIST:
		return get_items(value, reply, number);
	case GANTRY_TYPE_BYTES:
		return read_bytes(value, fds, &text) < 0
			       ? -1
			       : reply->ops->put_bytes(reply, number, buf_str(&text), text.len);
	case GANTRY_TYPE_FD:
		return take_fd(value, fds, &fd) < 0 ? -1 : reply->ops->put_fd(reply, number, fd);
	case GANTRY_TYPE_BOOLEAN:
		return read_boolean(value, &n) < 0 ? -1 : reply->ops->put_integer(reply, number, n);
	default:
		return jsonspan_integer(value, &n) < 0 ? -1
						       : reply->ops->put_integer(reply, number, n);
	}
}

static int find_result(const struct gantry_op *op, struct jsonspan key)
{
	for (uint32_t i = 0; i < op->n_results; i++) {
		if (jsonspan_key_is(key, op->results[i].name)) {
			return (int)i;
		}
	}
	return -1;
}

int wire_get_results(struct jsonspan object, struct wire_fds *fds, const struct gantry_op *op,
		     struct gantry_reply *reply, struct gantry_error *err)
{
	struct jsonspan key, value;
	const char *at = NULL;
	uint32_t seen = 0;

	if (object.len && jsonspan_kind(object) != '{') {
		return error_set(err, GANTRY_ERR_INVALID, "results must be an object");
	}
	while (jsonspan_next(object, &at, &key, &value)) {
		int i = find_result(op, key);

		if (i < 0 || (seen & (1u << i))) {
			return error_set(err, GANTRY_ERR_INVALID, "%s has no result %.*s%s",
					 op->name, key.len < 100 ? (int)key.len : 100, key.at,
					 i < 0 ? "" : " twice");
		}
		seen |= 1u << i;
		if (is_there(value) &&
		    get_result(&op->results[i], (uint32_t)i, value, fds, reply) < 0) {
			return wrong_type(err, &op->results[i]);
		}
	}
	return 0;
}

static void copy_text(struct jsonspan value, char *to, size_t size)
{
	auto_(buf) struct buf text = BUF_INIT;

	to[0] = '\0';
	if (jsonspan_text(value, &text) == 0) {
		size_t n = text.len < size ? text.len : size - 1;

		/* Not in the middle of a character. */
		while (n < text.len && n > 0 && ((unsigned char)text.data[n] & 0xc0) == 0x80) {
			n--;
		}
		memcpy(to, buf_str(&text), n);
		to[n] = '\0';
	}
}

int wire_get_error(struct jsonspan object, struct gantry_error *err)
{
	int64_t sys_errno = 0;
	int code = wire_code_number(jsonspan_get(object, "code"));

	error_clear(err);
	copy_text(jsonspan_get(object, "message"), err->message, sizeof(err->message));
	copy_text(jsonspan_get(object, "hint"), err->hint, sizeof(err->hint));
	jsonspan_integer(jsonspan_get(object, "errno"), &sys_errno);
	err->sys_errno = sys_errno > 0 && sys_errno < 4096 ? (int32_t)sys_errno : 0;
	err->code = code ? code : GANTRY_ERR_INTERNAL;
	if (!code || !err->message[0]) {
		error_set(err, GANTRY_ERR_INTERNAL, "it failed and gave no %s",
			  code ? "message" : "known code");
	}
	return err->code;
}
