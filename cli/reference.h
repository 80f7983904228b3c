/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image references as users write them: [HOST[:PORT]/]NAME[:TAG][@DIGEST].
 */
#ifndef CLI_REFERENCE_H
#define CLI_REFERENCE_H

#include <gantry/error.h>

#define REFERENCE_MAX 512

struct reference {
	char domain[256];         /* "" when the engine's default registry is meant */
	char name[REFERENCE_MAX]; /* with the domain, without tag and digest */
	char tag[130];            /* "" when not given */
	char digest[160];         /* "sha256:..." or "" */
};

int reference_parse(const char *text, struct reference *ret, struct gantry_error *err);

#endif
