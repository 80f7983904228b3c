/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML document as the JSON that it means: mappings with text keys, sequences, scalars of
 * the core schema.  Aliases are refused (a few of them expand to gigabytes), as are
 * duplicate keys, several documents and more than 64 levels.
 */
#ifndef CDI_YAML_JSON_H
#define CDI_YAML_JSON_H

#include <stddef.h>

#include "helpers/json.h"

/* The caller owns *ret. */
int yaml_parse(const char *text, size_t len, struct json_object **ret, struct gantry_error *err);

#endif
