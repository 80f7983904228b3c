/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splits a template into text and the tokens inside its actions, trimming
 * blanks where "{{-" and "-}}" ask for it.
 */
#ifndef CLI_FORMAT_LEXER_H
#define CLI_FORMAT_LEXER_H

#include <stddef.h>

#include <gantry/error.h>

enum token_type {
	TOKEN_END,
	TOKEN_TEXT,
	TOKEN_OPEN,   /* {{ */
	TOKEN_CLOSE,  /* }} */
	TOKEN_FIELD,  /* .Name; text is Name */
	TOKEN_DOT,
	TOKEN_VARIABLE, /* $name with the dollar */
	TOKEN_NAME,
	TOKEN_STRING, /* quoted, as written */
	TOKEN_RAW,    /* `raw` */
	TOKEN_CHAR,   /* 'c' */
	TOKEN_NUMBER,
	TOKEN_PIPE,
	TOKEN_LEFT,
	TOKEN_RIGHT,
	TOKEN_COMMA,
	TOKEN_DECLARE, /* := */
	TOKEN_ASSIGN,  /* = */
};

struct token {
	enum token_type type;
	size_t pos;
	const char *text; /* into the template's text */
	size_t len;
	int spaced;       /* blanks came before it */
};

struct lexer {
	const char *text;
	size_t pos;
	size_t len;
	int inside;   /* an action */
	int trim_left; /* the text that follows loses its leading blanks */
};

struct template;

/* The next token. */
int lexer_next(struct lexer *lx, const struct template *t, struct token *ret,
	       struct gantry_error *err);

#endif
