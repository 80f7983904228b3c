/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/format/printf.h"
#include "helpers/error.h"

#define MAX_WIDTH 4096

struct verb {
	char flags[8];
	int width, precision; /* -1: none */
	char letter;
};

static const char *parse_count(const char *p, int *ret)
{
	*ret = 0;
	while (isdigit((unsigned char)*p)) {
		*ret = *ret < MAX_WIDTH ? *ret * 10 + (*p - '0') : *ret;
		p++;
	}
	*ret = *ret > MAX_WIDTH ? MAX_WIDTH : *ret;
	return p;
}

/* From after the percent sign; NULL when the format ends too early. */
static const char *parse_verb(const char *p, struct verb *v)
{
	size_t n = 0;

	*v = (struct verb){ .width = -1, .precision = -1 };
	while (*p && strchr("+-# 0", *p)) {
		if (n + 1 < sizeof(v->flags) && !strchr(v->flags, *p)) {
			v->flags[n++] = *p;
		}
		p++;
	}
	if (isdigit((unsigned char)*p)) {
		p = parse_count(p, &v->width);
	}
	if (*p == '.') {
		p = parse_count(p + 1, &v->precision);
	}
	v->letter = *p;
	return *p ? p + 1 : NULL;
}

static void add_padded(struct buf *out, const struct verb *v, const char *text, size_t len)
{
	int pad = v->width > 0 && (size_t)v->width > len ? v->width - (int)len : 0;
	int left = strchr(v->flags, '-') != NULL;

	if (!left) {
		buf_addf(out, "%*s", pad, "");
	}
	buf_add(out, text, len);
	if (left) {
		buf_addf(out, "%*s", pad, "");
	}
}

static void add_number(struct buf *out, const struct verb *v, const struct value *arg)
{
	char spec[48];
	char letter = v->letter == 'v' ? 'd' : v->letter;
	int real = letter && strchr("feEgG", letter);
	int used = snprintf(spec, sizeof(spec), "%%%s", v->flags);

	if (v->width >= 0) {
		used += snprintf(spec + used, sizeof(spec) - (size_t)used, "%d", v->width);
	}
	if (v->precision >= 0) {
		used += snprintf(spec + used, sizeof(spec) - (size_t)used, ".%d", v->precision);
	}
	if (letter == 'c') {
		buf_addc(out, (char)json_object_get_int64(arg->o));
		return;
	}
	snprintf(spec + used, sizeof(spec) - (size_t)used, real ? "%c" : "ll%c", letter);
	if (real) {
		buf_addf(out, spec, json_object_get_double(arg->o));
	} else {
		buf_addf(out, spec, (long long)json_object_get_int64(arg->o));
	}
}

static void add_quoted(struct buf *out, const struct verb *v, const struct value *arg)
{
	struct buf text = BUF_INIT;

	json_print(arg->o, &text);
	add_padded(out, v, buf_str(&text), text.len);
	buf_done(&text);
}

static void add_text(struct buf *out, const struct verb *v, const struct value *arg)
{
	struct buf text = BUF_INIT;
	size_t len;

	if (arg->o || arg->kind != VALUE_JSON) {
		value_print(arg, &text);
	} else {
		buf_adds(&text, v->letter == 's' ? "%!s(<nil>)" : "<nil>");
	}
	len = text.len;
	if (v->precision >= 0 && (size_t)v->precision < len && value_string(arg)) {
		len = (size_t)v->precision;
	}
	add_padded(out, v, buf_str(&text), len);
	buf_done(&text);
}

static void add_value(struct buf *out, const struct verb *v, const struct value *arg)
{
	int integer = json_object_is_type(arg->o, json_type_int);
	int real = json_object_is_type(arg->o, json_type_double);

	if ((integer && strchr("dxXovc", v->letter)) || (real && strchr("feEgG", v->letter))) {
		add_number(out, v, arg);
	} else if (v->letter == 'q' && value_string(arg)) {
		add_quoted(out, v, arg);
	} else if (v->letter == 'x' && value_string(arg)) {
		for (const char *p = value_string(arg); *p; p++) {
			buf_addf(out, "%02x", (unsigned char)*p);
		}
	} else if (strchr("v", v->letter) || (v->letter == 's' && !integer && !real) ||
		   (v->letter == 't' && json_object_is_type(arg->o, json_type_boolean))) {
		add_text(out, v, arg);
	} else if (v->letter == 'T') {
		buf_adds(out, value_type_name(arg));
	} else {
		buf_addf(out, "%%!%c(%s=", v->letter, value_type_name(arg));
		value_print(arg, out);
		buf_addc(out, ')');
	}
}

int printf_values(const char *format, const struct value *args, int n, struct buf *out,
		  struct gantry_error *err)
{
	struct verb verb;
	int used = 0;

	for (const char *p = format; p && *p;) {
		if (*p != '%') {
			buf_addc(out, *p++);
			continue;
		}
		p = parse_verb(p + 1, &verb);
		if (!p) {
			buf_adds(out, "%!(NOVERB)");
		} else if (verb.letter == '%') {
			buf_addc(out, '%');
		} else if (used >= n) {
			buf_addf(out, "%%!%c(MISSING)", verb.letter);
		} else {
			add_value(out, &verb, &args[used++]);
		}
	}
	if (used < n) {
		buf_adds(out, "%!(EXTRA ");
		for (; used < n; used++) {
			buf_addf(out, "%s=", value_type_name(&args[used]));
			value_print(&args[used], out);
			buf_adds(out, used + 1 < n ? ", " : ")");
		}
	}
	return buf_failed(out) ? error_no_memory(err) : 0;
}
