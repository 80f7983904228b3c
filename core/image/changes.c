/* SPDX-License-Identifier: Apache-2.0 */
/* The Dockerfile instructions that commit and import take with --change. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/image/make.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

/* ["a","b"] as it is, anything else for the shell (or as one word). */
static int as_command(const char *text, int shell, struct json_object **ret,
		      struct gantry_error *err)
{
	struct json_object *list;

	if (text[0] == '[') {
		return json_parse(text, strlen(text), "command", ret, err);
	}
	list = json_object_new_array();
	if (shell) {
		json_add_string(list, "/bin/sh");
		json_add_string(list, "-c");
	}
	json_add_string(list, text);
	*ret = list;
	return 0;
}

/* One KEY=value or KEY="value" of a list; moves *text past it.  NULL at the end. */
static char *next_pair(char **text)
{
	char *p = *text + strspn(*text, " \t");
	char *out = p, *to = p;
	char quote = '\0';

	if (!*p) {
		return NULL;
	}
	for (; *p && (quote || !isspace((unsigned char)*p)); p++) {
		if (*p == '\\' && p[1]) {
			*to++ = *++p;
		} else if (quote ? *p == quote : *p == '"' || *p == '\'') {
			quote = quote ? '\0' : *p;
		} else {
			*to++ = *p;
		}
	}
	*text = *p ? p + 1 : p;
	*to = '\0';
	return out;
}

static void set_env(struct json_object *config, const char *pair)
{
	struct json_object *env = json_get_array(config, "Env");
	size_t n = strcspn(pair, "=") + 1;

	if (!env) {
		env = json_object_new_array();
		json_set(config, "Env", env);
	}
	for (size_t i = 0; i < json_array_size(env); i++) {
		if (!strncmp(json_item_string(env, i), pair, n)) {
			json_object_array_put_idx(env, i, json_object_new_string(pair));
			return;
		}
	}
	json_add_string(env, pair);
}

static struct json_object *member(struct json_object *config, const char *key)
{
	struct json_object *o = json_get_object(config, key);

	if (!o) {
		o = json_object_new_object();
		json_set(config, key, o);
	}
	return o;
}

static int set_pairs(struct json_object *config, char *rest, int labels, struct gantry_error *err)
{
	/* The old form: ENV KEY value with spaces. */
	if (!memchr(rest, '=', strcspn(rest, " \t"))) {
		char *value = rest + strcspn(rest, " \t");

		if (!*value) {
			return error_set(err, GANTRY_ERR_INVALID, "%s must have two arguments",
					 labels ? "LABEL" : "ENV");
		}
		*value = '=';
		memmove(value + 1, value + 1 + strspn(value + 1, " \t"),
			strlen(value + 1 + strspn(value + 1, " \t")) + 1);
		if (labels) {
			*value = '\0';
			return json_set_string(member(config, "Labels"), rest, value + 1);
		}
		set_env(config, rest);
		return 0;
	}
	for (char *pair = next_pair(&rest); pair; pair = next_pair(&rest)) {
		char *eq = strchr(pair, '=');

		if (!eq) {
			return error_set(err, GANTRY_ERR_INVALID, "can't find = in \"%s\"", pair);
		}
		if (labels) {
			*eq = '\0';
			json_set_string(member(config, "Labels"), pair, eq + 1);
		} else {
			set_env(config, pair);
		}
	}
	return 0;
}

static void add_words(struct json_object *set, char *rest, const char *suffix)
{
	char *save = NULL;

	for (char *w = strtok_r(rest, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
		auto_free char *key = NULL;

		if (asprintf(&key, "%s%s", w, strchr(w, '/') ? "" : suffix) >= 0) {
			json_set(set, *suffix ? key : w, json_object_new_object());
		}
	}
}

static int apply(struct json_object *config, const char *instruction, char *rest,
		 struct gantry_error *err)
{
	struct json_object *command;
	int r;

	if (!strcasecmp(instruction, "CMD") || !strcasecmp(instruction, "ENTRYPOINT")) {
		r = as_command(rest, 1, &command, err);
		return r < 0 ? r : json_set(config, toupper(*instruction) == 'C' ? "Cmd" : "Entrypoint", command);
	}
	if (!strcasecmp(instruction, "ENV") || !strcasecmp(instruction, "LABEL")) {
		return set_pairs(config, rest, toupper(*instruction) == 'L', err);
	}
	if (!strcasecmp(instruction, "EXPOSE")) {
		add_words(member(config, "ExposedPorts"), rest, "/tcp");
		return 0;
	}
	if (!strcasecmp(instruction, "VOLUME")) {
		r = rest[0] == '[' ? json_parse(rest, strlen(rest), "VOLUME", &command, err) : 1;
		for (size_t i = 0; r == 0 && i < json_array_size(command); i++) {
			json_set(member(config, "Volumes"), json_item_string(command, i),
				 json_object_new_object());
		}
		if (r == 1) {
			add_words(member(config, "Volumes"), rest, "");
			r = 0;
		} else {
			json_object_put(r == 0 ? command : NULL);
		}
		return r;
	}
	if (!strcasecmp(instruction, "USER")) {
		return json_set_string(config, "User", rest);
	}
	if (!strcasecmp(instruction, "WORKDIR")) {
		return json_set_string(config, "WorkingDir", rest);
	}
	if (!strcasecmp(instruction, "STOPSIGNAL")) {
		return json_set_string(config, "StopSignal", rest);
	}
	return error_set(err, GANTRY_ERR_INVALID, "%s is not a valid change command", instruction);
}

int image_apply_changes(struct json_object *config, const char *const *changes,
			struct gantry_error *err)
{
	int r = 0;

	for (; r == 0 && changes && *changes; changes++) {
		auto_free char *copy = strdup(*changes);
		char *rest = copy + strcspn(copy, " \t=");

		if (*rest) {
			*rest++ = '\0';
			rest += strspn(rest, " \t");
		}
		r = apply(config, copy, rest, err);
	}
	return r;
}
