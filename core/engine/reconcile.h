/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks: each process that works for an engine keeps a locked file in
 * <run-root>/engines.  One that is there and not locked belongs to a process that died, and
 * then everything is looked at.
 */
#ifndef CORE_ENGINE_RECONCILE_H
#define CORE_ENGINE_RECONCILE_H

#include <gantry/error.h>

struct core;

struct mark {
	char *path;
	int fd; /* holds the lock, also when a process that inherits it goes on */
};

#define MARK_INIT { .fd = -1 }

int mark_make(struct core *core, struct mark *ret, struct gantry_error *err);
/* All is done. */
void mark_remove(struct mark *mark);
/* Another process has it and will remove it. */
void mark_abandon(struct mark *mark);

#endif
