/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done with a whole list of plugins: ADD and CHECK in its order, DEL in the
 * reverse, each with the results that the specification wants it to have.
 */
#ifndef CNI_CHAIN_H
#define CNI_CHAIN_H

#include "helpers/json.h"

struct cni_chain {
	struct json_object *bin_dirs;
	struct json_object *list;         /* cni_conf_parse */
	struct json_object *capabilities; /* {portMappings: [...], ...}, or NULL */
	const char *container;
	const char *netns; /* NULL: gone */
	const char *interface;
	const char *args;
	int64_t deadline_ms; /* of each plugin */
	const char *record_dir;
};

/* *ret is the last plugin's result, the caller's.  On failure everything is deleted. */
int cni_add(const struct cni_chain *c, struct json_object **ret, struct gantry_error *err);

/* result is what cni_add returned, or NULL.  All are deleted, also when one fails. */
int cni_del(const struct cni_chain *c, struct json_object *result, struct gantry_error *err);

/* UNSUPPORTED before version 0.4.0; nothing is done with disableCheck. */
int cni_check(const struct cni_chain *c, struct json_object *result, struct gantry_error *err);

/* STATUS, since 1.1.0: may an ADD be tried?  Older lists always say yes. */
int cni_status(const struct cni_chain *c, struct gantry_error *err);

/* GC, since 1.1.0: everything but these attachments ([{containerID, ifname}]) may go. */
int cni_gc(const struct cni_chain *c, struct json_object *attachments, struct gantry_error *err);

/* Does every plugin speak the list's version? */
int cni_check_versions(const struct cni_chain *c, struct gantry_error *err);

#endif
