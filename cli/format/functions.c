/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/format/functions.h"
#include "cli/format/printf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define MAX_PAD 4096
#define MAX_TEXT (1 << 20)

static int give_text(struct buf *text, struct value *ret, struct gantry_error *err)
{
	struct json_object *o;

	if (buf_failed(text)) {
		return error_no_memory(err);
	}
	if (text->len > MAX_TEXT) {
		return error_set(err, GANTRY_ERR_LIMIT, "the text is too long");
	}
	o = json_object_new_string_len(buf_str(text), (int)text->len);
	*ret = value_of(o);
	return o ? 0 : error_no_memory(err);
}

static int give_bool(int yes, struct value *ret)
{
	*ret = value_of(json_object_new_boolean(yes));
	return 0;
}

static int give_same(const struct value *v, struct value *ret)
{
	*ret = *v;
	json_object_get(v->o);
	return 0;
}

/* A string argument, or an error that says which type was found. */
static const char *want_text(const struct value *v, struct gantry_error *err)
{
	const char *text = value_string(v);

	if (!text) {
		error_set(err, GANTRY_ERR_INVALID, "wrong type for value; expected string; got %s",
			  value_type_name(v));
	}
	return text;
}

static int want_int(const struct value *v, int64_t *ret, struct gantry_error *err)
{
	if (!json_object_is_type(v->o, json_type_int)) {
		return error_set(err, GANTRY_ERR_INVALID, "expected integer; got %s",
				 value_type_name(v));
	}
	*ret = json_object_get_int64(v->o);
	return 0;
}

static int call_json(const struct value *args, int n, struct value *ret, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;

	json_print(args[0].o, &text);
	return give_text(&text, ret, err);
}

static int call_join(const struct value *args, int n, struct value *ret, struct gantry_error *err)
{
	const char *separator = want_text(&args[1], err);
	auto_(buf) struct buf text = BUF_INIT;

	if (!separator) {
		return err->code;
	}
	if (args[0].o && !json_object_is_type(args[0].o, json_type_array)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "wrong type for value; expected []string; got %s",
				 value_type_name(&args[0]));
	}
	for (size_t i = 0; i < json_array_size(args[0].o); i++) {
		struct value item = value_of(json_object_array_get_idx(args[0].o, i));

		buf_adds(&text, i ? separator : "");
		value_print(&item, &text);
	}
	return give_text(&text, ret, err);
}

static int call_split(const struct value *args, int n, struct value *ret, struct gantry_error *err)
{
	const char *text = want_text(&args[0], err);
	const char *separator = text ? want_text(&args[1], err) : NULL;
	auto_json struct json_object *list = NULL;
	const char *at;

	if (!separator) {
		return err->code;
	}
	list = json_object_new_array();
	while (list && (at = *separator ? strstr(text, separator) : *text ? text + 1 : NULL)) {
		json_object_array_add(list, json_object_new_string_len(text, (int)(at - text)));
		text = at + strlen(separator);
		if (!*separator && !*text) {
			break;
		}
	}
	if (!list) {
		return error_no_memory(err);
	}
	if (*separator || *text) {
		json_add_string(list, text);
	}
	*ret = value_of(steal(&list));
	return 0;
}

static int map_text(const struct value *v, int (*map)(int), int words_only, struct value *ret,
		    struct gantry_error *err)
{
	const char *text = want_text(v, err);
	auto_(buf) struct buf out = BUF_INIT;
	int in_word = 0;

	if (!text) {
		return err->code;
	}
	for (const char *p = text; *p; p++) {
		int c = (unsigned char)*p;

		buf_addc(&out, (char)(words_only && in_word ? c : map(c)));
		in_word = isalnum(c) || c == '_' || c == '\'' || c >= 0x80;
	}
	return give_text(&out, ret, err);
}

static int call_upper(const struct value *args, int n, struct value *ret, struct gantry_error *err)
{
	return map_text(&args[0], toupper, 0, ret, err);
}

static int call_lower(const struct value *args, int n, struct value *ret, struct gantry_error *err)
{
	return map_text(&args[0], tolower, 0, ret, err);
}

static int call_title(const struct value *args, int n, struct value *ret, struct gantry_error *err)
{
	return map_text(&args[0], toupper, 1, ret, err);
}

static int call_pad(const struct value *args, int n, struct value *ret, struct gantry_error *err)
{
	const char *text = want_text(&args[0], err);
	auto_(buf) struct buf out = BUF_INIT;
	int64_t before, after;

	if (!text || want_int(&args[1], &before, err) < 0 || want_int(&args[2], &after, err) < 0) {
		return err->code;
	}
	if (before < 0 || before > MAX_PAD || after < 0 || after > MAX_PAD) {
		return error_set(err, GANTRY_ERR_LIMIT, "the padding is out of range");
	}
	if (*text) {
		buf_addf(&out, "%*s%s%*s", (int)before, "", text, (int)after, "");
	}
	return give_text(&out, ret, err);
}

static int call_truncate(const struct value *args, int n, struct value *ret,
			 struct gantry_error *err)
{
	const char *text = want_text(&args[0], err);
	auto_(buf) struct buf out = BUF_INIT;
	int64_t length;

	if (!text || want_int(&args[1], &length, err) < 0) {
		return err->code;
	}
	if (length < 0) {
		return error_set(err, GANTRY_ERR_INVALID, "the length is negative");
	}
	buf_add(&out, text, strlen(text) < (uint64_t)length ? strlen(text) : (size_t)length);
	return give_text(&out, ret, err);
}

/* Go's Print puts blanks between operands when neither is a string. */
static int print_values(const struct value *args, int n, int line, struct value *ret,
			struct gantry_error *err)
{
	auto_(buf) struct buf out = BUF_INIT;

	for (int i = 0; i < n; i++) {
		if (i && (line || (!value_string(&args[i]) && !value_string(&args[i - 1])))) {
			buf_addc(&out, ' ');
		}
		if (args[i].kind == VALUE_JSON && !args[i].o) {
			buf_adds(&out, "<nil>");
		} else {
			value_print(&args[i], &out);
		}
	}
	buf_adds(&out, line ? "\n" : "");
	return give_text(&out, ret, err);
}

static int call_print(const struct value *args, int n, struct value *ret, struct gantry_error *err)
{
	return print_values(args, n, 0, ret, err);
}

static int call_println(const struct value *args, int n, struct value *ret,
			struct gantry_error *err)
{
	return print_values(args, n, 1, ret, err);
}

static int call_printf(const struct value *args, int n, struct value *ret,
		       struct gantry_error *err)
{
	const char *format = want_text(&args[0], err);
	auto_(buf) struct buf out = BUF_INIT;
	int r;

	if (!format) {
		return err->code;
	}
	r = printf_values(format, args + 1, n - 1, &out, err);
	return r < 0 ? r : give_text(&out, ret, err);
}

static int call_len(const struct value *args, int n, struct value *ret, struct gantry_error *err)
{
	struct json_object *o = args[0].o;
	int64_t len = 0;

	if (json_object_is_type(o, json_type_string)) {
		len = json_object_get_string_len(o);
	} else if (json_object_is_type(o, json_type_array)) {
		len = (int64_t)json_object_array_length(o);
	} else if (json_object_is_type(o, json_type_object)) {
		len = json_object_object_length(o);
	} else if (args[0].kind == VALUE_JSON || args[0].kind == VALUE_NONE) {
		return error_set(err, GANTRY_ERR_INVALID, "len of type %s", value_type_name(&args[0]));
	}
	*ret = value_of(json_object_new_int64(len));
	return 0;
}

static int index_one(const struct value *in, const struct value *key, struct value *ret,
		     struct gantry_error *err)
{
	int64_t i;

	if (json_object_is_type(in->o, json_type_object)) {
		const char *name = want_text(key, err);
		struct json_object *o;

		if (!name) {
			return err->code;
		}
		if (!json_object_object_get_ex(in->o, name, &o)) {
			/* The zero value of the engine's maps of strings. */
			*ret = (struct value){ VALUE_NONE, NULL };
			return 0;
		}
		*ret = value_of(json_object_get(o));
		return 0;
	}
	if (json_object_is_type(in->o, json_type_array)) {
		if (want_int(key, &i, err) < 0) {
			return err->code;
		}
		if (i < 0 || (uint64_t)i >= json_object_array_length(in->o)) {
			return error_set(err, GANTRY_ERR_INVALID, "index out of range: %lld",
					 (long long)i);
		}
		*ret = value_of(json_object_get(json_object_array_get_idx(in->o, (size_t)i)));
		return 0;
	}
	if (in->kind == VALUE_NIL_MAP) {
		*ret = (struct value){ VALUE_NONE, NULL };
		return 0;
	}
	if (!in->o) {
		return error_set(err, GANTRY_ERR_INVALID, "index of untyped nil");
	}
	return error_set(err, GANTRY_ERR_INVALID, "can't index item of type %s",
			 value_type_name(in));
}

static int call_index(const struct value *args, int n, struct value *ret, struct gantry_error *err)
{
	struct value at = args[0];
	int r;

	json_object_get(at.o);
	for (int i = 1; i < n; i++) {
		struct value next;

		r = index_one(&at, &args[i], &next, err);
		json_object_put(at.o);
		if (r < 0) {
			return r;
		}
		at = next;
	}
	*ret = at;
	return 0;
}

static int call_slice(const struct value *args, int n, struct value *ret, struct gantry_error *err)
{
	int is_text = json_object_is_type(args[0].o, json_type_string);
	int64_t from = 0, to;
	struct json_object *list;

	if (is_text) {
		to = json_object_get_string_len(args[0].o);
	} else if (json_object_is_type(args[0].o, json_type_array)) {
		to = (int64_t)json_object_array_length(args[0].o);
	} else {
		return error_set(err, GANTRY_ERR_INVALID, "can't slice item of type %s",
				 value_type_name(&args[0]));
	}
	if (n > 2) {
		int64_t limit = to;

		if (want_int(&args[2], &to, err) < 0) {
			return err->code;
		}
		if (to < 0 || to > limit) {
			return error_set(err, GANTRY_ERR_INVALID, "index out of range: %lld",
					 (long long)to);
		}
	}
	if (n > 1 && want_int(&args[1], &from, err) < 0) {
		return err->code;
	}
	if (from < 0 || from > to) {
		return error_set(err, GANTRY_ERR_INVALID, "index out of range: %lld", (long long)from);
	}
	if (is_text) {
		*ret = value_of(json_object_new_string_len(json_object_get_string(args[0].o) + from,
							   (int)(to - from)));
		return 0;
	}
	list = json_object_new_array();
	for (int64_t i = from; list && i < to; i++) {
		json_object_array_add(
			list, json_object_get(json_object_array_get_idx(args[0].o, (size_t)i)));
	}
	*ret = value_of(list);
	return 0;
}

static int call_not(const struct value *args, int n, struct value *ret, struct gantry_error *err)
{
	return give_bool(!value_is_true(&args[0]), ret);
}

static int call_and(const struct value *args, int n, struct value *ret, struct gantry_error *err)
{
	int i = 0;

	while (i < n - 1 && value_is_true(&args[i])) {
		i++;
	}
	return give_same(&args[i], ret);
}

static int call_or(const struct value *args, int n, struct value *ret, struct gantry_error *err)
{
	int i = 0;

	while (i < n - 1 && !value_is_true(&args[i])) {
		i++;
	}
	return give_same(&args[i], ret);
}

static int is_numeric(const struct value *v)
{
	return json_object_is_type(v->o, json_type_int) || json_object_is_type(v->o, json_type_double);
}

/* Order of two basic values: <0, 0, >0 in *ret. */
static int compare(const struct value *a, const struct value *b, int *ret,
		   struct gantry_error *err)
{
	if (json_object_is_type(a->o, json_type_int) && json_object_is_type(b->o, json_type_int)) {
		int64_t x = json_object_get_int64(a->o), y = json_object_get_int64(b->o);

		*ret = (x > y) - (x < y);
		return 0;
	}
	if (is_numeric(a) && is_numeric(b)) {
		double x = json_object_get_double(a->o), y = json_object_get_double(b->o);

		*ret = (x > y) - (x < y);
		return 0;
	}
	if (value_string(a) && value_string(b)) {
		*ret = strcmp(value_string(a), value_string(b));
		return 0;
	}
	if (json_object_is_type(a->o, json_type_boolean) &&
	    json_object_is_type(b->o, json_type_boolean)) {
		*ret = json_object_get_boolean(a->o) - json_object_get_boolean(b->o);
		return 0;
	}
	if (!a->o || !b->o) {
		*ret = a->o != b->o;
		return 0;
	}
	return error_set(err, GANTRY_ERR_INVALID, "incompatible types for comparison");
}

static int call_eq(const struct value *args, int n, struct value *ret, struct gantry_error *err)
{
	for (int i = 1; i < n; i++) {
		int order, r = compare(&args[0], &args[i], &order, err);

		if (r < 0) {
			return r;
		}
		if (order == 0) {
			return give_bool(1, ret);
		}
	}
	return give_bool(0, ret);
}

#define COMPARISON(name, condition)                                                            \
	static int call_##name(const struct value *args, int n, struct value *ret,             \
			       struct gantry_error *err)                                       \
	{                                                                                      \
		int order, r = compare(&args[0], &args[1], &order, err);                       \
                                                                                               \
		return r < 0 ? r : give_bool(order condition 0, ret);                          \
	}

COMPARISON(ne, !=)
COMPARISON(lt, <)
COMPARISON(le, <=)
COMPARISON(gt, >)
COMPARISON(ge, >=)

static int escape(const struct value *v, const char *(*one)(unsigned char c, char *room),
		  struct value *ret, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_(buf) struct buf out = BUF_INIT;
	char room[8];

	value_print(v, &text);
	for (size_t i = 0; i < text.len; i++) {
		buf_adds(&out, one((unsigned char)text.data[i], room));
	}
	return give_text(&out, ret, err);
}

static const char *html_escape(unsigned char c, char *room)
{
	snprintf(room, 8, "%c", c);
	return c == '<'	   ? "&lt;"
	       : c == '>'  ? "&gt;"
	       : c == '&'  ? "&amp;"
	       : c == '"'  ? "&#34;"
	       : c == '\'' ? "&#39;"
			   : room;
}

static const char *query_escape(unsigned char c, char *room)
{
	snprintf(room, 8, isalnum(c) || strchr("-_.~", c) ? "%c" : c == ' ' ? "+" : "%%%02X", c);
	return room;
}

static int call_html(const struct value *args, int n, struct value *ret, struct gantry_error *err)
{
	return escape(&args[0], html_escape, ret, err);
}

static int call_urlquery(const struct value *args, int n, struct value *ret,
			 struct gantry_error *err)
{
	return escape(&args[0], query_escape, ret, err);
}

static const struct function functions[] = {
	{ "and", 1, -1, 0, call_and },
	{ "eq", 2, -1, 0, call_eq },
	{ "ge", 2, 2, 0, call_ge },
	{ "gt", 2, 2, 0, call_gt },
	{ "html", 1, 1, 0, call_html },
	{ "index", 1, -1, 0, call_index },
	{ "join", 2, 2, 1, call_join },
	{ "json", 1, 1, 1, call_json },
	{ "le", 2, 2, 0, call_le },
	{ "len", 1, 1, 0, call_len },
	{ "lower", 1, 1, 1, call_lower },
	{ "lt", 2, 2, 0, call_lt },
	{ "ne", 2, 2, 0, call_ne },
	{ "not", 1, 1, 0, call_not },
	{ "or", 1, -1, 0, call_or },
	{ "pad", 3, 3, 1, call_pad },
	{ "print", 0, -1, 0, call_print },
	{ "printf", 1, -1, 0, call_printf },
	{ "println", 0, -1, 0, call_println },
	{ "slice", 1, 3, 0, call_slice },
	{ "split", 2, 2, 1, call_split },
	{ "title", 1, 1, 1, call_title },
	{ "truncate", 2, 2, 1, call_truncate },
	{ "upper", 1, 1, 1, call_upper },
	{ "urlquery", 1, 1, 0, call_urlquery },
};

const struct function *function_find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		if (strncmp(functions[i].name, name, len) == 0 && !functions[i].name[len]) {
			return &functions[i];
		}
	}
	return NULL;
}
