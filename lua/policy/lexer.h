/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lua source as tokens, for lints: names, keywords, texts and the rest, without
 * comments.  Knows nothing of grammar.
 */
#ifndef LUA_POLICY_LEXER_H
#define LUA_POLICY_LEXER_H

#include <stddef.h>

enum token_kind { TOKEN_END = 0, TOKEN_NAME, TOKEN_KEYWORD, TOKEN_TEXT, TOKEN_NUMBER, TOKEN_SIGN };

struct token {
	enum token_kind kind;
	int line;
	const char *start; /* in the source */
	size_t len;
};

/* All tokens of text, ended by TOKEN_END; free() it.  NULL: out of memory. */
struct token *lex(const char *text, size_t len, size_t *ret_n);

int token_is(const struct token *token, const char *text);

#endif
