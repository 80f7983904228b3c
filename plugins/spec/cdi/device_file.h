/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device files of the Container Device Interface, versions 0.3.0 to 1.1.0: JSON or YAML,
 * {cdiVersion, kind: "VENDOR/CLASS", devices: [{name, containerEdits}], containerEdits}.
 */
#ifndef CDI_DEVICE_FILE_H
#define CDI_DEVICE_FILE_H

#include "helpers/json.h"

/* Parses and checks one; is_yaml by its name's suffix.  The caller owns *ret. */
int device_file_parse(const char *text, size_t len, int is_yaml, struct json_object **ret,
		      struct gantry_error *err);

/* "VENDOR/CLASS=NAME" into its class (what is before =, of length *ret_len) and name; 0,
 * or -1: it is no such name. */
int device_name_split(const char *text, size_t *ret_len, const char **ret_name);

#endif
