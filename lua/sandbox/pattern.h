/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lua patterns with a bound on the work: matching counts its steps, gives up
 * past a budget, and asks its owner now and then whether to go on.  Knows
 * nothing of Lua states, so that it can be tested and fuzzed alone.
 */
#ifndef LUA_SANDBOX_PATTERN_H
#define LUA_SANDBOX_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#define PATTERN_CAPTURES 32
#define PATTERN_STEPS_MAX INT64_C(50000000)

struct pattern_capture {
	const char *start;
	ptrdiff_t len; /* or one of the two below */
};

enum { PATTERN_CAPTURE_OPEN = -1, PATTERN_CAPTURE_POSITION = -2 };

struct pattern {
	const char *subject;
	const char *subject_end;
	const char *text_end;   /* of the pattern */
	int n_captures;
	struct pattern_capture captures[PATTERN_CAPTURES];

	int depth;
	int64_t steps;
	void (*tick)(void *arg); /* called every 1024 steps; may jump away */
	void *tick_arg;
	const char *error;       /* why matching failed for good; static text */
};

/* Starts work on a subject; the pattern text is given to each attempt. */
void pattern_init(struct pattern *m, const char *subject, size_t subject_len, const char *text,
		  size_t text_len, void (*tick)(void *arg), void *tick_arg);

/* Tries to match text (without its leading ^) exactly at `at`.  Returns the end
 * of the match or NULL; NULL with m->error set means malformed or too costly. */
const char *pattern_match(struct pattern *m, const char *at, const char *text);

/* Does it contain no magic character, so that a plain search does? */
int pattern_is_plain(const char *text, size_t len);

#endif
