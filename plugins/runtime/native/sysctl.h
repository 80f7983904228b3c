/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel parameters of the container's namespaces. */
#ifndef NATIVE_SYSCTL_H
#define NATIVE_SYSCTL_H

struct gantry_error;
struct spec;

/* Writes linux.sysctl below host_proc (a descriptor of a procfs); parameters that
 * are not of a namespace of the container's own are refused. */
int sysctl_apply(const struct spec *s, int host_proc, struct gantry_error *err);

#endif
