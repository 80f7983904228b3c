/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts, finds and ends the processes of gantry-usernet.  Each has a file that it keeps
 * locked and that holds a pid.
 */
#ifndef BRIDGE_USERNET_H
#define BRIDGE_USERNET_H

#include <limits.h>
#include <stddef.h>

#include "bridge.h"

/* The path of a file in the driver's run folder, into PATH_MAX bytes. */
int usernet_path(const struct bridge_driver *d, const char *name, char *path,
		 struct gantry_error *err);

/* Runs it and waits until it is ready.  fds[i] is its descriptor USERNET_FIRST_FD + i. */
#define USERNET_FIRST_FD 3
int usernet_start(const char *const *argv, const int *fds, size_t n_fds, struct gantry_error *err);

/* The pid in the file, if its process lives; else 0. */
int usernet_pid(const char *path);

/* Ends the process that keeps the file locked, and removes the file. */
void usernet_end(const char *path);

#endif
