/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image names as people write them: [host[:port]/]path[:tag][@digest].  Records keep
 * the familiar form, without the default registry and its "library/".
 */
#ifndef CORE_IMAGE_REFERENCE_H
#define CORE_IMAGE_REFERENCE_H

#include <gantry/error.h>

struct reference {
	char domain[256];     /* host[:port]; the default registry when none was written */
	char path[256];       /* with "library/" where the default registry implies it */
	char familiar[512];   /* repository without tag, as people write it */
	char tag[129];        /* "" when none was written */
	char digest[80];      /* "" or sha256:... */
};

/* INVALID with Docker's wording. */
int reference_parse(const char *text, const char *default_domain, struct reference *ret,
		    struct gantry_error *err);

/* "familiar:tag" (tag latest when none) or "familiar@digest". */
void reference_name(const struct reference *r, char *text, unsigned long size);

#endif
