/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling a struct gantry_error.  Every function here returns the code it
 * stored, so that `return error_set(err, ...)` is the usual last line.
 */
#ifndef HELPERS_ERROR_H
#define HELPERS_ERROR_H

#include <gantry/error.h>

/* Stores code and message; an earlier message and hint are replaced. */
int error_set(struct gantry_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Stores the code that fits sys_errno, and "message: strerror". */
int error_errno(struct gantry_error *err, int sys_errno, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Adds what the user can do next.  Returns err->code. */
int error_hint(struct gantry_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Puts "context: " before the message on the way up.  Returns err->code. */
int error_prefix(struct gantry_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Out of memory, said without allocating. */
int error_no_memory(struct gantry_error *err);

/* The code that fits an errno value. */
int error_code_from_errno(int sys_errno);

/* Back to "no error". */
void error_clear(struct gantry_error *err);

#endif
