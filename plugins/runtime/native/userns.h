/* SPDX-License-Identifier: Apache-2.0 */
/* User namespaces and their id mappings. */
#ifndef NATIVE_USERNS_H
#define NATIVE_USERNS_H

#include <sys/types.h>

struct gantry_error;
struct id_maps;

/* Writes the mappings of the process's new user namespace.  An ordinary user's go
 * through newuidmap(1) and newgidmap(1), or, for one id alone, need no helper. */
int userns_write_maps(pid_t pid, const struct id_maps *maps, struct gantry_error *err);

/* A user namespace with these mappings that no process lives in, as an id-mapped
 * mount wants it; *ret is its descriptor. */
int userns_for_maps(const struct id_maps *maps, int *ret, struct gantry_error *err);

#endif
