/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/plugin/peer.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static const char *const names[] = {
	[MESSAGE_HELLO] = "hello",   [MESSAGE_OPEN] = "open",	    [MESSAGE_PROBE] = "probe",
	[MESSAGE_CALL] = "call",     [MESSAGE_CANCEL] = "cancel",   [MESSAGE_BYE] = "bye",
	[MESSAGE_RESULT] = "result", [MESSAGE_ERROR] = "error",	    [MESSAGE_PROGRESS] = "progress",
	[MESSAGE_LOG] = "log",	     [MESSAGE_REQUEST] = "request",
};

static enum message_type find_type(struct jsonspan name)
{
	for (unsigned i = 1; i < ARRAY_SIZE(names); i++) {
		if (jsonspan_kind(name) == '"' && jsonspan_key_is(name, names[i])) {
			return (enum message_type)i;
		}
	}
	return MESSAGE_INVALID;
}

static int needs_id(enum message_type type)
{
	return type != MESSAGE_LOG && type != MESSAGE_BYE;
}

int message_parse(const char *line, size_t len, struct message *ret, unsigned *ret_n_fds,
		  struct gantry_error *err)
{
	struct message m = {.id = 0};
	struct jsonspan value;
	int64_t n_fds = 0;

	if (jsonspan_check(line, len, &m.body) < 0 || jsonspan_kind(m.body) != '{') {
		return error_set(err, GANTRY_ERR_CORRUPT, "a message is not a JSON object: %.*s",
				 (int)(len < 60 ? len : 60), line);
	}
	value = jsonspan_get(m.body, "type");
	m.type = find_type(value);
	if (!m.type) {
		return error_set(err, GANTRY_ERR_CORRUPT, "a message has the unknown type %.*s",
				 (int)(value.len < 60 ? value.len : 60), value.at ? value.at : "");
	}
	value = jsonspan_get(m.body, "id");
	if (value.len && (jsonspan_integer(value, &m.id) < 0 || m.id <= 0)) {
		return error_set(err, GANTRY_ERR_CORRUPT,
				 "the id of a %s message is no positive integer", names[m.type]);
	}
	if (needs_id(m.type) && !m.id) {
		return error_set(err, GANTRY_ERR_CORRUPT, "a %s message has no id", names[m.type]);
	}
	value = jsonspan_get(m.body, "fds");
	if (value.len &&
	    (jsonspan_integer(value, &n_fds) < 0 || n_fds < 0 || n_fds > WIRE_FDS_MAX)) {
		return error_set(err, GANTRY_ERR_CORRUPT,
				 "a %s message says that it brings %.*s descriptors", names[m.type],
				 (int)(value.len < 20 ? value.len : 20), value.at);
	}
	*ret = m;
	*ret_n_fds = (unsigned)n_fds;
	return 0;
}

void message_done(struct message *m)
{
	wire_fds_done(&m->fds);
	free(m->line);
	m->line = NULL;
}
