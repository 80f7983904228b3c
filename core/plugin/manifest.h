/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.conf, the file beside a plugin that says what it is without loading it:
 *
 *	name = "storage-overlay";
 *	version = "0.1.0";
 *	needs = "1.0";
 *	drivers = ( { kind = "storage"; name = "overlay"; } );
 *		    # adapts = true: serves names that it finds at run time, too
 *	file = "overlay.so";        # default: <folder's name>.so
 *	permissions = [ "mount" ];
 *	requires = [ "volume/local" ]; # drivers that are opened first
 *	form = "exec";              # file is a program that speaks the protocol
 *	isolation = "process";      # unless drivers.<kind>.<name>.isolation says otherwise
 */
#ifndef CORE_PLUGIN_MANIFEST_H
#define CORE_PLUGIN_MANIFEST_H

#include <gantry/error.h>

struct json_object;

/* Reads and checks one, as {Name, Version, Needs, File, Folder, Form, Isolation,
 * Requires, Permissions, Drivers:[{Kind,Name}]}; NOT_FOUND when there is none.  The caller owns *ret. */
int manifest_read(const char *folder, struct json_object **ret, struct gantry_error *err);

/* The name of its driver of this kind that serves others' names, or NULL. */
const char *manifest_adaptor(struct json_object *manifest, const char *kind);

/* Does it carry this driver? */
int manifest_has_driver(struct json_object *manifest, const char *kind, const char *name);

#endif
