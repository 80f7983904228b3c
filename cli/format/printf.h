/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go's printf for template values: flags, width and precision with bounds, and
 * the verbs that make sense for JSON.
 */
#ifndef CLI_FORMAT_PRINTF_H
#define CLI_FORMAT_PRINTF_H

#include "cli/format/value.h"

int printf_values(const char *format, const struct value *args, int n, struct buf *out,
		  struct gantry_error *err);

#endif
