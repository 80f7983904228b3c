/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both parts are sparse mappings of one memfd: pages exist once touched.  Texts
 * come from slabs of four size classes; free lists are private to the server and
 * are rebuilt by arena_recover().
 */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers/cleanup.h"

#include "fuse/arena.h"

enum {
	TEXT_UNIT = 16,
	SLAB_BYTES = 65536,
	SLAB_UNITS = SLAB_BYTES / TEXT_UNIT,
	N_CLASSES = 4,
	FIRST_ID = 2,
	KEPT = 2,
};

static const size_t TEXT_BYTES = 4UL << 30;
static const uint16_t class_bytes[N_CLASSES] = { 32, 64, 128, 288 };

/* At the start of the mapping, before the records. */
struct arena_header {
	_Atomic uint32_t ids_end;    /* ids below this were handed out once */
	_Atomic uint32_t slabs_end;
	uint32_t format;
	uint32_t spare;
	char settled[ARENA_SETTLED_BYTES];
};

/* Ids 0 and 1 have no record; the header lies in their place. */
_Static_assert(sizeof(struct arena_header) <= FIRST_ID * sizeof(struct record), "header");

struct text_class {
	pthread_mutex_t lock;
	uint32_t free;       /* linked through text.parent */
};

struct arena {
	int fd;
	size_t size;
	struct arena_header *header;
	struct record *records;
	char *texts;
	pthread_mutex_t id_lock;
	uint32_t free_id;    /* linked through record.text */
	pthread_mutex_t slab_lock;
	struct text_class classes[N_CLASSES];
};

static size_t record_bytes(void)
{
	return sizeof(struct record) * (size_t)ARENA_MAX_IDS;
}

/* Takes fd over. */
static struct arena *map_arena(int fd)
{
	struct arena *a = fd < 0 ? NULL : calloc(1, sizeof(*a));
	char *base = MAP_FAILED;

	if (a) {
		a->size = record_bytes() + TEXT_BYTES;
		base = mmap(NULL, a->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	}
	if (base == MAP_FAILED) {
		if (fd >= 0)
			close(fd);
		free(a);
		return NULL;
	}
	a->fd = fd;
	a->header = (struct arena_header *)base;
	a->records = (struct record *)base;
	a->texts = base + record_bytes();
	pthread_mutex_init(&a->id_lock, NULL);
	pthread_mutex_init(&a->slab_lock, NULL);
	for (int i = 0; i < N_CLASSES; i++)
		pthread_mutex_init(&a->classes[i].lock, NULL);
	return a;
}

struct arena *arena_new(void)
{
	auto_fd int fd = memfd_create("gantry-unionfs", MFD_CLOEXEC);
	struct arena *a;

	if (fd < 0 || ftruncate(fd, (off_t)(record_bytes() + TEXT_BYTES)) < 0)
		return NULL;
	a = map_arena(steal_fd(&fd));
	if (!a)
		return NULL;
	a->header->format = ARENA_FORMAT;
	atomic_store(&a->header->ids_end, FIRST_ID);
	return a;
}

struct arena *arena_attach(int fd)
{
	struct arena *a;
	struct stat st;

	if (fstat(fd, &st) < 0 || (size_t)st.st_size != record_bytes() + TEXT_BYTES)
		return NULL;
	a = map_arena(fd);
	if (a && a->header->format != ARENA_FORMAT) {
		arena_free(a);
		a = NULL;
	}
	return a;
}

int arena_fd(const struct arena *a)
{
	return a->fd;
}

void *arena_settled(struct arena *a)
{
	return a->header->settled;
}

int arena_held_fd(struct arena *a, uint32_t id)
{
	const struct record *r = &a->records[id];

	return id >= FIRST_ID && atomic_load(&r->state) & RECORD_USED ? atomic_load(&r->fd) : -1;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	munmap(a->header, a->size);
	close(a->fd);
	free(a);
}

struct record *arena_record(struct arena *a, uint32_t id)
{
	return &a->records[id];
}

uint32_t arena_ids_end(const struct arena *a)
{
	return atomic_load(&a->header->ids_end);
}

uint32_t arena_id_new(struct arena *a, uint32_t mode)
{
	uint32_t id;
	struct record *r;

	pthread_mutex_lock(&a->id_lock);
	id = a->free_id;
	if (id) {
		a->free_id = atomic_load(&a->records[id].text);
	} else {
		id = atomic_load(&a->header->ids_end);
		if (id < ARENA_MAX_IDS)
			atomic_store(&a->header->ids_end, id + 1);
		else
			id = 0;
	}
	pthread_mutex_unlock(&a->id_lock);
	if (!id)
		return 0;
	r = &a->records[id];
	atomic_store(&r->lookups, 0);
	atomic_store(&r->text, 0);
	atomic_store(&r->fd, -1);
	r->generation++;
	r->backing_id = 0;
	r->opens_cached = r->opens_passthrough = 0;
	atomic_store(&r->state, RECORD_USED | mode << RECORD_MODE_SHIFT);
	return id;
}

static struct text *text_at(struct arena *a, uint32_t text)
{
	return (struct text *)(a->texts + (size_t)text * TEXT_UNIT);
}

/* Cuts the next slab into texts of the class; its lock is held. */
static int add_slab(struct arena *a, unsigned size_class)
{
	uint32_t slab, step = class_bytes[size_class] / TEXT_UNIT;

	pthread_mutex_lock(&a->slab_lock);
	slab = atomic_load(&a->header->slabs_end);
	if (((size_t)slab + 1) * SLAB_BYTES > TEXT_BYTES) {
		pthread_mutex_unlock(&a->slab_lock);
		return 0;
	}
	/* Handle 0 means "none", so the first unit of each slab names its class. */
	text_at(a, slab * SLAB_UNITS)->size_class = (uint8_t)size_class;
	atomic_store(&a->header->slabs_end, slab + 1);
	pthread_mutex_unlock(&a->slab_lock);
	for (uint32_t at = 1; at + step <= SLAB_UNITS; at += step) {
		struct text *t = text_at(a, slab * SLAB_UNITS + at);

		t->used = 0;
		t->size_class = (uint8_t)size_class;
		t->parent = a->classes[size_class].free;
		a->classes[size_class].free = slab * SLAB_UNITS + at;
	}
	return 1;
}

uint32_t arena_text_new(struct arena *a, uint32_t parent, const char *name, size_t len)
{
	unsigned c = 0;
	struct text *t;
	uint32_t text;

	while (c < N_CLASSES && sizeof(*t) + len + 1 > class_bytes[c])
		c++;
	if (c == N_CLASSES)
		return 0;
	pthread_mutex_lock(&a->classes[c].lock);
	if (!a->classes[c].free && !add_slab(a, c)) {
		pthread_mutex_unlock(&a->classes[c].lock);
		return 0;
	}
	text = a->classes[c].free;
	t = text_at(a, text);
	a->classes[c].free = t->parent;
	pthread_mutex_unlock(&a->classes[c].lock);
	t->parent = parent;
	t->len = (uint16_t)len;
	memcpy(t->name, name, len);
	t->name[len] = '\0';
	t->used = 1;
	return text;
}

void arena_text_free(struct arena *a, uint32_t text)
{
	struct text *t;
	struct text_class *class;

	if (!text)
		return;
	t = text_at(a, text);
	class = &a->classes[t->size_class];
	t->used = 0;
	pthread_mutex_lock(&class->lock);
	t->parent = class->free;
	class->free = text;
	pthread_mutex_unlock(&class->lock);
}

void arena_id_free(struct arena *a, uint32_t id)
{
	struct record *r = &a->records[id];

	atomic_store(&r->state, RECORD_FREE);
	arena_text_free(a, atomic_load(&r->text));
	pthread_mutex_lock(&a->id_lock);
	atomic_store(&r->text, a->free_id);
	a->free_id = id;
	pthread_mutex_unlock(&a->id_lock);
}

const struct text *arena_text(struct arena *a, uint32_t text)
{
	return text_at(a, text);
}

static void recover_texts(struct arena *a)
{
	uint32_t slabs = atomic_load(&a->header->slabs_end);

	for (int i = 0; i < N_CLASSES; i++)
		a->classes[i].free = 0;
	for (uint32_t slab = 0; slab < slabs; slab++) {
		unsigned c = text_at(a, slab * SLAB_UNITS)->size_class;
		uint32_t step = class_bytes[c] / TEXT_UNIT;

		for (uint32_t at = 1; at + step <= SLAB_UNITS; at += step) {
			struct text *t = text_at(a, slab * SLAB_UNITS + at);

			t->size_class = (uint8_t)c;
			if (t->used == KEPT) {
				t->used = 1;
				continue;
			}
			t->used = 0;
			t->parent = a->classes[c].free;
			a->classes[c].free = slab * SLAB_UNITS + at;
		}
	}
}

/* Keeps a record and all above it; texts of kept records have used == KEPT. */
static void keep_with_parents(struct arena *a, uint32_t id)
{
	for (;;) {
		struct record *r = &a->records[id];
		uint32_t text = atomic_load(&r->text);

		if (!(atomic_load(&r->state) & RECORD_USED) || !text ||
		    text_at(a, text)->used == KEPT)
			return;
		text_at(a, text)->used = KEPT;
		id = text_at(a, text)->parent;
		if (id < FIRST_ID || id >= ARENA_MAX_IDS)
			return;
	}
}

void arena_recover(struct arena *a, void (*found)(void *ctx, uint32_t id, struct record *record),
		   void *ctx)
{
	uint32_t end = atomic_load(&a->header->ids_end);

	for (uint32_t id = FIRST_ID; id < end; id++) {
		if (atomic_load(&a->records[id].lookups))
			keep_with_parents(a, id);
	}
	a->free_id = 0;
	for (uint32_t id = FIRST_ID; id < end; id++) {
		struct record *r = &a->records[id];
		uint32_t text = atomic_load(&r->text);
		int used = (atomic_load(&r->state) & RECORD_USED) != 0;

		if (used && (atomic_load(&r->lookups) || (text && text_at(a, text)->used == KEPT))) {
			found(ctx, id, r);
			continue;
		}
		atomic_store(&r->state, RECORD_FREE);
		atomic_store(&r->text, a->free_id);
		a->free_id = id;
	}
	recover_texts(a);
}
