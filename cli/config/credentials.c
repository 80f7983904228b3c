/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/api.h"
#include "cli/cli.h"
#include "cli/config/base64.h"
#include "cli/config/config.h"
#include "cli/image_name.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/credential_helper.h"
#include "helpers/error.h"

#define TOKEN_USER "<token>"

/* The helper for a server, or NULL. */
static const char *helper_for(struct json_object *config, const char *server)
{
	const char *name = json_get_string(json_get_object(config, "credHelpers"), server);

	name = name ? name : json_get_string(config, "credsStore");
	return name && *name ? name : NULL;
}

static struct json_object *auth_object(const char *server, const char *user, const char *secret,
				       const char *token)
{
	struct json_object *auth = json_object_new_object();

	if (token && *token) {
		json_set_string(auth, "identitytoken", token);
	}
	json_set_string(auth, "username", user);
	json_set_string(auth, "password", secret);
	json_set_string(auth, "serveraddress", server);
	return auth;
}

static int get_from_helper(const char *helper, const char *server, struct json_object **ret,
			   struct gantry_error *err)
{
	auto_(buf) struct buf out = BUF_INIT;
	auto_json struct json_object *o = NULL;
	const char *user, *secret;
	int ok, r = credential_helper_run(helper, "get", server, &out, &ok, err);

	*ret = NULL;
	if (r < 0 || !ok) {
		return r; /* a helper that knows nothing says so by failing */
	}
	r = json_parse(buf_str(&out), out.len, "the credential helper's answer", &o, err);
	if (r < 0) {
		return r;
	}
	user = json_get_string(o, "Username");
	secret = json_get_string(o, "Secret");
	if (user && secret) {
		int is_token = strcmp(user, TOKEN_USER) == 0;

		*ret = auth_object(server, is_token ? NULL : user, is_token ? NULL : secret,
				   is_token ? secret : NULL);
	}
	return 0;
}

static int get_from_file(struct json_object *config, const char *server, struct json_object **ret,
			 struct gantry_error *err)
{
	struct json_object *entry = json_get_object(json_get_object(config, "auths"), server);
	const char *encoded = json_get_string(entry, "auth");
	const char *token = json_get_string(entry, "identitytoken");
	auto_(buf) struct buf plain = BUF_INIT;
	char *colon;

	*ret = NULL;
	if (!entry || ((!encoded || !*encoded) && !token)) {
		return 0;
	}
	if (!encoded || !*encoded) {
		*ret = auth_object(server, NULL, NULL, token);
		return 0;
	}
	if (text_from_base64(encoded, &plain) < 0 || !plain.data ||
	    !(colon = strchr(plain.data, ':'))) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "the login for %s in config.json is malformed", server);
	}
	*colon = '\0';
	*ret = auth_object(server, plain.data, colon + 1, token);
	return 0;
}

int credentials_get(const struct cli *cli, const char *server, struct json_object **ret,
		    struct gantry_error *err)
{
	auto_json struct json_object *config = NULL;
	const char *helper;
	int r = user_config_load(cli, &config, err);

	if (r < 0) {
		return r;
	}
	helper = helper_for(config, server);
	return helper ? get_from_helper(helper, server, ret, err)
		      : get_from_file(config, server, ret, err);
}

static int store_in_helper(const char *helper, const char *server, struct json_object *auth,
			   struct gantry_error *err)
{
	auto_json struct json_object *o = json_object_new_object();
	const char *token = json_get_string(auth, "identitytoken");
	auto_(buf) struct buf out = BUF_INIT;
	int ok, r;

	json_set_string(o, "ServerURL", server);
	json_set_string(o, "Username", token ? TOKEN_USER : json_get_string(auth, "username"));
	json_set_string(o, "Secret", token ? token : json_get_string(auth, "password"));
	r = credential_helper_run(helper, "store", json_text(o), &out, &ok, err);
	if (r == 0 && !ok) {
		r = error_set(err, GANTRY_ERR_INTERNAL, "error storing credentials - %s",
			      out.len ? buf_str(&out) : "the helper failed");
	}
	return r;
}

int credentials_store(const struct cli *cli, const char *server, struct json_object *auth,
		      char **ret_helper, struct gantry_error *err)
{
	auto_json struct json_object *config = NULL;
	auto_(buf) struct buf pair = BUF_INIT;
	auto_(buf) struct buf encoded = BUF_INIT;
	struct json_object *auths, *entry;
	const char *helper, *token = json_get_string(auth, "identitytoken");
	int r = user_config_load(cli, &config, err);

	*ret_helper = NULL;
	if (r < 0) {
		return r;
	}
	auths = json_get_object(config, "auths");
	if (!auths) {
		auths = json_object_new_object();
		json_set(config, "auths", auths);
	}
	entry = json_object_new_object();
	helper = helper_for(config, server);
	if (helper) {
		r = store_in_helper(helper, server, auth, err);
		*ret_helper = strdup(helper);
	} else {
		buf_addf(&pair, "%s:%s", json_get_string(auth, "username"),
			 token ? "" : json_get_string(auth, "password"));
		text_to_base64(buf_str(&pair), pair.len, 0, &encoded);
		json_set_string(entry, "auth", buf_str(&encoded));
		json_set_string(entry, "identitytoken", token);
	}
	json_set(auths, server, entry);
	return r < 0 ? r : user_config_save(cli, config, err);
}

int credentials_erase(const struct cli *cli, const char *server, int *ret_found,
		      struct gantry_error *err)
{
	auto_json struct json_object *config = NULL;
	struct json_object *auths;
	auto_(buf) struct buf out = BUF_INIT;
	const char *helper;
	int ok, r = user_config_load(cli, &config, err);

	if (r < 0) {
		return r;
	}
	auths = json_get_object(config, "auths");
	*ret_found = json_get(auths, server) != NULL;
	helper = helper_for(config, server);
	if (helper) {
		r = credential_helper_run(helper, "erase", server, &out, &ok, err);
	}
	if (r == 0 && *ret_found) {
		json_object_object_del(auths, server);
		r = user_config_save(cli, config, err);
	}
	return r;
}

char *credentials_encode(struct json_object *auth)
{
	const char *text = json_text(auth);
	auto_(buf) struct buf out = BUF_INIT;

	text_to_base64(text, strlen(text), 1, &out);
	return buf_steal(&out);
}

int credentials_is_hub(const char *server)
{
	return !strcmp(server, "docker.io") || !strcmp(server, "index.docker.io");
}

/* The name under which the login to the engine's default registry is kept. */
static int default_server(struct cli *cli, char **ret, struct gantry_error *err)
{
	auto_json struct json_object *info = NULL;
	const char *server;
	int r = api_call(cli, "GET", "/info", NULL, &info, err);

	if (r < 0) {
		return r;
	}
	server = json_get_string(info, "IndexServerAddress");
	*ret = server && *server ? strdup(server) : NULL;
	return 0;
}

int credentials_header(struct cli *cli, const char *image, char **ret, struct gantry_error *err)
{
	auto_json struct json_object *config = NULL;
	auto_json struct json_object *auth = NULL;
	auto_free char *server = NULL;
	struct image_name ref;
	int r = image_name_parse(image, &ref, err);

	*ret = NULL;
	r = r < 0 ? r : user_config_load(cli, &config, err);
	if (r < 0) {
		return r;
	}
	if (!json_get(config, "auths") && !json_get(config, "credsStore") &&
	    !json_get(config, "credHelpers")) {
		return 0;
	}
	if (ref.domain[0] && !credentials_is_hub(ref.domain)) {
		server = strdup(ref.domain);
	} else {
		r = default_server(cli, &server, err);
	}
	if (r < 0 || !server) {
		return r;
	}
	r = credentials_get(cli, server, &auth, err);
	if (r == 0 && auth) {
		*ret = credentials_encode(auth);
	}
	return r;
}
