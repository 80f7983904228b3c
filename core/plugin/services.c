/* SPDX-License-Identifier: Apache-2.0 */
/* The tables are constant; their functions lock through the database. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/events/events.h"
#include "core/plugin/pluginlog.h"
#include "core/plugin/driver.h"
#include "core/plugin/services.h"
#include "core/state/db.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define MAX_VALUE (1 << 20)

struct service_host {
	struct gantry_host public; /* first: services get a pointer to it */
	struct db *db;
	struct events *events;
	const struct gantry_engine_service *engine;
	char *owner; /* kind/name */
	char *state_dir;
	char *run_dir;
};

static const struct service_host *inner(const struct gantry_host *host)
{
	return (const struct service_host *)host;
}

/* From which level on stderr hears of it: GANTRY_DEBUG, or what gantryd's --log-level said. */
static uint32_t least_level(void)
{
	const char *text = getenv("GANTRY_LOG_LEVEL");

	if (getenv("GANTRY_DEBUG")) {
		return GANTRY_LOG_DEBUG;
	}
	if (text && !strcmp(text, "info")) {
		return GANTRY_LOG_INFO;
	}
	return text && (!strcmp(text, "error") || !strcmp(text, "fatal")) ? GANTRY_LOG_ERROR
									  : GANTRY_LOG_WARNING;
}

static void log_write(const struct gantry_host *host, uint32_t level, const char *text)
{
	static const char *const names[] = { "", "debug", "info", "warning", "error" };
	static uint32_t least;

	if (!least) {
		least = least_level();
	}
	if (level >= GANTRY_LOG_INFO || least == GANTRY_LOG_DEBUG) {
		plugin_log(host->run_dir, names[level <= 4 ? level : 4], text, strlen(text));
	}
	if (level >= least) {
		fprintf(stderr, "%s: %s: %s\n", inner(host)->owner, names[level <= 4 ? level : 4], text);
	}
}

static int store_get(const struct gantry_host *host, const char *key, struct gantry_reply *reply,
		     struct gantry_error *err)
{
	auto_free char *value = NULL;
	int r = db_get_text(inner(host)->db, &value, err, "SELECT value FROM kv WHERE owner=? AND key=?",
			    "ss", inner(host)->owner, key);

	if (r < 0) {
		return r;
	}
	if (!value) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "%s has stored no %s", inner(host)->owner, key);
	}
	return reply->ops->put_bytes(reply, 0, value, strlen(value));
}

static int check_value(const struct gantry_host *host, const char *value, struct gantry_error *err)
{
	return strlen(value) <= MAX_VALUE ? 0
					  : error_set(err, GANTRY_ERR_LIMIT,
						      "%s wants to store more than 1 MiB under one key",
						      inner(host)->owner);
}

static int store_put(const struct gantry_host *host, const char *key, const char *value,
		     struct gantry_error *err)
{
	int r = check_value(host, value, err);

	return r < 0 ? r
		     : db_exec(inner(host)->db, err, "INSERT OR REPLACE INTO kv VALUES(?,?,?)", "sss",
			       inner(host)->owner, key, value);
}

static int store_put_new(const struct gantry_host *host, const char *key, const char *value,
			 struct gantry_error *err)
{
	int r = check_value(host, value, err);

	return r < 0 ? r
		     : db_exec(inner(host)->db, err, "INSERT INTO kv VALUES(?,?,?)", "sss",
			       inner(host)->owner, key, value);
}

static int store_remove(const struct gantry_host *host, const char *key, struct gantry_error *err)
{
	return db_exec(inner(host)->db, err, "DELETE FROM kv WHERE owner=? AND key=?", "ss",
		       inner(host)->owner, key);
}

static int list_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	struct gantry_reply *reply = data;
	int r = reply->ops->put_item(reply, 0, db_column(row, 0));

	if (r == 0) {
		r = reply->ops->put_item(reply, 1, db_column(row, 1));
	}
	return r < 0 ? error_no_memory(err) : 0;
}

static int store_list(const struct gantry_host *host, const char *prefix,
		      struct gantry_reply *reply, struct gantry_error *err)
{
	return db_query(inner(host)->db, list_row, reply, err,
			"SELECT key, value FROM kv WHERE owner=? AND substr(key,1,length(?2))=?2 ORDER BY key",
			"ss", inner(host)->owner, prefix);
}

static int events_publish(const struct gantry_host *host, const char *type, const char *action,
			  const char *id, const char *attributes, struct gantry_error *err)
{
	return events_record(inner(host)->events, type, action, id, attributes, err);
}

/* In the engine's process nothing ends an operation but itself. */
static void call_progress(const struct gantry_host *host, const char *text)
{
}

static int call_is_cancelled(const struct gantry_host *host)
{
	int64_t budget = driver_budget();

	return budget && time_monotonic_ns() > budget;
}

static const void *query(const struct gantry_host *host, const char *service, uint32_t min_version)
{
	static const struct gantry_call_service call_service = {
		sizeof(call_service), 0, call_progress, call_is_cancelled,
	};
	static const struct gantry_log_service log_service = { sizeof(log_service), 0, log_write };
	static const struct gantry_store_service store_service = {
		sizeof(store_service), 0, store_get, store_put, store_put_new, store_remove, store_list,
	};
	static const struct gantry_events_service events_service = {
		sizeof(events_service), 0, events_publish,
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
	if (!strcmp(service, "engine") && (!strncmp(inner(host)->owner, "api/", 4) ||
					   !strncmp(inner(host)->owner, "monitor/", 8))) {
		return inner(host)->engine;
	}
	return NULL;
}

int service_host_new(struct db *db, struct events *events, const struct gantry_engine_service *engine, const char *kind,
		     const char *name, const char *state_dir, const char *run_dir,
		     struct service_host **ret, struct gantry_error *err)
{
	struct service_host *h = calloc(1, sizeof(*h));

	if (!h || asprintf(&h->owner, "%s/%s", kind, name) < 0) {
		free(h);
		return error_no_memory(err);
	}
	h->db = db;
	h->events = events;
	h->engine = engine;
	h->state_dir = strdup(state_dir);
	h->run_dir = strdup(run_dir);
	h->public = (struct gantry_host){
		.size = sizeof(h->public),
		.abi = GANTRY_ABI_VERSION,
		.state_dir = h->state_dir,
		.run_dir = h->run_dir,
		.query = query,
	};
	if (!h->state_dir || !h->run_dir) {
		service_host_free(h);
		return error_no_memory(err);
	}
	*ret = h;
	return 0;
}

struct service_host *service_host_free(struct service_host *h)
{
	if (h) {
		free(h->owner);
		free(h->state_dir);
		free(h->run_dir);
		free(h);
	}
	return NULL;
}

const struct gantry_host *service_host_public(const struct service_host *h)
{
	return &h->public;
}
