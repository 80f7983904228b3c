/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small conversions that the listing commands share.
 */
#ifndef CLI_COMMANDS_LIST_H
#define CLI_COMMANDS_LIST_H

#include "cli/format/list.h"
#include "helpers/buf.h"
#include "helpers/json.h"

#define SHORT_ID 12

/* Sets a row's text member from a buffer and empties the buffer. */
void row_set_buf(struct json_object *row, const char *field, struct buf *text);
/* "sha256:abcdef..." as 12 digits, or all of it. */
void row_set_id(struct json_object *row, const char *field, const char *id, int no_trunc);
/* Labels as "a=b,c=d", sorted, and kept for `.Label "a"` under the hidden member. */
void row_set_labels(struct json_object *row, struct json_object *labels);
/* `.Label "a"` for rows that row_set_labels() prepared. */
int row_label_method(struct json_object *row, const char *name, const char *arg,
		     struct json_object **ret);
/* "4 seconds ago" and the date; 0 when there is no time. */
void row_set_created(struct json_object *row, const char *ago_field, const char *date_field,
		     int64_t unix_seconds);
/* Shortens to at most width characters, the last one an ellipsis. */
void ellipsis(const char *text, size_t width, struct buf *out);

#endif
