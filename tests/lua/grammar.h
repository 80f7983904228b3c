/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lua from a grammar: calls of library functions with strange arguments, and whole
 * scripts.  What is chosen comes from a seed, or byte by byte from a fuzzer.
 */
#ifndef TESTS_LUA_GRAMMAR_H
#define TESTS_LUA_GRAMMAR_H

#include <stddef.h>
#include <stdint.h>

#include "helpers/buf.h"

void grammar_seed(uint64_t seed);
void grammar_bytes(const uint8_t *data, size_t size);

/* Appends one call of a function that Lua's own library has, too. */
void grammar_call(struct buf *out);

/* Appends a script of about size bytes, or of as much as there are choices for. */
void grammar_script(struct buf *out, size_t size);

#endif
