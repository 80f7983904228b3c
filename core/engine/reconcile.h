/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending well: takes away the mark by which others would see that this process
 * died.
 */
#ifndef CORE_ENGINE_RECONCILE_H
#define CORE_ENGINE_RECONCILE_H

struct core;

void reconcile_leave(struct core *core);

#endif
