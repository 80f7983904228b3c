/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of a local volume: none (a folder), size (a folder with a limit), or
 * type, o and device (something that is mounted while it is used).
 */
#ifndef LOCAL_OPTIONS_H
#define LOCAL_OPTIONS_H

#include <stdint.h>

#include <gantry/error.h>

struct volume_options {
	char *type;    /* a filesystem's name; NULL: a folder */
	char *device;
	char *o;       /* comma-separated mount options, or NULL */
	int64_t size;  /* bytes; 0: no limit */
};

void volume_options_done(struct volume_options *o);
static inline void volume_options_auto(struct volume_options *o)
{
	volume_options_done(o);
}

/* Reads a JSON object of strings (NULL: none).  INVALID names the option. */
int volume_options_parse(const char *json, struct volume_options *ret, struct gantry_error *err);

#endif
