/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy check: what a script's author would want to know before it is enabled.
 * Works on tokens and on what the script declared, so it finds the usual slips
 * (a misspelt field, a forgotten local, a service that was not declared) and
 * does not follow values.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

#include "lua/policy/fields.h"
#include "lua/policy/internal.h"
#include "lua/policy/lexer.h"
#include "lua/policy/test.h"

#define PATH_MAX_PARTS 8

static const char *const globals[] = {
	"_ENV", "_G", "_VERSION", "allow", "assert", "coroutine", "deny", "error", "gantry",
	"getmetatable", "hook", "ipairs", "math", "next", "pairs", "pcall", "policy", "print",
	"rawequal", "rawget", "rawlen", "rawset", "require", "rewrite", "select", "setmetatable",
	"string", "table", "tonumber", "tostring", "type", "utf8", "xpcall", NULL,
};

struct check {
	struct token *tokens;
	size_t n;
	json_object *findings;
	json_object *locals;     /* {name: true}: declared anywhere in the script */
	json_object *parameters; /* {name: true}: what a request is called */
	const char *point;       /* when all hooks are at one point */
};

static void add(struct check *check, int line, const char *severity, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void add(struct check *check, int line, const char *severity, const char *fmt, ...)
{
	json_object *o = json_object_new_object();
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_set_int(o, "line", line);
	json_set_string(o, "severity", severity);
	json_set_string(o, "message", text);
	json_object_array_add(check->findings, o);
}

static void text_of(const struct token *token, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)(token->len < size ? token->len : size - 1), token->start);
}

static void mark(json_object *set, const struct token *token)
{
	char name[128];

	text_of(token, name, sizeof(name));
	json_set_bool(set, name, 1);
}

static int is_marked(json_object *set, const char *name)
{
	return json_get(set, name) != NULL;
}

/* Marks the names of a list "a, b, c" that starts at i; returns where it ends. */
static size_t mark_list(struct check *check, size_t i)
{
	while (check->tokens[i].kind == TOKEN_NAME) {
		mark(check->locals, &check->tokens[i++]);
		if (token_is(&check->tokens[i], "<")) {
			i += 3; /* <const>, <close> */
		}
		if (!token_is(&check->tokens[i], ",")) {
			break;
		}
		i++;
	}
	return i;
}

/* function a.b:c(x, y): its parameters, from the keyword on. */
static void mark_parameters(struct check *check, size_t i)
{
	while (i < check->n && !token_is(&check->tokens[i], "(")) {
		i++;
	}
	if (i < check->n) {
		mark_list(check, i + 1);
	}
	json_set_bool(check->locals, "self", 1);
}

static void collect_names(struct check *check)
{
	const struct token *t = check->tokens;
	size_t i;

	for (i = 0; i < check->n; i++) {
		if (token_is(&t[i], "local") && token_is(&t[i + 1], "function")) {
			mark(check->locals, &t[i + 2]);
		} else if (token_is(&t[i], "local") || token_is(&t[i], "for")) {
			mark_list(check, i + 1);
		} else if (token_is(&t[i], "function")) {
			mark_parameters(check, i);
			if (i >= 2 && token_is(&t[i - 1], "=") && token_is(&t[i - 2], "run") &&
			    token_is(&t[i + 1], "(") && t[i + 2].kind == TOKEN_NAME) {
				mark(check->parameters, &t[i + 2]);
			}
		}
	}
}

/* Is the name at i a field, a key in a constructor, or a label? */
static int is_field_name(const struct check *check, size_t i)
{
	const struct token *before = i ? &check->tokens[i - 1] : NULL;
	const struct token *after = &check->tokens[i + 1];

	if (before && (token_is(before, ".") || token_is(before, ":") || token_is(before, "::") ||
		       token_is(before, "goto"))) {
		return 1;
	}
	return before && token_is(after, "=") && !token_is(&check->tokens[i + 2], "=") &&
	       (token_is(before, "{") || token_is(before, ",") || token_is(before, ";"));
}

static int is_global_name(const char *name)
{
	const char *const *known = globals;

	while (*known && strcmp(*known, name) != 0) {
		known++;
	}
	return *known != NULL;
}

static void check_globals(struct check *check)
{
	size_t i;

	for (i = 0; i < check->n; i++) {
		const struct token *t = &check->tokens[i];
		const char *near;
		char name[128];

		text_of(t, name, sizeof(name));
		if (t->kind != TOKEN_NAME || is_field_name(check, i) ||
		    is_marked(check->locals, name) || is_global_name(name)) {
			continue;
		}
		if (token_is(t + 1, "=") || (i && token_is(t - 1, "function"))) {
			add(check, t->line, "warning", "'%s' becomes a global variable: write local "
			    "before it", name);
			json_set_bool(check->locals, name, 1);
			continue;
		}
		near = nearest_name(globals, name);
		add(check, t->line, "error", "'%s' is not defined%s%s%s", name,
		    near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	}
}

/* request.a.b.c: the parts after the name at i. */
static size_t read_chain(const struct check *check, size_t i, char parts[][64])
{
	size_t n = 0;

	while (n < PATH_MAX_PARTS && token_is(&check->tokens[i + 1], ".") &&
	       check->tokens[i + 2].kind == TOKEN_NAME) {
		text_of(&check->tokens[i + 2], parts[n++], sizeof(parts[0]));
		i += 2;
	}
	return n;
}

static void check_path(struct check *check, int line, const char *what,
		       const char *const *path, size_t n)
{
	const char *near;

	if (field_is_known(check->point, path, n, &near)) {
		return;
	}
	add(check, line, "error", "%s has no such field%s%s%s", what, near ? "; did you mean " : "",
	    near ? near : "", near ? "?" : "");
}

static void check_fields(struct check *check)
{
	size_t i, k;

	for (i = 0; i < check->n; i++) {
		char parts[PATH_MAX_PARTS][64], name[128], what[700];
		const char *path[PATH_MAX_PARTS];
		size_t n, used;

		text_of(&check->tokens[i], name, sizeof(name));
		if (check->tokens[i].kind != TOKEN_NAME || is_field_name(check, i) ||
		    !is_marked(check->parameters, name)) {
			continue;
		}
		n = read_chain(check, i, parts);
		used = (size_t)snprintf(what, sizeof(what), "%s", name);
		for (k = 0; k < n; k++) {
			path[k] = parts[k];
			used += (size_t)snprintf(what + used, sizeof(what) - used, ".%s", parts[k]);
		}
		check_path(check, check->tokens[i].line, what, path, n);
	}
}

static int line_of(const struct check *check, const char *text)
{
	size_t i;

	for (i = 0; i < check->n; i++) {
		if (check->tokens[i].kind == TOKEN_TEXT && check->tokens[i].len == strlen(text) + 2 &&
		    memcmp(check->tokens[i].start + 1, text, strlen(text)) == 0) {
			return check->tokens[i].line;
		}
	}
	return 1;
}

/* ---- what was declared ---- */

static void check_filter(struct check *check, const struct hook *hook, const char *key,
			 const struct filter *filter)
{
	size_t n = 0;
	char what[300];

	while (filter->path[n]) {
		n++;
	}
	if (json_object_array_length(filter->values) == 0) {
		add(check, line_of(check, key), "warning",
		    "hook %s is never reached: its match '%s' is an empty list", hook->name, key);
	}
	snprintf(what, sizeof(what), "hook %s is never reached: match '%.150s'", hook->name, key);
	check_path(check, line_of(check, key), what, (const char *const *)filter->path, n);
}

/* Two hooks that say the same of themselves at one point cannot be told apart in
 * the audit log. */
static void check_hooks(struct check *check, const struct policy_script *script)
{
	size_t i, k;

	for (i = 0; i < script->n_hooks; i++) {
		const struct hook *hook = &script->hooks[i];
		json_object *declared = json_object_array_get_idx(script->declared, i);
		json_object *match = json_get_object(declared, "match");
		const struct filter *filter = hook->filters;

		if (match) {
			json_object_object_foreach(match, key, value)
			{
				(void)value;
				check_filter(check, hook, key, filter++);
			}
		}
		for (k = 0; k < i; k++) {
			if (strcmp(script->hooks[k].name, hook->name) == 0 &&
			    (script->hooks[k].points & hook->points)) {
				add(check, line_of(check, hook->name), "warning",
				    "two hooks at one point are named %s: give each its name",
				    hook->name);
			}
		}
	}
}

static int is_needed(const struct policy_script *script, const char *what)
{
	size_t i, len = strlen(what);

	for (i = 0; script->needs[i]; i++) {
		if (strncmp(script->needs[i], what, len) == 0 &&
		    (script->needs[i][len] == '\0' || script->needs[i][len] == ':')) {
			return 1;
		}
	}
	return 0;
}

static void check_needs(struct check *check, const struct policy_script *script)
{
	static const char *const services[] = { "kv", "counter", "http", "secret", "exec", NULL };
	int used[5] = { 0 };
	size_t i;
	int k;

	for (i = 0; i + 2 < check->n; i++) {
		for (k = 0; services[k]; k++) {
			if (token_is(&check->tokens[i], "gantry") && token_is(&check->tokens[i + 1], ".") &&
			    token_is(&check->tokens[i + 2], services[k])) {
				if (!used[k] && !is_needed(script, services[k])) {
					add(check, check->tokens[i].line, "error",
					    "gantry.%s is used but not declared in policy { needs = ... }",
					    services[k]);
				}
				used[k] = 1;
			}
		}
	}
	for (k = 0; services[k]; k++) {
		if (!used[k] && is_needed(script, services[k])) {
			add(check, line_of(check, services[k]), "warning",
			    "'%s' is declared in needs but not used", services[k]);
		}
	}
}

/* "script:LINE: message" */
static void add_load_error(struct check *check, const char *name, const struct gantry_error *err)
{
	const char *p = err->message;
	int line = 1;

	if (strncmp(p, name, strlen(name)) == 0 && p[strlen(name)] == ':') {
		line = atoi(p + strlen(name) + 1);
	}
	add(check, line > 0 ? line : 1, "error", "%s", p);
}

static void find_point(struct check *check, const struct policy_script *script)
{
	unsigned points = 0;
	size_t i;

	for (i = 0; i < script->n_hooks; i++) {
		points |= script->hooks[i].points;
	}
	for (i = 0; policy_points[i].name; i++) {
		if (points == 1u << i) {
			check->point = policy_points[i].name;
		}
	}
}

int policy_check(const struct policy_limits *limits, const char *name, const char *text, size_t len,
		 json_object **ret, struct gantry_error *err)
{
	struct policy_config config = { .limits = *limits };
	struct gantry_error why = GANTRY_ERROR_INIT;
	struct policy_script *script = NULL;
	struct check check = { .findings = json_object_new_array(),
			       .locals = json_object_new_object(),
			       .parameters = json_object_new_object() };

	check.tokens = lex(text, len, &check.n);
	if (!check.tokens || !check.findings || !check.locals || !check.parameters) {
		error_no_memory(err);
	} else if (policy_script_load(&config, name, text, len, &script, &why) < 0) {
		add_load_error(&check, name, &why);
	} else {
		find_point(&check, script);
		collect_names(&check);
		check_globals(&check);
		check_fields(&check);
		check_hooks(&check, script);
		check_needs(&check, script);
	}
	policy_script_unref(script);
	free(check.tokens);
	json_object_put(check.locals);
	json_object_put(check.parameters);
	if (err->code) {
		json_object_put(check.findings);
		return err->code;
	}
	*ret = check.findings;
	return 0;
}
