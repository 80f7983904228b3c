/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/format/list.h"
#include "cli/format/template.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static const char *go_arch(const char *machine)
{
	return strcmp(machine, "x86_64") == 0 ? "amd64"
	       : strcmp(machine, "aarch64") == 0 ? "arm64"
						 : machine;
}

static struct json_object *client_part(struct cli *cli, const char *api_version)
{
	struct json_object *o = json_object_new_object();
	struct utsname name;

	uname(&name);
	json_set_string(o, "Version", PACKAGE_VERSION);
	json_set_string(o, "ApiVersion", api_version);
	json_set_string(o, "DefaultAPIVersion", CLIENT_API_VERSION);
	json_set_string(o, "GitCommit", "");
	json_set_string(o, "GoVersion", "");
	json_set_string(o, "Os", "linux");
	json_set_string(o, "Arch", go_arch(name.machine));
	json_set_string(o, "BuildTime", "");
	json_set_string(o, "Context", "default");
	return o;
}

static void line(int indent, const char *name, int width, const char *value)
{
	char label[64];

	snprintf(label, sizeof(label), "%s:", name);
	printf("%*s%-*s %s\n", indent, "", width, label, value ? value : "");
}

static void print_client(struct json_object *c)
{
	const char *api = json_get_string(c, "ApiVersion");
	const char *own = json_get_string(c, "DefaultAPIVersion");
	char text[64];

	snprintf(text, sizeof(text), strcmp(api, own) == 0 ? "%s" : "%s (downgraded from %s)", api,
		 own);
	printf("Client:\n");
	line(1, "Version", 18, json_get_string(c, "Version"));
	line(1, "API version", 18, text);
	snprintf(text, sizeof(text), "%s/%s", json_get_string(c, "Os"), json_get_string(c, "Arch"));
	line(1, "OS/Arch", 18, text);
	line(1, "Context", 18, json_get_string(c, "Context"));
}

/* Details of a component in Docker's order, then those it does not know. */
static void print_component(struct json_object *component)
{
	struct json_object *d = json_get_object(component, "Details");
	const char *api = json_get_string(d, "ApiVersion");
	char text[96];

	printf(" %s:\n", json_get_string(component, "Name"));
	line(2, "Version", 17, json_get_string(component, "Version"));
	if (!api) {
		json_object_object_foreach(d, key, value) {
			line(2, key, 17, json_object_get_string(value));
		}
		return;
	}
	snprintf(text, sizeof(text), "%s (minimum version %s)", api,
		 json_get_string(d, "MinAPIVersion"));
	line(2, "API version", 17, text);
	line(2, "Go version", 17, json_get_string(d, "GoVersion"));
	line(2, "Git commit", 17, json_get_string(d, "GitCommit"));
	line(2, "Built", 17, json_get_string(d, "BuildTime"));
	snprintf(text, sizeof(text), "%s/%s", json_get_string(d, "Os"), json_get_string(d, "Arch"));
	line(2, "OS/Arch", 17, text);
	line(2, "Experimental", 17, json_get_string(d, "Experimental"));
}

static void print_server(struct json_object *s)
{
	const char *platform = json_get_string(json_get_object(s, "Platform"), "Name");
	struct json_object *components = json_get_array(s, "Components");

	printf("\nServer:%s%s\n", platform && *platform ? " " : "", platform ? platform : "");
	for (size_t i = 0; i < json_array_size(components); i++) {
		print_component(json_object_array_get_idx(components, i));
	}
}

static int print_formatted(const char *format, struct json_object *both, struct gantry_error *err)
{
	struct template_data data = { .dot = both, .type_name = "system.versionInfo" };
	struct template *t = NULL;
	auto_(buf) struct buf out = BUF_INIT;
	int r = template_parse(strcmp(format, "json") == 0 ? "{{json .}}" : format, &t, err);

	if (r < 0) {
		error_prefix(err, "template parsing error");
		cli_print_error(err);
		return CLI_EXIT_BAD_TEMPLATE;
	}
	r = template_execute(t, &data, &out, err);
	template_free(t);
	printf("%s\n", buf_str(&out));
	return r;
}

static int command_version(struct cli *cli, struct args *args, struct gantry_error *err)
{
	const char *format = args_string(args, "format");
	auto_json struct json_object *both = json_object_new_object();
	struct json_object *server = NULL, *client;
	struct client *connection;
	int r = api_call(cli, "GET", "/version", NULL, &server, err);

	connection = cli->client;
	client = client_part(cli, connection ? client_api_version(connection) : CLIENT_API_VERSION);
	json_set(both, "Client", client);
	json_set(both, "Server", server);
	if (format && *format) {
		int status = print_formatted(format, both, err);

		return status ? status : r < 0 ? r : CLI_EXIT_OK;
	}
	print_client(client);
	if (r == 0) {
		print_server(server);
	}
	return r;
}

static const struct flag version_flags[] = { INSPECT_FORMAT_FLAG, { FLAG_NONE } };

const struct command version_command = {
	.name = "version",
	.category = "Common Commands",
	.summary = "Show the versions of the command line and the engine",
	.usage = "[OPTIONS]",
	.flags = version_flags,
	.run = command_version,
};
