/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lua/policy/lexer.h"

static const char *const keywords[] = {
	"and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if",
	"in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
};

struct lexer {
	const char *p;
	const char *end;
	int line;
};

int token_is(const struct token *token, const char *text)
{
	return token->len == strlen(text) && memcmp(token->start, text, token->len) == 0;
}

static int is_name(int c)
{
	return isalnum(c) || c == '_';
}

/* The level of a long bracket that starts at p, or -1. */
static int bracket_level(const char *p, const char *end)
{
	int level = 0;

	if (p >= end || *p++ != '[') {
		return -1;
	}
	while (p < end && *p == '=') {
		level++;
		p++;
	}
	return p < end && *p == '[' ? level : -1;
}

static void skip_long(struct lexer *lexer, int level)
{
	lexer->p += level + 2;
	for (; lexer->p < lexer->end; lexer->p++) {
		if (*lexer->p == '\n') {
			lexer->line++;
		}
		if (*lexer->p == ']' && lexer->end - lexer->p >= level + 2 &&
		    lexer->p[level + 1] == ']' &&
		    (int)strspn(lexer->p + 1, "=") == level) {
			lexer->p += level + 2;
			return;
		}
	}
}

static void skip_short(struct lexer *lexer)
{
	char quote = *lexer->p++;

	while (lexer->p < lexer->end && *lexer->p != quote && *lexer->p != '\n') {
		lexer->p += *lexer->p == '\\' && lexer->p + 1 < lexer->end ? 2 : 1;
	}
	if (lexer->p < lexer->end && *lexer->p == quote) {
		lexer->p++;
	}
}

/* Blanks and comments. */
static void skip_blank(struct lexer *lexer)
{
	while (lexer->p < lexer->end) {
		if (*lexer->p == '\n') {
			lexer->line++;
			lexer->p++;
		} else if (isspace((unsigned char)*lexer->p)) {
			lexer->p++;
		} else if (lexer->end - lexer->p >= 2 && memcmp(lexer->p, "--", 2) == 0) {
			int level = bracket_level(lexer->p + 2, lexer->end);

			lexer->p += 2;
			if (level >= 0) {
				skip_long(lexer, level);
			}
			while (level < 0 && lexer->p < lexer->end && *lexer->p != '\n') {
				lexer->p++;
			}
		} else {
			return;
		}
	}
}

static enum token_kind kind_of_name(const char *start, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (strlen(keywords[i]) == len && memcmp(keywords[i], start, len) == 0) {
			return TOKEN_KEYWORD;
		}
	}
	return TOKEN_NAME;
}

static void skip_sign(struct lexer *lexer)
{
	static const char *const pairs[] = { "...", "..", "==", "~=", "<=", ">=", "::", "//", "<<",
					     ">>" };
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		size_t len = strlen(pairs[i]);

		if ((size_t)(lexer->end - lexer->p) >= len && memcmp(lexer->p, pairs[i], len) == 0) {
			lexer->p += len;
			return;
		}
	}
	lexer->p++;
}

static struct token next(struct lexer *lexer)
{
	struct token token = { TOKEN_END, 0, NULL, 0 };

	skip_blank(lexer);
	token.line = lexer->line;
	token.start = lexer->p;
	if (lexer->p >= lexer->end) {
		return token;
	}
	if (isdigit((unsigned char)*lexer->p)) {
		token.kind = TOKEN_NUMBER;
		while (lexer->p < lexer->end && (is_name((unsigned char)*lexer->p) || *lexer->p == '.')) {
			lexer->p++;
		}
	} else if (is_name((unsigned char)*lexer->p)) {
		while (lexer->p < lexer->end && is_name((unsigned char)*lexer->p)) {
			lexer->p++;
		}
		token.kind = kind_of_name(token.start, (size_t)(lexer->p - token.start));
	} else if (*lexer->p == '"' || *lexer->p == '\'') {
		token.kind = TOKEN_TEXT;
		skip_short(lexer);
	} else if (bracket_level(lexer->p, lexer->end) >= 0) {
		token.kind = TOKEN_TEXT;
		skip_long(lexer, bracket_level(lexer->p, lexer->end));
	} else {
		token.kind = TOKEN_SIGN;
		skip_sign(lexer);
	}
	token.len = (size_t)(lexer->p - token.start);
	return token;
}

struct token *lex(const char *text, size_t len, size_t *ret_n)
{
	struct lexer lexer = { text, text + len, 1 };
	size_t n = 0, cap = 256;
	struct token *tokens = malloc(cap * sizeof(*tokens));

	while (tokens) {
		if (n == cap) {
			struct token *larger = realloc(tokens, (cap *= 2) * sizeof(*tokens));

			if (!larger) {
				free(tokens);
				return NULL;
			}
			tokens = larger;
		}
		tokens[n] = next(&lexer);
		if (tokens[n].kind == TOKEN_END) {
			*ret_n = n;
			return tokens;
		}
		n++;
	}
	return NULL;
}
