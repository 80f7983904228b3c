/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the sandbox share: its struct, and the openers of the
 * libraries from which the environment is built.
 */
#ifndef LUA_SANDBOX_INTERNAL_H
#define LUA_SANDBOX_INTERNAL_H

#include <setjmp.h>
#include <signal.h>

#include "lua/sandbox/sandbox.h"

#define SANDBOX_HOLDS 8

struct block; /* alloc.c: what precedes each allocation */

struct held {
	void *p;
	void (*release)(void *p);
};

struct sandbox {
	lua_State *L;
	struct block *blocks; /* every live allocation of the state */
	size_t used;
	size_t peak;
	size_t limit;
	unsigned refused;     /* allocations refused during this call */
	unsigned ticks;
	int closing;           /* coroutines being closed inside one another */

	int64_t deadline_ns;  /* configured, per call */
	int64_t cpu_ns;
	int64_t wall_ns;      /* of the running call */
	int64_t wall_end;     /* CLOCK_MONOTONIC, of the running call */
	int64_t cpu_start;    /* CLOCK_THREAD_CPUTIME_ID */
	int64_t cpu_look_at;  /* wall clock before which the cpu limit cannot be reached */

	jmp_buf jump;
	enum sandbox_stop stop;
	int running;
	volatile sig_atomic_t in_host;   /* the watchdog must not jump now */
	volatile sig_atomic_t overdue;   /* ... and wanted to */
	struct sandbox *outer;           /* the call on this thread that we run inside */

	struct held held[SANDBOX_HOLDS];
	unsigned n_held;
	uint64_t generation;
	const struct services *services;
	void *user;
};

/* alloc.c */
void *sandbox_alloc(void *ud, void *p, size_t old_size, size_t new_size);
void sandbox_free_blocks(struct sandbox *sb);

/* Leaves the running call for good. */
void sandbox_stop(struct sandbox *sb, enum sandbox_stop reason) __attribute__((noreturn));

/* watchdog.c: the second line, a timer signal on the calling thread. */
void watchdog_arm(struct sandbox *sb);
void watchdog_disarm(struct sandbox *sb);

/* environment.c: fills the globals of a new state. Raises. */
void environment_open(lua_State *L);

/* Pushes a table that reads through to the table on the top and refuses writes,
 * in its place. */
void environment_freeze(lua_State *L, const char *name);

/* lib-*.c: each pushes one library table. Raises. */
void lib_base(lua_State *L); /* adds to the table on the top */
void lib_string(lua_State *L);
void lib_table(lua_State *L);
void lib_math(lua_State *L);
void lib_utf8(lua_State *L);
void lib_coroutine(lua_State *L);

/* lib-gantry.c: adds gantry.* and what goes with it to the table on the top. */
void lib_gantry(lua_State *L);

/* lib-services.c: adds what needs a grant to the table on the top. */
void lib_services(lua_State *L);

/* Never NULL. */
const struct services *services_of(lua_State *L);

/* A buffer that is freed when the call ends, or by sandbox_release(). */
struct buf *held_buf(lua_State *L);

/* text.c: pushes a printable form of the value at index, without addresses. */
const char *push_text(lua_State *L, int index, size_t *ret_len);

/* format.c: string.format */
int string_format(lua_State *L);

#endif
