/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/command.h"
#include "cli/man.h"
#include "config.h"

#define MAX_PATH 128

typedef void visit_fn(const struct command *c, const char *path, const char *page);

/* Calls fn for the program, each group and each command; page is "gantry-volume-ls". */
static void visit(const struct command *c, const char *path, visit_fn *fn)
{
	char page[MAX_PATH], below[MAX_PATH], room[64];

	snprintf(page, sizeof(page), "gantry%s%s", *path ? "-" : "", path);
	for (char *p = page; *p; p++) {
		*p = *p == ' ' ? '-' : *p;
	}
	fn(c, path, page);
	for (const struct command *const *k = c->children; k && *k; k++) {
		snprintf(below, sizeof(below), "%s%s%s", path, *path ? " " : "",
			 command_name_in(c, *k, room, sizeof(room)));
		visit(*k, below, fn);
	}
}

static void roff(const char *text)
{
	for (int start = 1; *text; text++) {
		if (start && (*text == '.' || *text == '\'')) {
			fputs("\\&", stdout);
		}
		fputs(*text == '-' ? "\\-" : *text == '\\' ? "\\e" : (char[]){ *text, '\0' }, stdout);
		start = *text == '\n';
	}
}

static void man_flags(const char *title, const struct flag *flags)
{
	if (!flags || flags->type == FLAG_NONE) {
		return;
	}
	printf(".SH %s\n", title);
	for (const struct flag *f = flags; f->type != FLAG_NONE; f++) {
		const char *type = flag_type_name(f);

		if (f->hidden) {
			continue;
		}
		printf(".TP\n");
		if (f->letter) {
			printf("\\fB\\-%c\\fR, ", f->letter);
		}
		printf("\\fB\\-\\-");
		roff(f->name);
		printf("\\fR%s\\fI%s\\fR\n", *type ? " " : "", type);
		roff(f->help);
		if (f->fallback) {
			printf(" (default ");
			roff(f->fallback);
			printf(")");
		}
		printf("\n");
	}
}

static void man_synopsis(const struct command *c, const char *path)
{
	const char *line = c->usage;

	printf(".SH SYNOPSIS\n");
	while (line) {
		const char *end = strchr(line, '\n');

		printf("\\fBgantry%s%s\\fR ", *path ? " " : "", path);
		for (const char *p = line; *p && p != end; p++) {
			fputs(*p == '-' ? "\\-" : (char[]){ *p, '\0' }, stdout);
		}
		printf("\n");
		if (end) {
			printf(".br\n");
		}
		line = end ? end + 1 : NULL;
	}
}

static void man_children(const struct command *c, const char *page)
{
	char room[64];

	printf(".SH COMMANDS\n");
	for (const struct command *const *k = c->children; *k; k++) {
		printf(".TP\n\\fB%s\\-%s\\fR(1)\n", page, command_name_in(c, *k, room, sizeof(room)));
		roff((*k)->summary);
		printf("\n");
	}
}

static void man_environment(void)
{
	printf(".SH ENVIRONMENT\n"
	       ".TP\n\\fBGANTRY_HOST\\fR, \\fBDOCKER_HOST\\fR\n"
	       "Daemon to talk to, as with \\fB\\-\\-host\\fR. Without one the engine runs in the "
	       "same process.\n"
	       ".TP\n\\fBGANTRY_ROOT\\fR\nFolder of the engine's state.\n"
	       ".TP\n\\fBDOCKER_CONFIG\\fR\nFolder of config.json.\n"
	       ".TP\n\\fBDOCKER_API_VERSION\\fR\nVersion of the API to speak.\n"
	       ".TP\n\\fBDOCKER_TLS_VERIFY\\fR, \\fBDOCKER_CERT_PATH\\fR\nTLS to a daemon.\n"
	       ".SH EXIT STATUS\n"
	       "\\fBrun\\fR exits as its container does. 125 tells of a failure before the "
	       "container's\nprocess, 126 that it cannot be executed, 127 that it is not there.\n");
}

static const char *wanted;

static void man_page(const struct command *c, const char *path, const char *page)
{
	if (strcmp(page, wanted) != 0) {
		return;
	}
	printf(".\\\" Made from the command tables.\n.TH \"%s\" 1 \"\" \"gantry %s\"\n.SH NAME\n", page,
	       PACKAGE_VERSION);
	roff(page);
	printf(" \\- ");
	roff(c->summary);
	printf("\n");
	man_synopsis(c, path);
	printf(".SH DESCRIPTION\n");
	roff(c->summary);
	printf(".\n");
	if (c->details) {
		printf(".PP\n");
		roff(c->details);
		printf("\n");
	}
	if (c->aliases) {
		printf(".PP\nAlso called: %s.\n", c->aliases);
	}
	if (c->kind == COMMAND_GROUP) {
		man_children(c, page);
	}
	man_flags("OPTIONS", c == &root_command ? global_flags : c->flags);
	if (c == &root_command) {
		man_environment();
	} else {
		printf(".SH SEE ALSO\n\\fBgantry\\fR(1)\n");
	}
}

static void list_page(const struct command *c, const char *path, const char *page)
{
	printf("%s\n", page);
}

static void each_flag(const struct flag *flags, void (*fn)(const struct flag *f))
{
	for (const struct flag *f = flags; f && f->type != FLAG_NONE; f++) {
		if (!f->hidden) {
			fn(f);
		}
	}
}

/* What a command's arguments name, for completion. */
static const char *argument_kind(const struct command *c, const char *path)
{
	const char *u = c->usage;

	if (strncmp(path, "volume", 6) == 0) {
		return "volumes";
	}
	if (strncmp(path, "network", 7) == 0) {
		return "networks";
	}
	if (strstr(u, "CONTAINER") || strstr(u, "NAME|ID")) {
		return "containers";
	}
	return strstr(u, "IMAGE") || strstr(u, "NAME[:TAG") ? "images" : "";
}

static void bash_flag(const struct flag *f)
{
	printf(" --%s", f->name);
	if (f->letter) {
		printf(" -%c", f->letter);
	}
}

static void bash_case(const struct command *c, const char *path, const char *page)
{
	char room[64];

	printf("\t\"%s\")\n\t\twords=\"", path);
	for (const struct command *const *k = c->children; k && *k; k++) {
		printf("%s ", command_name_in(c, *k, room, sizeof(room)));
	}
	printf("\"\n\t\tflags=\"");
	each_flag(c == &root_command ? global_flags : c->flags, bash_flag);
	printf(" --help\"\n\t\tkind=\"%s\"\n\t\t;;\n", argument_kind(c, path));
}

static void print_bash(void)
{
	fputs("# bash completion for gantry; made from the command tables.\n"
	      "_gantry_names() {\n"
	      "\tcase \"$1\" in\n"
	      "\tcontainers) gantry ps -a --format '{{.Names}}' 2>/dev/null ;;\n"
	      "\timages) gantry images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null ;;\n"
	      "\tvolumes) gantry volume ls -q 2>/dev/null ;;\n"
	      "\tnetworks) gantry network ls --format '{{.Name}}' 2>/dev/null ;;\n"
	      "\tesac\n}\n"
	      "_gantry() {\n"
	      "\tlocal cur=\"${COMP_WORDS[COMP_CWORD]}\" path=\"\" word i words flags kind\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tword=\"${COMP_WORDS[i]}\"\n"
	      "\t\tcase \"$word\" in\n"
	      "\t\t-*) continue ;;\n"
	      "\t\tcontainer|image|network|plugin|system|volume)\n"
	      "\t\t\t[[ -z $path ]] && { path=\"$word\"; continue; } ;;\n"
	      "\t\tesac\n"
	      "\t\tpath=\"${path:+$path }$word\"\n"
	      "\t\tbreak\n"
	      "\tdone\n"
	      "\tcase \"$path\" in\n",
	      stdout);
	visit(&root_command, "", bash_case);
	fputs("\t*) return ;;\n\tesac\n"
	      "\tif [[ $cur == -* ]]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$flags\" -- \"$cur\"))\n"
	      "\telif [[ -n $words ]]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	      "\telse\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$(_gantry_names \"$kind\")\" -- \"$cur\"))\n"
	      "\tfi\n}\n"
	      "complete -o default -F _gantry gantry\n",
	      stdout);
}

/* One line of text without what single quotes would end. */
static void quoted(const char *text)
{
	putchar('\'');
	for (; *text && *text != '\n'; text++) {
		if (*text == '\'') {
			fputs("'\\''", stdout);
		} else if (*text == '[' || *text == ']' || *text == ':') {
			putchar(*text == ':' ? ',' : *text == '[' ? '(' : ')');
		} else {
			putchar(*text);
		}
	}
	putchar('\'');
}

static void zsh_flag(const struct flag *f)
{
	printf("\t\t\t'--%s[", f->name);
	for (const char *p = f->help; *p && *p != '\n'; p++) {
		if (*p == '\'') {
			fputs("'\\''", stdout);
		} else if (*p == '[' || *p == ']') {
			printf("\\%c", *p);
		} else {
			putchar(*p);
		}
	}
	printf(f->type == FLAG_BOOL ? "]' \\\n" : "]:%s:_files' \\\n", flag_type_name(f));
}

static void zsh_case(const struct command *c, const char *path, const char *page)
{
	char room[64];

	printf("\t'%s')\n", path);
	if (c->kind == COMMAND_GROUP) {
		printf("\t\tlocal -a commands=(\n");
		for (const struct command *const *k = c->children; *k; k++) {
			printf("\t\t\t'%s:'", command_name_in(c, *k, room, sizeof(room)));
			quoted((*k)->summary);
			printf("\n");
		}
		printf("\t\t)\n\t\t_describe command commands\n\t\t;;\n");
		return;
	}
	printf("\t\t_arguments -s \\\n");
	each_flag(c->flags, zsh_flag);
	printf("\t\t\t'*:argument:_gantry_names %s'\n\t\t;;\n", argument_kind(c, path));
}

static void print_zsh(void)
{
	fputs("#compdef gantry\n# Made from the command tables.\n"
	      "_gantry_names() {\n"
	      "\tlocal -a names\n"
	      "\tcase \"$1\" in\n"
	      "\tcontainers) names=(${(f)\"$(gantry ps -a --format '{{.Names}}' 2>/dev/null)\"}) ;;\n"
	      "\timages) names=(${(f)\"$(gantry images --format '{{.Repository}}\\:{{.Tag}}' "
	      "2>/dev/null)\"}) ;;\n"
	      "\tvolumes) names=(${(f)\"$(gantry volume ls -q 2>/dev/null)\"}) ;;\n"
	      "\tnetworks) names=(${(f)\"$(gantry network ls --format '{{.Name}}' 2>/dev/null)\"}) ;;\n"
	      "\t*) _files; return ;;\n"
	      "\tesac\n"
	      "\t_describe name names\n}\n"
	      "_gantry() {\n"
	      "\tlocal path='' word i\n"
	      "\tfor ((i = 2; i < CURRENT; i++)); do\n"
	      "\t\tword=${words[i]}\n"
	      "\t\t[[ $word == -* ]] && continue\n"
	      "\t\tif [[ -z $path && $word == (container|image|network|plugin|system|volume) ]]; then\n"
	      "\t\t\tpath=$word\n"
	      "\t\t\tcontinue\n"
	      "\t\tfi\n"
	      "\t\tpath=${path:+$path }$word\n"
	      "\t\tbreak\n"
	      "\tdone\n"
	      "\tcase \"$path\" in\n",
	      stdout);
	visit(&root_command, "", zsh_case);
	fputs("\tesac\n}\n_gantry \"$@\"\n", stdout);
}

static char fish_condition[256];

static void fish_flag(const struct flag *f)
{
	printf("complete -c gantry -n '%s' -l %s", fish_condition, f->name);
	if (f->letter) {
		printf(" -s %c", f->letter);
	}
	printf(f->type == FLAG_BOOL ? " -d " : " -r -d ");
	quoted(f->help);
	printf("\n");
}

static void fish_case(const struct command *c, const char *path, const char *page)
{
	char room[64];

	snprintf(fish_condition, sizeof(fish_condition), "__gantry_at \"%s\"", path);
	for (const struct command *const *k = c->children; k && *k; k++) {
		printf("complete -c gantry -f -n '%s' -a %s -d ", fish_condition,
		       command_name_in(c, *k, room, sizeof(room)));
		quoted((*k)->summary);
		printf("\n");
	}
	each_flag(c == &root_command ? global_flags : c->flags, fish_flag);
}

static void print_fish(void)
{
	fputs("# fish completion for gantry; made from the command tables.\n"
	      "function __gantry_at\n"
	      "\tset -l path\n"
	      "\tfor word in (commandline -opc)[2..-1]\n"
	      "\t\tstring match -q -- '-*' $word; and continue\n"
	      "\t\tset -a path $word\n"
	      "\t\tcontains -- $path[1] container image network plugin system volume\n"
	      "\t\tand test (count $path) -lt 2; or break\n"
	      "\tend\n"
	      "\ttest \"$path\" = \"$argv[1]\"\n"
	      "end\n",
	      stdout);
	visit(&root_command, "", fish_case);
}

int generate_print(const char *what)
{
	if (strncmp(what, "man:", 4) == 0) {
		wanted = what + 4;
		visit(&root_command, "", man_page);
	} else if (strcmp(what, "list") == 0) {
		visit(&root_command, "", list_page);
	} else if (strcmp(what, "bash") == 0) {
		print_bash();
	} else if (strcmp(what, "zsh") == 0) {
		print_zsh();
	} else if (strcmp(what, "fish") == 0) {
		print_fish();
	} else {
		return CLI_EXIT_USAGE;
	}
	return CLI_EXIT_OK;
}
