/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backtracking matcher.  Recursion happens once per capture, per lazy or
 * greedy item and per optional item; plain runs of single characters loop.
 * Depth and steps are bounded, the subject is never written.
 */
#include <ctype.h>
#include <string.h>

#include "lua/sandbox/pattern.h"

#define DEPTH_MAX 200

static const char *match_from(struct pattern *m, const char *s, const char *p);

static const char *fail(struct pattern *m, const char *why)
{
	if (!m->error) {
		m->error = why;
	}
	return NULL;
}

/* Counts one step; returns 0 when the work is over. */
static int step(struct pattern *m)
{
	m->steps++;
	if ((m->steps & 1023) == 0 && m->tick) {
		m->tick(m->tick_arg);
	}
	if (m->steps > PATTERN_STEPS_MAX) {
		fail(m, "pattern needs too much work on this text");
	}
	return m->error == NULL;
}

/* The end of the single-character class that starts at p, or NULL. */
static const char *item_end(struct pattern *m, const char *p)
{
	if (*p == '%') {
		if (p + 1 >= m->text_end) {
			return fail(m, "malformed pattern (ends with '%')");
		}
		return p + 2;
	}
	if (*p != '[') {
		return p + 1;
	}
	p++;
	if (p < m->text_end && *p == '^') {
		p++;
	}
	/* A ] in the first place stands for itself. */
	do {
		if (p >= m->text_end) {
			return fail(m, "malformed pattern (missing ']')");
		}
		p += (*p == '%' && p + 1 < m->text_end) ? 2 : 1;
	} while (p >= m->text_end || *p != ']');
	return p + 1;
}

static int in_class(int c, int letter)
{
	int in;

	switch (tolower(letter)) {
	case 'a':
		in = isalpha(c);
		break;
	case 'c':
		in = iscntrl(c);
		break;
	case 'd':
		in = isdigit(c);
		break;
	case 'g':
		in = isgraph(c);
		break;
	case 'l':
		in = islower(c);
		break;
	case 'p':
		in = ispunct(c);
		break;
	case 's':
		in = isspace(c);
		break;
	case 'u':
		in = isupper(c);
		break;
	case 'w':
		in = isalnum(c);
		break;
	case 'x':
		in = isxdigit(c);
		break;
	default:
		return letter == c;
	}
	return isupper(letter) ? !in : in != 0;
}

/* Is c in the set p..end, where *p is '[' and end[-1] is ']'? */
static int in_set(int c, const char *p, const char *end)
{
	int negated = p[1] == '^';

	p += negated ? 2 : 1;
	end--;
	while (p < end) {
		if (*p == '%' && p + 1 < end) {
			if (in_class(c, (unsigned char)p[1])) {
				return !negated;
			}
			p += 2;
		} else if (p + 2 < end && p[1] == '-') {
			if ((unsigned char)p[0] <= c && c <= (unsigned char)p[2]) {
				return !negated;
			}
			p += 3;
		} else {
			if ((unsigned char)*p == c) {
				return !negated;
			}
			p++;
		}
	}
	return negated;
}

/* Does the item p..end match the character at s? */
static int item_matches(struct pattern *m, const char *s, const char *p, const char *end)
{
	int c;

	if (s >= m->subject_end) {
		return 0;
	}
	c = (unsigned char)*s;
	switch (*p) {
	case '.':
		return 1;
	case '%':
		return in_class(c, (unsigned char)p[1]);
	case '[':
		m->steps += (end - p) >> 4;
		return in_set(c, p, end);
	default:
		return (unsigned char)*p == c;
	}
}

/* %bxy */
static const char *match_balanced(struct pattern *m, const char *s, const char *p)
{
	int depth = 1;

	if (p + 1 >= m->text_end) {
		return fail(m, "malformed pattern (missing arguments to '%b')");
	}
	if (s >= m->subject_end || *s != *p) {
		return NULL;
	}
	for (s++; s < m->subject_end; s++) {
		if (!step(m)) {
			return NULL;
		}
		if (*s == p[1]) {
			if (--depth == 0) {
				return s + 1;
			}
		} else if (*s == *p) {
			depth++;
		}
	}
	return NULL;
}

static const char *match_greedy(struct pattern *m, const char *s, const char *p, const char *end)
{
	ptrdiff_t n = 0;

	while (item_matches(m, s + n, p, end)) {
		if (!step(m)) {
			return NULL;
		}
		n++;
	}
	for (; n >= 0; n--) {
		const char *found = match_from(m, s + n, end + 1);

		if (found || m->error) {
			return found;
		}
	}
	return NULL;
}

static const char *match_lazy(struct pattern *m, const char *s, const char *p, const char *end)
{
	for (;; s++) {
		const char *found = match_from(m, s, end + 1);

		if (found || !step(m)) {
			return found;
		}
		if (!item_matches(m, s, p, end)) {
			return NULL;
		}
	}
}

static const char *open_capture(struct pattern *m, const char *s, const char *p, ptrdiff_t kind)
{
	const char *found;

	if (m->n_captures >= PATTERN_CAPTURES) {
		return fail(m, "too many captures");
	}
	m->captures[m->n_captures].start = s;
	m->captures[m->n_captures].len = kind;
	m->n_captures++;
	found = match_from(m, s, p);
	if (!found) {
		m->n_captures--;
	}
	return found;
}

static const char *close_capture(struct pattern *m, const char *s, const char *p)
{
	const char *found;
	int i = m->n_captures - 1;

	while (i >= 0 && m->captures[i].len != PATTERN_CAPTURE_OPEN) {
		i--;
	}
	if (i < 0) {
		return fail(m, "invalid pattern capture");
	}
	m->captures[i].len = s - m->captures[i].start;
	found = match_from(m, s, p);
	if (!found) {
		m->captures[i].len = PATTERN_CAPTURE_OPEN;
	}
	return found;
}

/* %1 to %9: the text of an earlier capture again. */
static const char *match_again(struct pattern *m, const char *s, int digit)
{
	int i = digit - '1';
	ptrdiff_t len;

	if (i < 0 || i >= m->n_captures || m->captures[i].len == PATTERN_CAPTURE_OPEN) {
		return fail(m, "invalid capture index in pattern");
	}
	len = m->captures[i].len;
	if (len == PATTERN_CAPTURE_POSITION) {
		return NULL; /* a place has no text */
	}
	m->steps += len >> 4;
	if (m->subject_end - s < len || memcmp(m->captures[i].start, s, (size_t)len) != 0) {
		return NULL;
	}
	return s + len;
}

/* %f[set]: between a character outside the set and one inside. */
static int at_frontier(struct pattern *m, const char *s, const char *p, const char *end)
{
	int before = s == m->subject ? 0 : (unsigned char)s[-1];
	int after = s == m->subject_end ? 0 : (unsigned char)*s;

	return !in_set(before, p, end) && in_set(after, p, end);
}

/* One item with what follows it: * + - ? or nothing.  Sets *ret_next when the
 * match goes on in the caller's loop (then the result is where it goes on). */
static const char *match_item(struct pattern *m, const char *s, const char *p, const char **ret_next)
{
	const char *end = item_end(m, p);
	char suffix;

	if (!end) {
		return NULL;
	}
	suffix = end < m->text_end ? *end : '\0';
	switch (suffix) {
	case '*':
		return match_greedy(m, s, p, end);
	case '+':
		return item_matches(m, s, p, end) ? match_greedy(m, s + 1, p, end) : NULL;
	case '-':
		return match_lazy(m, s, p, end);
	case '?':
		if (item_matches(m, s, p, end)) {
			const char *found = match_from(m, s + 1, end + 1);

			if (found || m->error) {
				return found;
			}
		}
		*ret_next = end + 1;
		return s;
	default:
		if (!item_matches(m, s, p, end)) {
			return NULL;
		}
		*ret_next = end;
		return s + 1;
	}
}

/* The items that start with % and are no character class. */
static const char *match_special(struct pattern *m, const char *s, const char *p,
				 const char **ret_next)
{
	const char *end;

	if (p[1] == 'b') {
		*ret_next = p + 4;
		return match_balanced(m, s, p + 2);
	}
	if (p[1] == 'f') {
		p += 2;
		if (p >= m->text_end || *p != '[') {
			return fail(m, "missing '[' after '%f' in pattern");
		}
		end = item_end(m, p);
		*ret_next = end;
		return end && at_frontier(m, s, p, end) ? s : NULL;
	}
	*ret_next = p + 2;
	return match_again(m, s, (unsigned char)p[1]);
}

static int is_special(const struct pattern *m, const char *p)
{
	return *p == '%' && p + 1 < m->text_end &&
	       (p[1] == 'b' || p[1] == 'f' || isdigit((unsigned char)p[1]));
}

static const char *match_loop(struct pattern *m, const char *s, const char *p)
{
	while (p < m->text_end && step(m)) {
		const char *next = NULL;

		if (*p == '(') {
			if (p + 1 < m->text_end && p[1] == ')') {
				return open_capture(m, s, p + 2, PATTERN_CAPTURE_POSITION);
			}
			return open_capture(m, s, p + 1, PATTERN_CAPTURE_OPEN);
		}
		if (*p == ')') {
			return close_capture(m, s, p + 1);
		}
		if (*p == '$' && p + 1 == m->text_end) {
			return s == m->subject_end ? s : NULL;
		}
		s = is_special(m, p) ? match_special(m, s, p, &next) : match_item(m, s, p, &next);
		if (!s || !next) {
			return s;
		}
		p = next;
	}
	return m->error ? NULL : s;
}

static const char *match_from(struct pattern *m, const char *s, const char *p)
{
	const char *found;

	if (m->depth >= DEPTH_MAX) {
		return fail(m, "pattern too complex");
	}
	m->depth++;
	found = match_loop(m, s, p);
	m->depth--;
	return found;
}

void pattern_init(struct pattern *m, const char *subject, size_t subject_len, const char *text,
		  size_t text_len, void (*tick)(void *arg), void *tick_arg)
{
	m->subject = subject;
	m->subject_end = subject + subject_len;
	m->text_end = text + text_len;
	m->n_captures = 0;
	m->depth = 0;
	m->steps = 0;
	m->tick = tick;
	m->tick_arg = tick_arg;
	m->error = NULL;
}

const char *pattern_match(struct pattern *m, const char *at, const char *text)
{
	m->n_captures = 0;
	m->depth = 0;
	return step(m) ? match_from(m, at, text) : NULL;
}

int pattern_is_plain(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] != '\0' && strchr("^$*+?.([%-", text[i])) {
			return 0;
		}
	}
	return 1;
}
