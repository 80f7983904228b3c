/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All device files of the folders, read when a device is asked for: files come and go while
 * the engine runs, and nobody else pays for reading them.
 */
#ifndef CDI_CACHE_H
#define CDI_CACHE_H

#include "helpers/json.h"

struct cache {
	struct json_object *files;    /* [{Path, Rank, Content}] */
	struct json_object *problems; /* texts: what is wrong with other files */
};

/* A later folder wins over an earlier one. */
int cache_load(struct cache *c, struct json_object *folders, struct gantry_error *err);
void cache_done(struct cache *c);
static inline void cache_auto(struct cache *c)
{
	cache_done(c);
}
#define CACHE_INIT { NULL, NULL }

/* The device and the file that has it, both borrowed.  NOT_FOUND; CONFLICT when two files
 * of one folder have it. */
int cache_find(const struct cache *c, const char *name, struct json_object **ret_device,
	       struct json_object **ret_file, struct gantry_error *err);

#endif
