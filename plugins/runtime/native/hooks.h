/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks: programs of the configuration that run at each stage of the lifecycle. */
#ifndef NATIVE_HOOKS_H
#define NATIVE_HOOKS_H

#include "spec.h"

struct gantry_error;

/* Runs the stage's hooks in order, each with the OCI state (JSON text) on its
 * standard input, in the folder dir (NULL: where we are), with this process's environment
 * unless it has one of its own.  The first that fails, or is not done in its time and is
 * killed, ends the run with an error; of poststop the others run all the same. */
int hooks_run(const struct spec *s, enum hook_stage stage, const char *dir, const char *state,
	      struct gantry_error *err);

#endif
