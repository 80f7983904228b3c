/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folders of a tree that is being unpacked, kept open from the root down to
 * where the last entry went.  Each step is one openat() of one name without
 * following links, so no path is walked twice and nothing leads outside.
 *
 * A folder's time is restored when it is left, because what is put into it
 * changes it; a folder that is entered again remembers what it finds.
 */
#ifndef HELPERS_LAYER_DIRS_H
#define HELPERS_LAYER_DIRS_H

#include <limits.h>
#include <stddef.h>
#include <time.h>

#include <gantry/error.h>

#include "layer.h"

struct name_set;
struct layer_level;

struct layer_dirs {
	int root_fd; /* borrowed */
	enum layer_style style;
	struct name_set *made; /* borrowed: what this layer made or went into (plain style), or NULL */
	int is_root_user;
	char path[PATH_MAX]; /* the current folder; "" is the root */
	struct layer_level *levels; /* levels[0] is the root */
	size_t depth;
	size_t cap;
	size_t n_open;
};

enum layer_enter {
	LAYER_AS_PARENT, /* made when missing; links are followed inside the tree */
	LAYER_AS_ENTRY,  /* the archive names it: anything else in its place goes */
};

int layer_dirs_init(struct layer_dirs *d, int root_fd, enum layer_style style,
		    struct name_set *made, struct gantry_error *err);

/* Makes path[0..len), normalised, the current folder and returns its descriptor,
 * which is borrowed until the next enter.  Errors: CORRUPT when a parent is no
 * folder or leads outside. *ret_new: this call made it, with mode 0755. */
int layer_dirs_enter(struct layer_dirs *d, const char *path, size_t len, enum layer_enter how,
		     int *ret_new, struct gantry_error *err);

/* Opens another folder inside the tree without changing the current one (for the
 * other end of a hard link); the caller closes it.  Negative errno. */
int layer_dirs_peek(const struct layer_dirs *d, const char *path, size_t len);

/* The time, and the mode when it would keep an unprivileged user from writing,
 * that the current folder gets when it is left. */
void layer_dirs_set_time(struct layer_dirs *d, struct timespec mtime);
void layer_dirs_set_mode(struct layer_dirs *d, mode_t mode);

/* Does the folder, or the one that many levels up, give its group and its
 * set-group-ID bit to what is made in it?  note_mode says that it was changed. */
int layer_dirs_lends_group(const struct layer_dirs *d, size_t up);
void layer_dirs_note_mode(struct layer_dirs *d, mode_t mode);

/* Marks a folder as hiding what lies below it.  Negative errno. */
int layer_set_opaque(int fd, enum layer_style style);

/* Leaves all folders; the first failure is reported. */
int layer_dirs_finish(struct layer_dirs *d, struct gantry_error *err);

/* Closes what is open without restoring times. */
void layer_dirs_done(struct layer_dirs *d);
static inline void layer_dirs_auto(struct layer_dirs *d)
{
	layer_dirs_done(d);
}

#endif
