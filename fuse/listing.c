/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <dirent.h>
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
#include "fuse/layer.h"
#include "fuse/listing.h"
#include "fuse/loc.h"
#include "fuse/node.h"
#include "fuse/unionfs.h"
#include "fuse/workdir.h"

enum { FIRST_COOKIE = 3, DT_HIDDEN = 255 };

/* What is built: entries in a growing array, found by name through a table of
 * indexes plus one. */
struct builder {
	struct unionfs *fs;
	struct node *dir;
	struct buf entries;
	struct buf names;
	uint32_t *table;
	unsigned table_size;
	unsigned count;
	unsigned slot;       /* the part that is read */
	int dirfd;
	int xattr_whiteouts;
	int seen_oci;
};

static void builder_auto(struct builder *b)
{
	buf_done(&b->entries);
	buf_done(&b->names);
	free(b->table);
}

static uint64_t hash_of(const char *name)
{
	uint64_t h = dents_hash(name);

	return h < FIRST_COOKIE ? h + FIRST_COOKIE : h;
}

static struct listing_entry *entry_at(struct builder *b, unsigned i)
{
	return (struct listing_entry *)b->entries.data + i;
}

static int grow_table(struct builder *b)
{
	unsigned size = b->table_size ? b->table_size * 2 : 256;
	uint32_t *table = calloc(size, sizeof(*table));

	if (!table)
		return -ENOMEM;
	for (unsigned i = 0; i < b->count; i++) {
		unsigned at = (unsigned)entry_at(b, i)->cookie & (size - 1);

		while (table[at])
			at = (at + 1) & (size - 1);
		table[at] = i + 1;
	}
	free(b->table);
	b->table = table;
	b->table_size = size;
	return 0;
}

/* The table slot of a name: of its entry, or empty. */
static uint32_t *table_slot(struct builder *b, const char *name, uint64_t cookie)
{
	unsigned at = (unsigned)cookie & (b->table_size - 1);

	while (b->table[at]) {
		const struct listing_entry *e = entry_at(b, b->table[at] - 1);

		if (e->cookie == cookie && strcmp(b->names.data + e->name, name) == 0)
			break;
		at = (at + 1) & (b->table_size - 1);
	}
	return &b->table[at];
}

/* Adds a name unless a part above has it.  DT_HIDDEN entries only hide. */
static int add(struct builder *b, const char *name, uint64_t ino, uint8_t type)
{
	uint64_t cookie = hash_of(name);
	struct listing_entry e = { .cookie = cookie, .ino = ino, .type = type,
				   .slot = (uint16_t)b->slot, .name = (uint32_t)b->names.len };
	int merged = b->dir->n_lower + node_is(b->dir, NODE_UPPER) > 1;
	uint32_t *slot = NULL;

	if (merged) {
		if (b->count * 2 >= b->table_size && grow_table(b) < 0)
			return -ENOMEM;
		slot = table_slot(b, name, cookie);
		if (*slot)
			return 0;
		*slot = b->count + 1;
	} else if (type == DT_HIDDEN) {
		return 0;
	}
	buf_add(&b->names, name, strlen(name) + 1);
	buf_add(&b->entries, &e, sizeof(e));
	b->count++;
	return buf_failed(&b->names) || buf_failed(&b->entries) ? -ENOMEM : 0;
}

static int is_oci(const char *name)
{
	return strncmp(name, OCI_WHITEOUT_PREFIX, 4) == 0;
}

static int add_dirent(void *ctx, const struct linux_dirent64 *d)
{
	struct builder *b = ctx;
	unsigned layer = b->slot ? b->dir->slots[b->slot].layer : 0;
	const char *name = d->d_name;
	uint8_t type = d->d_type;
	struct stat st;

	if (is_oci(name)) {
		b->seen_oci = 1;
		return 0; /* second pass */
	}
	if (type == DT_UNKNOWN) {
		if (fstatat(b->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return errno == ENOENT ? 0 : -errno;
		type = (uint8_t)IFTODT(st.st_mode);
	}
	if (type == DT_CHR || (type == DT_REG && b->xattr_whiteouts)) {
		int r = fstatat(b->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
		struct marks m = { 0 };

		if (r < 0)
			return r == -ENOENT ? 0 : r;
		if (format_is_device_whiteout(&st)) {
			type = DT_HIDDEN;
		} else if (type == DT_REG && !st.st_size &&
			   format_read_marks(&b->fs->format, b->dirfd, name, &m) == 0) {
			if (m.whiteout)
				type = DT_HIDDEN;
			marks_done(&m);
		}
	}
	return add(b, name, layer_ino(b->fs, layer, d->d_ino), type);
}

/* Hides what a ".wh." file of this part hides in those below. */
static int add_oci_whiteout(void *ctx, const struct linux_dirent64 *d)
{
	return is_oci(d->d_name) && d->d_name[4] ? add(ctx, d->d_name + 4, 0, DT_HIDDEN) : 0;
}

static int add_part(struct builder *b, unsigned slot)
{
	auto_fd int fd = dents_open(b->fs, b->dir, slot);
	int r;

	if (fd < 0)
		return fd;
	b->slot = slot;
	b->dirfd = fd;
	b->seen_oci = 0;
	b->xattr_whiteouts = slot ? b->dir->slots[slot].xattr_whiteouts :
				    node_is(b->dir, NODE_XATTR_WHITEOUTS);
	r = dents_read(fd, add_dirent, b);
	if (r == 0 && b->seen_oci && slot < b->dir->n_lower && lseek(fd, 0, SEEK_SET) == 0)
		r = dents_read(fd, add_oci_whiteout, b);
	return r;
}

static int by_cookie(const void *a, const void *b)
{
	const struct listing_entry *x = a, *y = b;

	return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

/* Drops what is hidden, sorts, makes offsets unique. */
static int finish(struct builder *b, struct listing **ret)
{
	struct listing *l = calloc(1, sizeof(*l));
	unsigned kept = 0;

	if (!l)
		return -ENOMEM;
	for (unsigned i = 0; i < b->count; i++) {
		if (entry_at(b, i)->type != DT_HIDDEN)
			*entry_at(b, kept++) = *entry_at(b, i);
	}
	if (kept)
		qsort(b->entries.data, kept, sizeof(struct listing_entry), by_cookie);
	for (unsigned i = 1; i < kept; i++) {
		if (entry_at(b, i)->cookie <= entry_at(b, i - 1)->cookie)
			entry_at(b, i)->cookie = entry_at(b, i - 1)->cookie + 1;
	}
	atomic_init(&l->refs, 1);
	l->count = kept;
	l->entries = (struct listing_entry *)buf_steal(&b->entries);
	l->names = buf_steal(&b->names);
	*ret = l;
	return 0;
}

static int build(struct unionfs *fs, struct node *dir, struct listing **ret)
{
	__attribute__((cleanup(builder_auto))) struct builder b = { .fs = fs, .dir = dir };
	int r = 0;

	if (dir->fd < 0) {
		for (unsigned i = node_is(dir, NODE_UPPER) ? 0 : 1; i <= dir->n_lower; i++) {
			r = add_part(&b, i);
			if (r < 0)
				return r;
		}
	}
	return finish(&b, ret);
}

int listing_of(struct unionfs *fs, struct node *dir, struct listing **ret)
{
	struct listing *l;
	int r;

	node_lock_shared(fs, dir);
	l = dir->listing;
	if (l)
		atomic_fetch_add(&l->refs, 1);
	node_unlock(fs, dir);
	if (!l) {
		struct listing *old;

		r = build(fs, dir, &l);
		if (r < 0)
			return r;
		/* The kernel lets nobody change a directory that is being read. */
		atomic_fetch_add(&l->refs, 1);
		node_lock(fs, dir);
		old = dir->listing;
		dir->listing = l;
		node_unlock(fs, dir);
		listing_put(old);
	}
	*ret = l;
	return 0;
}

void listing_put(struct listing *l)
{
	if (!l || atomic_fetch_sub(&l->refs, 1) != 1)
		return;
	free(l->entries);
	free(l->names);
	free(l);
}

unsigned listing_seek(const struct listing *l, uint64_t cookie)
{
	unsigned lo = 0, hi = l->count;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (l->entries[mid].cookie <= cookie)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int mark_gone(struct listing *l, const char *name)
{
	uint64_t cookie = hash_of(name);

	for (unsigned i = listing_seek(l, cookie - 1);
	     i < l->count && l->entries[i].cookie <= cookie + 8; i++) {
		if (strcmp(l->names + l->entries[i].name, name) == 0) {
			atomic_store(&l->entries[i].gone, 1);
			return 1;
		}
	}
	return 0;
}

void listing_changed(struct unionfs *fs, struct node *dir, const char *removed)
{
	struct listing *old = NULL;

	node_lock(fs, dir);
	if (dir->listing && (!removed || !mark_gone(dir->listing, removed))) {
		old = dir->listing;
		dir->listing = NULL;
	}
	node_unlock(fs, dir);
	listing_put(old);
}
