/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cli/command.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"

#define MAX_FLAGS 160
#define SLOP 5

static int terminal_width(void)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0) {
		return ws.ws_col;
	}
	return 80;
}

/* How much of text goes on a line of width columns; at a newline or the last blank. */
static size_t line_break(const char *text, size_t width)
{
	size_t len = strlen(text);
	size_t blank = 0;

	if (width + SLOP > len) {
		width = len;
	}
	for (size_t i = 0; i < width; i++) {
		if (text[i] == '\n') {
			return i;
		}
		if (text[i] == ' ') {
			blank = i;
		}
	}
	return width == len || blank == 0 ? len : blank;
}

static void print_wrapped(FILE *out, const char *text, size_t indent, size_t columns)
{
	size_t width = columns > indent + 24 + SLOP ? columns - indent - SLOP : 24;

	for (;;) {
		size_t n = line_break(text, width);

		fwrite(text, 1, n, out);
		fputc('\n', out);
		if (!text[n]) {
			return;
		}
		text += n + 1;
		fprintf(out, "%*s", (int)indent, "");
	}
}

static int by_name(const void *a, const void *b)
{
	const struct flag *const *x = a;
	const struct flag *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static void add_default(struct buf *text, const struct flag *flag)
{
	if (!flag->fallback) {
		return;
	}
	buf_addf(text, flag->type == FLAG_STRING ? " (default \"%s\")" : " (default %s)",
		 flag->fallback);
}

static void print_flags(FILE *out, const struct flag *flags)
{
	const struct flag *sorted[MAX_FLAGS];
	size_t columns = (size_t)terminal_width();
	size_t widest = 0, n = 0;

	for (const struct flag *f = flags; f->type != FLAG_NONE && n < MAX_FLAGS; f++) {
		const char *type = flag_type_name(f);
		size_t width = 8 + strlen(f->name) + (*type ? 1 + strlen(type) : 0);

		if (f->hidden) {
			continue;
		}
		sorted[n++] = f;
		widest = width > widest ? width : widest;
	}
	qsort(sorted, n, sizeof(sorted[0]), by_name);
	for (size_t i = 0; i < n; i++) {
		const char *type = flag_type_name(sorted[i]);
		auto_(buf) struct buf text = BUF_INIT;
		int used;

		used = sorted[i]->letter ? fprintf(out, "  -%c, --%s", sorted[i]->letter, sorted[i]->name)
					 : fprintf(out, "      --%s", sorted[i]->name);
		used += *type ? fprintf(out, " %s", type) : 0;
		fprintf(out, "%*s", (int)widest + 3 - used, "");
		buf_adds(&text, sorted[i]->help);
		add_default(&text, sorted[i]);
		print_wrapped(out, buf_str(&text), widest + 3, columns);
	}
}

static void print_children(FILE *out, const struct command *group, const char *category)
{
	int title = 0;

	for (const struct command *const *c = group->children; *c; c++) {
		const char *own = (*c)->category ? (*c)->category : "Commands";

		if (strcmp(own, category) != 0) {
			continue;
		}
		if (!title) {
			fprintf(out, "\n%s:\n", category);
			title = 1;
		}
		fprintf(out, "  %-11s %s\n", (*c)->name, (*c)->summary);
	}
}

static void print_aliases(FILE *out, const char *program, const char *aliases)
{
	auto_free char *copy = strdup(aliases);
	const char *comma = "";
	char *rest = copy;
	char *one;

	fprintf(out, "\nAliases:\n  ");
	while (rest && (one = strsep(&rest, ","))) {
		fprintf(out, "%s%s %s", comma, program, one + strspn(one, " "));
		comma = ", ";
	}
	fprintf(out, "\n");
}

void help_usage_line(FILE *out, const char *program, const struct command *command,
		     const char *path)
{
	const char *usage = command->usage;
	const char *line;

	fprintf(out, "Usage:  %s", program);
	if (path && *path) {
		fprintf(out, " %s", path);
	}
	/* Further forms of a command are further lines. */
	for (; (line = strchr(usage, '\n')); usage = line + 1) {
		fprintf(out, " %.*s\n\t%s %s", (int)(line - usage), usage, program, path);
	}
	fprintf(out, " %s\n", usage);
}

void help_print(FILE *out, const char *program, const struct command *command, const char *path)
{
	int top = command == &root_command;

	help_usage_line(out, program, command, path);
	fprintf(out, "\n%s\n", command->summary);
	if (command->details) {
		fprintf(out, "\n%s\n", command->details);
	}
	if (command->aliases) {
		print_aliases(out, program, command->aliases);
	}
	if (command->flags && command->flags->type != FLAG_NONE && !top) {
		fprintf(out, "\nOptions:\n");
		print_flags(out, command->flags);
	}
	if (command->kind == COMMAND_GROUP) {
		print_children(out, command, "Common Commands");
		print_children(out, command, "Management Commands");
		print_children(out, command, "Commands");
		if (top) {
			fprintf(out, "\nGlobal Options:\n");
			print_flags(out, global_flags);
		}
		fprintf(out, "\nRun '%s%s%s COMMAND --help' for more information on a command.\n", program,
			top ? "" : " ", top ? "" : path);
	}
}
