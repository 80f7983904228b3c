/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions a template may call: Go's own and those that Docker adds.
 */
#ifndef CLI_FORMAT_FUNCTIONS_H
#define CLI_FORMAT_FUNCTIONS_H

#include "cli/format/value.h"

#include <gantry/error.h>

struct function {
	const char *name;
	int min_args, max_args; /* max -1: any number */
	int is_text;            /* in table headings it gives back its argument */
	/* Arguments are borrowed; *ret is a reference for the caller.  Messages name only
	 * the cause. */
	int (*call)(const struct value *args, int n, struct value *ret, struct gantry_error *err);
};

/* NULL when there is no such function. */
const struct function *function_find(const char *name, size_t len);

#endif
