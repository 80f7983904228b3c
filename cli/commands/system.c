/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/format/template.h"
#include "cli/format/value.h"
#include "cli/text/units.h"
#include "config.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

/* " Name: value" lines of `info`; a member that is absent prints nothing. */
static void info_text(struct json_object *info, const char *label, const char *member)
{
	struct json_object *value = json_get(info, member);

	if (value) {
		printf(" %s: %s\n", label, json_object_get_string(value));
	}
}

static void info_list(const char *label, struct json_object *list)
{
	if (!list) {
		return;
	}
	printf("  %s:", label);
	for (size_t i = 0; i < json_array_size(list); i++) {
		printf(" %s", json_item_string(list, i));
	}
	printf("\n");
}

static void info_storage(struct json_object *info)
{
	struct json_object *status = json_get_array(info, "DriverStatus");

	info_text(info, "Server Version", "ServerVersion");
	info_text(info, "Storage Driver", "Driver");
	for (size_t i = 0; i < json_array_size(status); i++) {
		struct json_object *pair = json_object_array_get_idx(status, i);

		printf("  %s: %s\n", json_item_string(pair, 0), json_item_string(pair, 1));
	}
	info_text(info, "Logging Driver", "LoggingDriver");
	info_text(info, "Cgroup Driver", "CgroupDriver");
	info_text(info, "Cgroup Version", "CgroupVersion");
}

static int print_runtime(void *user, const char *key, struct json_object *value)
{
	printf(" %s", key);
	return 0;
}

static void info_plugins(struct json_object *info)
{
	struct json_object *plugins = json_get_object(info, "Plugins");
	struct json_object *runtimes = json_get_object(info, "Runtimes");
	const char *swarm = json_get_string(json_get_object(info, "Swarm"), "LocalNodeState");

	printf(" Plugins:\n");
	info_list("Volume", json_get_array(plugins, "Volume"));
	info_list("Network", json_get_array(plugins, "Network"));
	if (json_array_size(json_get_array(plugins, "Authorization"))) {
		info_list("Authorization", json_get_array(plugins, "Authorization"));
	}
	info_list("Log", json_get_array(plugins, "Log"));
	if (swarm) {
		printf(" Swarm: %s\n", swarm);
	}
	if (runtimes && json_member_count(runtimes)) {
		printf(" Runtimes:");
		json_each_sorted(runtimes, print_runtime, NULL);
		printf("\n");
		info_text(info, "Default Runtime", "DefaultRuntime");
	}
	info_text(info, "Init Binary", "InitBinary");
}

static void info_security(struct json_object *info)
{
	struct json_object *options = json_get_array(info, "SecurityOptions");

	if (!json_array_size(options)) {
		return;
	}
	printf(" Security Options:\n");
	for (size_t i = 0; i < json_array_size(options); i++) {
		const char *text = json_item_string(options, i);
		const char *comma = text ? strchr(text, ',') : NULL;
		const char *profile = text ? strstr(text, "profile=") : NULL;

		if (!text || strncmp(text, "name=", 5) != 0) {
			continue;
		}
		printf("  %.*s\n", comma ? (int)(comma - text - 5) : (int)strlen(text) - 5, text + 5);
		if (profile) {
			printf("   Profile: %s\n", profile + 8);
		}
	}
}

static void info_registries(struct json_object *info)
{
	struct json_object *registry = json_get_object(info, "RegistryConfig");
	struct json_object *indexes = json_get_object(registry, "IndexConfigs");
	struct json_object *subnets = json_get_array(registry, "InsecureRegistryCIDRs");
	struct json_object *mirrors = json_get_array(registry, "Mirrors");

	if (indexes || subnets) {
		printf(" Insecure Registries:\n");
	}
	if (indexes) {
		json_object_object_foreach(indexes, name, index) {
			if (!json_get_bool(index, "Secure", 1)) {
				printf("  %s\n", name);
			}
		}
	}
	for (size_t i = 0; i < json_array_size(subnets); i++) {
		printf("  %s\n", json_item_string(subnets, i));
	}
	if (json_array_size(mirrors)) {
		printf(" Registry Mirrors:\n");
	}
	for (size_t i = 0; i < json_array_size(mirrors); i++) {
		printf("  %s\n", json_item_string(mirrors, i));
	}
}

static void info_host(struct json_object *info)
{
	struct json_object *labels = json_get_array(info, "Labels");
	char size[UNITS_MAX];

	info_text(info, "Kernel Version", "KernelVersion");
	info_text(info, "Operating System", "OperatingSystem");
	info_text(info, "OSType", "OSType");
	info_text(info, "Architecture", "Architecture");
	info_text(info, "CPUs", "NCPU");
	printf(" Total Memory: %s\n",
	       units_binary_size((double)json_get_int(info, "MemTotal", 0), size));
	info_text(info, "Name", "Name");
	info_text(info, "ID", "ID");
	info_text(info, "Docker Root Dir", "DockerRootDir");
	printf(" Debug Mode: %s\n", json_get_bool(info, "Debug", 0) ? "true" : "false");
	if (json_array_size(labels)) {
		printf(" Labels:\n");
		for (size_t i = 0; i < json_array_size(labels); i++) {
			printf("  %s\n", json_item_string(labels, i));
		}
	}
	printf(" Experimental: %s\n", json_get_bool(info, "ExperimentalBuild", 0) ? "true" : "false");
	info_registries(info);
	printf(" Live Restore Enabled: %s\n",
	       json_get_bool(info, "LiveRestoreEnabled", 0) ? "true" : "false");
}

static void print_info(const struct cli *cli, struct json_object *info)
{
	struct json_object *warnings = json_get_array(info, "Warnings");

	printf("Client:\n Version:    %s\n Context:    default\n Debug Mode: %s\n\nServer:\n",
	       PACKAGE_VERSION, cli->debug ? "true" : "false");
	info_text(info, "Containers", "Containers");
	printf("  Running: %lld\n  Paused: %lld\n  Stopped: %lld\n",
	       (long long)json_get_int(info, "ContainersRunning", 0),
	       (long long)json_get_int(info, "ContainersPaused", 0),
	       (long long)json_get_int(info, "ContainersStopped", 0));
	info_text(info, "Images", "Images");
	info_storage(info);
	info_plugins(info);
	info_security(info);
	info_host(info);
	printf("\n");
	fflush(stdout);
	for (size_t i = 0; i < json_array_size(warnings); i++) {
		fprintf(stderr, "%s\n", json_item_string(warnings, i));
	}
}

static int command_info(struct cli *cli, struct args *args, struct gantry_error *err)
{
	const char *format = args_string(args, "format");
	auto_json struct json_object *info = NULL;
	struct template_data data = { .type_name = "system.dockerInfo" };
	struct template *t = NULL;
	auto_(buf) struct buf out = BUF_INIT;
	int r;

	if (format && *format &&
	    template_parse(strcmp(format, "json") == 0 ? "{{json .}}" : format, &t, err) < 0) {
		error_prefix(err, "template parsing error");
		cli_print_error(err);
		return CLI_EXIT_BAD_TEMPLATE;
	}
	r = api_call(cli, "GET", "/info", NULL, &info, err);
	if (r == 0 && t) {
		data.dot = info;
		r = template_execute(t, &data, &out, err);
		printf("%s\n", buf_str(&out));
	} else if (r == 0) {
		print_info(cli, info);
	}
	template_free(t);
	return r;
}

static const struct flag info_flags[] = { INSPECT_FORMAT_FLAG, { FLAG_NONE } };

const struct command info_command = {
	.name = "info",
	.category = "Common Commands",
	.summary = "Show what the engine is made of",
	.usage = "[OPTIONS]",
	.aliases = "system info, info",
	.flags = info_flags,
	.run = command_info,
};
