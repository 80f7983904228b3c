/* SPDX-License-Identifier: Apache-2.0 */
/* Cache and memory bandwidth classes (resctrl) of linux.intelRdt. */
#ifndef NATIVE_RDT_H
#define NATIVE_RDT_H

#include <sys/types.h>

struct gantry_error;
struct spec;

/* Puts pid into the class, which is created unless it exists. */
int rdt_apply(const struct spec *s, const char *id, pid_t pid, struct gantry_error *err);

/* Changes the schemata of the class. */
int rdt_update(const struct spec *s, const char *id, const char *l3, const char *bandwidth,
	       struct gantry_error *err);

/* Removes the class when it is the container's own. */
void rdt_remove(const struct spec *s, const char *id);

/* Where resctrl is mounted; unit tests change it. */
extern const char *rdt_root;

#endif
