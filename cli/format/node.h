/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syntax tree between the template parser and its evaluator.  All nodes of
 * a template live in one arena and are freed together.
 */
#ifndef CLI_FORMAT_NODE_H
#define CLI_FORMAT_NODE_H

#include <stddef.h>

#include <gantry/error.h>

struct json_object;

enum node_type {
	NODE_TEXT,
	NODE_ACTION, /* pipe */
	NODE_IF,     /* pipe, body, other */
	NODE_RANGE,
	NODE_WITH,
	NODE_BREAK,
	NODE_CONTINUE,
	NODE_PIPE,     /* names (declared), first (commands) */
	NODE_COMMAND,  /* first (operands) */
	NODE_DOT,
	NODE_NIL,
	NODE_CONSTANT, /* constant */
	NODE_FUNCTION, /* function */
	NODE_FIELD,    /* names: .A.B */
	NODE_VARIABLE, /* names: $v .A */
	NODE_CHAIN,    /* first, then names: (pipe).A */
};

#define NODE_MAX_NAMES 32

struct node {
	enum node_type type;
	int assigns;              /* pipe: "=" rather than ":=" */
	size_t pos;               /* offset in the template's text */
	size_t end;
	struct node *next;        /* sibling */
	struct node *first;
	struct node *pipe;
	struct node *body;
	struct node *other;       /* else */
	const char *text;         /* NODE_TEXT */
	size_t len;
	const struct function *function;
	struct json_object *constant;
	const char **names;
	size_t n_names;
};

struct arena_block {
	struct arena_block *next;
	char data[];
};

struct template {
	char *text;
	struct node *body;
	struct arena_block *blocks;
	struct json_object *constants; /* array that owns them */
};

/* Zeroed memory that lives as long as the template; NULL when there is none. */
void *template_alloc(struct template *t, size_t size);
/* "template: :LINE: " before a message about what is at pos. */
int template_syntax_error(const struct template *t, size_t pos, struct gantry_error *err,
			  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
