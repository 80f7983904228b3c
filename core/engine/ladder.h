/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an ordinary user has here of all that makes containers whole, what each missing
 * thing costs, and the line by which an administrator gives it.
 */
#ifndef CORE_ENGINE_LADDER_H
#define CORE_ENGINE_LADDER_H

struct core;
struct json_object;

/* Appends checks of kind "rootless", with a member "admin" where something is missing. */
void ladder_check(struct core *core, struct json_object *checks);

#endif
