/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client/client.h"
#include "cli/command.h"
#include "cli/man.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define PATH_MAX_WORDS 128

const struct flag global_flags[] = {
	{ FLAG_STRING, 0, "config", "Folder of the client's configuration files", NULL, 0 },
	{ FLAG_BOOL, 'D', "debug", "Tell more about what goes wrong", NULL, 0 },
	{ FLAG_LIST, 'H', "host", "Talk to the daemon at this socket instead of running in process",
	  NULL, 0 },
	{ FLAG_STRING, 'l', "log-level",
	  "Level of messages (\"debug\", \"info\", \"warn\", \"error\", \"fatal\")", "info", 0 },
	{ FLAG_STRING, 0, "root", "Folder of the engine's state", NULL, 0 },
	{ FLAG_STRING, 0, "run-root", "Folder of the state that a reboot clears", NULL, 0 },
	{ FLAG_BOOL, 0, "tls", "Use TLS; implied by --tlsverify", NULL, 0 },
	{ FLAG_STRING, 0, "tlscacert", "Trust only certificates signed by this CA", NULL, 0 },
	{ FLAG_STRING, 0, "tlscert", "Client certificate file", NULL, 0 },
	{ FLAG_STRING, 0, "tlskey", "Client key file", NULL, 0 },
	{ FLAG_BOOL, 0, "tlsverify", "Use TLS and verify the daemon", NULL, 0 },
	{ FLAG_BOOL, 'v', "version", "Print the version and quit", NULL, 0 },
	{ FLAG_NONE },
};

static void take_globals(struct cli *cli, const struct args *globals)
{
	cli->root = args_string(globals, "root");
	cli->run_root = args_string(globals, "run-root");
	cli->config_dir = args_string(globals, "config");
	cli->host = args_string(globals, "host");
	cli->debug = args_bool(globals, "debug", 0);
	cli->tls = args_bool(globals, "tls", 0);
	cli->tls_verify = args_bool(globals, "tlsverify", 0);
	cli->tls_ca = args_string(globals, "tlscacert");
	cli->tls_cert = args_string(globals, "tlscert");
	cli->tls_key = args_string(globals, "tlskey");
}

static int unknown_command(const struct cli *cli, const struct command *group, const char *path,
			   const char *name)
{
	const char *space = *path ? " " : "";

	fprintf(stderr, "%s: unknown command: %s%s%s %s\n\n", cli->program, cli->program, space, path,
		name);
	if (*path) {
		help_usage_line(stderr, cli->program, group, path);
		fputc('\n', stderr);
	}
	fprintf(stderr, "Run '%s%s%s --help' for more information\n", cli->program, space, path);
	return CLI_EXIT_FAILED;
}

/* Help for "gantry help run" and "gantry run --help". */
static int print_help(const struct cli *cli, const struct command *command, const char *path)
{
	help_print(stdout, cli->program, command, path);
	return CLI_EXIT_OK;
}

static int usage_error(const struct cli *cli, const struct command *command,
		       const char *path, const struct gantry_error *err, const char *verb, int status)
{
	fprintf(stderr, "%s\n\n", err->message);
	help_usage_line(stderr, cli->program, command, path);
	fprintf(stderr, "\n%s '%s%s%s --help' for more information\n", verb, cli->program,
		*path ? " " : "", path);
	return status;
}

static int run_leaf(struct cli *cli, const struct command *command, const char *path, int argc,
		    char **argv)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct args args;
	int r = args_parse(&args, command, path, argc, argv, &err);

	if (r == GANTRY_ERR_CANCELLED) {
		r = print_help(cli, command, path);
	} else if (r < 0) {
		r = usage_error(cli, command, path, &err, "Run", CLI_EXIT_USAGE);
	} else if (args_check_count(&args, cli->program, &err) < 0) {
		int least = command->max_args < 0 && args.argc < command->min_args;

		r = usage_error(cli, command, path, &err, least ? "See" : "Run",
				CLI_EXIT_FAILED);
	} else {
		r = command->run(cli, &args, &err);
		if (r < 0) {
			cli_print_error(&err);
			r = CLI_EXIT_FAILED;
		}
	}
	args_done(&args);
	return r;
}

/* Walks down the groups that argv names. */
static int dispatch(struct cli *cli, int argc, char **argv)
{
	const struct command *command = &root_command;
	char path[PATH_MAX_WORDS] = "";
	int help = 0;

	for (;;) {
		const struct command *child;
		size_t len = strlen(path);

		if (argc > 0 && command == &root_command && strcmp(argv[0], "help") == 0) {
			help = 1;
			argc--;
			argv++;
		}
		if (argc == 0 && !help && command != &root_command) {
			/* A group alone is not quite what one wants: told on stderr. */
			help_print(stderr, cli->program, command, path);
			return CLI_EXIT_OK;
		}
		if (argc == 0 || strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
			return print_help(cli, command, path);
		}
		if (argv[0][0] == '-') {
			fprintf(stderr, "unknown %s: %s\n\n",
				argv[0][1] == '-' ? "flag" : "shorthand flag", argv[0]);
			help_usage_line(stderr, cli->program, command, path);
			fprintf(stderr, "\nRun '%s %s --help' for more information\n", cli->program,
				path);
			return CLI_EXIT_USAGE;
		}
		child = command_child(command, argv[0]);
		if (!child) {
			return unknown_command(cli, command, path, argv[0]);
		}
		snprintf(path + len, sizeof(path) - len, "%s%s", len ? " " : "", argv[0]);
		argc--;
		argv++;
		command = child;
		if (command->kind != COMMAND_GROUP) {
			return help ? print_help(cli, command, path)
				    : run_leaf(cli, command, path, argc, argv);
		}
	}
}

static int run_program(struct cli *cli, int argc, char **argv)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct args globals = { .command = &root_command, .path = "" };
	int r = args_parse_flags(&globals, global_flags, 0, argc, argv, &err);

	take_globals(cli, &globals);
	if (r == GANTRY_ERR_CANCELLED) {
		r = print_help(cli, &root_command, "");
	} else if (r < 0) {
		fprintf(stderr, "%s\n\nUsage:  %s [OPTIONS] COMMAND [ARG...]\n\n", err.message,
			cli->program);
		fprintf(stderr, "Run '%s --help' for more information\n", cli->program);
		r = CLI_EXIT_USAGE;
	} else if (args_bool(&globals, "version", 0)) {
		printf("gantry version %s\n", PACKAGE_VERSION);
	} else {
		r = dispatch(cli, globals.argc, globals.argv);
	}
	args_done(&globals);
	return r;
}

/* Output that could not be written is a failure, but a reader that left is not news. */
static int flush_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout)) {
		return status;
	}
	return status ? status : CLI_EXIT_FAILED;
}

/* Short-lived, with a thread or two: a heap that grows in few steps, and one for all. */
static void set_up_heap(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TOP_PAD, 512 << 10);
}

int main(int argc, char **argv)
{
	struct cli cli = { 0 };
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	int status;

	set_up_heap();
	cli.program = slash ? slash + 1 : argc > 0 ? argv[0] : "gantry";
	if (argc == 3 && strcmp(argv[1], "--print") == 0) {
		/* The build's way to man pages and completions. */
		return generate_print(argv[2]);
	}
	status = run_program(&cli, argc > 0 ? argc - 1 : 0, argv + 1);
	status = flush_output(status);
	cli.client = client_close(cli.client);
	return status;
}
