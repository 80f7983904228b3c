/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containerEdits of a device file, made in an OCI specification.
 */
#ifndef CDI_EDITS_H
#define CDI_EDITS_H

#include "helpers/json.h"

/* edits may be NULL.  NOT_FOUND when a device node is not on this host. */
int edits_apply(struct json_object *edits, struct json_object *spec, struct gantry_error *err);

/* At the end: mounts in the order in which they must be made. */
void edits_sort_mounts(struct json_object *spec);

#endif
