/* SPDX-License-Identifier: Apache-2.0 */
/* Plugin packages: from a folder to an installed plugin, and whom to trust. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/format/table.h"
#include "helpers/base64.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/ed25519.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define KEY_MAX 4096

/* POST /gantry/plugins.  options is taken. */
static int send(struct cli *cli, const char *command, const char *name, struct json_object *options,
		struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *body = json_object_new_object();

	json_set_string(body, "Command", command);
	json_set_string(body, "Name", name);
	json_set(body, "Options", options ? options : json_object_new_object());
	return api_call(cli, "POST", "/gantry/plugins", body, ret, err);
}

/* A path as the engine can read it: absolute.  A name in a registry stays as it is. */
static const char *location(const char *argument, char room[PATH_MAX + 300])
{
	auto_free char *real = realpath(argument, NULL);
	const char *slash = strrchr(argument, '/');
	size_t len = strlen(argument);

	if (real) {
		snprintf(room, PATH_MAX + 300, "%s", real);
		return room;
	}
	/* A file that is still to be made. */
	if (argument[0] == '.' || (len > 4 && !strcmp(argument + len - 4, ".tar"))) {
		auto_free char *folder = slash ? strndup(argument, (size_t)(slash - argument)) : strdup(".");
		auto_free char *parent = folder ? realpath(folder, NULL) : NULL;

		if (parent) {
			snprintf(room, PATH_MAX + 300, "%s/%s", parent, slash ? slash + 1 : argument);
			return room;
		}
	}
	return argument;
}

static int read_key(const char *path, char pem[KEY_MAX], struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	int r = read_file(AT_FDCWD, path, &text, KEY_MAX - 1);

	if (r < 0) {
		return error_errno(err, -r, "cannot read the key %s", path);
	}
	snprintf(pem, KEY_MAX, "%s", buf_str(&text));
	if (text.data) {
		explicit_bzero(text.data, text.len);
	}
	return 0;
}

static int command_build(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *report = NULL;
	struct json_object *options = json_object_new_object();
	const char *output = args_string(args, "output");
	char from[PATH_MAX + 300], to[PATH_MAX + 300];
	int r;

	if (!output) {
		json_object_put(options);
		error_set(err, GANTRY_ERR_INVALID, "where does the package go?");
		return error_hint(err, "name a file: gantry plugin build %s -o plugin.tar", args->argv[0]);
	}
	json_set_string(options, "To", location(output, to));
	r = send(cli, "build", location(args->argv[0], from), options, &report, err);
	if (r < 0) {
		return r;
	}
	printf("%s %s %s\n", json_get_string(report, "Name"), json_get_string(report, "Version"),
	       json_get_string(report, "Digest"));
	return CLI_EXIT_OK;
}

/* The private key stays here: the engine says what to sign, and takes the signature. */
static int sign_statement(const unsigned char key[ED25519_KEY_SIZE], const char *statement,
			  struct json_object *options, struct gantry_error *err)
{
	unsigned char signature[ED25519_SIGNATURE_SIZE];
	auto_(buf) struct buf text = BUF_INIT;
	int r = ed25519_sign(key, statement, strlen(statement), signature, err);

	if (r < 0) {
		return r;
	}
	base64_encode(signature, sizeof(signature), &text);
	json_set_string(options, "Statement", statement);
	return json_set_string(options, "Signature", buf_str(&text)) < 0 ? error_no_memory(err) : 0;
}

static int command_sign(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *asked = NULL;
	struct json_object *options = json_object_new_object();
	unsigned char key[ED25519_KEY_SIZE], public[ED25519_KEY_SIZE];
	char pem[KEY_MAX], id[17], place[PATH_MAX + 300];
	const char *file = args_string(args, "key");
	int r = file ? read_key(file, pem, err) : error_set(err, GANTRY_ERR_INVALID, "--key is missing");

	if (r == 0) {
		r = ed25519_private_key(pem, file, key, err);
		explicit_bzero(pem, sizeof(pem));
	}
	if (r == 0) {
		r = ed25519_public_of(key, public, err);
	}
	if (r < 0) {
		json_object_put(options);
		return r;
	}
	ed25519_key_id(public, id);
	json_set_string(options, "Key", id);
	r = send(cli, "statement", location(args->argv[0], place), options, &asked, err);
	if (r == 0) {
		options = json_object_new_object();
		r = sign_statement(key, json_get_string(asked, "Statement"), options, err);
		if (r < 0) {
			json_object_put(options);
		} else {
			r = send(cli, "sign", location(args->argv[0], place), options, NULL, err);
		}
	}
	explicit_bzero(key, sizeof(key));
	if (r == 0) {
		printf("signed with key %s\n", id);
	}
	return r < 0 ? r : CLI_EXIT_OK;
}

static int command_push(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *report = NULL;
	struct json_object *options = json_object_new_object();
	char from[PATH_MAX + 300], to[PATH_MAX + 300];
	int r;

	json_set_string(options, "To", location(args->argv[1], to));
	r = send(cli, "push", location(args->argv[0], from), options, &report, err);
	if (r == 0) {
		printf("%s\n", json_get_string(report, "Digest"));
	}
	return r < 0 ? r : CLI_EXIT_OK;
}

/* Shows what a package may do and asks; 0 when it was granted. */
static int confirm(struct cli *cli, struct args *args, struct json_object *about, struct gantry_error *err)
{
	struct json_object *permissions = json_get_array(about, "Permissions");
	const char *publisher = json_get_string(about, "Publisher");
	char answer[16] = "";

	(void)cli;
	printf("Plugin \"%s\" %s, %s%s, requests these permissions:\n", json_get_string(about, "Name"),
	       json_get_string(about, "Version"), publisher ? "signed by " : "not signed", publisher ? publisher : "");
	for (size_t i = 0; i < json_array_size(permissions); i++) {
		printf(" - %s\n", json_item_string(permissions, i));
	}
	if (json_array_size(permissions) == 0) {
		printf(" (none)\n");
		return 0;
	}
	if (args_bool(args, "grant-all-permissions", 0)) {
		return 0;
	}
	printf("Do you grant the above permissions? [y/N] ");
	fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y')) {
		return 0;
	}
	error_set(err, GANTRY_ERR_DENIED, "permissions for plugin \"%s\" were not granted",
		  json_get_string(about, "Name"));
	return error_hint(err, "without a terminal: --grant-all-permissions");
}

static struct json_object *install_options(struct args *args)
{
	struct json_object *o = json_object_new_object();

	json_set_string(o, "AllowUnsigned", args_string(args, "allow-unsigned"));
	json_set_bool(o, "Enable", !args_bool(args, "disable", 0));
	return o;
}

static int install(struct cli *cli, struct args *args, const char *command, struct gantry_error *err)
{
	auto_json struct json_object *about = NULL, *report = NULL;
	struct json_object *options;
	char room[PATH_MAX + 300];
	const char *place = location(args->argv[0], room);
	int r = send(cli, "describe", place, install_options(args), &about, err);

	if (r == 0) {
		r = confirm(cli, args, about, err);
	}
	if (r < 0) {
		return r;
	}
	options = install_options(args);
	json_set_string(options, "Digest", json_get_string(about, "Digest"));
	json_set(options, "Granted", json_object_get(json_get(about, "Permissions")));
	r = send(cli, command, place, options, &report, err);
	if (r < 0) {
		return r;
	}
	printf("%s %s\n", json_get_string(report, "Name"), json_get_string(report, "Version"));
	return CLI_EXIT_OK;
}

static int command_install(struct cli *cli, struct args *args, struct gantry_error *err)
{
	return install(cli, args, "install", err);
}

static int command_upgrade(struct cli *cli, struct args *args, struct gantry_error *err)
{
	return install(cli, args, "upgrade", err);
}

/* The same command for each argument. */
static int for_each(struct cli *cli, struct args *args, const char *command, struct gantry_error *err)
{
	for (int i = 0; i < args->argc; i++) {
		struct json_object *options = json_object_new_object();
		int r;

		json_set_bool(options, "Force", args_bool(args, "force", 0));
		r = send(cli, command, args->argv[i], options, NULL, err);
		if (r < 0) {
			return r;
		}
		printf("%s\n", args->argv[i]);
	}
	return CLI_EXIT_OK;
}

static int command_enable(struct cli *cli, struct args *args, struct gantry_error *err)
{
	return for_each(cli, args, "enable", err);
}

static int command_disable(struct cli *cli, struct args *args, struct gantry_error *err)
{
	return for_each(cli, args, "disable", err);
}

static int command_rm(struct cli *cli, struct args *args, struct gantry_error *err)
{
	return for_each(cli, args, "remove", err);
}

static int command_packages(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *list = NULL;
	auto_(buf) struct buf rows = BUF_INIT, out = BUF_INIT;
	int r = send(cli, "list", NULL, NULL, &list, err);

	(void)args;
	if (r < 0) {
		return r;
	}
	buf_adds(&rows, "NAME\tVERSION\tENABLED\tPUBLISHER\tDRIVERS\n");
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		struct json_object *drivers = json_get_array(one, "Drivers");
		const char *publisher = json_get_string(one, "Publisher");

		buf_addf(&rows, "%s\t%s\t%s\t%s\t", json_get_string(one, "Name"), json_get_string(one, "Version"),
			 json_get_bool(one, "Enabled", 0) ? "true" : "false", publisher ? publisher : "(not signed)");
		for (size_t k = 0; k < json_array_size(drivers); k++) {
			struct json_object *d = json_object_array_get_idx(drivers, k);

			buf_addf(&rows, "%s%s/%s", k ? ", " : "", json_get_string(d, "Kind"), json_get_string(d, "Name"));
		}
		buf_addc(&rows, '\n');
	}
	table_align(buf_str(&rows), rows.len, &out);
	fputs(buf_str(&out), stdout);
	return CLI_EXIT_OK;
}

static int command_search_path(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *report = NULL;
	int r = send(cli, "search_path", NULL, NULL, &report, err);
	const char *p;

	(void)args;
	for (p = r == 0 ? json_get_string(report, "Path") : NULL; p && *p; p += *p == ':') {
		size_t len = strcspn(p, ":");

		printf("%.*s\n", (int)len, p);
		p += len;
	}
	return r < 0 ? r : CLI_EXIT_OK;
}

/* "2027-01-31" as the end of that day, in seconds. */
static int read_date(const char *text, int64_t *ret, struct gantry_error *err)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	if (!end || *end) {
		return error_set(err, GANTRY_ERR_INVALID, "\"%s\" is no date like 2027-01-31", text);
	}
	*ret = (int64_t)timegm(&tm) + 86400;
	return 0;
}

static int command_trust_add(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *report = NULL;
	struct json_object *options;
	char pem[KEY_MAX];
	int64_t expires = 0;
	int r = read_key(args->argv[1], pem, err);

	if (r == 0 && args_string(args, "expires")) {
		r = read_date(args_string(args, "expires"), &expires, err);
	}
	if (r < 0) {
		return r;
	}
	options = json_object_new_object();
	json_set_string(options, "Key", pem);
	json_set_int(options, "Expires", expires);
	r = send(cli, "trust_add", args->argv[0], options, &report, err);
	if (r == 0) {
		printf("%s\n", json_get_string(report, "Id"));
	}
	return r < 0 ? r : CLI_EXIT_OK;
}

static int command_trust_revoke(struct cli *cli, struct args *args, struct gantry_error *err)
{
	return for_each(cli, args, "trust_revoke", err);
}

static int command_trust_rm(struct cli *cli, struct args *args, struct gantry_error *err)
{
	return for_each(cli, args, "trust_remove", err);
}

static int command_trust_ls(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *list = NULL;
	auto_(buf) struct buf rows = BUF_INIT, out = BUF_INIT;
	int r = send(cli, "trust_list", NULL, NULL, &list, err);

	(void)args;
	if (r < 0) {
		return r;
	}
	buf_adds(&rows, "KEY\tPUBLISHER\tEXPIRES\tSTATE\n");
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		time_t expires = (time_t)json_get_int(one, "Expires", 0), day = expires - 1;
		char date[32] = "never";

		if (expires) {
			strftime(date, sizeof(date), "%Y-%m-%d", gmtime(&day));
		}
		buf_addf(&rows, "%s\t%s\t%s\t%s\n", json_get_string(one, "Id"), json_get_string(one, "Publisher"), date,
			 json_get_bool(one, "Revoked", 0)		  ? "revoked"
			 : expires && expires <= time(NULL) ? "expired"
							    : "trusted");
	}
	table_align(buf_str(&rows), rows.len, &out);
	fputs(buf_str(&out), stdout);
	return CLI_EXIT_OK;
}

static const struct flag build_flags[] = {
	{ FLAG_STRING, 'o', "output", "File or registry name that the package goes to", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag sign_flags[] = {
	{ FLAG_STRING, 'k', "key", "File with the private key (Ed25519, PEM)", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag install_flags[] = {
	{ FLAG_BOOL, 0, "grant-all-permissions", "Grant what the plugin asks for without being asked", NULL, 0 },
	{ FLAG_STRING, 0, "allow-unsigned", "Name of a plugin that may be installed without a signature", NULL, 0 },
	{ FLAG_BOOL, 0, "disable", "Do not enable the plugin", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag force_flags[] = {
	{ FLAG_BOOL, 'f', "force", "Even if something uses it", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag trust_flags[] = {
	{ FLAG_STRING, 0, "expires", "Last day on which the key is trusted, as 2027-01-31", NULL, 0 },
	{ FLAG_NONE },
};

#define PACKAGE "FILE.tar|FOLDER|REGISTRY/NAME[:TAG]"
#define LEAF(id, label, text, args_text, least, most, flag_table)                              \
	const struct command plugin_##id##_command = {                                         \
		.name = label, .summary = text, .usage = args_text, .min_args = least,          \
		.max_args = most, .flags = flag_table, .run = command_##id,                     \
	}

LEAF(build, "build", "Pack a plugin's folder", "[OPTIONS] FOLDER", 1, 1, build_flags);
LEAF(sign, "sign", "Sign a package", "[OPTIONS] " PACKAGE, 1, 1, sign_flags);
LEAF(push, "push", "Copy a package, with its signature", PACKAGE " " PACKAGE, 2, 2, NULL);
LEAF(install, "install", "Install a plugin from a package", "[OPTIONS] " PACKAGE, 1, 1, install_flags);
LEAF(upgrade, "upgrade", "Replace an installed plugin by another version", "[OPTIONS] " PACKAGE, 1, 1,
     install_flags);
LEAF(enable, "enable", "Let installed plugins be used", "PLUGIN [PLUGIN...]", 1, -1, NULL);
LEAF(disable, "disable", "Keep installed plugins from being used", "[OPTIONS] PLUGIN [PLUGIN...]", 1, -1, force_flags);
LEAF(rm, "rm", "Remove installed plugins", "[OPTIONS] PLUGIN [PLUGIN...]", 1, -1, force_flags);
LEAF(packages, "packages", "List plugins that were installed from packages", "", 0, 0, NULL);
LEAF(search_path, "search-path", "Show where plugins are looked for", "", 0, 0, NULL);
LEAF(trust_add, "add", "Trust a publisher's key", "[OPTIONS] PUBLISHER KEY.pub", 2, 2, trust_flags);
LEAF(trust_revoke, "revoke", "Refuse what keys have signed", "KEY [KEY...]", 1, -1, NULL);
LEAF(trust_rm, "rm", "Forget keys", "KEY [KEY...]", 1, -1, NULL);
LEAF(trust_ls, "ls", "List trusted keys", "", 0, 0, NULL);

static const struct command *const trust_children[] = {
	&plugin_trust_add_command, &plugin_trust_ls_command, &plugin_trust_revoke_command, &plugin_trust_rm_command,
	NULL,
};
const struct command plugin_trust_command = {
	.name = "trust",
	.kind = COMMAND_GROUP,
	.summary = "Manage the keys of publishers",
	.usage = "COMMAND",
	.children = trust_children,
};
