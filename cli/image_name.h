/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image references as users write them: [HOST[:PORT]/]NAME[:TAG][@DIGEST].
 */
#ifndef CLI_IMAGE_NAME_H
#define CLI_IMAGE_NAME_H

#include <gantry/error.h>

#define IMAGE_NAME_MAX 512

struct image_name {
	char domain[256];         /* "" when the engine's default registry is meant */
	char name[IMAGE_NAME_MAX]; /* with the domain, without tag and digest */
	char tag[130];            /* "" when not given */
	char digest[160];         /* "sha256:..." or "" */
};

int image_name_parse(const char *text, struct image_name *ret, struct gantry_error *err);

#endif
