/* SPDX-License-Identifier: Apache-2.0 */
/* Text for other programs, made from what the engine knows. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/units/unit.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static const char *own_program(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	path[n > 0 ? n : 0] = '\0';
	return n > 0 ? path : "gantry";
}

static void add_program(struct cli *cli, struct buf *unit)
{
	const char *const options[][2] = {
		{"--root", cli->root}, {"--run-root", cli->run_root}, {"-H", cli->host}};
	char path[PATH_MAX];

	unit_add_argument(unit, own_program(path));
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (options[i][1]) {
			buf_addf(unit, " %s ", options[i][0]);
			unit_add_argument(unit, options[i][1]);
		}
	}
}

/* systemd restarts it, so the engine must not. */
static const char *restart_of(struct args *args, struct json_object *container)
{
	const char *asked = args_string(args, "restart-policy");
	const char *own = json_get_string(
		json_get_object(json_get_object(container, "HostConfig"), "RestartPolicy"), "Name");

	if (asked) {
		return asked;
	}
	return !own || !*own || !strcmp(own, "no") ? "on-failure"
	       : !strcmp(own, "unless-stopped")	   ? "always"
						   : own;
}

static int check_restart(const char *policy, struct gantry_error *err)
{
	static const char *const known[] = {"no",	   "on-success",  "on-failure",
					    "on-abnormal", "on-watchdog", "on-abort",
					    "always"};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (!strcmp(policy, known[i])) {
			return 0;
		}
	}
	return error_set(err, GANTRY_ERR_INVALID, "systemd has no restart policy \"%s\"", policy);
}

static int command_systemd(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *container = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	auto_(buf) struct buf unit = BUF_INIT;
	const char *restart, *name, *time = args_string(args, "time");
	int r;

	target_set(&target, "/containers/%s/json", args->argv[0]);
	r = api_call(cli, "GET", buf_str(&target), NULL, &container, err);
	if (r < 0) {
		return r;
	}
	restart = restart_of(args, container);
	r = check_restart(restart, err);
	if (r < 0) {
		return r;
	}
	name = json_get_string(container, "Name");
	name += *name == '/';
	buf_addf(&unit,
		 "[Unit]\nDescription=Container %s\nDocumentation=man:gantry-generate-systemd(1)\n"
		 "Wants=network-online.target\nAfter=network-online.target\n\n"
		 "[Service]\nType=exec\nRestart=%s\nDelegate=yes\nKillMode=mixed\nExecStart=",
		 name, restart);
	add_program(cli, &unit);
	buf_adds(&unit, " start --attach ");
	unit_add_argument(&unit, name);
	buf_adds(&unit, "\nExecStop=");
	add_program(cli, &unit);
	buf_addf(&unit, " stop %s%s ", time ? "-t " : "", time ? time : "");
	unit_add_argument(&unit, name);
	buf_adds(&unit, "\n\n[Install]\nWantedBy=default.target\n");
	if (buf_failed(&unit)) {
		return error_no_memory(err);
	}
	fputs(buf_str(&unit), stdout);
	return CLI_EXIT_OK;
}

static const struct flag systemd_flags[] = {
	{FLAG_STRING, 0, "restart-policy", "When systemd starts it again", "the container's", 0},
	{FLAG_INT, 't', "time", "Seconds to wait before killing it", NULL, 0},
	{FLAG_NONE},
};

const struct command generate_systemd_command = {
	.name = "systemd",
	.summary = "Print a systemd unit that runs a container",
	.usage = "[OPTIONS] CONTAINER",
	.flags = systemd_flags,
	.run = command_systemd,
	.min_args = 1,
	.max_args = 1,
};
