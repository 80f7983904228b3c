/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One sorted array of 64-bit words: the upper bits are of a name's hash, the lower 16
 * the number of the part.  Of equal hashes the first has the topmost part.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"

#include "fuse/dents.h"
#include "fuse/fdcache.h"
#include "fuse/format.h"
#include "fuse/loc.h"
#include "fuse/names.h"
#include "fuse/node.h"
#include "fuse/unionfs.h"

enum {
	PATIENCE = 3,       /* searches before the first attempt */
	NAMES_EACH = 256,   /* how many names one search may cost */
	ASKED_MAX = 65535,
	SLOT_BITS = 16,
};

struct names {
	unsigned count;
	int upper_is_plain;
	uint64_t words[];
};

struct reading {
	struct buf words;
	size_t limit;       /* of words */
	unsigned slot;
	int has_oci;
};

static uint64_t word_of(const char *name, unsigned slot)
{
	return dents_hash(name) << SLOT_BITS | slot;
}

static int read_name(void *ctx, const struct linux_dirent64 *d)
{
	const size_t prefix = strlen(OCI_WHITEOUT_PREFIX);
	struct reading *rd = ctx;
	int is_oci = strncmp(d->d_name, OCI_WHITEOUT_PREFIX, prefix) == 0;
	uint64_t word = word_of(d->d_name + (is_oci ? prefix : 0), rd->slot);

	rd->has_oci |= is_oci;
	if (!rd->slot)
		return 0;
	if (rd->words.len / sizeof(word) >= rd->limit)
		return -E2BIG;
	buf_add(&rd->words, &word, sizeof(word));
	return buf_failed(&rd->words) ? -ENOMEM : 0;
}

static int by_word(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int read_part(struct unionfs *fs, struct node *dir, struct reading *rd)
{
	auto_fd int fd = dents_open(fs, dir, rd->slot);

	return fd < 0 ? fd : dents_read(fd, read_name, rd);
}

/* NULL when a part cannot be read, or holds more than the limit. */
static struct names *build(struct unionfs *fs, struct node *dir, size_t limit)
{
	struct reading rd = { .limit = limit };
	struct names *names = NULL;
	int plain = 1, r = 0;

	for (rd.slot = node_is(dir, NODE_UPPER) ? 0 : 1; r == 0 && rd.slot <= dir->n_lower;
	     rd.slot++) {
		r = read_part(fs, dir, &rd);
		if (!rd.slot)
			plain = !rd.has_oci;
	}
	if (r == 0)
		names = malloc(sizeof(*names) + rd.words.len);
	if (names) {
		names->count = (unsigned)(rd.words.len / sizeof(uint64_t));
		names->upper_is_plain = plain;
		if (names->count) {
			memcpy(names->words, rd.words.data, rd.words.len);
			qsort(names->words, names->count, sizeof(uint64_t), by_word);
		}
	}
	buf_done(&rd.words);
	return names;
}

/* At the third search, and then whenever there were eight times as many. */
static int is_time(unsigned asked)
{
	while (asked > PATIENCE && asked % 8 == 0)
		asked /= 8;
	return asked == PATIENCE;
}

static struct names *names_of(struct unionfs *fs, struct node *dir)
{
	struct names *names = atomic_load_explicit(&dir->names, memory_order_acquire);
	struct names *none = NULL;
	unsigned asked;

	if (names)
		return names;
	asked = atomic_load_explicit(&dir->asked, memory_order_relaxed);
	if (asked >= ASKED_MAX)
		return NULL;
	atomic_store_explicit(&dir->asked, (uint16_t)(asked + 1), memory_order_relaxed);
	if (!is_time(asked + 1))
		return NULL;
	names = build(fs, dir, (size_t)NAMES_EACH * (asked + 1));
	if (names && !atomic_compare_exchange_strong(&dir->names, &none, names)) {
		free(names);
		names = none;
	}
	return names;
}

unsigned names_first(struct unionfs *fs, struct node *dir, const char *name)
{
	struct names *names = names_of(fs, dir);
	uint64_t word = word_of(name, 0);
	unsigned lo = 0, hi;

	if (!names)
		return 1;
	hi = names->count;
	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (names->words[mid] < word)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < names->count && names->words[lo] >> SLOT_BITS == word >> SLOT_BITS)
		return (unsigned)(names->words[lo] & ((1U << SLOT_BITS) - 1));
	return dir->n_lower + 1U;
}

int names_upper_is_plain(const struct node *dir)
{
	const struct names *names = atomic_load_explicit(&dir->names, memory_order_acquire);

	return names && names->upper_is_plain;
}

void names_free(struct names *names)
{
	free(names);
}
