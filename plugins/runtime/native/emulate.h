/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter of emulated calls (helpers/emulate.h), beside the container's profile.
 */
#ifndef NATIVE_EMULATE_H
#define NATIVE_EMULATE_H

#include <helpers/emulate.h>

struct gantry_error;
struct process_spec;
struct spec;

/* What the annotations ask for; if it is anything, *ret_sock is a connection to the
 * emulator. */
int emulate_connect(const struct spec *s, struct emulation *ret, int *ret_sock,
		    struct gantry_error *err);

/* Installs the filter in this process and hands its listener over. */
int emulate_install(const struct emulation *what, int sock, struct gantry_error *err);

/* Becomes the user of the specification: the calls are answered by the emulator. */
int emulate_become(const struct process_spec *p, struct gantry_error *err);

#endif
