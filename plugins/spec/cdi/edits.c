/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "edits.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

/* Members that are made when they are not there. */
static struct json_object *need_object(struct json_object *o, const char *key)
{
	struct json_object *v = json_get_object(o, key);

	if (!v) {
		v = json_object_new_object();
		json_set(o, key, v);
	}
	return v;
}

static struct json_object *need_array(struct json_object *o, const char *key)
{
	struct json_object *v = json_get_array(o, key);

	if (!v) {
		v = json_object_new_array();
		json_set(o, key, v);
	}
	return v;
}

/* Adds value to the array, in place of one with the same text in member key. */
static void put(struct json_object *array, const char *key, struct json_object *value)
{
	const char *text = json_get_string(value, key);

	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *have = json_get_string(json_object_array_get_idx(array, i), key);

		if (have && !strcmp(have, text)) {
			json_object_array_put_idx(array, i, value);
			return;
		}
	}
	json_object_array_add(array, value);
}

static void add_env(struct json_object *spec, const char *entry)
{
	struct json_object *env = need_array(need_object(spec, "process"), "env");
	size_t n = strcspn(entry, "=") + 1;

	for (size_t i = 0; i < json_array_size(env); i++) {
		const char *have = json_item_string(env, i);

		if (have && !strncmp(have, entry, n)) {
			json_object_array_put_idx(env, i, json_object_new_string(entry));
			return;
		}
	}
	json_add_string(env, entry);
}

/* ---- device nodes ---- */

/* Type and numbers, from the file or from the node on this host. */
static int complete_node(struct json_object *node, struct json_object *out, struct gantry_error *err)
{
	const char *path = json_get_string(node, "path"), *host = json_get_string(node, "hostPath");
	const char *type = json_get_string(node, "type");
	int64_t major_number = json_get_int(node, "major", -1), minor_number = json_get_int(node, "minor", -1);
	struct stat st;

	host = host && *host ? host : path;
	if (type && *type && (!strcmp(type, "p") || (major_number >= 0 && minor_number >= 0))) {
		json_set_string(out, "type", type);
		json_set_int(out, "major", major_number >= 0 ? major_number : 0);
		json_set_int(out, "minor", minor_number >= 0 ? minor_number : 0);
		return 0;
	}
	if (stat(host, &st) < 0) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "device node %s is not on this host: %s", host,
				 strerror(errno));
	}
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode) && !S_ISFIFO(st.st_mode)) {
		return error_set(err, GANTRY_ERR_INVALID, "%s is no device node", host);
	}
	json_set_string(out, "type", S_ISBLK(st.st_mode) ? "b" : S_ISFIFO(st.st_mode) ? "p" : "c");
	json_set_int(out, "major", major_number >= 0 ? major_number : (int64_t)major(st.st_rdev));
	json_set_int(out, "minor", minor_number >= 0 ? minor_number : (int64_t)minor(st.st_rdev));
	if (!json_get(node, "fileMode")) {
		json_set_int(out, "fileMode", st.st_mode & 0777);
	}
	return 0;
}

static void allow(struct json_object *spec, struct json_object *device, const char *permissions)
{
	struct json_object *rules =
		need_array(need_object(need_object(spec, "linux"), "resources"), "devices");
	struct json_object *rule = json_object_new_object();

	json_set_bool(rule, "allow", 1);
	json_set_string(rule, "type", json_get_string(device, "type"));
	json_set_int(rule, "major", json_get_int(device, "major", 0));
	json_set_int(rule, "minor", json_get_int(device, "minor", 0));
	json_set_string(rule, "access", permissions && *permissions ? permissions : "rwm");
	json_object_array_add(rules, rule);
}

/* A node belongs to whom the file says, else to the container's user. */
static void set_owner(struct json_object *node, struct json_object *spec, struct json_object *device,
		      const char *key)
{
	struct json_object *user = json_get_object(json_get_object(spec, "process"), "user");
	int64_t id = json_get_int(node, key, -1);

	if (id < 0) {
		id = json_get_int(user, key, 0);
	}
	if (id > 0 || json_get(node, key)) {
		json_set_int(device, key, id);
	}
}

static int add_node(struct json_object *node, struct json_object *spec, struct gantry_error *err)
{
	auto_json struct json_object *device = json_object_new_object();
	const char *type;
	int r = complete_node(node, device, err);

	if (r < 0) {
		return r;
	}
	json_set_string(device, "path", json_get_string(node, "path"));
	if (json_get(node, "fileMode")) {
		json_set_int(device, "fileMode", json_get_int(node, "fileMode", 0));
	}
	set_owner(node, spec, device, "uid");
	set_owner(node, spec, device, "gid");
	type = json_get_string(device, "type");
	if (strcmp(type, "p")) {
		allow(spec, device, json_get_string(node, "permissions"));
	}
	put(need_array(need_object(spec, "linux"), "devices"), "path", steal(&device));
	return 0;
}

/* ---- mounts, hooks, groups, the rest ---- */

static int has_option(struct json_object *options, const char *wanted)
{
	for (size_t i = 0; i < json_array_size(options); i++) {
		const char *o = json_item_string(options, i);

		if (o && !strcmp(o, wanted)) {
			return 1;
		}
	}
	return 0;
}

static void add_mount(struct json_object *given, struct json_object *spec)
{
	struct json_object *m = json_object_new_object(), *options = json_get_array(given, "options");
	const char *type = json_get_string(given, "type");
	int is_bind = !type || !*type || !strcmp(type, "bind") || has_option(options, "bind") ||
		      has_option(options, "rbind");

	json_set_string(m, "destination", json_get_string(given, "containerPath"));
	json_set_string(m, "source", json_get_string(given, "hostPath"));
	json_set_string(m, "type", is_bind ? "bind" : type);
	options = options ? json_object_get(options) : json_object_new_array();
	json_set(m, "options", options);
	if (is_bind && !has_option(options, "bind") && !has_option(options, "rbind")) {
		struct json_object *own = NULL;

		json_object_deep_copy(options, &own, NULL);
		json_add_string(own, "rbind");
		json_set(m, "options", own);
	}
	put(need_array(spec, "mounts"), "destination", m);
}

static void add_hook(struct json_object *given, struct json_object *spec)
{
	static const char *const members[] = { "path", "args", "env", "timeout" };
	struct json_object *hook = json_object_new_object();

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		struct json_object *v = json_get(given, members[i]);

		if (v) {
			json_set(hook, members[i], json_object_get(v));
		}
	}
	json_object_array_add(need_array(need_object(spec, "hooks"), json_get_string(given, "hookName")),
			      hook);
}

static void add_gid(int64_t gid, struct json_object *spec)
{
	struct json_object *gids =
		need_array(need_object(need_object(spec, "process"), "user"), "additionalGids");

	for (size_t i = 0; i < json_array_size(gids); i++) {
		if (json_object_get_int64(json_object_array_get_idx(gids, i)) == gid) {
			return;
		}
	}
	if (gid > 0) {
		json_object_array_add(gids, json_object_new_int64(gid));
	}
}

static void add_net_device(struct json_object *given, struct json_object *spec)
{
	struct json_object *o = json_object_new_object();

	json_set_string(o, "name", json_get_string(given, "name"));
	json_set(need_object(need_object(spec, "linux"), "netDevices"),
		 json_get_string(given, "hostInterfaceName"), o);
}

int edits_apply(struct json_object *edits, struct json_object *spec, struct gantry_error *err)
{
	struct json_object *env = json_get_array(edits, "env"), *nodes = json_get_array(edits, "deviceNodes");
	struct json_object *mounts = json_get_array(edits, "mounts"), *hooks = json_get_array(edits, "hooks");
	struct json_object *gids = json_get_array(edits, "additionalGids");
	struct json_object *rdt = json_get_object(edits, "intelRdt");
	struct json_object *net = json_get_array(edits, "netDevices");
	int r = 0;

	for (size_t i = 0; i < json_array_size(env); i++) {
		add_env(spec, json_item_string(env, i));
	}
	for (size_t i = 0; r == 0 && i < json_array_size(nodes); i++) {
		r = add_node(json_object_array_get_idx(nodes, i), spec, err);
	}
	for (size_t i = 0; i < json_array_size(mounts); i++) {
		add_mount(json_object_array_get_idx(mounts, i), spec);
	}
	for (size_t i = 0; i < json_array_size(hooks); i++) {
		add_hook(json_object_array_get_idx(hooks, i), spec);
	}
	for (size_t i = 0; i < json_array_size(gids); i++) {
		add_gid(json_object_get_int64(json_object_array_get_idx(gids, i)), spec);
	}
	for (size_t i = 0; i < json_array_size(net); i++) {
		add_net_device(json_object_array_get_idx(net, i), spec);
	}
	if (rdt) {
		json_set(need_object(spec, "linux"), "intelRdt", json_object_get(rdt));
	}
	return r;
}

static int depth_of(struct json_object *mount)
{
	const char *path = json_get_string(mount, "destination");
	int n = 0;

	for (; path && *path; path++) {
		n += *path == '/' && path[1];
	}
	return n;
}

static int by_depth(const void *a, const void *b)
{
	struct json_object *const *x = a, *const *y = b;

	return depth_of(*x) - depth_of(*y);
}

/* Insertion, since the order of equals must stay. */
void edits_sort_mounts(struct json_object *spec)
{
	struct json_object *mounts = json_get_array(spec, "mounts");
	size_t n = json_array_size(mounts);
	auto_free struct json_object **list = calloc(n + 1, sizeof(*list));

	for (size_t i = 0; list && i < n; i++) {
		struct json_object *m = json_object_get(json_object_array_get_idx(mounts, i));
		size_t k = i;

		for (; k > 0 && by_depth(&list[k - 1], &m) > 0; k--) {
			list[k] = list[k - 1];
		}
		list[k] = m;
	}
	for (size_t i = 0; list && i < n; i++) {
		json_object_array_put_idx(mounts, i, list[i]);
	}
}
