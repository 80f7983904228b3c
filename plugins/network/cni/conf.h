/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network configurations of CNI: lists of plugins (.conflist) and single ones (.conf,
 * .json), versions 0.3.0 to 1.1.0, as files and as documents.
 */
#ifndef CNI_CONF_H
#define CNI_CONF_H

#include "helpers/json.h"

/* A list, whatever form it was written in: {cniVersion, name, plugins:[{type, ...}]},
 * checked.  The caller owns *ret. */
int cni_conf_parse(const char *text, size_t len, struct json_object **ret, struct gantry_error *err);
int cni_conf_read(const char *path, struct json_object **ret, struct gantry_error *err);

/* Is version at least this?  Versions are those that cni_conf_parse lets pass. */
int cni_version_at_least(const char *version, const char *wanted);

/* The configurations in the folders: [{Name, File}], each name once, the first file (in the
 * order of their names) wins; files that are wrong are [{Name: file's name, File, Error}]. */
int cni_conf_list(struct json_object *folders, struct json_object **ret, struct gantry_error *err);

/* The configuration of one plugin of the list for one execution: its own, with the list's
 * name and version, the capabilities' values that it asks for, and a former result. */
struct json_object *cni_conf_plugin(struct json_object *list, size_t i,
				    struct json_object *capabilities,
				    struct json_object *previous);

/* Does a plugin of the list ask for this capability? */
int cni_conf_wants(struct json_object *list, const char *capability);

/* The names of a list that was made here and of its bridge, by the network's id. */
#define CNI_MADE_NAME "gantry-%.12s"
#define CNI_MADE_BRIDGE "cni-%.10s"

/* A list made of what `network create` was told: IPAM, Internal, and the options cni.type,
 * cni.plugins, parent, mode, mtu. */
int cni_conf_make(const char *id, struct json_object *options, const char *subnet,
		  const char *data_dir, struct json_object **ret, struct gantry_error *err);

#endif
