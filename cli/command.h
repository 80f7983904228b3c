/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command tables: each command's name, usage, flags and function, in one
 * place from which parsing, help, completions and manual pages are made.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <gantry/error.h>

struct args;
struct cli;

/* What a flag takes.  The value is checked when it is read, so that a command
 * that runs has only well-formed ones. */
enum flag_type {
	FLAG_NONE, /* ends a table */
	FLAG_BOOL,
	FLAG_STRING,
	FLAG_LIST,     /* may be repeated */
	FLAG_STRINGS,  /* likewise, and split at commas */
	FLAG_MAP,      /* KEY=VALUE, may be repeated */
	FLAG_FILTER,   /* NAME=VALUE, may be repeated */
	FLAG_INT,
	FLAG_UINT16,
	FLAG_BYTES,    /* 64m */
	FLAG_DECIMAL,  /* 1.5 */
	FLAG_DURATION, /* 1m30s */
	FLAG_IP_LIST,
	FLAG_MOUNT,
	FLAG_NETWORK,
	FLAG_ULIMIT,
	FLAG_GPUS,
};

struct flag {
	enum flag_type type;
	char letter;          /* or 0 */
	const char *name;
	const char *help;
	const char *fallback; /* shown as "(default ...)"; NULL: nothing is shown */
	int hidden;
};

enum command_kind {
	COMMAND_LEAF,
	COMMAND_LEAF_RAW, /* flags end at the first argument: run, exec */
	COMMAND_GROUP,
};

struct command {
	const char *name;
	enum command_kind kind;
	const char *summary;
	const char *usage;   /* what follows the name: "[OPTIONS] CONTAINER" */
	const char *aliases; /* other full names, ", " between them: "container stop, stop" */
	int min_args;
	int max_args;        /* -1: any number */
	const struct flag *flags; /* ends with FLAG_NONE; or NULL */
	int (*run)(struct cli *cli, struct args *args, struct gantry_error *err);
	const struct command *const *children; /* of a group; ends with NULL */
	const char *category; /* heading in the top help; NULL: "Commands" */
	const char *details;  /* more paragraphs for help and manual page; or NULL */
};

/* One flag as it was given. */
struct flag_value {
	const struct flag *flag;
	const char *text; /* borrowed from argv; "true" or "false" for FLAG_BOOL */
};

/* A parsed command line; borrows argv. */
struct args {
	const struct command *command;
	const char *path; /* "container ls" as typed */
	struct flag_value *values;
	size_t n_values;
	int argc; /* what is left beside the flags */
	char **argv;
};

/* Parses argv[0..argc) (without the command's name).  The message of an error is what
 * Docker prints first; asked-for help is GANTRY_ERR_CANCELLED with an empty message. */
int args_parse(struct args *args, const struct command *command, const char *path, int argc,
	       char **argv, struct gantry_error *err);
/* The flags of a table that come before the first argument; *used says how many words. */
int args_parse_flags(struct args *args, const struct flag *flags, int interspersed, int argc,
		     char **argv, struct gantry_error *err);
void args_done(struct args *args);
/* "'docker rm' requires at least 1 argument", or 0. */
int args_check_count(const struct args *args, const char *program, struct gantry_error *err);

/* Was the flag given at all? */
int args_has(const struct args *args, const char *name);
/* The last value given, or NULL. */
const char *args_string(const struct args *args, const char *name);
int args_bool(const struct args *args, const char *name, int fallback);
int64_t args_int(const struct args *args, const char *name, int64_t fallback);
int64_t args_bytes(const struct args *args, const char *name, int64_t fallback);
int64_t args_duration_ns(const struct args *args, const char *name, int64_t fallback);
/* The i-th value of a repeated flag (FLAG_STRINGS: as given), or NULL. */
const char *args_item(const struct args *args, const char *name, size_t i);
size_t args_count(const struct args *args, const char *name);

/* The table of all commands. */
extern const struct command root_command;
extern const struct flag global_flags[];

/* Finds a child by name; NULL when there is none. */
const struct command *command_child(const struct command *group, const char *name);

/* What a flag's value is called in help ("list", "bytes"); "" for FLAG_BOOL. */
const char *flag_type_name(const struct flag *flag);

/* Help as Docker lays it out, wrapped at the terminal's width. */
void help_print(FILE *out, const char *program, const struct command *command, const char *path);
/* "Usage:  docker rm [OPTIONS] CONTAINER [CONTAINER...]". */
void help_usage_line(FILE *out, const char *program, const struct command *command,
		     const char *path);

#endif
