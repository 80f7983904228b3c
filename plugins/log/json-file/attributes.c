/* SPDX-License-Identifier: Apache-2.0 */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "options.h"
#include "record.h"
#include "scan.h"

#define MAX_ATTRIBUTES 256

struct attribute {
	char *key;
	char *value;
};

struct attributes {
	struct attribute items[MAX_ATTRIBUTES];
	size_t n;
	struct buf name, image;
};

static void attributes_done(struct attributes *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->items[i].key);
		free(a->items[i].value);
	}
	buf_done(&a->name);
	buf_done(&a->image);
}

/* Is key in a comma-separated list? */
static int is_listed(const char *list, const char *key)
{
	size_t len = strlen(key);

	while (list && *list) {
		size_t n = strcspn(list, ",");

		if (n == len && !memcmp(list, key, n)) {
			return 1;
		}
		list += n + (list[n] == ',');
	}
	return 0;
}

static int is_chosen(const char *list, const regex_t *regex, const char *key)
{
	return is_listed(list, key) || (regex && regexec(regex, key, 0, NULL, 0) == 0);
}

static int add(struct attributes *a, const char *key, const char *value)
{
	struct attribute *to = &a->items[a->n];

	if (a->n == MAX_ATTRIBUTES) {
		return 0;
	}
	to->key = strdup(key);
	to->value = strdup(value);
	a->n++;
	return to->key && to->value ? 0 : -1;
}

static int read_labels(struct attributes *a, struct scan *s, const char *list,
		       const regex_t *regex)
{
	auto_(buf) struct buf key = BUF_INIT;
	auto_(buf) struct buf value = BUF_INIT;
	int r = scan_enter(s, '{');

	while (r == 0 && (r = scan_member(s, &key)) > 0) {
		buf_clear(&value);
		r = scan_string(s, &value);
		if (r == 0 && is_chosen(list, regex, buf_str(&key))) {
			r = add(a, buf_str(&key), buf_str(&value));
		}
	}
	return r;
}

static int read_env(struct attributes *a, struct scan *s, const char *list, const regex_t *regex)
{
	auto_(buf) struct buf item = BUF_INIT;
	int r = scan_enter(s, '[');

	while (r == 0 && (r = scan_item(s)) > 0) {
		char *equals;

		buf_clear(&item);
		r = scan_string(s, &item);
		equals = r == 0 && item.data ? strchr(item.data, '=') : NULL;
		if (equals) {
			*equals = '\0';
			if (is_chosen(list, regex, item.data)) {
				r = add(a, item.data, equals + 1);
			}
		}
	}
	return r;
}

static int read_info(struct attributes *a, const struct log_options *o, const char *info,
		     const regex_t *labels, const regex_t *env)
{
	auto_(buf) struct buf key = BUF_INIT;
	struct scan s;
	int r;

	scan_init(&s, info, strlen(info));
	r = scan_enter(&s, '{');
	while (r == 0 && (r = scan_member(&s, &key)) > 0) {
		char first = scan_peek(&s);

		if (!strcmp(buf_str(&key), "Labels") && first == '{') {
			r = read_labels(a, &s, o->labels, labels);
		} else if (!strcmp(buf_str(&key), "Env") && first == '[') {
			r = read_env(a, &s, o->env, env);
		} else if (!strcmp(buf_str(&key), "Name") && first == '"') {
			r = scan_string(&s, &a->name);
		} else if (!strcmp(buf_str(&key), "ImageName") && first == '"') {
			r = scan_string(&s, &a->image);
		} else {
			r = scan_skip(&s);
		}
	}
	return r;
}

/* Expands {{.Field}} in the tag. */
static int expand_tag(const struct attributes *a, const char *template, const char *container,
		      struct buf *out, struct gantry_error *err)
{
	const char *p = template;

	while (*p) {
		const char *open = strstr(p, "{{");
		const char *close = open ? strstr(open, "}}") : NULL;
		char field[32];

		if (!open) {
			buf_adds(out, p);
			break;
		}
		buf_add(out, p, (size_t)(open - p));
		if (!close || sscanf(open + 2, " .%31[A-Za-z]", field) != 1) {
			field[0] = '\0';
		}
		if (!strcmp(field, "ID")) {
			buf_addf(out, "%.12s", container);
		} else if (!strcmp(field, "FullID")) {
			buf_adds(out, container);
		} else if (!strcmp(field, "Name")) {
			const char *name = buf_str(&a->name);

			buf_adds(out, name + (*name == '/'));
		} else if (!strcmp(field, "ImageName")) {
			buf_adds(out, buf_str(&a->image));
		} else if (!strcmp(field, "DaemonName")) {
			buf_adds(out, "gantry");
		} else {
			error_set(err, GANTRY_ERR_INVALID, "log option tag has the template \"%s\"",
				  template);
			return error_hint(err, "use {{.ID}}, {{.FullID}}, {{.Name}}, {{.ImageName}} "
					       "or {{.DaemonName}}");
		}
		p = close + 2;
	}
	return buf_failed(out) ? error_no_memory(err) : 0;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct attribute *)a)->key, ((const struct attribute *)b)->key);
}

static void print(struct attributes *a, struct buf *out)
{
	qsort(a->items, a->n, sizeof(a->items[0]), by_key);
	for (size_t i = 0; i < a->n; i++) {
		buf_adds(out, i ? ",\"" : "{\"");
		json_escape_buf(out, a->items[i].key, strlen(a->items[i].key));
		buf_adds(out, "\":\"");
		json_escape_buf(out, a->items[i].value, strlen(a->items[i].value));
		buf_adds(out, "\"");
	}
	if (a->n) {
		buf_adds(out, "}");
	}
}

/* Compiles text into *regex and points *ret to it; NULL text leaves *ret NULL. */
static int compile(const char *text, const char *option, regex_t *regex, regex_t **ret,
		   struct gantry_error *err)
{
	char why[100];
	int r;

	if (!text) {
		return 0;
	}
	r = regcomp(regex, text, REG_EXTENDED | REG_NOSUB);
	if (r != 0) {
		regerror(r, regex, why, sizeof(why));
		return error_set(err, GANTRY_ERR_INVALID, "log option %s is not a regular expression: %s",
				 option, why);
	}
	*ret = regex;
	return 0;
}

static int collect(struct attributes *a, const struct log_options *o, const char *container,
		   const char *info, const regex_t *labels, const regex_t *env,
		   struct gantry_error *err)
{
	auto_(buf) struct buf tag = BUF_INIT;
	int r;

	if (info && *info && read_info(a, o, info, labels, env) < 0) {
		return error_set(err, GANTRY_ERR_INVALID, "the container's information is not valid JSON");
	}
	if (!o->tag || !*o->tag) {
		return 0;
	}
	r = expand_tag(a, o->tag, container, &tag, err);
	if (r == 0 && add(a, "tag", buf_str(&tag)) < 0) {
		r = error_no_memory(err);
	}
	return r;
}

int log_attributes(const struct log_options *o, const char *container, const char *info,
		   struct buf *out, struct gantry_error *err)
{
	auto_free struct attributes *a = NULL;
	regex_t regexes[2], *labels = NULL, *env = NULL;
	int r;

	if (!o->labels && !o->labels_regex && !o->env && !o->env_regex && !o->tag) {
		return 0;
	}
	a = calloc(1, sizeof(*a));
	if (!a) {
		return error_no_memory(err);
	}
	r = compile(o->labels_regex, "labels-regex", &regexes[0], &labels, err);
	if (r == 0) {
		r = compile(o->env_regex, "env-regex", &regexes[1], &env, err);
	}
	if (r == 0) {
		r = collect(a, o, container, info, labels, env, err);
	}
	if (r == 0) {
		print(a, out);
		r = buf_failed(out) ? error_no_memory(err) : 0;
	}
	if (labels) {
		regfree(labels);
	}
	if (env) {
		regfree(env);
	}
	attributes_done(a);
	return r;
}
