/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log records as clients read them: Engine API frames, or raw bytes for a tty.
 */
#ifndef CORE_CONTAINER_FRAMES_H
#define CORE_CONTAINER_FRAMES_H

#include "core/container/container.h"

/* Writes all that the log has so far. */
int frames_replay_log(struct core *core, struct container *c, int sink, struct gantry_error *err);

#endif
