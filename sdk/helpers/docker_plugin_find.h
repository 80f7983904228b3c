/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a plugin of Docker's protocol is: the folders, and what lies in them.
 */
#ifndef HELPERS_DOCKER_PLUGIN_FIND_H
#define HELPERS_DOCKER_PLUGIN_FIND_H

#include "http_call.h"
#include "json.h"

struct docker_plugin_folders {
	struct json_object *sockets; /* arrays of paths */
	struct json_object *specs;
};

/* Those that an adaptor's configuration says, or the usual ones. */
int docker_plugin_folders_init(struct docker_plugin_folders *f, struct json_object *config,
			       struct gantry_error *err);
void docker_plugin_folders_done(struct docker_plugin_folders *f);
static inline void docker_plugin_folders_auto(struct docker_plugin_folders *f)
{
	docker_plugin_folders_done(f);
}

/* Could a plugin have this name? */
int docker_plugin_is_name(const char *name);

/* Its address.  NOT_FOUND when no folder has it; INVALID when its file is wrong. */
int docker_plugin_find(const struct docker_plugin_folders *f, const char *name,
		       struct http_place *ret, struct gantry_error *err);

/* The names in all folders, each once, as a JSON array that the caller owns. */
int docker_plugin_names(const struct docker_plugin_folders *f, struct json_object **ret,
			struct gantry_error *err);

/* What a .json file says.  For the fuzzer. */
int docker_plugin_parse_json(const char *text, size_t len, struct http_place *ret,
			     struct gantry_error *err);

#endif
