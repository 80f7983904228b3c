/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One Lua state that cannot hang, exhaust or leave its host: text chunks only,
 * an environment built from a whitelist, an allocator with a hard limit, and a
 * stop that no script can catch.
 *
 * The stop does not raise a Lua error.  It jumps straight to sandbox_call() and
 * leaves the state dead: no pcall, handler, __close or coroutine of the script
 * runs again, and its memory is released block by block without asking Lua.
 * So every C function that a script can reach must own nothing while it calls
 * the Lua API: see sandbox_hold() for what has to be freed.
 */
#ifndef LUA_SANDBOX_H
#define LUA_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include <gantry/error.h>

struct sandbox;
struct services;

enum sandbox_stop {
	SANDBOX_ALIVE = 0,
	SANDBOX_STOP_DEADLINE, /* wall clock */
	SANDBOX_STOP_CPU,      /* processor time of this thread */
	SANDBOX_STOP_MEMORY,   /* kept asking after the limit was reached */
	SANDBOX_STOP_BROKEN,   /* Lua itself gave up (panic) */
};

struct sandbox_config {
	size_t memory_bytes;   /* hard limit; 0: SANDBOX_MEMORY_DEFAULT */
	int64_t deadline_ns;   /* per call, wall clock; 0: SANDBOX_DEADLINE_DEFAULT */
	int64_t cpu_ns;        /* per call, processor time; 0: as deadline_ns */
	const struct services *services; /* what gantry.* may do; NULL: nothing; borrowed */
};

#define SANDBOX_MEMORY_DEFAULT ((size_t)16 << 20)
#define SANDBOX_DEADLINE_DEFAULT INT64_C(100000000)
#define SANDBOX_SOURCE_MAX ((size_t)256 << 10)

/* A fresh state; NULL and err when memory is short. */
struct sandbox *sandbox_new(const struct sandbox_config *config, struct gantry_error *err);

/* Frees it, dead or alive, without running any script code.  NULL is fine. */
void sandbox_free(struct sandbox *sb);

/* Runs body(L, arg) under the limits.  budget_ns > 0 shortens the wall clock
 * deadline of this call.  body raises freely.  Returns 0, or INVALID (an error
 * of the script; the message starts with script:line), TIMEOUT, LIMIT (memory),
 * or CONFLICT when the state is dead. */
typedef void (*sandbox_body)(lua_State *L, void *arg);
int sandbox_call(struct sandbox *sb, sandbox_body body, void *arg, int64_t budget_ns,
		 struct gantry_error *err);

/* Compiles text (never bytecode) and calls it; its one result is left in the
 * registry under sandbox_result_key.  name is what messages show.  A longer
 * text than SANDBOX_SOURCE_MAX is refused. */
int sandbox_load(struct sandbox *sb, const char *name, const char *text, size_t len,
		 int64_t budget_ns, struct gantry_error *err);
extern const char sandbox_result_key;

enum sandbox_stop sandbox_stopped(const struct sandbox *sb);

/* Bytes that the state holds now, and the most it ever held. */
size_t sandbox_memory(const struct sandbox *sb);
size_t sandbox_memory_peak(const struct sandbox *sb);

/* A full collection, under the usual limits; errors leave the state dead. */
void sandbox_collect(struct sandbox *sb);

/* ---- for C functions that scripts call ---- */

struct sandbox *sandbox_of(lua_State *L);
const struct services *sandbox_services(struct sandbox *sb);

/* The embedder's pointer, for functions that it registers itself. */
void sandbox_set_user(struct sandbox *sb, void *user);
void *sandbox_user(struct sandbox *sb);

/* Does not return when a limit has passed. */
void sandbox_check(struct sandbox *sb);

/* As sandbox_check, but reads the clock once per 256 calls: for inner loops. */
void sandbox_tick(struct sandbox *sb);

/* Nanoseconds left of the wall clock of the running call, at least 1. */
int64_t sandbox_left_ns(const struct sandbox *sb);

/* Work that must not be interrupted half-way (it takes locks or owns memory)
 * stands between these two; it may not raise. */
void sandbox_enter_host(struct sandbox *sb);
void sandbox_leave_host(struct sandbox *sb);

/* Leaves the freeing of p to the sandbox: release(p) runs when the current call
 * ends, however it ends.  Returns 0 or -1 when eight things are held already. */
int sandbox_hold(struct sandbox *sb, void *p, void (*release)(void *p));

/* Frees what was last held, now. */
void sandbox_release(struct sandbox *sb, void *p);

/* Counts sandbox_call()s: what a value from an earlier call is recognised by. */
uint64_t sandbox_generation(const struct sandbox *sb);

#endif
