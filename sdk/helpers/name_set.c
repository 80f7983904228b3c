/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "name_set.h"

static uint64_t hash_name(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;

	while (*name)
		h = (h ^ (unsigned char)*name++) * 0x100000001b3u;
	return h ^ (h >> 29);
}

static uint64_t hash_inode(uint64_t dev, uint64_t ino)
{
	uint64_t h = (ino ^ (dev << 32) ^ (dev >> 32)) * 0x9e3779b97f4a7c15u;

	return h ^ (h >> 32);
}

void name_set_done(struct name_set *s)
{
	for (size_t i = 0; i < s->cap; i++)
		free(s->names[i]);
	free(s->names);
	*s = (struct name_set){ 0 };
}

static size_t name_slot(char **names, size_t cap, const char *name)
{
	size_t i = hash_name(name) & (cap - 1);

	while (names[i] && strcmp(names[i], name) != 0)
		i = (i + 1) & (cap - 1);
	return i;
}

static int name_set_grow(struct name_set *s)
{
	size_t cap = s->cap ? s->cap * 2 : 256;
	char **names = calloc(cap, sizeof(*names));

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < s->cap; i++) {
		if (s->names[i])
			names[name_slot(names, cap, s->names[i])] = s->names[i];
	}
	free(s->names);
	s->names = names;
	s->cap = cap;
	return 0;
}

int name_set_add(struct name_set *s, const char *name)
{
	size_t i;

	if (s->n * 2 >= s->cap && name_set_grow(s) < 0)
		return -ENOMEM;
	i = name_slot(s->names, s->cap, name);
	if (s->names[i])
		return 0;
	s->names[i] = strdup(name);
	if (!s->names[i])
		return -ENOMEM;
	s->n++;
	return 0;
}

int name_set_has(const struct name_set *s, const char *name)
{
	return s->cap > 0 && s->names[name_slot(s->names, s->cap, name)] != NULL;
}

void inode_map_done(struct inode_map *m)
{
	for (size_t i = 0; i < m->cap; i++)
		free(m->entries[i].name);
	free(m->entries);
	*m = (struct inode_map){ 0 };
}

static size_t inode_slot(const struct inode_map_entry *entries, size_t cap, uint64_t dev,
			 uint64_t ino)
{
	size_t i = hash_inode(dev, ino) & (cap - 1);

	while (entries[i].name && (entries[i].dev != dev || entries[i].ino != ino))
		i = (i + 1) & (cap - 1);
	return i;
}

static int inode_map_grow(struct inode_map *m)
{
	size_t cap = m->cap ? m->cap * 2 : 64;
	struct inode_map_entry *entries = calloc(cap, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < m->cap; i++) {
		const struct inode_map_entry *e = &m->entries[i];

		if (e->name)
			entries[inode_slot(entries, cap, e->dev, e->ino)] = *e;
	}
	free(m->entries);
	m->entries = entries;
	m->cap = cap;
	return 0;
}

const char *inode_map_first(struct inode_map *m, uint64_t dev, uint64_t ino, const char *name,
			    int *ret_failed)
{
	size_t i;
	char *copy;

	if (m->n * 2 >= m->cap && inode_map_grow(m) < 0) {
		*ret_failed = 1;
		return NULL;
	}
	i = inode_slot(m->entries, m->cap, dev, ino);
	if (m->entries[i].name)
		return m->entries[i].name;
	copy = strdup(name);
	if (!copy) {
		*ret_failed = 1;
		return NULL;
	}
	m->entries[i] = (struct inode_map_entry){ dev, ino, copy };
	m->n++;
	return NULL;
}
