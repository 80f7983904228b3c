/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things are: state, run-time files, plugins, and the programs that the
 * engine starts.  Found once, when a core is opened; a program that runs from
 * its build tree finds that tree's plugins and programs.
 */
#ifndef CORE_BASE_PATHS_H
#define CORE_BASE_PATHS_H

#include <gantry/error.h>

struct core_options;

struct paths {
	char *root;        /* durable state */
	char *run_root;    /* cleared by a reboot */
	char *plugin_path; /* folders, colon-separated; each holds <kind>/<driver>/ */
	char *shim;        /* gantry-shim */
	char *reconcile;   /* gantry-reconcile */
	char *emulate;     /* gantry-emulate */
	char *lazyfs;      /* gantry-lazyfs */
	char *plugin_host; /* gantry-plugin-host */
	char *config_file; /* NULL: the system's and the user's */
	char *share;       /* data files */
	int uninstalled;
};

int paths_init(struct paths *p, const struct core_options *options, struct gantry_error *err);
void paths_done(struct paths *p);

/* root/kind/name... joined, or NULL when out of memory; the caller frees. */
char *path_join(const char *first, ...) __attribute__((sentinel));

#endif
