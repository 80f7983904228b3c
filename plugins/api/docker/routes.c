/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routing table.  The first segment of a path chooses a group by name; in
 * it, a pattern is literal text, or begins with "*" for one segment or "**" for
 * one or more (names of images have slashes).  Literal patterns come first.
 */
#include <string.h>

#include "request.h"
#include "routes.h"

#include "helpers/cleanup.h"

enum method {
	GET = 1,
	HEAD = 2,
	POST = 4,
	PUT = 8,
	DELETE = 16,
	ANY = 31,
};

struct route {
	enum method methods;
	const char *pattern; /* after the first segment */
	handler_fn handler;
};

struct group {
	const char *first;
	const struct route *routes; /* ends with a NULL pattern */
};

static const struct route container_routes[] = {
	{ GET, "json", containers_list },
	{ POST, "create", container_create },
	{ POST, "prune", containers_prune },
	{ GET, "*/json", container_inspect },
	{ POST, "*/start", container_start },
	{ POST, "*/wait", container_wait },
	{ POST, "*/attach", container_attach },
	{ POST, "*/resize", container_resize },
	{ DELETE, "*", container_remove },
	{ POST, "*/stop", container_stop },
	{ POST, "*/kill", container_kill },
	{ POST, "*/restart", container_restart },
	{ POST, "*/exec", exec_create },
	{ GET, "*/logs", container_logs },
	{ GET, "*/stats", container_stats },
	{ GET, "*/top", container_top },
	{ POST, "*/pause", container_pause },
	{ POST, "*/unpause", container_unpause },
	{ POST, "*/rename", container_rename },
	{ POST, "*/update", container_update },
	{ HEAD, "*/archive", container_archive_stat },
	{ GET, "*/archive", container_archive_get },
	{ PUT, "*/archive", container_archive_put },
	{ GET, "*/changes", container_changes },
	{ GET, "*/export", container_export },
	{ GET, "*/attach/ws", absent_websocket },
	{ GET, "*/checkpoints", checkpoints_list },
	{ POST, "*/checkpoints", checkpoint_create },
	{ DELETE, "**", checkpoint_remove },
	{ 0, NULL, NULL },
};

static const struct route exec_routes[] = {
	{ POST, "*/start", exec_start },
	{ POST, "*/resize", exec_resize },
	{ GET, "*/json", exec_inspect },
	{ 0, NULL, NULL },
};

static const struct route commit_routes[] = {
	{ POST, "", container_commit },
	{ 0, NULL, NULL },
};

static const struct route image_routes[] = {
	{ GET, "json", images_list },
	{ POST, "create", image_create },
	{ POST, "load", images_load },
	{ POST, "prune", images_prune },
	{ GET, "get", images_save },
	{ GET, "search", absent_search },
	{ GET, "**/json", image_inspect },
	{ GET, "**/history", image_history },
	{ GET, "**/get", image_save },
	{ POST, "**/tag", image_tag },
	{ POST, "**/push", image_push },
	{ DELETE, "**", image_remove },
	{ 0, NULL, NULL },
};

static const struct route network_routes[] = {
	{ GET, "", networks_list },
	{ POST, "create", network_create },
	{ POST, "prune", networks_prune },
	{ GET, "*", network_inspect },
	{ DELETE, "*", network_remove },
	{ POST, "*/connect", network_connect },
	{ POST, "*/disconnect", network_disconnect },
	{ 0, NULL, NULL },
};

static const struct route volume_routes[] = {
	{ GET, "", volumes_list },
	{ POST, "create", volume_create },
	{ POST, "prune", volumes_prune },
	{ GET, "*", volume_inspect },
	{ DELETE, "*", volume_remove },
	{ PUT, "*", absent_volume_update },
	{ 0, NULL, NULL },
};

static const struct route ping_routes[] = {
	{ GET | HEAD, "", system_ping },
	{ 0, NULL, NULL },
};

static const struct route version_routes[] = {
	{ GET, "", system_version },
	{ 0, NULL, NULL },
};

static const struct route info_routes[] = {
	{ GET, "", system_info },
	{ 0, NULL, NULL },
};

static const struct route auth_routes[] = {
	{ POST, "", system_auth },
	{ 0, NULL, NULL },
};

static const struct route event_routes[] = {
	{ GET, "", system_events },
	{ 0, NULL, NULL },
};

static const struct route system_routes[] = {
	{ GET, "df", system_disk_usage },
	{ 0, NULL, NULL },
};

static const struct route gantry_routes[] = {
	{ GET, "doctor", gantry_doctor },
	{ POST, "doctor", gantry_doctor_clear },
	{ GET, "metrics", gantry_metrics },
	{ GET, "metrics/**", gantry_metrics },
	{ POST, "policy", gantry_policy },
	{ GET, "plugins", gantry_plugins_list },
	{ POST, "plugins", gantry_plugin_manage },
	{ GET, "plugins/**", gantry_plugin_inspect },
	{ GET, "plugin-stats", gantry_plugin_stats },
	{ GET, "plugin-stats/**", gantry_plugin_stats },
	{ GET, "plugin-logs/**", gantry_plugin_logs },
	{ GET, "plugin-trace/**", gantry_plugin_trace },
	{ POST, "plugin-reload/**", gantry_plugin_reload },
	{ 0, NULL, NULL },
};

static const struct route plugin_routes[] = {
	{ GET, "", plugins_list },
	{ GET, "**/json", plugin_inspect },
	{ ANY, "**", absent_plugin_management },
	{ 0, NULL, NULL },
};

static const struct route build_routes[] = {
	{ POST, "", absent_build },
	{ POST, "prune", absent_build_prune },
	{ POST, "cancel", absent_build },
	{ 0, NULL, NULL },
};

static const struct route buildkit_routes[] = {
	{ POST, "", absent_build },
	{ 0, NULL, NULL },
};

static const struct route swarm_routes[] = {
	{ ANY, "", absent_swarm },
	{ ANY, "**", absent_swarm },
	{ 0, NULL, NULL },
};

static const struct route distribution_routes[] = {
	{ GET, "**/json", absent_distribution },
	{ 0, NULL, NULL },
};

static const struct group groups[] = {
	{ "containers", container_routes }, { "images", image_routes },
	{ "exec", exec_routes },            { "_ping", ping_routes },
	{ "networks", network_routes },     { "volumes", volume_routes },
	{ "version", version_routes },      { "info", info_routes },
	{ "events", event_routes },         { "commit", commit_routes },
	{ "system", system_routes },        { "auth", auth_routes },
	{ "gantry", gantry_routes },        { "plugins", plugin_routes },
	{ "build", build_routes },          { "session", buildkit_routes },
	{ "grpc", buildkit_routes },        { "distribution", distribution_routes },
	{ "swarm", swarm_routes },          { "nodes", swarm_routes },
	{ "services", swarm_routes },       { "tasks", swarm_routes },
	{ "secrets", swarm_routes },        { "configs", swarm_routes },
};

static enum method method_of(const char *name)
{
	switch (name[0]) {
	case 'G':
		return strcmp(name, "GET") ? 0 : GET;
	case 'H':
		return strcmp(name, "HEAD") ? 0 : HEAD;
	case 'D':
		return strcmp(name, "DELETE") ? 0 : DELETE;
	case 'P':
		return !strcmp(name, "POST") ? POST : !strcmp(name, "PUT") ? PUT : 0;
	default:
		return 0;
	}
}

/* Does rest match?  The wildcard's part is *ret_name of *ret_len bytes. */
static int matches(const char *pattern, char *rest, char **ret_name, size_t *ret_len)
{
	const char *star = strchr(pattern, '*');
	size_t before, after, len;
	const char *suffix;
	char *slash;

	*ret_name = NULL;
	if (!star) {
		return !strcmp(pattern, rest);
	}
	before = (size_t)(star - pattern);
	if (strncmp(pattern, rest, before)) {
		return 0;
	}
	rest += before;
	len = strlen(rest);
	suffix = star[1] == '*' ? star + 2 : star + 1;
	after = strlen(suffix);
	if (len <= after || strcmp(rest + len - after, suffix)) {
		return 0;
	}
	slash = strchr(rest, '/');
	if (star[1] != '*' && slash && slash < rest + len - after) {
		return 0;
	}
	*ret_name = rest;
	*ret_len = len - after;
	return 1;
}

static const struct route *find_group(const char *first, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		if (!strncmp(groups[i].first, first, len) && groups[i].first[len] == '\0') {
			return groups[i].routes;
		}
	}
	return NULL;
}

handler_fn route_find(struct request *rq, struct gantry_error *err)
{
	enum method method = method_of(rq->method);
	size_t first = strcspn(rq->path, "/");
	const struct route *route = find_group(rq->path, first);
	char *rest = rq->path + first + (rq->path[first] == '/');
	char *name;
	size_t len;

	for (; route && route->pattern; route++) {
		if (!(route->methods & method) || !matches(route->pattern, rest, &name, &len)) {
			continue;
		}
		if (name) {
			name[len] = '\0';
			if (percent_decode(name, QUERY_PLUS_KEEP, err) < 0) {
				return NULL;
			}
			rq->name = name;
		}
		return route->handler;
	}
	return NULL;
}
