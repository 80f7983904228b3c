/* SPDX-License-Identifier: Apache-2.0 */
/* auth/tls: a client's certificate, which the daemon has checked against its authority,
 * says who it is by its common name.  The configuration is constant. */
#include <string.h>

#include <gantry/auth.h>
#include <gantry/plugin.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

/* The common name of a subject in RFC 2253's form, in which a comma or a plus within a
 * name is escaped: who has such a name is somebody else to each who reads it. */
static int common_name(const char *subject, char *ret, size_t size)
{
	const char *at = subject;

	while (at && strncmp(at, "CN=", 3)) {
		at = strchr(at, ',');
		at = at ? at + 1 : NULL;
	}
	if (!at || strchr(subject, '\\') || strchr(subject, '+') || strchr(subject, '"')) {
		return -1;
	}
	at += 3;
	if (strcspn(at, ",") == 0 || strcspn(at, ",") >= size || strstr(at, ",CN=")) {
		return -1;
	}
	memcpy(ret, at, strcspn(at, ","));
	ret[strcspn(at, ",")] = '\0';
	return 0;
}

static int is_listed(struct json_object *config, const char *user)
{
	struct json_object *list = json_get_array(config, "administrators");

	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!strcmp(json_item_string(list, i), user)) {
			return 1;
		}
	}
	return 0;
}

static int tls_identify(void *self, const struct gantry_auth_identify_args *args,
			struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *peer = NULL;
	const char *subject;
	char user[128];
	int r = json_parse_object(args->peer, "peer", &peer, err);

	if (r < 0) {
		return r;
	}
	subject = json_get_string(peer, "certificate");
	if (!subject) {
		r = gantry_auth_identify_set_decision(reply, "unknown");
	} else if (common_name(subject, user, sizeof(user)) < 0) {
		r = gantry_auth_identify_set_decision(reply, "refused");
		if (r == 0) {
			r = gantry_auth_identify_set_reason(
				reply, "the certificate has no plain common name (CN) that says who you are");
		}
	} else {
		r = gantry_auth_identify_set_decision(reply, "known");
		if (r == 0) {
			r = gantry_auth_identify_set_user(reply, user);
		}
		if (r == 0) {
			r = gantry_auth_identify_set_auth(reply, "tls");
		}
		if (r == 0) {
			r = gantry_auth_identify_set_administrator(reply, is_listed(self, user));
		}
	}
	return r < 0 ? error_no_memory(err) : 0;
}

static int tls_open(const struct gantry_host *host, const char *config, void **ret_self,
		    struct gantry_error *err)
{
	struct json_object *parsed;
	int r = json_parse_object(config, "configuration of auth driver tls", &parsed, err);

	(void)host;
	if (r == 0) {
		*ret_self = parsed;
	}
	return r;
}

static void tls_close(void *self)
{
	json_object_put(self);
}

static const struct gantry_auth_ops ops = {
	.struct_size = sizeof(ops),
	.identify = tls_identify,
};

static const struct gantry_config_key keys[] = {
	{ "administrators", GANTRY_TYPE_LIST, 0, NULL, "common names that may manage policies" },
	{ NULL, 0, 0, NULL, NULL },
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "auth",
	.name = "tls",
	.summary = "The common name of a client's certificate",
	.ops = &ops,
	.config = keys,
	.open = tls_open,
	.close = tls_close,
};

static const struct gantry_driver *const drivers[] = { &driver, NULL };

GANTRY_PLUGIN(.name = "auth-tls", .version = "0.1.0", .licence = "Apache-2.0", .drivers = drivers);
