/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aligns tab-separated cells into columns of at least ten characters with three
 * blanks between them, as Docker's tables are.
 */
#ifndef CLI_FORMAT_TABLE_H
#define CLI_FORMAT_TABLE_H

#include "helpers/buf.h"

/* A cell belongs to a column only when a tab ends it; a line without that cell ends
 * the column. */
void table_align(const char *text, size_t len, struct buf *out);

#endif
