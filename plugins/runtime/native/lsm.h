/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of AppArmor and SELinux on kernels that have neither. */
#ifndef NATIVE_LSM_H
#define NATIVE_LSM_H

#include <stdbool.h>
#include <stddef.h>

struct process_spec;
struct spec;

/* Takes out of a configuration the labels that mean nothing to this kernel, as images and
 * engines name them everywhere.  Returns true when there were any and says which in text;
 * labels that the kernel knows stay, and must then be accepted.  s may be NULL. */
bool lsm_drop_labels(struct process_spec *p, struct spec *s, char *text, size_t size);

#endif
