/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any thread and several processes may use the same storage: compare-and-swap
 * stands under a lock file in the driver's folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/reply.h"

#include "lua/drivers/command.h"
#include "lua/drivers/http.h"
#include "lua/drivers/services.h"
#include "lua/policy/counter.h"
#include "lua/sandbox/sandbox.h"
#include "lua/sandbox/services.h"

#define VALUE_MAX ((size_t)64 << 10)
#define KEYS_MAX 1000

struct context {
	const struct gantry_host *host;
	const struct gantry_store_service *store;
	const struct gantry_log_service *log;
	char *prefix;
	char *secrets_folder;
	char *module_folder;
	char **grants;
	int lock_fd;
};

static int store_key(const struct context *c, const char *key, char *out, size_t size,
		     struct gantry_error *err)
{
	if (!c->store) {
		return error_set(err, GANTRY_ERR_UNAVAILABLE, "this host has no store");
	}
	if (snprintf(out, size, "%s/%s", c->prefix, key) >= (int)size) {
		return error_set(err, GANTRY_ERR_INVALID, "the key is too long");
	}
	return 0;
}

static int kv_get(void *ctx, const char *key, struct buf *ret, struct gantry_error *err)
{
	const struct context *c = ctx;
	auto_(reply) struct reply reply = REPLY_INIT;
	char name[700];
	struct gantry_bytes value;
	int r = store_key(c, key, name, sizeof(name), err);

	if (r == 0) {
		r = c->store->get(c->host, name, &reply.base, err);
	}
	if (r < 0) {
		return r;
	}
	value = reply_bytes(&reply, 0);
	buf_add(ret, value.data, value.size);
	return buf_failed(ret) ? error_no_memory(err) : 0;
}

static int count_keys(const struct context *c, struct gantry_error *err)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	char prefix[300];
	int n = 0, r;

	snprintf(prefix, sizeof(prefix), "%.250s/", c->prefix);
	r = c->store->list(c->host, prefix, &reply.base, err);
	if (r < 0) {
		return r;
	}
	while (reply_list(&reply, 0)[n]) {
		n++;
	}
	return n;
}

static int kv_put(void *ctx, const char *key, const char *value, struct gantry_error *err)
{
	const struct context *c = ctx;
	char name[700];
	int r = store_key(c, key, name, sizeof(name), err);

	if (r < 0) {
		return r;
	}
	if (!value) {
		return c->store->remove(c->host, name, err);
	}
	if (strlen(value) > VALUE_MAX) {
		return error_set(err, GANTRY_ERR_LIMIT, "a value is larger than %zu KiB",
				 VALUE_MAX >> 10);
	}
	r = c->store->put_new(c->host, name, value, err);
	if (r == GANTRY_ERR_EXISTS) {
		error_clear(err);
		return c->store->put(c->host, name, value, err);
	}
	if (r == 0 && count_keys(c, err) > KEYS_MAX) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		(void)c->store->remove(c->host, name, &ignored);
		return error_set(err, GANTRY_ERR_LIMIT, "a script keeps at most %d keys", KEYS_MAX);
	}
	return r;
}

static int kv_list(void *ctx, const char *prefix, struct buf *ret, struct gantry_error *err)
{
	const struct context *c = ctx;
	auto_(reply) struct reply reply = REPLY_INIT;
	const char *const *key;
	char name[700];
	int r = store_key(c, prefix, name, sizeof(name), err);

	if (r == 0) {
		r = c->store->list(c->host, name, &reply.base, err);
	}
	if (r < 0) {
		return r;
	}
	for (key = reply_list(&reply, 0); *key; key++) {
		if (strlen(*key) > strlen(c->prefix) && !strchr(*key, '\n')) {
			buf_addf(ret, "%s\n", *key + strlen(c->prefix) + 1);
		}
	}
	return 0;
}

static int same(const struct buf *now, int absent, const char *old_value)
{
	return absent ? old_value == NULL : old_value && strcmp(buf_str(now), old_value) == 0;
}

static int kv_swap(void *ctx, const char *key, const char *old_value, const char *new_value,
		   struct gantry_error *err)
{
	struct context *c = ctx;
	auto_(buf) struct buf now = BUF_INIT;
	int r, absent;

	if (c->lock_fd < 0 || flock(c->lock_fd, LOCK_EX) < 0) {
		return error_errno(err, errno, "cannot lock the script's storage");
	}
	r = kv_get(ctx, key, &now, err);
	absent = r == GANTRY_ERR_NOT_FOUND;
	if (r == 0 || absent) {
		error_clear(err);
		r = same(&now, absent, old_value) ? kv_put(ctx, key, new_value, err) :
						    error_set(err, GANTRY_ERR_CONFLICT,
							      "%s was changed meanwhile", key);
	}
	flock(c->lock_fd, LOCK_UN);
	return r;
}

static int count(void *ctx, const char *key, int64_t amount, int64_t window_ns, int64_t *ret_sum,
		 struct gantry_error *err)
{
	struct services services = { .ctx = ctx, .kv_get = kv_get, .kv_swap = kv_swap };

	return counter_add(&services, key, amount, window_ns, time_now_ns(), ret_sum, err);
}

static void write_log(void *ctx, int level, const char *text)
{
	const struct context *c = ctx;
	char line[5000];

	if (c->log) {
		snprintf(line, sizeof(line), "%s: %s", c->prefix, text);
		c->log->write(c->host, (uint32_t)level, line);
	}
}

/* A file of a folder, by a name without slashes. */
static int read_named(const char *folder, const char *name, const char *suffix, size_t limit,
		      struct buf *ret, struct gantry_error *err)
{
	char file[300];
	auto_fd int fd = -1;
	int r;

	if (!folder || strchr(name, '/') || name[0] == '.') {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "there is no '%s'", name);
	}
	snprintf(file, sizeof(file), "%.250s%s", name, suffix);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -errno : read_file(fd, file, ret, limit);
	return r < 0 ? error_errno(err, -r, "cannot read '%s'", name) : 0;
}

static int read_secret(void *ctx, const char *name, struct buf *ret, struct gantry_error *err)
{
	const struct context *c = ctx;
	int r = read_named(c->secrets_folder, name, "", VALUE_MAX, ret, err);

	/* Files end with a newline, secrets do not. */
	while (r == 0 && ret->len && ret->data[ret->len - 1] == '\n') {
		ret->data[--ret->len] = '\0';
	}
	return r;
}

int script_module_read(const char *folder, const char *name, struct buf *ret,
		       struct gantry_error *err)
{
	return read_named(folder, name, ".lua", SANDBOX_SOURCE_MAX, ret, err);
}

static int read_module(void *ctx, const char *name, struct buf *ret, struct gantry_error *err)
{
	const struct context *c = ctx;

	return script_module_read(c->module_folder, name, ret, err);
}

static char *copy(const char *text, int *failed)
{
	char *result = text ? strdup(text) : NULL;

	*failed = *failed || (text && !result);
	return result;
}

static char **copy_list(const char *const *list, int *failed)
{
	size_t i, n = 0;
	char **result;

	while (list && list[n]) {
		n++;
	}
	result = calloc(n + 1, sizeof(*result));
	if (!result) {
		*failed = 1;
		return NULL;
	}
	for (i = 0; i < n; i++) {
		result[i] = copy(list[i], failed);
	}
	return result;
}

static void free_context(struct context *c)
{
	size_t i;

	for (i = 0; c->grants && c->grants[i]; i++) {
		free(c->grants[i]);
	}
	free(c->grants);
	free(c->prefix);
	free(c->secrets_folder);
	free(c->module_folder);
	if (c->lock_fd >= 0) {
		close(c->lock_fd);
	}
	free(c);
}

int script_services_new(const struct script_host *from, struct services *ret,
			struct gantry_error *err)
{
	struct context *c = calloc(1, sizeof(*c));
	char path[4096];
	int failed = 0;

	if (!c) {
		return error_no_memory(err);
	}
	c->lock_fd = -1;
	c->host = from->host;
	c->store = gantry_service(from->host, "store");
	c->log = gantry_service(from->host, "log");
	c->prefix = copy(from->prefix, &failed);
	c->secrets_folder = copy(from->secrets_folder, &failed);
	c->module_folder = copy(from->module_folder, &failed);
	c->grants = copy_list(from->grants, &failed);
	if (failed) {
		free_context(c);
		return error_no_memory(err);
	}
	snprintf(path, sizeof(path), "%s/lock", from->host->state_dir);
	c->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	*ret = (struct services){
		.ctx = c, .grants = (const char *const *)c->grants, .log = write_log,
		.kv_get = kv_get, .kv_put = kv_put, .kv_list = kv_list, .kv_swap = kv_swap,
		.count = count, .http = http_request, .secret = read_secret, .exec = command_run,
		.module = read_module,
	};
	return 0;
}

void script_services_free(struct services *services)
{
	if (services->ctx) {
		free_context(services->ctx);
		services->ctx = NULL;
	}
}
