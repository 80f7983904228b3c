/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/image/registry.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

/* "https://host/v1/" -> "host" */
static char *server_host(const char *address)
{
	const char *start = strstr(address, "://");

	start = start ? start + 3 : address;
	return strndup(start, strcspn(start, "/"));
}

ENGINE_OP(auth)
{
	struct core *core = self;
	auto_json struct json_object *credentials = NULL;
	auto_json struct json_object *status = json_object_new_object();
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free char *server = NULL;
	auto_free char *options = NULL;
	const char *address, *token;
	struct driver *driver;
	int r = json_parse_object(args->credentials, "credentials", &credentials, err);

	if (r < 0) {
		return r;
	}
	address = json_get_string(credentials, "serveraddress");
	server = server_host(address && *address ? address : image_registry_index(core));
	options = server ? image_registry_options(core, server) : NULL;
	if (!options) {
		return error_no_memory(err);
	}
	r = registry_get(core->registry, "transport",
			     config_string(core->config, "transport.registry"), &driver, err);
	if (r == 0) {
		r = transport_login(driver,
				    &GANTRY_TRANSPORT_LOGIN_ARGS(.server = server,
								 .auth = json_text(credentials),
								 .options = options),
				    &ret, err);
	}
	if (r < 0) {
		return r;
	}
	token = reply_string(&ret, GANTRY_TRANSPORT_LOGIN_RET_IDENTITY_TOKEN);
	json_set_string(status, "Status", "Login Succeeded");
	json_set_string(status, "IdentityToken", token ? token : "");
	return gantry_engine_auth_set_status(reply, json_text(status));
}
