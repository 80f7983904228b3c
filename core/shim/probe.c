/* SPDX-License-Identifier: Apache-2.0 */
/* A health probe is the container's own process with another argument vector. */
#include <string.h>

#include "core/shim/helper.h"
#include "core/shim/jsontext.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static int malformed(struct gantry_error *err)
{
	return error_set(err, GANTRY_ERR_CORRUPT, "config.json of the bundle is malformed or has no process");
}

static void add_args(struct buf *out, char *const *argv)
{
	buf_adds(out, "\"terminal\":false,\"args\":[");
	for (size_t i = 0; argv[i]; i++) {
		if (i) {
			buf_addc(out, ',');
		}
		jsontext_add_string(out, argv[i], strlen(argv[i]));
	}
	buf_addc(out, ']');
}

/* Copies the members of the process object but those that differ. */
static int copy_process(struct buf *out, const char *process, struct gantry_error *err)
{
	struct jsontext_member m;
	const char *at = NULL;
	int more;

	while ((more = jsontext_next(process, &at, &m)) > 0) {
		if (jsontext_key_is(&m, "args") || jsontext_key_is(&m, "terminal") ||
		    jsontext_key_is(&m, "consoleSize")) {
			continue;
		}
		buf_addc(out, ',');
		buf_add(out, m.key, m.key_len);
		buf_addc(out, ':');
		buf_add(out, m.value, m.value_len);
	}
	return more < 0 ? malformed(err) : 0;
}

int probe_process(const char *spec, char *const *argv, char **ret, struct gantry_error *err)
{
	auto_(buf) struct buf out = BUF_INIT;
	struct jsontext_member m;
	const char *at = NULL;
	int more, r;

	while ((more = jsontext_next(spec, &at, &m)) > 0 && !jsontext_key_is(&m, "process")) {
	}
	if (more <= 0) {
		return malformed(err);
	}
	buf_addc(&out, '{');
	add_args(&out, argv);
	r = copy_process(&out, m.value, err);
	buf_addc(&out, '}');
	if (r == 0) {
		*ret = buf_steal(&out);
		r = *ret ? 0 : error_no_memory(err);
	}
	return r;
}
