/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/command.h"
#include "cli/text/units.h"
#include "helpers/error.h"
#include "helpers/quantity.h"

static const struct {
	const char *text;
	int value;
} booleans[] = {
	{ "1", 1 }, { "t", 1 }, { "T", 1 }, { "true", 1 }, { "TRUE", 1 }, { "True", 1 },
	{ "0", 0 }, { "f", 0 }, { "F", 0 }, { "false", 0 }, { "FALSE", 0 }, { "False", 0 },
};

static int parse_bool(const char *text)
{
	for (size_t i = 0; i < sizeof(booleans) / sizeof(booleans[0]); i++) {
		if (strcmp(booleans[i].text, text) == 0) {
			return booleans[i].value;
		}
	}
	return -1;
}

static int is_ip(const char *text)
{
	unsigned char addr[16];

	return inet_pton(AF_INET, text, addr) == 1 || inet_pton(AF_INET6, text, addr) == 1;
}

/* Says in why what is wrong with a number, in strconv's words that scripts match. */
static int check_integer(const char *text, int64_t low, int64_t high, int is_unsigned, char *why,
			 size_t size)
{
	const char *func = is_unsigned ? "ParseUint" : "ParseInt";
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 0);
	if (end == text || *end || (is_unsigned && *text == '-')) {
		snprintf(why, size, "strconv.%s: parsing \"%s\": invalid syntax", func, text);
		return -1;
	}
	if (errno == ERANGE || value < low || value > high) {
		snprintf(why, size, "strconv.%s: parsing \"%s\": value out of range", func, text);
		return -1;
	}
	return 0;
}

static int check_value(const struct flag *flag, const char *text, char *why, size_t size)
{
	int64_t number;

	switch (flag->type) {
	case FLAG_BOOL:
		if (parse_bool(text) < 0) {
			snprintf(why, size, "strconv.ParseBool: parsing \"%s\": invalid syntax",
				 text);
			return -1;
		}
		return 0;
	case FLAG_INT:
		return check_integer(text, INT64_MIN, INT64_MAX, 0, why, size);
	case FLAG_UINT16:
		return check_integer(text, 0, UINT16_MAX, 1, why, size);
	case FLAG_BYTES:
		if (strcmp(text, "-1") != 0 && parse_bytes(text, &number) < 0) {
			snprintf(why, size, "invalid size: '%s'", text);
			return -1;
		}
		return 0;
	case FLAG_DECIMAL:
		if (units_parse_nano(text, &number) < 0) {
			snprintf(why, size, "failed to parse %s as a rational number", text);
			return -1;
		}
		return 0;
	case FLAG_DURATION:
		if (parse_duration(text, &number) < 0) {
			snprintf(why, size, "time: invalid duration \"%s\"", text);
			return -1;
		}
		return 0;
	case FLAG_FILTER:
		if (!strchr(text, '=')) {
			snprintf(why, size, "bad format of filter (expected name=value)");
			return -1;
		}
		return 0;
	case FLAG_IP_LIST:
		if (!is_ip(text)) {
			snprintf(why, size, "IP address is not correctly formatted: %s", text);
			return -1;
		}
		return 0;
	default:
		return 0;
	}
}

static int add_value(struct args *args, const struct flag *flag, const char *text,
		     struct gantry_error *err)
{
	struct flag_value *values;
	char why[256];

	if (check_value(flag, text, why, sizeof(why)) < 0) {
		if (flag->letter) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "invalid argument \"%s\" for \"-%c, --%s\" flag: %s", text,
					 flag->letter, flag->name, why);
		}
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid argument \"%s\" for \"--%s\" flag: %s", text, flag->name, why);
	}
	/* Room grows when the count reaches a power of two. */
	if ((args->n_values & (args->n_values + 1)) == 0) {
		values = realloc(args->values, sizeof(*values) * (args->n_values + 1) * 2);
		if (!values) {
			return error_no_memory(err);
		}
		args->values = values;
	}
	args->values[args->n_values++] = (struct flag_value){ flag, text };
	return 0;
}

static const struct flag *find_long(const struct flag *flags, const char *name, size_t len)
{
	for (const struct flag *f = flags; f && f->type != FLAG_NONE; f++) {
		if (strncmp(f->name, name, len) == 0 && !f->name[len]) {
			return f;
		}
	}
	return NULL;
}

static const struct flag *find_letter(const struct flag *flags, char letter)
{
	for (const struct flag *f = flags; f && f->type != FLAG_NONE; f++) {
		if (f->letter == letter) {
			return f;
		}
	}
	return NULL;
}

static int wants_help(struct gantry_error *err)
{
	error_set(err, GANTRY_ERR_CANCELLED, "%s", "");
	return GANTRY_ERR_CANCELLED;
}

/* --name, --name=value, --name value; *i moves over a value taken from the next word. */
static int parse_long(struct args *args, const struct flag *flags, int argc, char **argv, int *i,
		      struct gantry_error *err)
{
	const char *word = argv[*i] + 2;
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct flag *flag = find_long(flags, word, len);

	if (!len || *word == '-') {
		return error_set(err, GANTRY_ERR_INVALID, "bad flag syntax: %s", argv[*i]);
	}
	if (len == 4 && strncmp(word, "help", 4) == 0) {
		return wants_help(err);
	}
	if (!flag) {
		return error_set(err, GANTRY_ERR_INVALID, "unknown flag: --%.*s", (int)len, word);
	}
	if (equals) {
		return add_value(args, flag, equals + 1, err);
	}
	if (flag->type == FLAG_BOOL) {
		return add_value(args, flag, "true", err);
	}
	if (*i + 1 >= argc) {
		return error_set(err, GANTRY_ERR_INVALID, "flag needs an argument: --%s", flag->name);
	}
	return add_value(args, flag, argv[++*i], err);
}

/* -it, -pVALUE, -p=VALUE, -p VALUE. */
static int parse_letters(struct args *args, const struct flag *flags, int argc, char **argv,
			 int *i, struct gantry_error *err)
{
	const char *word = argv[*i] + 1;
	const struct flag *flag;
	int r;

	for (const char *p = word; *p; p++) {
		flag = find_letter(flags, *p);
		if (!flag && *p == 'h') {
			return wants_help(err);
		}
		if (!flag) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "unknown shorthand flag: '%c' in -%s", *p, p);
		}
		if (p[1] == '=') {
			return add_value(args, flag, p + 2, err);
		}
		if (flag->type != FLAG_BOOL && p[1]) {
			return add_value(args, flag, p + 1, err);
		}
		if (flag->type != FLAG_BOOL && *i + 1 >= argc) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "flag needs an argument: '%c' in -%s", *p, p);
		}
		if (flag->type != FLAG_BOOL) {
			return add_value(args, flag, argv[++*i], err);
		}
		r = add_value(args, flag, "true", err);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

int args_parse_flags(struct args *args, const struct flag *flags, int interspersed, int argc,
		     char **argv, struct gantry_error *err)
{
	int r = 0;

	args->argv = calloc((size_t)argc + 1, sizeof(*args->argv));
	if (!args->argv) {
		return error_no_memory(err);
	}
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			while (i < argc) {
				args->argv[args->argc++] = argv[i++];
			}
			break;
		}
		if (argv[i][0] == '-' && argv[i][1] == '-') {
			r = parse_long(args, flags, argc, argv, &i, err);
		} else if (argv[i][0] == '-' && argv[i][1]) {
			r = parse_letters(args, flags, argc, argv, &i, err);
		} else {
			args->argv[args->argc++] = argv[i];
			while (!interspersed && ++i < argc) {
				args->argv[args->argc++] = argv[i];
			}
		}
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

int args_parse(struct args *args, const struct command *command, const char *path, int argc,
	       char **argv, struct gantry_error *err)
{
	*args = (struct args){ .command = command, .path = path };
	return args_parse_flags(args, command->flags, command->kind != COMMAND_LEAF_RAW, argc, argv,
				err);
}

void args_done(struct args *args)
{
	free(args->values);
	free(args->argv);
	*args = (struct args){ 0 };
}

int args_check_count(const struct args *args, const char *program, struct gantry_error *err)
{
	const struct command *c = args->command;
	const char *plural;
	int wanted;

	if (args->argc >= c->min_args && (c->max_args < 0 || args->argc <= c->max_args)) {
		return 0;
	}
	if (c->max_args == 0) {
		return error_set(err, GANTRY_ERR_INVALID, "%s: '%s %s' accepts no arguments", program,
				 program, args->path);
	}
	wanted = args->argc < c->min_args ? c->min_args : c->max_args;
	plural = wanted == 1 ? "argument" : "arguments";
	if (c->min_args == c->max_args) {
		return error_set(err, GANTRY_ERR_INVALID, "%s: '%s %s' requires %d %s", program,
				 program, args->path, wanted, plural);
	}
	if (c->max_args < 0) {
		return error_set(err, GANTRY_ERR_INVALID, "%s: '%s %s' requires at least %d %s",
				 program, program, args->path, wanted, plural);
	}
	if (c->min_args == 0) {
		return error_set(err, GANTRY_ERR_INVALID, "%s: '%s %s' requires at most %d %s",
				 program, program, args->path, wanted, plural);
	}
	return error_set(err, GANTRY_ERR_INVALID,
			 "%s: '%s %s' requires at least %d and at most %d arguments", program, program,
			 args->path, c->min_args, c->max_args);
}

static const struct flag_value *last_value(const struct args *args, const char *name)
{
	for (size_t i = args->n_values; i > 0; i--) {
		if (strcmp(args->values[i - 1].flag->name, name) == 0) {
			return &args->values[i - 1];
		}
	}
	return NULL;
}

int args_has(const struct args *args, const char *name)
{
	return last_value(args, name) != NULL;
}

const char *args_string(const struct args *args, const char *name)
{
	const struct flag_value *v = last_value(args, name);

	return v ? v->text : NULL;
}

int args_bool(const struct args *args, const char *name, int fallback)
{
	const char *text = args_string(args, name);

	return text ? parse_bool(text) : fallback;
}

int64_t args_int(const struct args *args, const char *name, int64_t fallback)
{
	const char *text = args_string(args, name);

	return text ? strtoll(text, NULL, 0) : fallback;
}

int64_t args_bytes(const struct args *args, const char *name, int64_t fallback)
{
	const char *text = args_string(args, name);
	int64_t bytes = -1;

	if (!text) {
		return fallback;
	}
	return parse_bytes(text, &bytes) < 0 ? -1 : bytes;
}

int64_t args_duration_ns(const struct args *args, const char *name, int64_t fallback)
{
	const char *text = args_string(args, name);
	int64_t ns = 0;

	if (!text || parse_duration(text, &ns) < 0) {
		return fallback;
	}
	return ns;
}

const char *args_item(const struct args *args, const char *name, size_t i)
{
	for (size_t k = 0; k < args->n_values; k++) {
		if (strcmp(args->values[k].flag->name, name) == 0 && i-- == 0) {
			return args->values[k].text;
		}
	}
	return NULL;
}

size_t args_count(const struct args *args, const char *name)
{
	size_t n = 0;

	for (size_t k = 0; k < args->n_values; k++) {
		n += strcmp(args->values[k].flag->name, name) == 0;
	}
	return n;
}

/* The i-th alias of a command within a group ("ls" of "container ls"); its length, or 0. */
static size_t alias_in(const struct command *group, const struct command *c, size_t i,
		       const char **ret)
{
	size_t prefix = strlen(group->name);
	const char *p = c->aliases;

	while (p && *p) {
		size_t len = strcspn(p, ",");

		if (prefix && len > prefix && strncmp(p, group->name, prefix) == 0 &&
		    p[prefix] == ' ' && i-- == 0) {
			*ret = p + prefix + 1;
			return len - prefix - 1;
		}
		p += len;
		p += strspn(p, ", ");
	}
	return 0;
}

const char *command_name_in(const struct command *group, const struct command *c, char *room,
			    size_t size)
{
	const char *alias;
	size_t len = alias_in(group, c, 0, &alias);

	if (!len) {
		return c->name;
	}
	snprintf(room, size, "%.*s", (int)len, alias);
	return room;
}

const struct command *command_child(const struct command *group, const char *name)
{
	for (const struct command *const *c = group->children; c && *c; c++) {
		const char *alias;
		size_t len, i = 0;

		while ((len = alias_in(group, *c, i, &alias))) {
			if (strlen(name) == len && strncmp(alias, name, len) == 0) {
				return *c;
			}
			i++;
		}
		if (i == 0 && strcmp((*c)->name, name) == 0) {
			return *c;
		}
	}
	return NULL;
}

const char *flag_type_name(const struct flag *flag)
{
	static const char *const names[] = {
		[FLAG_NONE] = "",           [FLAG_BOOL] = "",        [FLAG_STRING] = "string",
		[FLAG_LIST] = "list",       [FLAG_STRINGS] = "strings", [FLAG_MAP] = "map",
		[FLAG_FILTER] = "filter",   [FLAG_INT] = "int",      [FLAG_UINT16] = "uint16",
		[FLAG_BYTES] = "bytes",     [FLAG_DECIMAL] = "decimal", [FLAG_DURATION] = "duration",
		[FLAG_IP_LIST] = "list",    [FLAG_MOUNT] = "mount",  [FLAG_NETWORK] = "network",
		[FLAG_ULIMIT] = "ulimit",   [FLAG_GPUS] = "gpu-request",
	};

	return names[flag->type];
}
