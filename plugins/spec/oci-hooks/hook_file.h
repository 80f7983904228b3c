/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hook files as oci-hooks(5) describes them, version 1.0.0: {version, hook: {path, args, env,
 * timeout}, when: {always, annotations, commands, hasBindMounts}, stages}.
 */
#ifndef OCI_HOOKS_HOOK_FILE_H
#define OCI_HOOKS_HOOK_FILE_H

#include "helpers/json.h"

/* Parses and checks one.  The caller owns *ret. */
int hook_file_parse(const char *text, size_t len, struct json_object **ret, struct gantry_error *err);

/* Is it meant for this container?  1, 0, or an error. */
int hook_file_matches(struct json_object *hook_file, struct json_object *spec, int has_bind_mounts,
		      struct gantry_error *err);

#endif
