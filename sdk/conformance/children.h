/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that a test left behind; the kit is their reaper. */
#ifndef CONFORMANCE_CHILDREN_H
#define CONFORMANCE_CHILDREN_H

#include <sys/types.h>

/* Kills and reaps all children of this process; how many there were, and the name of
 * one in name (or NULL). */
unsigned children_kill_named(char name[64]);
unsigned children_kill(void);

/* Lets them end by themselves, for so long. */
void children_wait(int ms);

/* Kills the children of another process, and theirs. */
void children_kill_of(pid_t pid);

#endif
