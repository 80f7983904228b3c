/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver under test as the engine would reach it, whatever its form and
 * isolation, for the conformance kit.
 */
#ifndef CORE_PLUGINCHECK_SUBJECT_H
#define CORE_PLUGINCHECK_SUBJECT_H

#include "conformance/kit.h"

struct json_object;
struct subject;

struct subject_options {
	const char *path;        /* a folder with plugin.conf, or the plugin's file */
	const char *driver;      /* "kind/name", or NULL: the only one */
	const char *instance;    /* the name that it is configured by; NULL: its own */
	const char *isolation;   /* "none", "process", or NULL: as the form needs */
	const char *config_file; /* NULL: defaults only */
	const char *const *settings;
};

/* Loads the plugin; err says why it is refused. */
int subject_new(const struct subject_options *options, struct subject **ret, struct gantry_error *err);
struct subject *subject_free(struct subject *s);

const struct kit_subject *subject_kit(const struct subject *s);
/* "volume driver local (native, isolation none)". */
const char *subject_title(const struct subject *s);

/* Does the manifest say what the plugin says of itself?  0, or an error. */
int subject_check_manifest(const struct subject *s, struct gantry_error *err);

#endif
