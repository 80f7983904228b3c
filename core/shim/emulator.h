/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program that answers emulated calls of the container, gantry-emulate.
 */
#ifndef CORE_SHIM_EMULATOR_H
#define CORE_SHIM_EMULATOR_H

#include <gantry/error.h>

struct shim;

/* Starts it, listening, if CREATE names one.  It ends by itself. */
int emulator_start(struct shim *shim, struct gantry_error *err);

#endif
