/* SPDX-License-Identifier: Apache-2.0 */
/* The small init program that is carried inside this library. */
#ifndef NATIVE_REAPER_H
#define NATIVE_REAPER_H

struct gantry_error;

/* A sealed, anonymous file with the program, to be executed by descriptor: the
 * image needs no file, and nothing of the host is shown at /proc/1/exe. */
int reaper_open(struct gantry_error *err);

#endif
