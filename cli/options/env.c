/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options/options.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define MAX_FILE ((size_t)8 << 20)

typedef int line_fn(void *user, const char *line, const char *file, struct gantry_error *err);

/* Calls fn for each line that is not empty or a comment, without leading blanks. */
static int each_line(const char *path, line_fn *fn, void *user, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	char *rest, *line;
	int r = read_file(AT_FDCWD, path, &text, MAX_FILE);

	if (r < 0) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "open %s: %s", path,
				 -r == ENOENT ? "no such file or directory" : strerror(-r));
	}
	rest = text.data;
	r = 0;
	while (r == 0 && rest && (line = strsep(&rest, "\n"))) {
		size_t len = strlen(line);

		if (len && line[len - 1] == '\r') {
			line[len - 1] = '\0';
		}
		line += strspn(line, " \t");
		if (*line && *line != '#') {
			r = fn(user, line, path, err);
		}
	}
	return r;
}

static int add_env(void *user, const char *line, const char *file, struct gantry_error *err)
{
	struct json_object *list = user;
	const char *equals = strchr(line, '=');
	const char *value;
	int r = 0;

	if (equals == line && !file) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid argument \"%s\" for \"-e, --env\" flag: invalid "
				 "environment variable: %s",
				 line, line);
	}
	if (equals == line) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "poorly formatted environment: no variable name on line '%s'", line);
	}
	if (file) {
		size_t len = equals ? (size_t)(equals - line) : strlen(line);

		if (strcspn(line, " \t") < len) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "poorly formatted environment: variable '%.*s' contains "
					 "whitespaces",
					 (int)len, line);
		}
	}
	if (equals) {
		r = json_add_string(list, line);
	} else if ((value = getenv(line))) {
		auto_(buf) struct buf pair = BUF_INIT;

		buf_addf(&pair, "%s=%s", line, value);
		r = json_add_string(list, buf_str(&pair));
	} else if (!file) {
		/* A name that we do not have either takes the image's variable away. */
		r = json_add_string(list, line);
	}
	return r < 0 ? error_no_memory(err) : 0;
}

int options_env(const struct args *args, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *list = NULL;
	const char *text;
	int r = 0;

	*ret = NULL;
	if (!args_has(args, "env") && !args_has(args, "env-file")) {
		return 0;
	}
	list = json_object_new_array();
	/* Files first, so that -e wins. */
	for (size_t i = 0; r == 0 && (text = args_item(args, "env-file", i)); i++) {
		r = each_line(text, add_env, list, err);
	}
	for (size_t i = 0; r == 0 && (text = args_item(args, "env", i)); i++) {
		r = add_env(list, text, NULL, err);
	}
	if (r == 0) {
		*ret = steal(&list);
	}
	return r;
}

static int add_pair(void *user, const char *line, const char *file, struct gantry_error *err)
{
	struct json_object *map = user;
	const char *equals = strchr(line, '=');
	auto_free char *key = strndup(line, equals ? (size_t)(equals - line) : strlen(line));

	if (!key) {
		return error_no_memory(err);
	}
	if (equals == line) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid label: '%s': empty name", line);
	}
	return json_set_string(map, key, equals ? equals + 1 : "") < 0 ? error_no_memory(err) : 0;
}

int options_map(const struct args *args, const char *flag, const char *file_flag,
		struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *map = NULL;
	const char *text;
	int r = 0;

	*ret = NULL;
	if (!args_has(args, flag) && !(file_flag && args_has(args, file_flag))) {
		return 0;
	}
	map = json_object_new_object();
	for (size_t i = 0; file_flag && r == 0 && (text = args_item(args, file_flag, i)); i++) {
		r = each_line(text, add_pair, map, err);
	}
	for (size_t i = 0; r == 0 && (text = args_item(args, flag, i)); i++) {
		r = add_pair(map, text, NULL, err);
	}
	if (r == 0) {
		*ret = steal(&map);
	}
	return r;
}

struct json_object *options_list(const struct args *args, const char *flag)
{
	struct json_object *list;
	const char *text;

	if (!args_has(args, flag)) {
		return NULL;
	}
	list = json_object_new_array();
	for (size_t i = 0; list && (text = args_item(args, flag, i)); i++) {
		json_add_string(list, text);
	}
	return list;
}

struct json_object *options_member(struct json_object *o, const char *key)
{
	struct json_object *member = json_get_object(o, key);

	if (!member) {
		member = json_object_new_object();
		json_set(o, key, member);
	}
	return member;
}

/* One field of a CSV line; moves *p behind its comma. */
static void csv_field(const char **p, struct buf *out)
{
	int quoted = 0;

	buf_clear(out);
	for (; **p && (quoted || **p != ','); ++*p) {
		if (**p != '"') {
			buf_addc(out, **p);
		} else if (quoted && (*p)[1] == '"') {
			buf_addc(out, *(*p)++);
		} else {
			quoted = !quoted;
		}
	}
	*p += **p == ',';
}

int options_csv(const char *text,
		int (*fn)(void *user, const char *key, const char *value, int has_value,
			  struct gantry_error *err),
		void *user, struct gantry_error *err)
{
	auto_(buf) struct buf field = BUF_INIT;
	const char *p = text;
	int r = 0;

	while (r == 0 && *p) {
		char *key, *value;

		csv_field(&p, &field);
		if (buf_failed(&field)) {
			return error_no_memory(err);
		}
		key = field.data ? field.data : (char[]){ "" };
		value = strchr(key, '=');
		if (value) {
			*value++ = '\0';
		}
		for (char *k = key; *k; k++) {
			*k = (char)(value ? tolower((unsigned char)*k) : *k);
		}
		r = fn(user, key, value ? value : "", value != NULL, err);
	}
	return r;
}
