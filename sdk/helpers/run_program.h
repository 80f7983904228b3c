/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that is executed for its answer: text to its standard input, text from its
 * standard output and error, within a time.
 */
#ifndef HELPERS_RUN_PROGRAM_H
#define HELPERS_RUN_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

struct buf;

struct program {
	const char *file;         /* without a slash it is looked for in $PATH */
	char *const *argv;        /* NULL: file alone */
	char *const *environment;
	const char *input;
	size_t input_len;
	int64_t deadline_ms;
	size_t output_max;        /* of each stream; what comes after it is read and dropped */
};

/* Runs it in a process group of its own, with no other descriptors.  Returns its wait
 * status, -ETIMEDOUT when it was killed with its whole group, or a negative errno.
 * Thread-safe. */
int program_run(const struct program *p, struct buf *ret_out, struct buf *ret_err);

#endif
