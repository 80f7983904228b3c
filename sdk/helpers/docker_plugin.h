/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugins that speak Docker's plugin protocol, version 1: found by a socket or by a
 * file that says their address, activated when they are first called, and called by
 * POSTs of JSON.  Link CURL_LIBS and JSON_LIBS when you use this.
 *
 * Found are, in this order: SOCKETS/NAME.sock and SOCKETS/NAME/NAME.sock; then in each
 * folder of SPECS NAME.spec, NAME/NAME.spec, NAME.json, NAME/NAME.json.
 */
#ifndef HELPERS_DOCKER_PLUGIN_H
#define HELPERS_DOCKER_PLUGIN_H

#include <stddef.h>

#include <gantry/plugin.h>

#include "json.h"

struct docker_plugin;

/* For the configuration table of an adaptor: keys sockets, specs, deadline,
 * query_deadline. */
#define DOCKER_PLUGIN_CONFIG                                                                     \
	{ "sockets", GANTRY_TYPE_LIST, 0, NULL,                                                  \
	  "folders of plugins' sockets (default /run/docker/plugins)" },                         \
	{ "specs", GANTRY_TYPE_LIST, 0, NULL,                                                    \
	  "folders of .spec and .json files (default /etc/docker/plugins, "                      \
	  "/usr/lib/docker/plugins)" },                                                          \
	{ "deadline", GANTRY_TYPE_INTEGER, 0, "60", "seconds that a plugin may take for work" }, \
	{ "query_deadline", GANTRY_TYPE_INTEGER, 0, "5", "seconds that it may take to answer a question" }

/* What an adaptor needs in a process of its own, as its plugin.conf says, too. */
#define DOCKER_PLUGIN_PERMISSIONS                                                             \
	"net", "unix", "read:/run/docker/plugins", "read:/etc/docker",                        \
		"read:/usr/lib/docker/plugins", "read:$XDG_RUNTIME_DIR", "read:~/.config/docker", \
		"read:~/.local/lib/docker"

/* gantry_driver.discover of an adaptor for plugins that implement interface
 * ("VolumeDriver").  with_dead: of all, also those that do not answer. */
int docker_plugin_discover(const char *config, const char *interface, int with_dead,
			   const char *name, struct gantry_reply *reply, struct gantry_error *err);

/* The plugin that config's "driver" names; nothing is asked of it yet. */
int docker_plugin_new(const char *config, const char *interface, struct docker_plugin **ret,
		      struct gantry_error *err);
struct docker_plugin *docker_plugin_free(struct docker_plugin *p);
const char *docker_plugin_name(const struct docker_plugin *p);

enum docker_plugin_wait {
	DOCKER_PLUGIN_WORK,  /* may take long */
	DOCKER_PLUGIN_QUERY, /* a question; while the plugin is known not to answer, it fails at once */
	DOCKER_PLUGIN_DECIDE, /* a question that is asked each time */
};

/* Calls METHOD ("VolumeDriver.Create") with a JSON object (borrowed; NULL: {}).  The
 * answer is the caller's.  A plugin's own text is in the error.  Thread-safe. */
int docker_plugin_call(struct docker_plugin *p, const char *method, struct json_object *request,
		       enum docker_plugin_wait wait, struct json_object **ret,
		       struct gantry_error *err);

/* Calls METHOD and gives what it answers to take() as it comes; stop() is asked now and
 * then.  Both end the call by returning non-zero. */
int docker_plugin_stream(struct docker_plugin *p, const char *method, struct json_object *request,
			 int (*take)(void *data, const char *bytes, size_t len),
			 int (*stop)(void *data), void *data, struct gantry_error *err);

#endif
