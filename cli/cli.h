/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every command of the command line gets: where the engine is, how the
 * program was called, and the few things that outlive one function.  Commands
 * return an exit status, or a negative GANTRY_ERR_* that main() prints.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <gantry/error.h>

struct client;

/* Exit statuses that Docker's users know. */
enum {
	CLI_EXIT_OK = 0,
	CLI_EXIT_FAILED = 1,
	CLI_EXIT_BAD_TEMPLATE = 64,
	CLI_EXIT_USAGE = 125,        /* the command line, or the engine before the process */
	CLI_EXIT_NOT_EXECUTABLE = 126,
	CLI_EXIT_NOT_FOUND = 127,
};

struct cli {
	const char *program;    /* last part of argv[0]; names us in messages */
	const char *root;       /* --root, or NULL */
	const char *run_root;   /* --run-root, or NULL */
	const char *config_dir; /* --config, or NULL: see auth/config.h */
	const char *host;       /* -H, or NULL */
	const char *tls_ca;
	const char *tls_cert;
	const char *tls_key;
	int tls;                /* --tls */
	int tls_verify;         /* --tlsverify */
	int debug;
	int will_start;         /* this command starts a container, if all goes well */
	struct client *client;  /* opened by cli_client() */
};

/* The connection to the engine, made on first use; owned by the cli. */
struct client *cli_client(struct cli *cli, struct gantry_error *err);

/* Prints an error as Docker does: the message, then the hint if there is one. */
void cli_print_error(const struct gantry_error *err);

#endif
