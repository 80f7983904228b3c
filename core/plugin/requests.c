/* SPDX-License-Identifier: Apache-2.0 */
/* What an isolated plugin asks of its host.  The same service tables answer that a
 * native driver gets from query(), so that isolation changes nothing. */
#include <stdlib.h>
#include <string.h>

#include <gantry/engine.h>

#include "core/plugin/incarnation.h"
#include "core/plugin/request_ops.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"
#include "helpers/io.h"

#define ANSWER_NS INT64_C(10000000000)

static int run_store(const struct gantry_host *host, unsigned number, const struct request_args *a,
		     struct gantry_reply *reply, struct gantry_error *err)
{
	const struct gantry_store_service *s = gantry_service(host, "store");

	if (!s) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "there is no store here");
	}
	switch (number) {
	case REQUEST_STORE_GET:
		return s->get(host, a->text[0], reply, err);
	case REQUEST_STORE_PUT:
		return s->put(host, a->text[0], a->text[1], err);
	case REQUEST_STORE_PUT_NEW:
		return s->put_new(host, a->text[0], a->text[1], err);
	case REQUEST_STORE_REMOVE:
		return s->remove(host, a->text[0], err);
	default:
		return s->list(host, a->text[0], reply, err);
	}
}

static int run_events(const struct gantry_host *host, const struct request_args *a,
		      struct gantry_error *err)
{
	const struct gantry_events_service *s = gantry_service(host, "events");

	return s ? s->publish(host, a->text[0], a->text[1], a->text[2],
			      a->text[3] ? a->text[3] : "{}", err)
		 : error_set(err, GANTRY_ERR_UNSUPPORTED, "there are no events here");
}

static int run_engine(const struct gantry_host *host, const struct gantry_op *op, const void *args,
		      struct gantry_reply *reply, struct gantry_error *err)
{
	const struct gantry_engine_service *s = gantry_service(host, "engine");
	gantry_op_fn call = NULL;

	if (s) {
		memcpy(&call, (const char *)s->ops + op->slot, sizeof(call));
	}
	return call ? call(s->self, args, reply, err)
		    : error_set(err, GANTRY_ERR_UNSUPPORTED, "this driver may not call the engine");
}

static const struct gantry_op *find(const struct gantry_op *ops, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(ops[i].name, name)) {
			return &ops[i];
		}
	}
	return NULL;
}

static int answer(struct incarnation *i, struct message *m, const struct gantry_op *op,
		  int is_engine, struct buf *line, struct wire_fds *fds, struct gantry_error *err)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	struct wire_args args;
	int r = wire_get_args(jsonspan_get(m->body, "args"), &m->fds, op, &args, err);

	if (r < 0) {
		return error_prefix(err, "%s", op->name);
	}
	reply.op = op;
	r = is_engine ? run_engine(i->services, op, args.args, &reply.base, err)
	    : op == &request_ops[REQUEST_EVENTS_PUBLISH]
		    ? run_events(i->services, args.args, err)
		    : run_store(i->services, (unsigned)(op - request_ops), args.args, &reply.base,
				err);
	wire_args_done(&args, op);
	if (r < 0) {
		return r;
	}
	buf_addf(line, "{\"type\":\"result\",\"id\":%lld,\"results\":", (long long)m->id);
	r = wire_put_results(line, fds, op, &reply, err);
	buf_addf(line, ",\"fds\":%u}", fds->n);
	if (r == 0) {
		r = peer_send(&i->peer, line, fds, time_monotonic_ns() + ANSWER_NS, err);
	}
	return r;
}

static void handle_request(struct incarnation *i, struct message *m)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(buf) struct buf name = BUF_INIT;
	auto_(buf) struct buf line = BUF_INIT;
	struct wire_fds fds = WIRE_FDS_INIT;
	const struct gantry_op *op = NULL;
	int is_engine;
	int r;

	(void)jsonspan_text(jsonspan_get(m->body, "op"), &name);
	is_engine = !strncmp(buf_str(&name), "engine.", 7);
	op = is_engine ? find(interface_engine.ops, interface_engine.n_ops, name.data + 7)
		       : find(request_ops, REQUEST_N, buf_str(&name));
	r = op ? answer(i, m, op, is_engine, &line, &fds, &err)
	       : error_set(&err, GANTRY_ERR_UNSUPPORTED, "there is no request %.100s",
			   buf_str(&name));
	if (r < 0) {
		wire_fds_sent(&fds);
		buf_clear(&line);
		buf_addf(&line, "{\"type\":\"error\",\"id\":%lld,", (long long)m->id);
		wire_put_error(&line, &err);
		buf_addc(&line, '}');
		(void)peer_send(&i->peer, &line, NULL, time_monotonic_ns() + ANSWER_NS, &err);
	}
}

static void handle_log(struct incarnation *i, struct message *m)
{
	static const char *const levels[] = {"", "debug", "info", "warning", "error"};
	const struct gantry_log_service *s = gantry_service(i->services, "log");
	struct jsonspan level = jsonspan_get(m->body, "level");
	auto_(buf) struct buf text = BUF_INIT;
	uint32_t number = GANTRY_LOG_INFO;

	for (uint32_t n = 1; n < ARRAY_SIZE(levels); n++) {
		if (jsonspan_kind(level) == '"' && jsonspan_key_is(level, levels[n])) {
			number = n;
		}
	}
	if (s && jsonspan_text(jsonspan_get(m->body, "text"), &text) == 0) {
		for (char *p = text.data; p && *p; p++) {
			*p = *p == '\n' ? ' ' : *p;
		}
		s->write(i->services, number, buf_str(&text));
	}
}

void serve_request(struct peer *p, struct message *m)
{
	struct incarnation *i = p->data;
	struct gantry_error err = GANTRY_ERROR_INIT;

	switch (m->type) {
	case MESSAGE_REQUEST:
		handle_request(i, m);
		break;
	case MESSAGE_LOG:
		handle_log(i, m);
		break;
	default:
		error_set(&err, GANTRY_ERR_CORRUPT,
			  "it sends messages that only its host may send");
		peer_break(p, &err);
	}
}
