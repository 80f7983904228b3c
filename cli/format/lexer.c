/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "cli/format/lexer.h"
#include "cli/format/node.h"

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int is_name(char c)
{
	return c == '_' || isalnum((unsigned char)c) || (c & 0x80);
}

static int starts(const struct lexer *lx, size_t pos, const char *what)
{
	return strncmp(lx->text + pos, what, strlen(what)) == 0;
}

/* Text up to the next action, without what its markers trim. */
static void lex_text(struct lexer *lx, struct token *ret)
{
	const char *open = strstr(lx->text + lx->pos, "{{");
	size_t end = open ? (size_t)(open - lx->text) : lx->len;
	size_t from = lx->pos, to = end;

	if (lx->trim_left) {
		while (from < to && is_blank(lx->text[from])) {
			from++;
		}
	}
	if (open && lx->text[end + 2] == '-' && is_blank(lx->text[end + 3])) {
		while (to > from && is_blank(lx->text[to - 1])) {
			to--;
		}
	}
	lx->trim_left = 0;
	lx->pos = end;
	*ret = (struct token){ TOKEN_TEXT, from, lx->text + from, to - from, 0 };
}

/* {{/ * ... * /}}: gone. */
static int skip_comment(struct lexer *lx, const struct template *t, struct gantry_error *err)
{
	const char *end = strstr(lx->text + lx->pos, "*/");
	size_t after;

	if (!end) {
		return template_syntax_error(t, lx->pos, err, "unclosed comment");
	}
	after = (size_t)(end - lx->text) + 2;
	if (starts(lx, after, " -}}")) {
		lx->trim_left = 1;
		lx->pos = after + 4;
		return 0;
	}
	if (!starts(lx, after, "}}")) {
		return template_syntax_error(t, after, err,
					     "comment ends before closing delimiter");
	}
	lx->pos = after + 2;
	return 0;
}

static int lex_open(struct lexer *lx, const struct template *t, struct token *ret,
		    struct gantry_error *err)
{
	size_t at = lx->pos;

	lx->pos += 2;
	if (lx->text[lx->pos] == '-' && is_blank(lx->text[lx->pos + 1])) {
		lx->pos += 2;
	}
	if (starts(lx, lx->pos, "/*")) {
		int r = skip_comment(lx, t, err);

		return r < 0 ? r : lexer_next(lx, t, ret, err);
	}
	lx->inside = 1;
	*ret = (struct token){ TOKEN_OPEN, at, lx->text + at, 2, 0 };
	return 0;
}

static int lex_quoted(struct lexer *lx, const struct template *t, char quote, struct token *ret,
		      struct gantry_error *err)
{
	size_t from = lx->pos++;

	for (; lx->pos < lx->len; lx->pos++) {
		char c = lx->text[lx->pos];

		if (c == '\\' && quote != '`') {
			lx->pos++;
		} else if (c == '\n' && quote != '`') {
			break;
		} else if (c == quote) {
			lx->pos++;
			ret->type = quote == '"' ? TOKEN_STRING : quote == '`' ? TOKEN_RAW
									       : TOKEN_CHAR;
			ret->pos = from;
			ret->text = lx->text + from;
			ret->len = lx->pos - from;
			return 0;
		}
	}
	return template_syntax_error(t, from, err, "unterminated %s",
				     quote == '"' ? "quoted string"
				     : quote == '`' ? "raw quoted string"
						    : "character constant");
}

/* A run of characters that belong together, from pos on. */
static void lex_run(struct lexer *lx, enum token_type type, int (*belongs)(char),
		    struct token *ret)
{
	size_t from = lx->pos++;

	while (lx->pos < lx->len && belongs(lx->text[lx->pos])) {
		lx->pos++;
	}
	*ret = (struct token){ type, from, lx->text + from, lx->pos - from, ret->spaced };
}

static int is_number(char c)
{
	return isalnum((unsigned char)c) || c == '.' || c == '_';
}

static void lex_single(struct lexer *lx, enum token_type type, size_t len, struct token *ret)
{
	*ret = (struct token){ type, lx->pos, lx->text + lx->pos, len, ret->spaced };
	lx->pos += len;
}

static int lex_symbol(struct lexer *lx, const struct template *t, struct token *ret,
		      struct gantry_error *err)
{
	char c = lx->text[lx->pos];

	switch (c) {
	case '|':
		lex_single(lx, TOKEN_PIPE, 1, ret);
		return 0;
	case '(':
		lex_single(lx, TOKEN_LEFT, 1, ret);
		return 0;
	case ')':
		lex_single(lx, TOKEN_RIGHT, 1, ret);
		return 0;
	case ',':
		lex_single(lx, TOKEN_COMMA, 1, ret);
		return 0;
	case '=':
		lex_single(lx, TOKEN_ASSIGN, 1, ret);
		return 0;
	case ':':
		if (lx->text[lx->pos + 1] == '=') {
			lex_single(lx, TOKEN_DECLARE, 2, ret);
			return 0;
		}
		return template_syntax_error(t, lx->pos, err, "expected :=");
	default:
		return template_syntax_error(t, lx->pos, err,
					     isprint((unsigned char)c)
						     ? "unexpected \"%c\" in operand"
						     : "unrecognized character in action: 0x%02x",
					     (unsigned char)c);
	}
}

static int lex_inside(struct lexer *lx, const struct template *t, struct token *ret,
		      struct gantry_error *err)
{
	char c, next;

	ret->spaced = 0;
	while (lx->pos < lx->len && is_blank(lx->text[lx->pos])) {
		lx->pos++;
		ret->spaced = 1;
	}
	if (lx->pos >= lx->len) {
		return template_syntax_error(t, lx->len, err, "unclosed action");
	}
	c = lx->text[lx->pos];
	next = lx->text[lx->pos + 1];
	if (c == '}' && next == '}') {
		lx->inside = 0;
		lex_single(lx, TOKEN_CLOSE, 2, ret);
		return 0;
	}
	if (c == '-' && ret->spaced && starts(lx, lx->pos, "-}}")) {
		lx->inside = 0;
		lx->trim_left = 1;
		lex_single(lx, TOKEN_CLOSE, 3, ret);
		return 0;
	}
	if (c == '"' || c == '`' || c == '\'') {
		return lex_quoted(lx, t, c, ret, err);
	}
	if (c == '.' && is_name(next) && !isdigit((unsigned char)next)) {
		lex_run(lx, TOKEN_FIELD, is_name, ret);
	} else if (isdigit((unsigned char)c) || ((c == '-' || c == '+' || c == '.') &&
						 (isdigit((unsigned char)next) || next == '.'))) {
		lex_run(lx, TOKEN_NUMBER, is_number, ret);
	} else if (c == '.') {
		lex_single(lx, TOKEN_DOT, 1, ret);
	} else if (c == '$') {
		lex_run(lx, TOKEN_VARIABLE, is_name, ret);
	} else if (is_name(c)) {
		lex_run(lx, TOKEN_NAME, is_name, ret);
	} else {
		return lex_symbol(lx, t, ret, err);
	}
	return 0;
}

int lexer_next(struct lexer *lx, const struct template *t, struct token *ret,
	       struct gantry_error *err)
{
	for (;;) {
		if (lx->inside) {
			return lex_inside(lx, t, ret, err);
		}
		if (lx->pos >= lx->len) {
			*ret = (struct token){ TOKEN_END, lx->len, lx->text + lx->len, 0, 0 };
			return 0;
		}
		if (!starts(lx, lx->pos, "{{")) {
			lex_text(lx, ret);
			if (ret->len > 0) {
				return 0;
			}
			continue;
		}
		lx->trim_left = 0;
		return lex_open(lx, t, ret, err);
	}
}
