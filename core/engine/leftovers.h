/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What removals have put out of sight and nobody has to wait for.  It is deleted after the
 * answer: by the shim that ends anyway, else by a process that outlives this one, or by a
 * task of a daemon.  Whoever does it holds a mark (reconcile.h), so that a death on the way is
 * noticed, and reconcile deletes the rest.
 */
#ifndef CORE_ENGINE_LEFTOVERS_H
#define CORE_ENGINE_LEFTOVERS_H

struct core;
struct shim_message;

/* Takes note of a tree, by its absolute path, which no record owns any more.  Where disk space is
 * short it is deleted at once. */
void leftovers_add(struct core *core, const char *path);

/* Tells a shim (CLEANED) that everything is finished, and what is left to be deleted. */
void leftovers_tell_shim(struct core *core, int sock, struct shim_message *m);

/* At the end of a core: lets a process of its own delete them, which takes over the core's
 * mark. */
void leftovers_leave(struct core *core);

#endif
