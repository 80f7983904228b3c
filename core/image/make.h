/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making images here: a layer tar on top of nothing (import) or of another image
 * (commit).
 */
#ifndef CORE_IMAGE_MAKE_H
#define CORE_IMAGE_MAKE_H

#include "core/image/image.h"

struct image_making {
	const struct image *base;    /* NULL: from nothing */
	int archive;                 /* the layer tar, plain or compressed; borrowed */
	struct json_object *config;  /* container configuration; borrowed */
	const char *author;          /* may be NULL */
	const char *comment;         /* may be NULL */
	const char *created_by;      /* may be NULL */
	const struct platform *platform;
	const char *const *changes;  /* Dockerfile instructions; may be NULL */
	const char *name;            /* that the image gets; may be NULL */
};

/* *ret_id is the caller's. */
int image_make(struct core *core, const struct image_making *making, char **ret_id,
	       struct gantry_error *err);

/* Applies CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, VOLUME, WORKDIR, STOPSIGNAL
 * to a container configuration; INVALID names the instruction. */
int image_apply_changes(struct json_object *config, const char *const *changes,
			struct gantry_error *err);

#endif
