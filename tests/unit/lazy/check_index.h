/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold of any index that opens, used by the unit test and by the fuzz target.
 */
#ifndef CHECK_INDEX_H
#define CHECK_INDEX_H

#include "core/lazy/index.h"

/* Writes the right sum into an index's bytes, so that what it guards is looked at. */
void check_repair_sum(unsigned char *data, size_t size);

/* Asks for all that an index can be asked for; NULL, or what is wrong.  blob: the packed layer, or
 * NULL: chunks are decoded from zeros.  space: what they must decode to, or NULL. */
const char *check_index(const struct index *x, const unsigned char *blob, const unsigned char *space);

/* Reads a packed layer through, and checks its index against what was read.  The code of the first
 * step that fails; *ret_wrong: what must not be. */
int check_layer(const void *blob, size_t size, const char **ret_wrong, struct gantry_error *err);

#endif
