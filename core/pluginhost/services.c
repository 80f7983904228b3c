/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/plugin/request_ops.h"
#include "core/pluginhost/pluginhost.h"
#include "core/pluginhost/services.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/reply.h"

static struct host_services *inner(const struct gantry_host *host)
{
	return (struct host_services *)host;
}

static void log_write(const struct gantry_host *host, uint32_t level, const char *text)
{
	static const char *const names[] = {"info", "debug", "info", "warning", "error"};
	auto_(buf) struct buf line = BUF_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	buf_addf(&line,
		 "{\"type\":\"log\",\"level\":\"%s\",\"text\":", names[level <= 4 ? level : 4]);
	if (json_add_text(&line, text, strlen(text)) == 0) {
		buf_addc(&line, '}');
		(void)peer_send(inner(host)->peer, &line, NULL, INT64_MAX, &ignored);
	}
}

int services_request(struct host_services *s, const char *name, const struct gantry_op *op,
		     const void *args, struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(buf) struct buf line = BUF_INIT;
	auto_(buf) struct buf text = BUF_INIT;
	struct wire_fds fds = WIRE_FDS_INIT;
	struct peer_call call = {.op = op, .reply = reply, .err = err, .deadline_ns = INT64_MAX};

	if (wire_put_args(&text, &fds, op, args, err) < 0) {
		wire_fds_sent(&fds);
		return err->code;
	}
	peer_begin(s->peer, &call);
	buf_addf(&line, "{\"type\":\"request\",\"id\":%lld,\"op\":\"%s\",\"fds\":%u,\"args\":%s}",
		 (long long)call.id, name, fds.n, buf_str(&text));
	return peer_finish(s->peer, &call, &line, &fds);
}

static int ask(const struct gantry_host *host, unsigned number, const struct request_args *args,
	       struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(reply) struct reply none = REPLY_INIT;

	return services_request(inner(host), request_ops[number].name, &request_ops[number], args,
				reply ? reply : &none.base, err);
}

#define ARGS(...) (&(struct request_args){sizeof(struct request_args), {__VA_ARGS__}})

static int store_get(const struct gantry_host *host, const char *key, struct gantry_reply *reply,
		     struct gantry_error *err)
{
	return ask(host, REQUEST_STORE_GET, ARGS(key), reply, err);
}

static int store_put(const struct gantry_host *host, const char *key, const char *value,
		     struct gantry_error *err)
{
	return ask(host, REQUEST_STORE_PUT, ARGS(key, value), NULL, err);
}

static int store_put_new(const struct gantry_host *host, const char *key, const char *value,
			 struct gantry_error *err)
{
	return ask(host, REQUEST_STORE_PUT_NEW, ARGS(key, value), NULL, err);
}

static int store_remove(const struct gantry_host *host, const char *key, struct gantry_error *err)
{
	return ask(host, REQUEST_STORE_REMOVE, ARGS(key), NULL, err);
}

static int store_list(const struct gantry_host *host, const char *prefix,
		      struct gantry_reply *reply, struct gantry_error *err)
{
	return ask(host, REQUEST_STORE_LIST, ARGS(prefix), reply, err);
}

static int events_publish(const struct gantry_host *host, const char *type, const char *action,
			  const char *id, const char *attributes, struct gantry_error *err)
{
	return ask(host, REQUEST_EVENTS_PUBLISH, ARGS(type, action, id, attributes), NULL, err);
}

static void call_progress(const struct gantry_host *host, const char *text)
{
	auto_(buf) struct buf line = BUF_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	int64_t id = serve_call_to_extend();

	if (!id) {
		return;
	}
	buf_addf(&line, "{\"type\":\"progress\",\"id\":%lld,\"text\":", (long long)id);
	if (json_add_text(&line, text ? text : "", text ? strlen(text) : 0) == 0) {
		buf_addc(&line, '}');
		(void)peer_send(inner(host)->peer, &line, NULL, INT64_MAX, &ignored);
	}
}

static int call_is_cancelled(const struct gantry_host *host)
{
	return serve_is_cancelled();
}

static const void *query(const struct gantry_host *host, const char *service, uint32_t min_version)
{
	static const struct gantry_call_service call_service = {
		sizeof(call_service), 0, call_progress, call_is_cancelled,
	};
	static const struct gantry_log_service log_service = {sizeof(log_service), 0, log_write};
	static const struct gantry_store_service store_service = {
		sizeof(store_service), 0,	   store_get, store_put, store_put_new,
		store_remove,	       store_list,
	};
	static const struct gantry_events_service events_service = {
		sizeof(events_service),
		0,
		events_publish,
	};

	if (min_version > GANTRY_ABI_VERSION) {
		return NULL;
	}
	if (!strcmp(service, "log")) {
		return &log_service;
	}
	if (!strcmp(service, "store")) {
		return &store_service;
	}
	if (!strcmp(service, "events")) {
		return &events_service;
	}
	if (!strcmp(service, "call")) {
		return &call_service;
	}
	return !strcmp(service, "engine") && inner(host)->engine_allowed ? &inner(host)->engine
									 : NULL;
}

void services_init(struct host_services *s, struct peer *peer, const char *kind,
		   const char *state_dir, const char *run_dir)
{
	*s = (struct host_services){
		.public =
			{
				.size = sizeof(s->public),
				.abi = GANTRY_ABI_VERSION,
				.state_dir = state_dir,
				.run_dir = run_dir,
				.query = query,
			},
		.peer = peer,
		.engine_allowed = !strcmp(kind, "api") || !strcmp(kind, "monitor"),
	};
	services_fill_engine(s);
	s->engine = (struct gantry_engine_service){
		.size = sizeof(s->engine),
		.self = s,
		.ops = &s->engine_ops,
	};
}
