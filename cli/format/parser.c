/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/format/functions.h"
#include "cli/format/lexer.h"
#include "cli/format/node.h"
#include "cli/format/template.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

struct parser {
	struct template *t;
	struct lexer lx;
	struct token token; /* the one not yet used */
	struct gantry_error *err;
	int depth;
	int loops; /* enclosing ranges, for break and continue */
};

/* What ended a list of nodes. */
enum list_end {
	LIST_EOF,
	LIST_END,
	LIST_ELSE,
};

static struct node *parse_pipe(struct parser *p, enum token_type closer);
static int parse_list(struct parser *p, int nested, struct node **ret, enum list_end *end);

void *template_alloc(struct template *t, size_t size)
{
	struct arena_block *b = calloc(1, sizeof(*b) + size);

	if (!b) {
		return NULL;
	}
	b->next = t->blocks;
	t->blocks = b;
	return b->data;
}

int template_syntax_error(const struct template *t, size_t pos, struct gantry_error *err,
			  const char *fmt, ...)
{
	char text[256];
	int line = 1;
	va_list ap;

	for (size_t i = 0; i < pos && t->text[i]; i++) {
		line += t->text[i] == '\n';
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return error_set(err, GANTRY_ERR_INVALID, "template: :%d: %s", line, text);
}

static int advance(struct parser *p)
{
	return lexer_next(&p->lx, p->t, &p->token, p->err);
}

static struct node *new_node(struct parser *p, enum node_type type)
{
	struct node *n = template_alloc(p->t, sizeof(*n));

	if (!n) {
		error_no_memory(p->err);
		return NULL;
	}
	n->type = type;
	n->pos = p->token.pos;
	n->end = p->token.pos + p->token.len;
	return n;
}

static const char *copy_text(struct parser *p, const char *text, size_t len)
{
	char *copy = template_alloc(p->t, len + 1);

	if (!copy) {
		error_no_memory(p->err);
		return NULL;
	}
	memcpy(copy, text, len);
	return copy;
}

static struct node *unexpected(struct parser *p, const char *where)
{
	if (p->token.type == TOKEN_CLOSE) {
		template_syntax_error(p->t, p->token.pos, p->err, "missing value for %s", where);
	} else if (p->token.type == TOKEN_END) {
		template_syntax_error(p->t, p->token.pos, p->err, "unexpected EOF");
	} else {
		template_syntax_error(p->t, p->token.pos, p->err, "unexpected %.*s in %s",
				      (int)(p->token.len > 40 ? 40 : p->token.len), p->token.text,
				      where);
	}
	return NULL;
}

static int add_name(struct parser *p, struct node *n, const char *text, size_t len)
{
	if (!n->names) {
		n->names = template_alloc(p->t, sizeof(*n->names) * NODE_MAX_NAMES);
		if (!n->names) {
			return error_no_memory(p->err);
		}
	}
	if (n->n_names == NODE_MAX_NAMES) {
		return template_syntax_error(p->t, p->token.pos, p->err, "too many fields in a row");
	}
	n->names[n->n_names] = copy_text(p, text, len);
	return n->names[n->n_names++] ? 0 : p->err->code;
}

static struct node *constant(struct parser *p, struct json_object *value)
{
	struct node *n = new_node(p, NODE_CONSTANT);

	if (!n || !value || json_object_array_add(p->t->constants, value) < 0) {
		json_object_put(value);
		if (!p->err->code) {
			error_no_memory(p->err);
		}
		return NULL;
	}
	n->constant = value;
	return n;
}

/* One escape of an interpreted string, from after the backslash. */
static int unescape(const char **s, struct buf *out)
{
	static const char from[] = "abfnrtv\\'\"";
	static const char to[] = "\a\b\f\n\r\t\v\\'\"";
	const char *at = **s ? strchr(from, **s) : NULL;
	char digits[9] = "";
	size_t want;
	unsigned long code;

	if (at) {
		buf_addc(out, to[at - from]);
		++*s;
		return 0;
	}
	want = **s == 'x' ? 2 : **s == 'u' ? 4 : **s == 'U' ? 8 : 0;
	if (!want) {
		return -1;
	}
	for (size_t i = 0; i < want; i++) {
		digits[i] = (*s)[1 + i];
		if (!digits[i] || !strchr("0123456789abcdefABCDEF", digits[i])) {
			return -1;
		}
	}
	code = strtoul(digits, NULL, 16);
	*s += 1 + want;
	if (want == 2 || code < 0x80) {
		buf_addc(out, (char)code);
	} else if (code < 0x800) {
		buf_addf(out, "%c%c", (int)(0xc0 | code >> 6), (int)(0x80 | (code & 63)));
	} else if (code < 0x10000) {
		buf_addf(out, "%c%c%c", (int)(0xe0 | code >> 12), (int)(0x80 | (code >> 6 & 63)),
			 (int)(0x80 | (code & 63)));
	} else {
		buf_addf(out, "%c%c%c%c", (int)(0xf0 | (code >> 18 & 7)),
			 (int)(0x80 | (code >> 12 & 63)), (int)(0x80 | (code >> 6 & 63)),
			 (int)(0x80 | (code & 63)));
	}
	return 0;
}

static struct node *parse_string(struct parser *p)
{
	const struct token *k = &p->token;
	auto_(buf) struct buf text = BUF_INIT;
	const char *s = k->text + 1;
	const char *end = k->text + k->len - 1;

	if (k->type == TOKEN_RAW) {
		return constant(p, json_object_new_string_len(s, (int)(end - s)));
	}
	while (s < end) {
		if (*s != '\\') {
			buf_addc(&text, *s++);
			continue;
		}
		s++;
		if (unescape(&s, &text) < 0 || s > end) {
			template_syntax_error(p->t, k->pos, p->err, "invalid syntax");
			return NULL;
		}
	}
	if (k->type == TOKEN_CHAR) {
		return constant(p, json_object_new_int64((unsigned char)*buf_str(&text)));
	}
	return constant(p, json_object_new_string_len(buf_str(&text), (int)text.len));
}

static struct node *parse_number(struct parser *p)
{
	char text[64], *end;
	long long whole;
	double real;

	if (p->token.len >= sizeof(text)) {
		return unexpected(p, "operand");
	}
	memcpy(text, p->token.text, p->token.len);
	text[p->token.len] = '\0';
	errno = 0;
	whole = strtoll(text, &end, 0);
	if (!*end && errno == 0) {
		return constant(p, json_object_new_int64(whole));
	}
	real = strtod(text, &end);
	if (*end) {
		template_syntax_error(p->t, p->token.pos, p->err, "bad number syntax: \"%s\"", text);
		return NULL;
	}
	return constant(p, json_object_new_double(real));
}

static int token_is(const struct parser *p, const char *name)
{
	return p->token.type == TOKEN_NAME && p->token.len == strlen(name) &&
	       strncmp(p->token.text, name, p->token.len) == 0;
}

static struct node *parse_name(struct parser *p)
{
	struct node *n;

	if (token_is(p, "true") || token_is(p, "false")) {
		return constant(p, json_object_new_boolean(token_is(p, "true")));
	}
	if (token_is(p, "nil")) {
		return new_node(p, NODE_NIL);
	}
	n = new_node(p, NODE_FUNCTION);
	if (!n) {
		return NULL;
	}
	n->function = function_find(p->token.text, p->token.len);
	if (!n->function) {
		template_syntax_error(p->t, p->token.pos, p->err, "function \"%.*s\" not defined",
				      (int)(p->token.len > 60 ? 60 : p->token.len), p->token.text);
		return NULL;
	}
	return n;
}

/* One operand without the fields after it; leaves its last token current. */
static struct node *parse_term(struct parser *p)
{
	struct node *n;

	switch (p->token.type) {
	case TOKEN_STRING:
	case TOKEN_RAW:
	case TOKEN_CHAR:
		return parse_string(p);
	case TOKEN_NUMBER:
		return parse_number(p);
	case TOKEN_NAME:
		return parse_name(p);
	case TOKEN_DOT:
		return new_node(p, NODE_DOT);
	case TOKEN_FIELD:
	case TOKEN_VARIABLE:
		n = new_node(p, p->token.type == TOKEN_FIELD ? NODE_FIELD : NODE_VARIABLE);
		if (!n || add_name(p, n, p->token.text + (p->token.type == TOKEN_FIELD),
				   p->token.len - (p->token.type == TOKEN_FIELD)) < 0) {
			return NULL;
		}
		return n;
	case TOKEN_LEFT:
		n = new_node(p, NODE_CHAIN);
		if (!n || advance(p) < 0) {
			return NULL;
		}
		n->first = parse_pipe(p, TOKEN_RIGHT);
		return n->first ? n : NULL;
	default:
		return unexpected(p, "operand");
	}
}

/* A term and its chained fields; the token after it is current. */
static struct node *parse_operand(struct parser *p)
{
	struct node *n = parse_term(p);

	if (!n || advance(p) < 0) {
		return NULL;
	}
	if (p->token.type == TOKEN_FIELD && !p->token.spaced) {
		if (n->type == NODE_CONSTANT || n->type == NODE_NIL) {
			return unexpected(p, "operand");
		}
		if (n->type == NODE_DOT || n->type == NODE_FUNCTION) {
			struct node *chain = new_node(p, NODE_CHAIN);

			if (!chain) {
				return NULL;
			}
			chain->first = n;
			n = chain;
		}
		n->pos = p->token.pos;
	}
	while (p->token.type == TOKEN_FIELD && !p->token.spaced) {
		n->end = p->token.pos + p->token.len;
		if (add_name(p, n, p->token.text + 1, p->token.len - 1) < 0 || advance(p) < 0) {
			return NULL;
		}
	}
	return n;
}

static struct node *parse_command(struct parser *p, enum token_type closer)
{
	struct node *command = new_node(p, NODE_COMMAND);
	struct node **tail;

	if (!command) {
		return NULL;
	}
	tail = &command->first;
	while (p->token.type != TOKEN_PIPE && p->token.type != closer) {
		*tail = parse_operand(p);
		if (!*tail) {
			return NULL;
		}
		command->end = (*tail)->end;
		if (p->token.type != TOKEN_PIPE && p->token.type != closer && !p->token.spaced) {
			return unexpected(p, "operand");
		}
		tail = &(*tail)->next;
	}
	if (!command->first) {
		return unexpected(p, "command");
	}
	return command;
}

/* "$x :=" or "$i, $x :=" at the start; the token after it is current. */
static int parse_declaration(struct parser *p, struct node *pipe)
{
	struct lexer lx = p->lx;
	struct token token = p->token;

	while (p->token.type == TOKEN_VARIABLE && pipe->n_names < 2) {
		if (add_name(p, pipe, p->token.text, p->token.len) < 0 || advance(p) < 0) {
			return -1;
		}
		if (p->token.type == TOKEN_DECLARE || p->token.type == TOKEN_ASSIGN) {
			pipe->assigns = p->token.type == TOKEN_ASSIGN;
			return advance(p);
		}
		if (p->token.type != TOKEN_COMMA) {
			break;
		}
		if (advance(p) < 0) {
			return -1;
		}
	}
	/* An operand after all. */
	pipe->n_names = 0;
	p->lx = lx;
	p->token = token;
	return 0;
}

static struct node *parse_pipe(struct parser *p, enum token_type closer)
{
	struct node *pipe = new_node(p, NODE_PIPE);
	struct node **tail;

	if (!pipe) {
		return NULL;
	}
	if (++p->depth > TEMPLATE_MAX_DEPTH) {
		template_syntax_error(p->t, p->token.pos, p->err, "it is nested too deeply");
		return NULL;
	}
	if (p->token.type == TOKEN_VARIABLE && parse_declaration(p, pipe) < 0) {
		return NULL;
	}
	tail = &pipe->first;
	do {
		if (pipe->first && advance(p) < 0) {
			return NULL;
		}
		*tail = parse_command(p, closer);
		if (!*tail) {
			return NULL;
		}
		pipe->end = (*tail)->end;
		tail = &(*tail)->next;
	} while (p->token.type == TOKEN_PIPE);
	p->depth--;
	return pipe;
}

static int parse_control(struct parser *p, struct node *n);

/* After the body: {{end}}, {{else}} or {{else if ...}}. */
static int parse_else(struct parser *p, struct node *n)
{
	enum list_end end;
	int r = advance(p);

	if (r < 0) {
		return r;
	}
	if (token_is(p, "if") || token_is(p, "with")) {
		n->other = new_node(p, token_is(p, "if") ? NODE_IF : NODE_WITH);
		return n->other ? parse_control(p, n->other) : p->err->code;
	}
	if (p->token.type != TOKEN_CLOSE) {
		unexpected(p, "else");
		return p->err->code;
	}
	r = parse_list(p, 1, &n->other, &end);
	if (r < 0) {
		return r;
	}
	if (end == LIST_ELSE) {
		return template_syntax_error(p->t, p->token.pos, p->err,
					     "expected end; found {{else}}");
	}
	r = advance(p);
	if (r == 0 && p->token.type != TOKEN_CLOSE) {
		unexpected(p, "end");
	}
	return p->err->code;
}

/* if, range, with: from the keyword to the closing marker of its {{end}}. */
static int parse_control(struct parser *p, struct node *n)
{
	enum list_end end;
	int loop = n->type == NODE_RANGE;
	int r;

	if (++p->depth > TEMPLATE_MAX_DEPTH) {
		return template_syntax_error(p->t, p->token.pos, p->err, "it is nested too deeply");
	}
	if (advance(p) < 0) {
		return p->err->code;
	}
	n->pipe = parse_pipe(p, TOKEN_CLOSE);
	if (!n->pipe) {
		return p->err->code;
	}
	p->loops += loop;
	r = parse_list(p, 1, &n->body, &end);
	p->loops -= loop;
	if (r == 0 && end == LIST_ELSE) {
		r = parse_else(p, n);
	} else if (r == 0) {
		r = advance(p);
		if (r == 0 && p->token.type != TOKEN_CLOSE) {
			unexpected(p, "end");
			r = p->err->code;
		}
	}
	p->depth--;
	return r;
}

/* One action after "{{"; its "}}" is the current token afterwards. */
static struct node *parse_action(struct parser *p)
{
	struct node *n;

	if (token_is(p, "if") || token_is(p, "range") || token_is(p, "with")) {
		n = new_node(p, token_is(p, "if")      ? NODE_IF
				: token_is(p, "range") ? NODE_RANGE
						       : NODE_WITH);
		return n && parse_control(p, n) == 0 ? n : NULL;
	}
	if (token_is(p, "break") || token_is(p, "continue")) {
		n = new_node(p, token_is(p, "break") ? NODE_BREAK : NODE_CONTINUE);
		if (!p->loops) {
			template_syntax_error(p->t, p->token.pos, p->err, "{{%.*s}} outside {{range}}",
					      (int)p->token.len, p->token.text);
			return NULL;
		}
		return n && advance(p) == 0 && p->token.type == TOKEN_CLOSE ? n
			       : p->err->code				    ? NULL
									    : unexpected(p, "action");
	}
	if (token_is(p, "define") || token_is(p, "template") || token_is(p, "block")) {
		template_syntax_error(p->t, p->token.pos, p->err, "named templates are not supported");
		return NULL;
	}
	n = new_node(p, NODE_ACTION);
	if (n) {
		n->pipe = parse_pipe(p, TOKEN_CLOSE);
	}
	return n && n->pipe ? n : NULL;
}

static struct node *text_node(struct parser *p)
{
	struct node *n = new_node(p, NODE_TEXT);

	if (n) {
		n->text = p->token.text;
		n->len = p->token.len;
	}
	return n;
}

/* Nodes up to the end of the text or, nested, up to the "end" or "else" that is then current. */
static int parse_list(struct parser *p, int nested, struct node **ret, enum list_end *end)
{
	struct node **tail = ret;

	for (;;) {
		if (advance(p) < 0) {
			return p->err->code;
		}
		if (p->token.type == TOKEN_END) {
			*end = LIST_EOF;
			return nested ? template_syntax_error(p->t, p->token.pos, p->err,
							      "unexpected EOF")
				      : 0;
		}
		if (p->token.type == TOKEN_TEXT) {
			*tail = text_node(p);
		} else {
			if (advance(p) < 0) {
				return p->err->code;
			}
			if (token_is(p, "end") || token_is(p, "else")) {
				*end = token_is(p, "end") ? LIST_END : LIST_ELSE;
				return nested ? 0
					      : template_syntax_error(p->t, p->token.pos, p->err,
								      "unexpected {{%.*s}}",
								      (int)p->token.len,
								      p->token.text);
			}
			*tail = parse_action(p);
		}
		if (!*tail) {
			return p->err->code;
		}
		tail = &(*tail)->next;
	}
}

int template_parse(const char *text, struct template **ret, struct gantry_error *err)
{
	struct template *t = calloc(1, sizeof(*t));
	struct parser p = { .t = t, .err = err };
	enum list_end end;
	int r;

	if (!t) {
		return error_no_memory(err);
	}
	t->text = strdup(text);
	t->constants = json_object_new_array();
	p.lx = (struct lexer){ .text = t->text, .len = strlen(text) };
	if (!t->text || !t->constants) {
		r = error_no_memory(err);
	} else if (p.lx.len > TEMPLATE_MAX_TEXT) {
		r = error_set(err, GANTRY_ERR_LIMIT, "template: it is longer than %d bytes",
			      TEMPLATE_MAX_TEXT);
	} else {
		r = parse_list(&p, 0, &t->body, &end);
	}
	if (r < 0) {
		template_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

struct template *template_free(struct template *t)
{
	if (t) {
		while (t->blocks) {
			struct arena_block *next = t->blocks->next;

			free(t->blocks);
			t->blocks = next;
		}
		json_object_put(t->constants);
		free(t->text);
		free(t);
	}
	return NULL;
}

static int uses_field(const struct node *n, const char *name)
{
	for (; n; n = n->next) {
		for (size_t i = 0; i < n->n_names; i++) {
			if (n->type != NODE_PIPE && strcmp(n->names[i], name) == 0) {
				return 1;
			}
		}
		if (uses_field(n->first, name) || uses_field(n->pipe, name) ||
		    uses_field(n->body, name) || uses_field(n->other, name)) {
			return 1;
		}
	}
	return 0;
}

int template_uses_field(const struct template *t, const char *name)
{
	return uses_field(t->body, name);
}
