/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's options (--log-opt), checked, and what they make of the
 * container: the attributes that stand in each record.
 */
#ifndef LOG_OPTIONS_H
#define LOG_OPTIONS_H

#include <stdint.h>

#include <gantry/error.h>

struct buf;

struct log_options {
	int64_t max_size; /* bytes; 0: no limit */
	int max_file;     /* files kept, the current one included */
	int compress;
	char *labels, *labels_regex; /* comma-separated keys; a regular expression; or NULL */
	char *env, *env_regex;
	char *tag;
};

void log_options_done(struct log_options *o);
static inline void log_options_auto(struct log_options *o)
{
	log_options_done(o);
}

/* Reads a JSON object of strings (NULL: none).  INVALID names the option. */
int log_options_parse(const char *json, struct log_options *ret, struct gantry_error *err);

/* Appends the JSON object of attributes that the options choose from info ({Name,
 * ImageName, Labels, Env}, or NULL); nothing when there are none.  INVALID when the
 * tag's template or a regular expression is wrong. */
int log_attributes(const struct log_options *o, const char *container, const char *info,
		   struct buf *out, struct gantry_error *err);

#endif
