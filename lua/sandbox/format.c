/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string.format with bounded output per item: widths and precisions have at
 * most two digits, %p and %q do not exist, and text is padded here and not by
 * the C library.
 */
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "lua/sandbox/internal.h"

struct spec {
	char flags[6];
	int width;
	int precision; /* -1: none */
	char conversion;
};

static int read_digits(lua_State *L, const char **p)
{
	int value = 0, n = 0;

	while (**p >= '0' && **p <= '9') {
		if (++n > 2) {
			luaL_error(L, "invalid conversion in format: a width has at most two digits");
		}
		value = value * 10 + (*(*p)++ - '0');
	}
	return value;
}

/* Reads what stands after a '%'. */
static const char *read_spec(lua_State *L, const char *p, struct spec *spec)
{
	size_t n = 0;

	memset(spec, 0, sizeof(*spec));
	while (*p && strchr("-+ #0", *p)) {
		if (n == sizeof(spec->flags) - 1) {
			luaL_error(L, "invalid conversion in format: repeated flags");
		}
		spec->flags[n++] = *p++;
	}
	spec->width = read_digits(L, &p);
	spec->precision = -1;
	if (*p == '.') {
		p++;
		spec->precision = read_digits(L, &p);
	}
	spec->conversion = *p;
	return p + 1;
}

/* Puts the C format for one number together: flags, width, precision, length. */
static void c_format(const struct spec *spec, const char *length, char *out, size_t size)
{
	char precision[16] = "";
	char width[16] = "";

	if (spec->width) {
		snprintf(width, sizeof(width), "%d", spec->width);
	}
	if (spec->precision >= 0) {
		snprintf(precision, sizeof(precision), ".%d", spec->precision);
	}
	snprintf(out, size, "%%%s%s%s%s%c", spec->flags, width, precision, length,
		 spec->conversion);
}

static void add_integer(lua_State *L, luaL_Buffer *b, const struct spec *spec, int arg)
{
	lua_Integer value = luaL_checkinteger(L, arg);
	char format[48], out[160];
	int len;

	c_format(spec, "ll", format, sizeof(format));
	len = snprintf(out, sizeof(out), format, (long long)value);
	luaL_addlstring(b, out, (size_t)len);
}

static void add_number(lua_State *L, luaL_Buffer *b, const struct spec *spec, int arg)
{
	lua_Number value = luaL_checknumber(L, arg);
	struct sandbox *sb = sandbox_of(L);
	char format[48], out[512];
	int len;

	c_format(spec, "", format, sizeof(format));
	sandbox_enter_host(sb); /* the C library may allocate for long fractions */
	len = snprintf(out, sizeof(out), format, value);
	sandbox_leave_host(sb);
	luaL_addlstring(b, out, (size_t)len);
}

static void add_padding(luaL_Buffer *b, size_t have, int width)
{
	while (have < (size_t)width) {
		luaL_addchar(b, ' ');
		have++;
	}
}

static void add_text(lua_State *L, luaL_Buffer *b, const struct spec *spec, int arg)
{
	int left = strchr(spec->flags, '-') != NULL;
	size_t len;
	const char *text;
	int copy;

	/* The buffer may have its box on the top of the stack: put the text below
	 * by replacing the argument. */
	text = push_text(L, arg, &len);
	lua_replace(L, arg);
	copy = arg;
	text = lua_tolstring(L, copy, &len);
	if (spec->precision >= 0 && (size_t)spec->precision < len) {
		len = (size_t)spec->precision;
	}
	if (!left) {
		add_padding(b, len, spec->width);
	}
	luaL_addlstring(b, text, len);
	if (left) {
		add_padding(b, len, spec->width);
	}
}

static void add_item(lua_State *L, luaL_Buffer *b, const struct spec *spec, int arg)
{
	switch (spec->conversion) {
	case 'd':
	case 'i':
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		add_integer(L, b, spec, arg);
		break;
	case 'c':
		luaL_addchar(b, (char)luaL_checkinteger(L, arg));
		break;
	case 'a':
	case 'A':
	case 'e':
	case 'E':
	case 'f':
	case 'F':
	case 'g':
	case 'G':
		add_number(L, b, spec, arg);
		break;
	case 's':
		luaL_checkany(L, arg);
		add_text(L, b, spec, arg);
		break;
	default:
		if (spec->conversion >= ' ' && spec->conversion <= '~') {
			luaL_error(L, "invalid conversion '%%%c' to 'format'", spec->conversion);
		}
		luaL_error(L, "invalid conversion to 'format'");
	}
}

int string_format(lua_State *L)
{
	size_t len;
	const char *p = luaL_checklstring(L, 1, &len);
	const char *end = p + len;
	int n_args = lua_gettop(L);
	int arg = 1;
	luaL_Buffer b;

	luaL_buffinit(L, &b);
	while (p < end) {
		struct spec spec;

		if (*p != '%') {
			luaL_addchar(&b, *p++);
			continue;
		}
		p++;
		if (*p == '%') {
			luaL_addchar(&b, *p++);
			continue;
		}
		p = read_spec(L, p, &spec);
		if (++arg > n_args) {
			return luaL_argerror(L, arg, "no value");
		}
		add_item(L, &b, &spec, arg);
		sandbox_tick(sandbox_of(L));
	}
	luaL_pushresult(&b);
	return 1;
}
