/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's config.json, shared with Docker: logins to registries, kept in
 * the file or in a credential helper.
 */
#ifndef CLI_CONFIG_CONFIG_H
#define CLI_CONFIG_CONFIG_H

#include <gantry/error.h>

struct cli;
struct json_object;

/* --config, $DOCKER_CONFIG or ~/.docker; the caller frees it. */
char *user_config_dir(const struct cli *cli);
/* The whole file, or an empty object when there is none. */
int user_config_load(const struct cli *cli, struct json_object **ret, struct gantry_error *err);
/* Replaces the file, readable by its owner only. */
int user_config_save(const struct cli *cli, struct json_object *config, struct gantry_error *err);

/* The login for a registry as an X-Registry-Auth object {username, password,
 * identitytoken, serveraddress}; *ret is NULL when there is none. */
int credentials_get(const struct cli *cli, const char *server, struct json_object **ret,
		    struct gantry_error *err);
/* Keeps or forgets it, in the helper that config.json names or in the file. *ret_helper is
 * the helper's name or NULL (borrowed from nothing: the caller frees it). */
int credentials_store(const struct cli *cli, const char *server, struct json_object *auth,
		      char **ret_helper, struct gantry_error *err);
int credentials_erase(const struct cli *cli, const char *server, int *ret_found,
		      struct gantry_error *err);

/* Is it Docker's hub, whose login is kept under the default registry's address? */
int credentials_is_hub(const char *server);
/* X-Registry-Auth for an image reference, base64url; the caller frees it.  NULL: none. */
int credentials_header(struct cli *cli, const char *image, char **ret, struct gantry_error *err);
/* An auth object as that header. */
char *credentials_encode(struct json_object *auth);

#endif
