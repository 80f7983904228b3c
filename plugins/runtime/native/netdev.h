/* SPDX-License-Identifier: Apache-2.0 */
/* Network devices of the host that move into the container (linux.netDevices). */
#ifndef NATIVE_NETDEV_H
#define NATIVE_NETDEV_H

#include <sys/types.h>

struct gantry_error;
struct spec;

/* Moves the devices into pid's network namespace, renames them, and gives them
 * their global addresses and their state back. */
int netdev_move(const struct spec *s, pid_t pid, struct gantry_error *err);

#endif
