/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/units/unit.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

/* What a key of [Container] becomes. */
enum key_kind {
	KEY_FLAG,  /* --flag=value */
	KEY_WORDS, /* --flag=word for each word */
	KEY_BOOL,  /* --flag when true */
	KEY_NAME,
	KEY_IMAGE,
	KEY_EXEC,
	KEY_RAW, /* words before the image */
};

static const struct key {
	const char *name;
	enum key_kind kind;
	const char *flag;
} keys[] = {
	{"AddCapability", KEY_WORDS, "--cap-add"},
	{"AddDevice", KEY_FLAG, "--device"},
	{"AddHost", KEY_FLAG, "--add-host"},
	{"Annotation", KEY_WORDS, "--annotation"},
	{"ContainerName", KEY_NAME, NULL},
	{"DNS", KEY_FLAG, "--dns"},
	{"DropCapability", KEY_WORDS, "--cap-drop"},
	{"Entrypoint", KEY_FLAG, "--entrypoint"},
	{"Environment", KEY_WORDS, "--env"},
	{"EnvironmentFile", KEY_FLAG, "--env-file"},
	{"Exec", KEY_EXEC, NULL},
	{"GantryArgs", KEY_RAW, NULL},
	{"GroupAdd", KEY_FLAG, "--group-add"},
	{"HealthCmd", KEY_FLAG, "--health-cmd"},
	{"HealthInterval", KEY_FLAG, "--health-interval"},
	{"HealthRetries", KEY_FLAG, "--health-retries"},
	{"HealthStartPeriod", KEY_FLAG, "--health-start-period"},
	{"HealthTimeout", KEY_FLAG, "--health-timeout"},
	{"HostName", KEY_FLAG, "--hostname"},
	{"Image", KEY_IMAGE, NULL},
	{"IP", KEY_FLAG, "--ip"},
	{"Label", KEY_WORDS, "--label"},
	{"LogDriver", KEY_FLAG, "--log-driver"},
	{"Memory", KEY_FLAG, "--memory"},
	{"Mount", KEY_FLAG, "--mount"},
	{"Network", KEY_FLAG, "--network"},
	{"NetworkAlias", KEY_FLAG, "--network-alias"},
	{"PidsLimit", KEY_FLAG, "--pids-limit"},
	{"PublishPort", KEY_FLAG, "--publish"},
	{"Pull", KEY_FLAG, "--pull"},
	{"ReadOnly", KEY_BOOL, "--read-only"},
	{"RunInit", KEY_BOOL, "--init"},
	{"ShmSize", KEY_FLAG, "--shm-size"},
	{"StopSignal", KEY_FLAG, "--stop-signal"},
	{"StopTimeout", KEY_FLAG, "--stop-timeout"},
	{"Sysctl", KEY_WORDS, "--sysctl"},
	{"Tmpfs", KEY_FLAG, "--tmpfs"},
	{"Ulimit", KEY_FLAG, "--ulimit"},
	{"User", KEY_FLAG, "--user"},
	{"UserNS", KEY_FLAG, "--userns"},
	{"Volume", KEY_FLAG, "--volume"},
	{"WorkingDir", KEY_FLAG, "--workdir"},
};

struct parse {
	const char *file;
	unsigned int line;
	int in_container;
	struct buf rest;  /* all other sections, as they are, but what is added to [Service] */
	struct buf flags; /* quoted, each after a space */
	struct buf exec;
	char *name, *image;
	int has_service, has_type, has_restart_secs;
	struct gantry_error *err;
};

static void parse_done(struct parse *p)
{
	buf_done(&p->rest);
	buf_done(&p->flags);
	buf_done(&p->exec);
	free(p->name);
	free(p->image);
}

void unit_add_argument(struct buf *line, const char *text)
{
	buf_addc(line, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\') {
			buf_addc(line, '\\');
		} else if (*text == '%' || *text == '$') {
			buf_addc(line, *text);
		}
		if (*text == '\n') {
			buf_adds(line, "\\n");
		} else {
			buf_addc(line, *text);
		}
	}
	buf_addc(line, '"');
}

static int wrong(struct parse *p, const char *what, const char *text)
{
	return error_set(p->err, GANTRY_ERR_INVALID, "%s:%u: %s: %.200s", p->file, p->line, what,
			 text);
}

/* The next word: as a shell has it, with quotes and backslashes.  NULL at the end; *ret_bad
 * when a quote is not closed.  The caller frees. */
static char *next_word(const char **at, int *ret_bad)
{
	auto_(buf) struct buf word = BUF_INIT;
	const char *p = *at;
	char quote = 0;

	while (isspace((unsigned char)*p)) {
		p++;
	}
	if (!*p) {
		return NULL;
	}
	for (; *p && (quote || !isspace((unsigned char)*p)); p++) {
		if (*p == '\\' && p[1] && quote != '\'') {
			buf_addc(&word, *++p);
		} else if (quote && *p == quote) {
			quote = 0;
		} else if (!quote && (*p == '"' || *p == '\'')) {
			quote = *p;
		} else {
			buf_addc(&word, *p);
		}
	}
	*ret_bad |= quote != 0;
	*at = p;
	buf_adds(&word, "");
	return buf_steal(&word);
}

static int add_words(struct parse *p, struct buf *to, const char *flag, const char *value)
{
	const char *at = value;
	int bad = 0;
	char *word;

	while ((word = next_word(&at, &bad))) {
		auto_(buf) struct buf text = BUF_INIT;

		buf_addf(&text, "%s%s%s", flag ? flag : "", flag ? "=" : "", word);
		free(word);
		buf_addc(to, ' ');
		unit_add_argument(to, buf_str(&text));
	}
	return bad ? wrong(p, "a quote that is not closed", value) : 0;
}

static int parse_bool(const char *value)
{
	static const char *const yes[] = {"true", "yes", "on", "1"};
	static const char *const no[] = {"false", "no", "off", "0"};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (!strcasecmp(value, yes[i])) {
			return 1;
		}
		if (!strcasecmp(value, no[i])) {
			return 0;
		}
	}
	return -1;
}

static int set_once(struct parse *p, char **slot, const char *key, const char *value)
{
	free(*slot);
	if (!*value) {
		*slot = NULL;
		return wrong(p, "an empty value", key);
	}
	*slot = strdup(value);
	return *slot ? 0 : error_no_memory(p->err);
}

static int take_key(struct parse *p, const struct key *key, const char *value)
{
	auto_(buf) struct buf text = BUF_INIT;
	int on;

	switch (key->kind) {
	case KEY_NAME:
		return set_once(p, &p->name, key->name, value);
	case KEY_IMAGE:
		return set_once(p, &p->image, key->name, value);
	case KEY_EXEC:
		return add_words(p, &p->exec, NULL, value);
	case KEY_RAW:
		return add_words(p, &p->flags, NULL, value);
	case KEY_WORDS:
		return add_words(p, &p->flags, key->flag, value);
	case KEY_BOOL:
		on = parse_bool(value);
		if (on < 0) {
			return wrong(p, "neither true nor false", value);
		}
		buf_addf(&text, "%s=%s", key->flag, on ? "true" : "false");
		break;
	default:
		buf_addf(&text, "%s=%s", key->flag, value);
	}
	buf_addc(&p->flags, ' ');
	unit_add_argument(&p->flags, buf_str(&text));
	return 0;
}

static int container_line(struct parse *p, char *line)
{
	char *eq = strchr(line, '=');
	char *end = eq, *value;

	if (!eq) {
		return wrong(p, "neither a section nor KEY=VALUE", line);
	}
	while (end > line && isspace((unsigned char)end[-1])) {
		end--;
	}
	*end = '\0';
	for (value = eq + 1; isspace((unsigned char)*value); value++) {
	}
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!strcmp(line, keys[i].name)) {
			return take_key(p, &keys[i], value);
		}
	}
	return wrong(p, "[Container] has no such key (GantryArgs= passes any flag)", line);
}

static int one_line(struct parse *p, char *line)
{
	size_t n = strlen(line);

	while (n > 0 && isspace((unsigned char)line[n - 1])) {
		line[--n] = '\0';
	}
	if (line[0] == '[') {
		p->in_container = !strcmp(line, "[Container]");
		p->has_service |= !strcmp(line, "[Service]");
	}
	if (!p->in_container) {
		/* the links of [Install] are made by the generator */
		p->has_type |= !strncmp(line, "Type=", 5);
		p->has_restart_secs |= !strncmp(line, "TimeoutStartSec=", 16);
		buf_addf(&p->rest, "%s\n", line);
		return 0;
	}
	return !*line || strchr("#;[", *line) ? 0 : container_line(p, line);
}

/* Joins lines that end in a backslash. */
static int all_lines(struct parse *p, char *text)
{
	char *line = text;
	int r = 0;

	while (r == 0 && line && *line) {
		char *end = strchr(line, '\n');
		char *from = line;

		p->line++;
		while (end && end > line && end[-1] == '\\') {
			end[-1] = end[0] = ' ';
			p->line++;
			end = strchr(end, '\n');
		}
		if (end) {
			*end = '\0';
		}
		line = end ? end + 1 : NULL;
		r = one_line(p, from);
	}
	return r;
}

static void write_service(struct parse *p, const char *name, const char *program, struct buf *ret)
{
	const char *container = p->name ? p->name : name;

	buf_addf(ret, "# Made by gantry-generator from %s; changes are lost.\n%s", p->file,
		 buf_str(&p->rest));
	buf_adds(ret, "\n[Unit]\nSourcePath=");
	buf_addf(ret, "%s\nWants=network-online.target\nAfter=network-online.target\n\n[Service]\n",
		 p->file);
	if (!p->has_type) {
		buf_adds(ret, "Type=exec\n");
	}
	if (!p->has_restart_secs) {
		buf_adds(ret, "TimeoutStartSec=900\n"); /* an image may have to be pulled */
	}
	buf_adds(ret, "Delegate=yes\nKillMode=mixed\nExecStartPre=-");
	unit_add_argument(ret, program);
	buf_adds(ret, " rm -f ");
	unit_add_argument(ret, container);
	buf_adds(ret, "\nExecStart=");
	unit_add_argument(ret, program);
	buf_adds(ret, " run --rm --name ");
	unit_add_argument(ret, container);
	buf_addf(ret, "%s ", buf_str(&p->flags));
	unit_add_argument(ret, p->image);
	buf_addf(ret, "%s\nExecStop=", buf_str(&p->exec));
	unit_add_argument(ret, program);
	buf_adds(ret, " stop ");
	unit_add_argument(ret, container);
	buf_adds(ret, "\n");
}

int unit_from_container(const char *file, const char *text, const char *name, const char *program,
			struct buf *ret, struct gantry_error *err)
{
	struct parse p = {
		.file = file, .rest = BUF_INIT, .flags = BUF_INIT, .exec = BUF_INIT, .err = err};
	auto_free char *copy = strdup(text);
	int r = copy ? all_lines(&p, copy) : error_no_memory(err);

	if (r == 0 && !p.image) {
		r = wrong(&p, "[Container] needs", "Image=");
	}
	if (r == 0) {
		write_service(&p, name, program, ret);
		r = buf_failed(ret) ? error_no_memory(err) : 0;
	}
	parse_done(&p);
	return r;
}

int unit_each_install(const char *text, int (*fn)(void *ctx, const char *kind, const char *target),
		      void *ctx)
{
	static const char *const names[][2] = {{"WantedBy=", "wants"}, {"RequiredBy=", "requires"}};
	auto_free char *copy = strdup(text);
	char *save = NULL;
	int in_install = 0, r = copy ? 0 : GANTRY_ERR_NO_MEMORY;

	for (char *line = copy ? strtok_r(copy, "\n", &save) : NULL; line && r == 0;
	     line = strtok_r(NULL, "\n", &save)) {
		char *words = NULL;

		if (*line == '[') {
			in_install = !strncmp(line, "[Install]", 9);
		}
		for (size_t i = 0; in_install && i < ARRAY_SIZE(names); i++) {
			size_t n = strlen(names[i][0]);

			if (strncmp(line, names[i][0], n)) {
				continue;
			}
			for (char *w = strtok_r(line + n, " \t", &words); w && r == 0;
			     w = strtok_r(NULL, " \t", &words)) {
				r = strchr(w, '/') ? 0 : fn(ctx, names[i][1], w);
			}
		}
	}
	return r;
}
