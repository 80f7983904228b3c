/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Platforms as --platform and images name them, and which of them can stand in for which.
 */
#ifndef CORE_IMAGE_PLATFORM_H
#define CORE_IMAGE_PLATFORM_H

#include <gantry/error.h>

#include "helpers/json.h"

#define PLATFORM_TEXT_MAX 100

/* In one spelling: amd64 and not x86_64, no variant where there is only one. */
struct platform {
	char os[32], arch[32], variant[32];
};

/* "os/arch[/variant]", or one of os and arch; this host's when text is NULL or "". */
int image_platform(const char *text, struct platform *ret, struct gantry_error *err);
/* Of an image's configuration, or an entry of a manifest list. */
void image_platform_of(struct json_object *o, struct platform *ret);
void image_platform_text(const struct platform *p, char to[PLATFORM_TEXT_MAX]);
/* How well an image fits what is wanted: 1 exactly, more: a stand-in, 0: not at all. */
int image_platform_rank(const struct platform *want, const struct platform *have);

#endif
