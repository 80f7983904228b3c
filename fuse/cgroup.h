/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A memory limit for the server alone, so that a large tree cannot starve the
 * containers that use it, nor they the server.
 */
#ifndef FUSE_CGROUP_H
#define FUSE_CGROUP_H

#include <stdint.h>
#include <sys/types.h>

/* Moves pid into a cgroup of its own below the caller's, limited to max bytes.
 * 0 or a negative errno value (the server then runs without). */
/* Removes that cgroup when the process has ended. */
void cgroup_forget(pid_t pid);

int cgroup_limit(pid_t pid, uint64_t max);

#endif
