/* SPDX-License-Identifier: Apache-2.0 */
/* Followers poll their sink and the database's log; nothing is kept in memory. */
#include <errno.h>
#include <fnmatch.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/events/events.h"
#include "core/state/db.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

#define KEEP 10000
#define FALLBACK_POLL_MS 200

int events_record(struct db *db, const char *type, const char *action, const char *actor,
		  const char *attributes, struct gantry_error *err)
{
	return db_exec(db, err,
		       "INSERT INTO events(time_ns,type,action,actor,attributes) VALUES(?,?,?,?,?)",
		       "issss", time_now_ns(), type, action, actor, attributes ? attributes : "{}");
}

int events_trim(struct db *db, struct gantry_error *err)
{
	return db_exec(db, err, "DELETE FROM events WHERE seq < (SELECT max(seq) FROM events) - ?", "i",
		       (int64_t)KEEP);
}

struct follow {
	struct json_object *filters;
	struct buf out;
	int64_t seq;
};

static int any_matches(struct json_object *values, const char *text, int prefix)
{
	for (size_t i = 0; text && i < json_array_size(values); i++) {
		const char *want = json_item_string(values, i);

		if (want && (!strcmp(want, text) || (prefix && !strncmp(want, text, strlen(want))))) {
			return 1;
		}
	}
	return 0;
}

/* label filters: each "key" or "key=value" must match. */
static int labels_match(struct json_object *wanted, struct json_object *attributes)
{
	for (size_t i = 0; i < json_array_size(wanted); i++) {
		const char *want = json_item_string(wanted, i);
		const char *eq = want ? strchr(want, '=') : NULL;
		auto_free char *key = want ? strndup(want, eq ? (size_t)(eq - want) : strlen(want)) : NULL;
		const char *have = key ? json_get_string(attributes, key) : NULL;

		if (!have || (eq && strcmp(have, eq + 1))) {
			return 0;
		}
	}
	return 1;
}

/* Does an event of this type carry an object filter such as container=NAME? */
static int object_matches(struct json_object *filters, const char *kind, const char *type,
			  const char *actor, struct json_object *attributes)
{
	struct json_object *wanted = json_get(filters, kind);
	const char *by_kind;

	if (!wanted) {
		return 1;
	}
	if (!strcmp(type, kind)) {
		return any_matches(wanted, actor, 1) ||
		       any_matches(wanted, json_get_string(attributes, "name"), 0);
	}
	by_kind = json_get_string(attributes, kind);
	return any_matches(wanted, by_kind, 1);
}

static int passes(struct json_object *filters, const char *type, const char *action,
		  const char *actor, struct json_object *attributes)
{
	static const char *const kinds[] = { "container", "image", "network", "volume" };
	struct json_object *wanted = json_get(filters, "type");

	if (wanted && !any_matches(wanted, type, 0)) {
		return 0;
	}
	wanted = json_get(filters, "event");
	if (wanted && !any_matches(wanted, action, 0)) {
		auto_free char *base = strndup(action, strcspn(action, ":"));

		if (!any_matches(wanted, base, 0)) {
			return 0;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!object_matches(filters, kinds[i], type, actor, attributes)) {
			return 0;
		}
	}
	return labels_match(json_get(filters, "label"), attributes);
}

static int event_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	struct follow *f = data;
	const char *type = db_column(row, 2), *action = db_column(row, 3), *actor = db_column(row, 4);
	int64_t time_ns = sqlite3_column_int64(row, 1);
	auto_json struct json_object *attributes = NULL;
	auto_json struct json_object *o = NULL;
	struct json_object *who;
	int r = json_parse_object(db_column(row, 5), "event attributes", &attributes, err);

	f->seq = sqlite3_column_int64(row, 0);
	if (r < 0 || !passes(f->filters, type, action, actor, attributes)) {
		return r;
	}
	o = json_object_new_object();
	who = json_object_new_object();
	if (!strcmp(type, "container") || !strcmp(type, "image")) {
		json_set_string(o, "status", action);
		json_set_string(o, "id", actor);
		json_set_string(o, "from", json_get_string(attributes, "image"));
	}
	json_set_string(o, "Type", type);
	json_set_string(o, "Action", action);
	json_set_string(who, "ID", actor);
	json_set(who, "Attributes", steal(&attributes));
	json_set(o, "Actor", who);
	json_set_string(o, "scope", "local");
	json_set_int(o, "time", time_ns / 1000000000);
	json_set_int(o, "timeNano", time_ns);
	buf_adds(&f->out, json_text(o));
	buf_addc(&f->out, '\n');
	return 0;
}

static int flush(struct follow *f, int sink)
{
	int r = f->out.len ? write_all(sink, f->out.data, f->out.len) : 0;

	buf_clear(&f->out);
	return r;
}

/* Sleeps until the log changes; 0 when the sink has gone. */
static int wait_for_more(int sink, int watch, int64_t until_ns)
{
	struct pollfd fds[2] = { { .fd = sink, .events = 0 }, { .fd = watch, .events = POLLIN } };
	int64_t left_ms = until_ns ? (until_ns - time_now_ns()) / 1000000 : INT32_MAX;
	int timeout = watch >= 0 ? 5000 : FALLBACK_POLL_MS;
	char drain[4096];

	if (left_ms < timeout) {
		timeout = left_ms > 0 ? (int)left_ms : 0;
	}
	poll(fds, watch >= 0 ? 2 : 1, timeout);
	if (fds[0].revents & (POLLERR | POLLHUP)) {
		return 0;
	}
	while (watch >= 0 && read(watch, drain, sizeof(drain)) > 0) {
	}
	return 1;
}

int events_follow(struct db *db, int64_t since_ns, int64_t until_ns, struct json_object *filters,
		  int sink, struct gantry_error *err)
{
	struct follow f = { .filters = filters };
	auto_fd int watch = db_watch(db);
	int64_t end = until_ns ? until_ns : INT64_MAX;
	int r = 0;

	if (!since_ns) {
		r = db_get_int(db, 0, &f.seq, err, "SELECT max(seq) FROM events", "");
	}
	while (r == 0) {
		r = db_query(db, event_row, &f, err,
			     "SELECT seq,time_ns,type,action,actor,attributes FROM events "
			     "WHERE seq>? AND time_ns>=? AND time_ns<=? ORDER BY seq",
			     "iii", f.seq, since_ns, end);
		if (flush(&f, sink) < 0 || (until_ns && time_now_ns() >= until_ns)) {
			break;
		}
		if (!wait_for_more(sink, watch, until_ns)) {
			break;
		}
	}
	buf_done(&f.out);
	return r;
}
