/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health probes as Docker runs them, and the file `health` that tells of them.
 */
#ifndef CORE_SHIM_HEALTH_H
#define CORE_SHIM_HEALTH_H

struct shim;

/* Begins when CREATE asked for it; the container runs. */
void health_begin(struct shim *shim);
void health_pause(struct shim *shim, int paused);
void health_end(struct shim *shim);

#endif
