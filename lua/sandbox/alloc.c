/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allocator of a state.  Every block is in a list, so that a dead state is
 * released without Lua's help; what is asked for beyond the limit is refused,
 * and who keeps asking is stopped.  Runs in the state's thread; the watchdog's
 * signal may come at any instruction, which is why malloc stands between
 * sandbox_enter_host() and sandbox_leave_host().
 */
#include <stdlib.h>

#include "lua/sandbox/internal.h"

/* A script that was refused this often in one call is not going to recover, and
 * each refusal costs a full collection. */
#define REFUSALS_MAX 16

/* Blocks from this size on are worth a look at the clock of their own. */
#define LARGE ((size_t)64 << 10)

struct block {
	struct block *next;
	struct block **link; /* what points to this block */
} __attribute__((aligned(16)));

static void list_add(struct sandbox *sb, struct block *b)
{
	b->next = sb->blocks;
	b->link = &sb->blocks;
	if (b->next) {
		b->next->link = &b->next;
	}
	sb->blocks = b;
}

static void list_remove(struct block *b)
{
	*b->link = b->next;
	if (b->next) {
		b->next->link = b->link;
	}
}

static void *release(struct sandbox *sb, struct block *b, size_t size)
{
	if (b) {
		sandbox_enter_host(sb);
		list_remove(b);
		free(b);
		sb->used -= size;
		sandbox_leave_host(sb);
	}
	return NULL;
}

static void *refuse(struct sandbox *sb)
{
	if (sb->running && ++sb->refused > REFUSALS_MAX) {
		sandbox_stop(sb, SANDBOX_STOP_MEMORY);
	}
	return NULL;
}

static void *resize(struct sandbox *sb, struct block *b, size_t old_size, size_t new_size)
{
	struct block *fresh;

	sandbox_enter_host(sb);
	if (b) {
		list_remove(b);
	}
	fresh = realloc(b, sizeof(*b) + new_size);
	if (fresh) {
		list_add(sb, fresh);
		sb->used += new_size - old_size;
		if (sb->used > sb->peak) {
			sb->peak = sb->used;
		}
	} else if (b) {
		list_add(sb, b);
	}
	sandbox_leave_host(sb);
	return fresh ? fresh + 1 : NULL;
}

void *sandbox_alloc(void *ud, void *p, size_t old_size, size_t new_size)
{
	struct sandbox *sb = ud;
	struct block *b = p ? (struct block *)p - 1 : NULL;

	if (sb->running) {
		if (new_size > LARGE) {
			sandbox_check(sb);
		} else {
			sandbox_tick(sb);
		}
	}
	if (!p) {
		old_size = 0; /* Lua passes the kind of object here */
	}
	if (new_size == 0) {
		return release(sb, b, old_size);
	}
	if (new_size > old_size && new_size - old_size > sb->limit - sb->used) {
		return refuse(sb);
	}
	return resize(sb, b, old_size, new_size);
}

void sandbox_free_blocks(struct sandbox *sb)
{
	struct block *b = sb->blocks;

	while (b) {
		struct block *next = b->next;

		free(b);
		b = next;
	}
	sb->blocks = NULL;
	sb->used = 0;
}
