/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/config/config.h"
#include "cli/terminal/terminal.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define MAX_SECRET 65536

/* "https://registry.example.com/v2/" is kept as "registry.example.com". */
static char *server_name(const char *text)
{
	const char *p = text;

	p += strncmp(p, "https://", 8) == 0 ? 8 : strncmp(p, "http://", 7) == 0 ? 7 : 0;
	return strndup(p, strcspn(p, "/"));
}

/* The server named, or the engine's default, whose name stays whole. */
static int find_server(struct cli *cli, const struct args *args, char **ret, int *ret_default,
		       struct gantry_error *err)
{
	auto_json struct json_object *info = NULL;
	const char *address;
	int r;

	*ret_default = args->argc == 0;
	if (args->argc > 0 && !credentials_is_hub(args->argv[0])) {
		*ret = server_name(args->argv[0]);
		return *ret ? 0 : error_no_memory(err);
	}
	r = api_call(cli, "GET", "/info", NULL, &info, err);
	if (r < 0) {
		return r;
	}
	address = json_get_string(info, "IndexServerAddress");
	if (!address || !*address) {
		error_set(err, GANTRY_ERR_INVALID, "the engine has no default registry to log in to");
		return error_hint(err, "name the registry: %s login REGISTRY", cli->program);
	}
	*ret = strdup(address);
	return *ret ? 0 : error_no_memory(err);
}

/* One line from the terminal; a secret is not echoed. */
static char *ask(const char *prompt, int secret)
{
	struct termios kept, quiet;
	int hidden = secret && tcgetattr(STDIN_FILENO, &kept) == 0;
	char *line = NULL;
	size_t room = 0;

	fputs(prompt, stdout);
	fflush(stdout);
	if (hidden) {
		quiet = kept;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	if (getline(&line, &room, stdin) < 0) {
		free(line);
		line = NULL;
	}
	if (hidden) {
		tcsetattr(STDIN_FILENO, TCSANOW, &kept);
		fputc('\n', stdout);
	}
	if (line) {
		line[strcspn(line, "\r\n")] = '\0';
	}
	return line;
}

static int read_secret(const struct args *args, char **ret, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	const char *given = args_string(args, "password");

	if (given && args_bool(args, "password-stdin", 0)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "--password and --password-stdin are mutually exclusive");
	}
	if (given) {
		fprintf(stderr, "WARNING! Using --password via the CLI is insecure. Use "
				"--password-stdin.\n");
		*ret = strdup(given);
		return *ret ? 0 : error_no_memory(err);
	}
	if (args_bool(args, "password-stdin", 0)) {
		if (!args_has(args, "username")) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "the --password-stdin option requires --username to be set");
		}
		if (read_to_end(STDIN_FILENO, &text, MAX_SECRET) < 0) {
			return error_set(err, GANTRY_ERR_IO, "cannot read the password from STDIN");
		}
		while (text.len && strchr("\r\n", text.data[text.len - 1])) {
			text.data[--text.len] = '\0';
		}
		*ret = text.len ? buf_steal(&text) : strdup("");
		return *ret ? 0 : error_no_memory(err);
	}
	if (!terminal_is(STDIN_FILENO)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "Error: Cannot perform an interactive login from a non TTY device");
	}
	*ret = ask("Password: ", 1);
	return *ret ? 0 : error_set(err, GANTRY_ERR_INVALID, "password required");
}

static int build_auth(const struct args *args, const char *server, struct json_object **ret,
		      struct gantry_error *err)
{
	auto_free char *user = NULL;
	auto_free char *secret = NULL;
	int r;

	if (args_has(args, "username")) {
		user = strdup(args_string(args, "username"));
	} else if (!args_has(args, "password-stdin") && terminal_is(STDIN_FILENO)) {
		user = ask("Username: ", 0);
	}
	r = read_secret(args, &secret, err);
	if (r < 0) {
		return r;
	}
	if (!user || !*user) {
		return error_set(err, GANTRY_ERR_INVALID, "username is empty");
	}
	if (!*secret) {
		return error_set(err, GANTRY_ERR_INVALID, "password is empty");
	}
	*ret = json_object_new_object();
	json_set_string(*ret, "username", user);
	json_set_string(*ret, "password", secret);
	json_set_string(*ret, "serveraddress", server);
	return 0;
}

static int command_login(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *auth = NULL;
	auto_json struct json_object *answer = NULL;
	auto_free char *server = NULL;
	auto_free char *helper = NULL;
	const char *token, *status;
	int is_default, r = find_server(cli, args, &server, &is_default, err);

	if (r == 0 && !args->n_values) {
		r = credentials_get(cli, server, &auth, err);
		if (r == 0 && auth) {
			printf("Authenticating with existing credentials...\n");
		}
	}
	if (r == 0 && !auth) {
		r = build_auth(args, server, &auth, err);
	}
	r = r < 0 ? r : api_call(cli, "POST", "/auth", auth, &answer, err);
	if (r < 0) {
		return r;
	}
	token = json_get_string(answer, "IdentityToken");
	if (token && *token) {
		json_set_string(auth, "identitytoken", token);
	}
	r = credentials_store(cli, server, auth, &helper, err);
	if (r < 0) {
		return r;
	}
	if (!helper) {
		auto_free char *dir = user_config_dir(cli);

		fprintf(stderr, "\nWARNING! Your credentials are stored unencrypted in "
			"'%s/config.json'.\nConfigure a credential helper to remove this warning.\n\n",
			dir);
	}
	status = json_get_string(answer, "Status");
	printf("%s\n", status && *status ? status : "Login Succeeded");
	return CLI_EXIT_OK;
}

static int command_logout(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_free char *server = NULL;
	int is_default, found = 0, r = find_server(cli, args, &server, &is_default, err);

	r = r < 0 ? r : credentials_erase(cli, server, &found, err);
	if (r < 0) {
		return r;
	}
	if (found) {
		printf("Removing login credentials for %s\n", server);
	} else {
		printf("Not logged in to %s\n", server);
	}
	return CLI_EXIT_OK;
}

static const struct flag login_flags[] = {
	{ FLAG_STRING, 'p', "password", "Password or access token", NULL, 0 },
	{ FLAG_BOOL, 0, "password-stdin", "Read the password or token from STDIN", NULL, 0 },
	{ FLAG_STRING, 'u', "username", "User name", NULL, 0 },
	{ FLAG_NONE },
};

const struct command login_command = {
	.name = "login",
	.category = "Common Commands",
	.summary = "Log in to a registry",
	.usage = "[OPTIONS] [SERVER]",
	.max_args = 1,
	.flags = login_flags,
	.run = command_login,
};

const struct command logout_command = {
	.name = "logout",
	.category = "Common Commands",
	.summary = "Log out of a registry",
	.usage = "[SERVER]",
	.max_args = 1,
	.run = command_logout,
};
