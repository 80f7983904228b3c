/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of the Engine API as rows of text: what ls commands and system df both print.
 */
#ifndef CLI_COMMANDS_ROWS_H
#define CLI_COMMANDS_ROWS_H

#include "cli/format/list.h"
#include "helpers/json.h"

extern const struct list_heading container_headings[], image_headings[], volume_headings[];

/* Each is the caller's; the object is borrowed. */
struct json_object *container_row(struct json_object *container, int no_trunc);
/* An image has a row for each of its names. */
struct json_object *image_row(struct json_object *image, const char *repository, const char *tag,
			      const char *digest, int no_trunc);
struct json_object *volume_row(struct json_object *volume);

#endif
