/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "jref.h"
#include "resources.h"
#include "spec.h"

const char *const ns_names[NS_MAX] = {
	[NS_USER] = "user", [NS_MOUNT] = "mount", [NS_PID] = "pid", [NS_NETWORK] = "network",
	[NS_IPC] = "ipc", [NS_UTS] = "uts", [NS_CGROUP] = "cgroup", [NS_TIME] = "time",
};

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

const int ns_flags[NS_MAX] = {
	[NS_USER] = CLONE_NEWUSER, [NS_MOUNT] = CLONE_NEWNS, [NS_PID] = CLONE_NEWPID,
	[NS_NETWORK] = CLONE_NEWNET, [NS_IPC] = CLONE_NEWIPC, [NS_UTS] = CLONE_NEWUTS,
	[NS_CGROUP] = CLONE_NEWCGROUP, [NS_TIME] = CLONE_NEWTIME,
};

const char *const ns_files[NS_MAX] = {
	[NS_USER] = "user", [NS_MOUNT] = "mnt", [NS_PID] = "pid", [NS_NETWORK] = "net",
	[NS_IPC] = "ipc", [NS_UTS] = "uts", [NS_CGROUP] = "cgroup", [NS_TIME] = "time",
};

static int parse_map_list(const struct jref *at, const char *key, struct arena *a,
			  struct id_map **ret, size_t *ret_n, struct gantry_error *err)
{
	struct jref list, item;
	struct id_map *maps;
	int r = jref_get(at, key, json_type_array, &list, err);

	if (r <= 0)
		return r;
	if (jref_len(&list) > 340)
		return jref_fail(&list, err, "the kernel takes at most 340 entries");
	maps = arena_array(a, (size_t)jref_len(&list) + 1, sizeof(*maps));
	if (!maps)
		return error_no_memory(err);
	for (int i = 0; i < jref_len(&list); i++) {
		int64_t container = -1, host = -1, size = -1;

		if ((r = jref_item(&list, i, json_type_object, &item, err)) < 0 ||
		    (r = jref_int(&item, "containerID", 0, UINT32_MAX - 1, &container, err)) < 0 ||
		    (r = jref_int(&item, "hostID", 0, UINT32_MAX - 1, &host, err)) < 0 ||
		    (r = jref_int(&item, "size", 1, UINT32_MAX, &size, err)) < 0)
			return r;
		if (container < 0 || host < 0 || size < 0)
			return jref_fail(&item, err, "needs containerID, hostID and size");
		maps[i] = (struct id_map){ (uint32_t)container, (uint32_t)host, (uint32_t)size };
	}
	*ret = maps;
	*ret_n = (size_t)jref_len(&list);
	return 1;
}

int id_maps_parse(const struct jref *at, struct arena *a, struct id_maps *ret,
		  struct gantry_error *err)
{
	int r = parse_map_list(at, "uidMappings", a, &ret->uid, &ret->n_uid, err);

	if (r < 0)
		return r;
	r = parse_map_list(at, "gidMappings", a, &ret->gid, &ret->n_gid, err);
	if (r < 0)
		return r;
	if (!ret->n_uid != !ret->n_gid)
		return jref_fail(at, err, "uidMappings and gidMappings go together");
	return 0;
}

int64_t id_map_host(const struct id_map *map, size_t n, uint32_t container_id)
{
	for (size_t i = 0; i < n; i++) {
		if (container_id >= map[i].container &&
		    container_id - map[i].container < map[i].size)
			return (int64_t)map[i].host + (container_id - map[i].container);
	}
	return -1;
}

static int parse_version(const struct jref *top, struct spec *s, struct gantry_error *err)
{
	int major, minor, end = 0;
	int r = jref_string(top, "ociVersion", &s->oci_version, err);

	if (r < 0)
		return r;
	if (r == 0)
		return jref_fail(top, err, "ociVersion is missing");
	if (sscanf(s->oci_version, "%d.%d%n", &major, &minor, &end) != 2 || major < 0 ||
	    minor < 0 || (s->oci_version[end] != '.' && s->oci_version[end] != '\0'))
		return jref_fail(top, err, "ociVersion: \"%s\" is not a version", s->oci_version);
	if (major != 1) {
		jref_fail(top, err, "ociVersion: version %s is not supported", s->oci_version);
		err->code = GANTRY_ERR_UNSUPPORTED;
		return error_hint(err, "configurations of version 1.x are understood");
	}
	return 0;
}

static int parse_mount(const struct jref *at, struct spec *s, struct mount_spec *m,
		       struct gantry_error *err)
{
	int r;

	if ((r = jref_string(at, "destination", &m->destination, err)) < 0 ||
	    (r = jref_string(at, "type", &m->type, err)) < 0 ||
	    (r = jref_string(at, "source", &m->source, err)) < 0)
		return r;
	if (!m->destination || !m->destination[0])
		return jref_fail(at, err, "destination is missing");
	if ((r = mount_options_parse(at, &s->arena, &m->options, err)) < 0 ||
	    (r = id_maps_parse(at, &s->arena, &m->maps, err)) < 0)
		return r;
	if (m->type && !strcmp(m->type, "bind"))
		m->options.bind = true;
	if (m->maps.n_uid && m->options.idmap == IDMAP_NONE)
		m->options.idmap = IDMAP_MOUNT;
	if (m->options.bind && !m->source)
		return jref_fail(at, err, "source is missing");
	if (!m->options.bind && !m->type)
		return jref_fail(at, err, "type is missing");
	if (!m->source)
		m->source = m->type;
	return 0;
}

static int parse_mounts(const struct jref *top, struct spec *s, struct gantry_error *err)
{
	struct jref list, item;
	int r = jref_get(top, "mounts", json_type_array, &list, err);

	if (r <= 0)
		return r;
	s->mounts = arena_array(&s->arena, (size_t)jref_len(&list) + 1, sizeof(*s->mounts));
	if (!s->mounts)
		return error_no_memory(err);
	for (int i = 0; i < jref_len(&list); i++) {
		if ((r = jref_item(&list, i, json_type_object, &item, err)) < 0 ||
		    (r = parse_mount(&item, s, &s->mounts[s->n_mounts++], err)) < 0)
			return r;
	}
	return 0;
}

static int parse_root(const struct jref *top, struct spec *s, struct gantry_error *err)
{
	struct jref root;
	int r = jref_get(top, "root", json_type_object, &root, err);

	if (r <= 0)
		return r;
	if ((r = jref_string(&root, "path", &s->root_path, err)) < 0 ||
	    (r = jref_bool(&root, "readonly", &s->root_read_only, err)) < 0)
		return r;
	if (!s->root_path || !s->root_path[0])
		return jref_fail(&root, err, "path is missing");
	return 0;
}

static int parse_annotations(const struct jref *top, struct gantry_error *err)
{
	struct jref annotations;
	int r = jref_get(top, "annotations", json_type_object, &annotations, err);

	if (r <= 0)
		return r;
	json_object_object_foreach(annotations.obj, key, value) {
		if (!json_object_is_type(value, json_type_string))
			return jref_fail(&annotations, err, "\"%s\" must be a string", key);
		if (!key[0])
			return jref_fail(&annotations, err, "a key must not be empty");
	}
	return 0;
}

/* The annotation is for those who cannot add to `process`, which goes before it. */
static int parse_landlock(struct spec *s, struct gantry_error *err)
{
	struct jref at = { .key = "config.json: annotations." LANDLOCK_ANNOTATION };
	struct json_object *annotations, *value;
	const char *text;
	int r;

	if (s->process.landlock.present || !json_object_object_get_ex(s->json, "annotations", &annotations) ||
	    !json_object_object_get_ex(annotations, LANDLOCK_ANNOTATION, &value))
		return 0;
	text = json_object_get_string(value);
	r = jref_parse(text, strlen(text), at.key, &s->landlock, err);
	if (r < 0)
		return r;
	at.obj = s->landlock;
	return landlock_parse(&at, &s->arena, &s->process.landlock, err);
}

/* Of two names that differ one would be lost. */
static int check_names(const struct jref *top, const struct spec *s, struct gantry_error *err)
{
	const struct {
		const char *field, *value, *sysctl;
	} names[] = {
		{ "hostname", s->hostname, "kernel.hostname" },
		{ "domainname", s->domainname, "kernel.domainname" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].value && !s->ns[NS_UTS].present)
			return jref_fail(top, err, "%s: needs a namespace of type uts", names[i].field);
		for (size_t k = 0; k < s->n_sysctls && names[i].value; k++) {
			if (!strcmp(s->sysctls[k].key, names[i].sysctl) &&
			    strcmp(s->sysctls[k].value, names[i].value))
				return jref_fail(top, err, "%s: \"%s\" and linux.sysctl's %s differ",
						 names[i].field, names[i].value, names[i].sysctl);
		}
	}
	return 0;
}

static int parse_document(const struct jref *top, struct spec *s, struct gantry_error *err)
{
	struct jref process;
	int r;

	if ((r = parse_version(top, s, err)) < 0 || (r = parse_root(top, s, err)) < 0)
		return r;
	r = jref_get(top, "process", json_type_object, &process, err);
	if (r < 0)
		return r;
	if (r > 0) {
		s->has_process = true;
		r = process_parse(&process, &s->arena, &s->process, err);
		if (r < 0)
			return r;
	}
	if ((r = jref_string(top, "hostname", &s->hostname, err)) < 0 ||
	    (r = jref_string(top, "domainname", &s->domainname, err)) < 0 ||
	    (r = parse_mounts(top, s, err)) < 0 || (r = spec_parse_hooks(top, s, err)) < 0 ||
	    (r = parse_annotations(top, err)) < 0 || (r = parse_landlock(s, err)) < 0 ||
	    (r = spec_parse_linux(top, s, err)) < 0)
		return r;
	return check_names(top, s, err);
}

int spec_parse(const char *text, size_t len, struct spec *ret, struct gantry_error *err)
{
	struct spec s = { 0 };
	struct jref top = { .key = "config.json" };
	int r = jref_parse(text, len, "config.json", &s.json, err);

	if (r < 0)
		return r;
	top.obj = s.json;
	r = parse_document(&top, &s, err);
	if (r < 0) {
		spec_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}

bool spec_keeps_id(const struct spec *s)
{
	struct json_object *annotations, *value;

	return json_object_object_get_ex(s->json, "annotations", &annotations) &&
	       json_object_object_get_ex(annotations, "org.gantry.userns", &value) &&
	       !strcmp(json_object_get_string(value), "keep-id");
}

void spec_done(struct spec *s)
{
	json_object_put(s->json);
	json_object_put(s->landlock);
	s->json = s->landlock = NULL;
	arena_done(&s->arena);
}
