/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a program and a home folder, inside the container. */
#ifndef NATIVE_LOOKUP_H
#define NATIVE_LOOKUP_H

#include <stddef.h>
#include <sys/types.h>

struct gantry_error;

/* The file that `name` stands for, as execvp(3) would find it with env's PATH and
 * this process's effective rights.  The caller frees *ret. */
int lookup_program(const char *name, char *const *env, char **ret, struct gantry_error *err);

/* The home folder of uid in /etc/passwd, or "/". */
void lookup_home(uid_t uid, char *out, size_t size);

#endif
