/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/options/options.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

int options_health(const struct args *args, struct json_object *config, struct gantry_error *err)
{
	static const char *const durations[][2] = {
		{ "health-interval", "Interval" },
		{ "health-timeout", "Timeout" },
		{ "health-start-period", "StartPeriod" },
		{ "health-start-interval", "StartInterval" },
	};
	struct json_object *check = json_object_new_object();
	struct json_object *test = json_object_new_array();
	const char *text = args_string(args, "health-cmd");
	int any = text || args_has(args, "health-retries");

	if (text) {
		json_add_string(test, "CMD-SHELL");
		json_add_string(test, text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
		if (args_has(args, durations[i][0])) {
			any = 1;
			json_set_int(check, durations[i][1],
				     args_duration_ns(args, durations[i][0], 0));
		}
	}
	if (args_has(args, "health-retries")) {
		json_set_int(check, "Retries", args_int(args, "health-retries", 0));
	}
	if (args_bool(args, "no-healthcheck", 0)) {
		if (any) {
			json_object_put(check);
			json_object_put(test);
			return error_set(err, GANTRY_ERR_INVALID,
					 "--no-healthcheck conflicts with --health-* options");
		}
		json_add_string(test, "NONE");
		any = 1;
	}
	json_set(check, "Test", test);
	if (any) {
		json_set(config, "Healthcheck", check);
	} else {
		json_object_put(check);
	}
	return 0;
}

/* Which of the standard streams are attached: as -a says, or all that make sense. */
static int attach_streams(const struct args *args, struct json_object *config,
			  struct gantry_error *err)
{
	int in = 0, out = 0, errors = 0;
	int interactive = args_bool(args, "interactive", 0);
	const char *text;

	for (size_t i = 0; (text = args_item(args, "attach", i)); i++) {
		if (strcasecmp(text, "stdin") == 0) {
			in = 1;
		} else if (strcasecmp(text, "stdout") == 0) {
			out = 1;
		} else if (strcasecmp(text, "stderr") == 0) {
			errors = 1;
		} else {
			return error_set(err, GANTRY_ERR_INVALID,
					 "invalid argument \"%s\" for \"-a, --attach\" flag: valid "
					 "streams are STDIN, STDOUT and STDERR",
					 text);
		}
	}
	if (!args_has(args, "attach") && !args_bool(args, "detach", 0)) {
		in = interactive;
		out = errors = 1;
	}
	json_set_bool(config, "AttachStdin", in);
	json_set_bool(config, "AttachStdout", out);
	json_set_bool(config, "AttachStderr", errors);
	json_set_bool(config, "Tty", args_bool(args, "tty", 0));
	json_set_bool(config, "OpenStdin", interactive);
	json_set_bool(config, "StdinOnce", interactive && in);
	return 0;
}

static void command_line(const struct args *args, struct json_object *config)
{
	const char *entrypoint = args_string(args, "entrypoint");
	struct json_object *list;

	json_set_string(config, "Image", args->argv[0]);
	if (args->argc > 1) {
		list = json_object_new_array();
		for (int i = 1; i < args->argc; i++) {
			json_add_string(list, args->argv[i]);
		}
		json_set(config, "Cmd", list);
	}
	if (entrypoint) {
		/* An empty one resets the image's. */
		list = json_object_new_array();
		json_add_string(list, entrypoint);
		json_set(config, "Entrypoint", list);
	}
}

static int fill_config(const struct args *args, struct json_object *config,
		       struct gantry_error *err)
{
	struct json_object *o;
	int r = attach_streams(args, config, err);

	if (r < 0) {
		return r;
	}
	command_line(args, config);
	json_set_string(config, "Hostname", args_string(args, "hostname"));
	json_set_string(config, "Domainname", args_string(args, "domainname"));
	json_set_string(config, "User", args_string(args, "user"));
	json_set_string(config, "WorkingDir", args_string(args, "workdir"));
	json_set_string(config, "StopSignal", args_string(args, "stop-signal"));
	if (args_has(args, "stop-timeout")) {
		json_set_int(config, "StopTimeout", args_int(args, "stop-timeout", 0));
	}
	r = options_env(args, &o, err);
	if (r == 0 && o) {
		json_set(config, "Env", o);
	}
	r = r < 0 ? r : options_map(args, "label", "label-file", &o, err);
	if (r == 0 && o) {
		json_set(config, "Labels", o);
	}
	return r < 0 ? r : options_health(args, config, err);
}

/* Namespaces and other plain text members of HostConfig. */
static const char *const host_strings[][2] = {
	{ "cgroup-parent", "CgroupParent" }, { "cgroupns", "CgroupnsMode" },
	{ "cidfile", "ContainerIDFile" },    { "ipc", "IpcMode" },
	{ "isolation", "Isolation" },	     { "pid", "PidMode" },
	{ "runtime", "Runtime" },	     { "userns", "UsernsMode" },
	{ "uts", "UTSMode" },		     { "volume-driver", "VolumeDriver" },
};

static const char *const host_lists[][2] = {
	{ "add-host", "ExtraHosts" },
	{ "dns", "Dns" },
	{ "dns-search", "DnsSearch" },
	{ "dns-option", "DnsOptions" },
	{ "dns-opt", "DnsOptions" },
};

static const char *const host_maps[][2] = {
	{ "annotation", "Annotations" },
	{ "sysctl", "Sysctls" },
	{ "storage-opt", "StorageOpt" },
};

static int check_hosts(const struct args *args, struct gantry_error *err)
{
	const char *text;

	for (size_t i = 0; (text = args_item(args, "add-host", i)); i++) {
		if (!strpbrk(text, ":=") || *text == ':') {
			return error_set(err, GANTRY_ERR_INVALID,
					 "invalid argument \"%s\" for \"--add-host\" flag: bad format "
					 "for add-host: \"%s\"",
					 text, text);
		}
	}
	return 0;
}

static int fill_host(const struct args *args, struct json_object *host, struct gantry_error *err)
{
	struct json_object *o;
	const char *restart = args_string(args, "restart");
	int r = check_hosts(args, err);

	for (size_t i = 0; i < ARRAY_SIZE(host_strings); i++) {
		json_set_string(host, host_strings[i][1], args_string(args, host_strings[i][0]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(host_lists); i++) {
		if (args_has(args, host_lists[i][0])) {
			json_set(host, host_lists[i][1], options_list(args, host_lists[i][0]));
		}
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(host_maps); i++) {
		r = options_map(args, host_maps[i][0], NULL, &o, err);
		if (r == 0 && o) {
			json_set(host, host_maps[i][1], o);
		}
	}
	if (r == 0 && args_has(args, "init")) {
		json_set_bool(host, "Init", args_bool(args, "init", 0));
	}
	json_set_bool(host, "AutoRemove", args_bool(args, "rm", 0));
	r = r < 0 ? r : options_map(args, "log-opt", NULL, &o, err);
	if (r == 0 && (o || args_has(args, "log-driver"))) {
		struct json_object *log = options_member(host, "LogConfig");

		json_set_string(log, "Type", args_string(args, "log-driver"));
		if (o) {
			json_set(log, "Config", o);
		}
	}
	return r == 0 && restart ? options_restart(restart, host, err) : r;
}

int options_container(const struct args *args, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *config = json_object_new_object();
	struct json_object *host = config ? options_member(config, "HostConfig") : NULL;
	struct json_object *networking = NULL;
	int r;

	if (!host) {
		return error_no_memory(err);
	}
	r = fill_config(args, config, err);
	r = r < 0 ? r : fill_host(args, host, err);
	r = r < 0 ? r : options_resources(args, host, err);
	r = r < 0 ? r : options_mounts(args, config, host, err);
	r = r < 0 ? r : options_ports(args, config, host, err);
	r = r < 0 ? r : options_devices(args, host, err);
	r = r < 0 ? r : options_security(args, host, err);
	r = r < 0 ? r : options_networks(args, config, host, &networking, err);
	if (networking) {
		json_set(config, "NetworkingConfig", networking);
	}
	if (r == 0 && args_bool(args, "rm", 0) && args_has(args, "restart") &&
	    strcmp(args_string(args, "restart"), "no") != 0) {
		r = error_set(err, GANTRY_ERR_INVALID,
			      "conflicting options: cannot specify both --restart and --rm");
	}
	if (r < 0) {
		return r;
	}
	*ret = steal(&config);
	return 0;
}
