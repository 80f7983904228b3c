/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "helpers/buf.h"
#include "helpers/error.h"
#include "helpers/json.h"

#include "lua/policy/counter.h"
#include "lua/policy/fakes.h"
#include "lua/sandbox/services.h"

/* 2026-01-05 12:00:00 UTC, a Monday at noon. */
#define DEFAULT_NOW_NS INT64_C(1767614400000000000)

void fakes_init(struct fakes *fakes)
{
	fakes->kv = json_object_new_object();
	fakes->secrets = json_object_new_object();
	fakes->http = json_object_new_object();
	fakes->exec = json_object_new_object();
	fakes->log = json_object_new_array();
	fakes->now_ns = DEFAULT_NOW_NS;
}

void fakes_done(struct fakes *fakes)
{
	json_object_put(fakes->kv);
	json_object_put(fakes->secrets);
	json_object_put(fakes->http);
	json_object_put(fakes->exec);
	json_object_put(fakes->log);
	memset(fakes, 0, sizeof(*fakes));
}

static void fake_log(void *ctx, int level, const char *text)
{
	struct fakes *fakes = ctx;

	(void)level;
	if (json_object_array_length(fakes->log) < 1000) {
		json_add_string(fakes->log, text);
	}
}

static int64_t fake_now(void *ctx)
{
	struct fakes *fakes = ctx;

	return fakes->now_ns;
}

static int get_text(json_object *from, const char *what, const char *key, struct buf *ret,
		    struct gantry_error *err)
{
	const char *value = json_get_string(from, key);

	if (!value) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "no %s %s in this test", what, key);
	}
	buf_adds(ret, value);
	return 0;
}

static int fake_kv_get(void *ctx, const char *key, struct buf *ret, struct gantry_error *err)
{
	struct fakes *fakes = ctx;

	return get_text(fakes->kv, "key", key, ret, err);
}

static int fake_kv_put(void *ctx, const char *key, const char *value, struct gantry_error *err)
{
	struct fakes *fakes = ctx;

	(void)err;
	if (value) {
		json_set_string(fakes->kv, key, value);
	} else {
		json_object_object_del(fakes->kv, key);
	}
	return 0;
}

static int fake_kv_list(void *ctx, const char *prefix, struct buf *ret, struct gantry_error *err)
{
	struct fakes *fakes = ctx;

	(void)err;
	json_object_object_foreach(fakes->kv, key, value)
	{
		(void)value;
		if (strncmp(key, prefix, strlen(prefix)) == 0) {
			buf_addf(ret, "%s\n", key);
		}
	}
	return 0;
}

static int fake_kv_swap(void *ctx, const char *key, const char *old_value, const char *new_value,
			struct gantry_error *err)
{
	struct fakes *fakes = ctx;
	const char *now = json_get_string(fakes->kv, key);

	if ((now == NULL) != (old_value == NULL) || (now && strcmp(now, old_value) != 0)) {
		return error_set(err, GANTRY_ERR_CONFLICT, "%s changed", key);
	}
	return fake_kv_put(ctx, key, new_value, err);
}

static int fake_count(void *ctx, const char *key, int64_t amount, int64_t window_ns,
		      int64_t *ret_sum, struct gantry_error *err)
{
	struct fakes *fakes = ctx;
	struct services services;

	fakes_services(fakes, &services);
	return counter_add(&services, key, amount, window_ns, fakes->now_ns, ret_sum, err);
}

/* [number, text] */
static int get_pair(json_object *from, const char *what, const char *key, int *ret_status,
		    struct buf *ret, struct gantry_error *err)
{
	json_object *pair = json_get_array(from, key);

	if (!pair) {
		error_set(err, GANTRY_ERR_NOT_FOUND, "this test gave no answer for %s %s", what,
			  key);
		return err->code;
	}
	*ret_status = (int)json_object_get_int64(json_object_array_get_idx(pair, 0));
	buf_adds(ret, json_item_string(pair, 1) ? json_item_string(pair, 1) : "");
	return 0;
}

static int fake_http(void *ctx, const struct service_http *request, int *ret_status,
		     struct buf *ret_body, struct gantry_error *err)
{
	struct fakes *fakes = ctx;

	return get_pair(fakes->http, "URL", request->url, ret_status, ret_body, err);
}

static int fake_secret(void *ctx, const char *name, struct buf *ret, struct gantry_error *err)
{
	struct fakes *fakes = ctx;

	return get_text(fakes->secrets, "secret", name, ret, err);
}

static int fake_exec(void *ctx, const char *const *argv, const void *input, size_t input_len,
		     int64_t deadline_ns, int *ret_status, struct buf *ret_output,
		     struct gantry_error *err)
{
	struct fakes *fakes = ctx;

	(void)input;
	(void)input_len;
	(void)deadline_ns;
	return get_pair(fakes->exec, "command", argv[0], ret_status, ret_output, err);
}

void fakes_services(struct fakes *fakes, struct services *ret)
{
	static const char *const all[] = { "kv", "counter", "http:**", "secret:**", "exec:**",
					   NULL };

	*ret = (struct services){
		.ctx = fakes, .grants = all, .log = fake_log, .now_ns = fake_now,
		.kv_get = fake_kv_get, .kv_put = fake_kv_put, .kv_list = fake_kv_list,
		.kv_swap = fake_kv_swap, .count = fake_count, .http = fake_http,
		.secret = fake_secret, .exec = fake_exec,
	};
}
