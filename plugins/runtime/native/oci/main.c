/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <helpers/cleanup.h>

#include "oci.h"

const struct oci_command oci_commands[] = {
	{ "create", "[OPTIONS] ID", "set a container up", oci_create },
	{ "start", "ID", "let a created container run", oci_start },
	{ "run", "[OPTIONS] ID", "create and start a container", oci_run },
	{ "state", "ID", "print the state of a container", oci_state },
	{ "kill", "[OPTIONS] ID [SIGNAL]", "send a signal (SIGTERM)", oci_kill },
	{ "delete", "[OPTIONS] ID", "remove a container", oci_delete },
	{ "exec", "[OPTIONS] ID COMMAND [ARG...]", "run another process in a container", oci_exec },
	{ "ps", "[OPTIONS] ID [PS OPTIONS]", "list the processes of a container", oci_ps },
	{ "list", "[OPTIONS]", "list containers", oci_list },
	{ "pause", "ID", "freeze all processes", oci_pause },
	{ "resume", "ID", "thaw all processes", oci_resume },
	{ "update", "[OPTIONS] ID", "change limits", oci_update },
	{ "events", "[OPTIONS] ID", "print statistics and out-of-memory events", oci_events },
	{ "checkpoint", "[OPTIONS] ID", "save the processes of a container with CRIU", oci_checkpoint },
	{ "restore", "[OPTIONS] ID", "let a saved container go on", oci_restore },
	{ "spec", "[OPTIONS]", "write a config.json to start from", oci_spec },
	{ "features", "", "print what this runtime can do", oci_features },
	{ NULL, NULL, NULL, NULL },
};

enum {
	OPT_ROOT = 256,
	OPT_LOG,
	OPT_LOG_FORMAT,
	OPT_LOG_LEVEL,
	OPT_DEBUG,
	OPT_SYSTEMD,
	OPT_ROOTLESS,
	OPT_CRIU,
	OPT_MANAGER,
};

static const struct option options[] = {
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "log-format", required_argument, NULL, OPT_LOG_FORMAT },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
	{ "debug", no_argument, NULL, OPT_DEBUG },
	{ "systemd-cgroup", no_argument, NULL, OPT_SYSTEMD },
	{ "cgroup-manager", required_argument, NULL, OPT_MANAGER },
	{ "rootless", required_argument, NULL, OPT_ROOTLESS },
	{ "criu", required_argument, NULL, OPT_CRIU },
	{ "version", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int help(void)
{
	printf("usage: gantry-oci [OPTIONS] COMMAND [ARG...]\n\n"
	       "Runs containers from OCI bundles, as runc and crun do.\n\ncommands:\n");
	for (const struct oci_command *c = oci_commands; c->name; c++)
		printf("  %-12s %s\n", c->name, c->summary);
	printf("\noptions:\n"
	       "  --root DIR           where state is kept\n"
	       "  --log FILE           where messages go besides stderr; syslog:NAME, journald:NAME\n"
	       "  --log-format FORMAT  text or json\n"
	       "  --log-level LEVEL    error, warning or debug\n"
	       "  --criu FILE          the CRIU that checkpoint and restore use\n"
	       "  --cgroup-manager M   systemd, cgroupfs or disabled\n"
	       "  --systemd-cgroup     let systemd make the control groups\n"
	       "  --debug              say more\n"
	       "  --version, --help\n\nSee gantry-oci(1).\n");
	return 0;
}

/* One that is asked for is no failure. */
static int command_help(const struct oci_command *c)
{
	printf("gantry-oci %s: %s\n\nusage: gantry-oci %s %s\n\nSee gantry-oci(1).\n", c->name, c->summary,
	       c->name, c->arguments);
	return 0;
}

static bool asks_for_help(int argc, char **argv)
{
	return argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
}

static int version(void)
{
	printf("gantry-oci version %s\nspec: 1.3.0\n", PACKAGE_VERSION);
	return 0;
}

/* Returns the exit status, or -1 to go on with the command at optind. */
static int parse(struct oci *o, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "+vh", options, NULL)) != -1) {
		switch (c) {
		case OPT_ROOT:
			o->root = optarg;
			break;
		case OPT_LOG:
			o->log = optarg;
			break;
		case OPT_LOG_FORMAT:
			if (strcmp(optarg, "json") && strcmp(optarg, "text"))
				return oci_usage(NULL, "--log-format is text or json");
			o->log_json = !strcmp(optarg, "json");
			break;
		case OPT_DEBUG:
			o->debug = true;
			break;
		case OPT_SYSTEMD:
			o->systemd_cgroup = true;
			break;
		case OPT_MANAGER:
			if (strcmp(optarg, "systemd") && strcmp(optarg, "cgroupfs") && strcmp(optarg, "disabled"))
				return oci_usage(NULL, "--cgroup-manager is systemd, cgroupfs or disabled");
			o->systemd_cgroup = !strcmp(optarg, "systemd");
			o->no_cgroups = !strcmp(optarg, "disabled");
			break;
		case OPT_CRIU:
			o->criu = optarg;
			break;
		case OPT_LOG_LEVEL:
			o->debug |= !strcmp(optarg, "debug");
			o->errors_only = !strcmp(optarg, "error");
			if (!o->debug && !o->errors_only && strcmp(optarg, "warning"))
				return oci_usage(NULL, "--log-level is error, warning or debug");
			break;
		case OPT_ROOTLESS:
			break;
		case 'v':
			return version();
		case 'h':
			return help();
		default:
			return 1;
		}
	}
	return -1;
}

static char *default_root(void)
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");
	char *root = NULL;

	if (geteuid() == 0)
		return strdup("/run/gantry-oci");
	if (runtime_dir && runtime_dir[0])
		return asprintf(&root, "%s/gantry-oci", runtime_dir) < 0 ? NULL : root;
	return asprintf(&root, "/tmp/gantry-oci-%u", geteuid()) < 0 ? NULL : root;
}

int main(int argc, char **argv)
{
	auto_free char *fallback = NULL;
	struct oci o = { 0 };
	int status = parse(&o, argc, argv);

	if (status >= 0)
		return status;
	if (optind == argc)
		return help() + 1;
	if (oci_check_log(&o))
		return 1;
	if (!o.root)
		o.root = fallback = default_root();
	if (!o.root || asprintf(&o.cache_dir, "%s/.seccomp", o.root) < 0)
		return 1;
	for (const struct oci_command *c = oci_commands; c->name; c++) {
		int skip = optind;

		if (strcmp(c->name, argv[optind]))
			continue;
		if (!strcmp(c->name, "create") || !strcmp(c->name, "run") ||
		    !strcmp(c->name, "exec") || !strcmp(c->name, "restore"))
			oci_protect_self(argv);
		optind = 1;
		status = asks_for_help(argc - skip, argv + skip)
				 ? command_help(c)
				 : c->run(&o, argc - skip, argv + skip);
		free(o.cache_dir);
		return status;
	}
	free(o.cache_dir);
	if (!strcmp(argv[optind], "help"))
		return help();
	fprintf(stderr, "gantry-oci: \"%s\" is not a command\n", argv[optind]);
	return 1;
}
