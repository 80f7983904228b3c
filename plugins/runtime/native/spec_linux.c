/* SPDX-License-Identifier: Apache-2.0 */
/* The `linux` and `hooks` objects of a configuration. */
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <json-c/json.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "jref.h"
#include "resources.h"
#include "spec.h"

static const char *const stage_names[HOOK_MAX] = {
	[HOOK_PRESTART] = "prestart",
	[HOOK_CREATE_RUNTIME] = "createRuntime",
	[HOOK_CREATE_CONTAINER] = "createContainer",
	[HOOK_START_CONTAINER] = "startContainer",
	[HOOK_POSTSTART] = "poststart",
	[HOOK_POSTSTOP] = "poststop",
};

static int parse_hook(const struct jref *at, struct arena *a, struct hook *h,
		      struct gantry_error *err)
{
	int64_t timeout = 0;
	int r;

	if ((r = jref_string(at, "path", &h->path, err)) < 0 ||
	    (r = jref_strings(at, "args", a, &h->args, err)) < 0 ||
	    (r = jref_strings(at, "env", a, &h->env, err)) < 0 ||
	    (r = jref_int(at, "timeout", 1, INT32_MAX / 1000, &timeout, err)) < 0)
		return r;
	if (!h->path || h->path[0] != '/')
		return jref_fail(at, err, "path must be absolute");
	h->timeout_s = (int)timeout;
	return 0;
}

int spec_parse_hooks(const struct jref *top, struct spec *s, struct gantry_error *err)
{
	struct jref hooks, list, item;
	int r = jref_get(top, "hooks", json_type_object, &hooks, err);

	if (r <= 0)
		return r;
	for (int stage = 0; stage < HOOK_MAX; stage++) {
		struct hook_list *l = &s->hooks[stage];

		r = jref_get(&hooks, stage_names[stage], json_type_array, &list, err);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		l->hooks = arena_array(&s->arena, (size_t)jref_len(&list) + 1, sizeof(*l->hooks));
		if (!l->hooks)
			return error_no_memory(err);
		for (int i = 0; i < jref_len(&list); i++) {
			if ((r = jref_item(&list, i, json_type_object, &item, err)) < 0 ||
			    (r = parse_hook(&item, &s->arena, &l->hooks[l->n++], err)) < 0)
				return r;
		}
	}
	return 0;
}

static int parse_namespaces(const struct jref *linux_, struct spec *s, struct gantry_error *err)
{
	struct jref list, item;
	int r = jref_get(linux_, "namespaces", json_type_array, &list, err);

	if (r <= 0)
		return r;
	for (int i = 0; i < jref_len(&list); i++) {
		const char *type = NULL, *path = NULL;
		int kind;

		if ((r = jref_item(&list, i, json_type_object, &item, err)) < 0 ||
		    (r = jref_string(&item, "type", &type, err)) < 0 ||
		    (r = jref_string(&item, "path", &path, err)) < 0)
			return r;
		for (kind = 0; kind < NS_MAX && type; kind++) {
			if (!strcmp(ns_names[kind], type))
				break;
		}
		if (!type || kind == NS_MAX)
			return jref_fail(&item, err, "type: \"%s\" is not a namespace",
					 type ? type : "");
		if (s->ns[kind].present)
			return jref_fail(&item, err, "type: \"%s\" is given twice", type);
		if (path && path[0] && path[0] != '/')
			return jref_fail(&item, err, "path must be absolute");
		s->ns[kind].present = true;
		s->ns[kind].path = path && path[0] ? path : NULL;
	}
	return 0;
}

/* "/dev/x/" is "/dev/x". */
static int trim_slashes(const char **path, struct arena *a, struct gantry_error *err)
{
	size_t len = strlen(*path);

	if (len < 2 || (*path)[len - 1] != '/')
		return 0;
	while (len > 1 && (*path)[len - 1] == '/')
		len--;
	*path = arena_printf(a, "%.*s", (int)len, *path);
	return *path ? 0 : error_no_memory(err);
}

static int parse_device(const struct jref *at, struct arena *a, struct device_spec *d,
			struct gantry_error *err)
{
	int64_t major = 0, minor = 0, mode = 0666, uid = 0, gid = 0;
	const char *type = NULL;
	int r;

	if ((r = jref_string(at, "path", &d->path, err)) < 0 ||
	    (r = jref_string(at, "type", &type, err)) < 0 ||
	    (r = jref_int(at, "major", -1, UINT32_MAX, &major, err)) < 0 ||
	    (r = jref_int(at, "minor", -1, UINT32_MAX, &minor, err)) < 0 ||
	    (r = jref_int(at, "fileMode", 0, UINT32_MAX, &mode, err)) < 0 ||
	    (r = jref_int(at, "uid", 0, UINT32_MAX - 1, &uid, err)) < 0 ||
	    (r = jref_int(at, "gid", 0, UINT32_MAX - 1, &gid, err)) < 0)
		return r;
	if (!d->path || d->path[0] != '/')
		return jref_fail(at, err, "path must be absolute");
	if (!type || !type[0] || type[1] || !strchr("cubp", type[0]))
		return jref_fail(at, err, "type must be c, u, b or p");
	r = trim_slashes(&d->path, a, err);
	if (r < 0)
		return r;
	d->type = type[0] == 'b' ? S_IFBLK : type[0] == 'p' ? S_IFIFO : S_IFCHR;
	d->major = (uint32_t)major;
	d->minor = (uint32_t)minor;
	d->mode = (mode_t)mode & 07777;
	d->uid = (uid_t)uid;
	d->gid = (gid_t)gid;
	return 0;
}

static int parse_devices(const struct jref *linux_, struct spec *s, struct gantry_error *err)
{
	struct jref list, item;
	int r = jref_get(linux_, "devices", json_type_array, &list, err);

	if (r <= 0)
		return r;
	s->devices = arena_array(&s->arena, (size_t)jref_len(&list) + 1, sizeof(*s->devices));
	if (!s->devices)
		return error_no_memory(err);
	for (int i = 0; i < jref_len(&list); i++) {
		if ((r = jref_item(&list, i, json_type_object, &item, err)) < 0 ||
		    (r = parse_device(&item, &s->arena, &s->devices[s->n_devices++], err)) < 0)
			return r;
	}
	return 0;
}

static int parse_sysctls(const struct jref *linux_, struct spec *s, struct gantry_error *err)
{
	struct jref map;
	int r = jref_get(linux_, "sysctl", json_type_object, &map, err);

	if (r <= 0)
		return r;
	s->sysctls = arena_array(&s->arena, (size_t)json_object_object_length(map.obj) + 1,
				 sizeof(*s->sysctls));
	if (!s->sysctls)
		return error_no_memory(err);
	json_object_object_foreach(map.obj, key, value) {
		const char *text = NULL;

		(void)value;
		if ((r = jref_string(&map, key, &text, err)) < 0)
			return r;
		if (!key[0] || key[0] == '/' || strstr(key, "..") || !text)
			return jref_fail(&map, err, "\"%s\" is not a kernel parameter", key);
		s->sysctls[s->n_sysctls++] = (struct key_value){ key, text };
	}
	return 0;
}

static int parse_net_devices(const struct jref *linux_, struct spec *s, struct gantry_error *err)
{
	struct jref map, item;
	int r = jref_get(linux_, "netDevices", json_type_object, &map, err);

	if (r <= 0)
		return r;
	s->net_devices = arena_array(&s->arena, (size_t)json_object_object_length(map.obj) + 1,
				     sizeof(*s->net_devices));
	if (!s->net_devices)
		return error_no_memory(err);
	json_object_object_foreach(map.obj, key, value) {
		struct net_device *d = &s->net_devices[s->n_net_devices++];

		(void)value;
		if ((r = jref_get(&map, key, json_type_object, &item, err)) <= 0)
			return r < 0 ? r : jref_fail(&map, err, "\"%s\" must be an object", key);
		d->host_name = key;
		d->name = key;
		if ((r = jref_string(&item, "name", &d->name, err)) < 0)
			return r;
		if (!key[0] || strlen(key) > 15 || strchr(key, '/'))
			return jref_fail(&map, err, "\"%s\" is not an interface name", key);
		if (!d->name[0] || strlen(d->name) > 15 || strchr(d->name, '/') ||
		    !strcmp(d->name, ".") || !strcmp(d->name, ".."))
			return jref_fail(&item, err, "name: \"%s\" is not an interface name",
					 d->name);
	}
	if (s->n_net_devices && !s->ns[NS_NETWORK].present)
		return jref_fail(&map, err, "needs a namespace of type network");
	return 0;
}

static int parse_time_offsets(const struct jref *linux_, struct spec *s, struct gantry_error *err)
{
	struct jref map, item;
	int r = jref_get(linux_, "timeOffsets", json_type_object, &map, err);

	if (r <= 0)
		return r;
	s->time_offsets = arena_array(&s->arena, 2, sizeof(*s->time_offsets));
	if (!s->time_offsets)
		return error_no_memory(err);
	json_object_object_foreach(map.obj, key, value) {
		int64_t secs = 0, nanos = 0;

		(void)value;
		if (strcmp(key, "monotonic") && strcmp(key, "boottime"))
			return jref_fail(&map, err, "\"%s\" is not monotonic or boottime", key);
		if ((r = jref_get(&map, key, json_type_object, &item, err)) < 0 ||
		    (r > 0 && ((r = jref_int(&item, "secs", INT64_MIN, INT64_MAX, &secs, err)) < 0 ||
			       (r = jref_int(&item, "nanosecs", 0, 999999999, &nanos, err)) < 0)))
			return r;
		s->time_offsets[s->n_time_offsets++] =
			(struct time_offset){ key, secs, (uint32_t)nanos };
	}
	if (s->n_time_offsets && (!s->ns[NS_TIME].present || s->ns[NS_TIME].path))
		return jref_fail(&map, err, "needs a new namespace of type time");
	return 0;
}

static int parse_personality(const struct jref *linux_, struct spec *s, struct gantry_error *err)
{
	const char *domain = NULL;
	struct jref at, flags;
	int r = jref_get(linux_, "personality", json_type_object, &at, err);

	if (r <= 0)
		return r;
	if ((r = jref_string(&at, "domain", &domain, err)) < 0 ||
	    (r = jref_get(&at, "flags", json_type_array, &flags, err)) < 0)
		return r;
	if (r > 0 && jref_len(&flags) > 0)
		return jref_fail(&flags, err, "no flag is defined");
	if (domain && !strcmp(domain, "LINUX"))
		s->personality = 0;
	else if (domain && !strcmp(domain, "LINUX32"))
		s->personality = 8;
	else
		return jref_fail(&at, err, "domain: \"%s\" is not LINUX or LINUX32",
				 domain ? domain : "");
	s->has_personality = true;
	return 0;
}

static int parse_memory_policy(const struct jref *linux_, struct spec *s,
			       struct gantry_error *err)
{
	static const char *const modes[] = { "MPOL_DEFAULT", "MPOL_PREFERRED", "MPOL_BIND",
					     "MPOL_INTERLEAVE", "MPOL_LOCAL",
					     "MPOL_PREFERRED_MANY", "MPOL_WEIGHTED_INTERLEAVE" };
	const char *mode = NULL;
	const char *const *flags = NULL;
	struct jref at;
	size_t i;
	int r = jref_get(linux_, "memoryPolicy", json_type_object, &at, err);

	if (r <= 0)
		return r;
	if ((r = jref_string(&at, "mode", &mode, err)) < 0 ||
	    (r = jref_string(&at, "nodes", &s->memory_policy.nodes, err)) < 0 ||
	    (r = jref_strings(&at, "flags", &s->arena, &flags, err)) < 0)
		return r;
	for (i = 0; i < ARRAY_SIZE(modes) && mode; i++) {
		if (!strcmp(modes[i], mode))
			break;
	}
	if (!mode || i == ARRAY_SIZE(modes))
		return jref_fail(&at, err, "mode: \"%s\" is not a memory policy",
				 mode ? mode : "");
	s->memory_policy.mode = (int)i;
	for (; flags && *flags; flags++) {
		if (!strcmp(*flags, "MPOL_F_NUMA_BALANCING"))
			s->memory_policy.mode |= 1 << 13;
		else if (!strcmp(*flags, "MPOL_F_RELATIVE_NODES"))
			s->memory_policy.mode |= 1 << 14;
		else if (!strcmp(*flags, "MPOL_F_STATIC_NODES"))
			s->memory_policy.mode |= 1 << 15;
		else
			return jref_fail(&at, err, "flags: \"%s\" is not a flag", *flags);
	}
	s->memory_policy.present = true;
	return 0;
}

/* A newline would be another schema. */
static int check_schemata(const struct jref *at, const struct rdt_spec *d, struct gantry_error *err)
{
	if (d->l3_schema && strchr(d->l3_schema, '\n'))
		return jref_fail(at, err, "l3CacheSchema must be one line");
	if (d->mem_schema && strchr(d->mem_schema, '\n'))
		return jref_fail(at, err, "memBwSchema must be one line");
	for (size_t i = 0; d->schemata && d->schemata[i]; i++) {
		if (strchr(d->schemata[i], '\n'))
			return jref_fail(at, err, "schemata[%zu] must be one line", i);
	}
	return 0;
}

static int parse_rdt(const struct jref *linux_, struct spec *s, struct gantry_error *err)
{
	struct rdt_spec *d = &s->rdt;
	struct jref at;
	int r = jref_get(linux_, "intelRdt", json_type_object, &at, err);

	if (r <= 0)
		return r;
	d->present = true;
	if ((r = jref_string(&at, "closID", &d->clos_id, err)) < 0 ||
	    (r = jref_string(&at, "l3CacheSchema", &d->l3_schema, err)) < 0 ||
	    (r = jref_string(&at, "memBwSchema", &d->mem_schema, err)) < 0 ||
	    (r = jref_strings(&at, "schemata", &s->arena, &d->schemata, err)) < 0 ||
	    (r = jref_bool(&at, "enableMonitoring", &d->enable_monitoring, err)) < 0)
		return r;
	if (d->clos_id && strcmp(d->clos_id, "/") &&
	    (!d->clos_id[0] || d->clos_id[0] == '.' || strchr(d->clos_id, '/') ||
	     !strcmp(d->clos_id, "info") || !strcmp(d->clos_id, "mon_groups") ||
	     !strcmp(d->clos_id, "mon_data")))
		return jref_fail(&at, err, "closID: \"%s\" is not a name", d->clos_id);
	if (d->mem_schema && d->mem_schema[0] && strncmp(d->mem_schema, "MB:", 3))
		return jref_fail(&at, err, "memBwSchema: \"%s\" does not begin with MB:", d->mem_schema);
	return check_schemata(&at, d, err);
}

static int parse_root_propagation(const struct jref *linux_, struct spec *s,
				  struct gantry_error *err)
{
	static const struct {
		const char *name;
		uint64_t flags;
	} modes[] = {
		{ "shared", MS_SHARED | MS_REC }, { "rshared", MS_SHARED | MS_REC },
		{ "slave", MS_SLAVE | MS_REC }, { "rslave", MS_SLAVE | MS_REC },
		{ "private", MS_PRIVATE | MS_REC }, { "rprivate", MS_PRIVATE | MS_REC },
		{ "unbindable", MS_UNBINDABLE | MS_REC },
		{ "runbindable", MS_UNBINDABLE | MS_REC },
	};
	const char *name = NULL;
	int r = jref_string(linux_, "rootfsPropagation", &name, err);

	if (r <= 0 || !name[0])
		return r < 0 ? r : 0;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (!strcmp(modes[i].name, name)) {
			s->root_propagation = modes[i].flags;
			return 0;
		}
	}
	return jref_fail(linux_, err, "rootfsPropagation: \"%s\" is not a propagation mode", name);
}

static int check_maps(const struct jref *linux_, struct spec *s, struct gantry_error *err)
{
	if (s->maps.n_uid && !s->ns[NS_USER].present)
		return jref_fail(linux_, err, "uidMappings need a namespace of type user");
	if (s->ns[NS_USER].present && !s->ns[NS_USER].path && !s->maps.n_uid)
		return jref_fail(linux_, err,
				 "a new user namespace needs uidMappings and gidMappings");
	return 0;
}

static int check_absolute(const struct jref *at, const char *key, const char *const *paths,
			  struct gantry_error *err)
{
	for (size_t i = 0; paths && paths[i]; i++) {
		if (paths[i][0] != '/')
			return jref_fail(at, err, "%s[%zu]: \"%s\" must be an absolute path", key,
					 i, paths[i]);
	}
	return 0;
}

int spec_parse_linux(const struct jref *top, struct spec *s, struct gantry_error *err)
{
	struct jref l, seccomp, resources;
	int r = jref_get(top, "linux", json_type_object, &l, err);

	if (r <= 0)
		return r;
	if ((r = parse_namespaces(&l, s, err)) < 0 ||
	    (r = id_maps_parse(&l, &s->arena, &s->maps, err)) < 0 ||
	    (r = check_maps(&l, s, err)) < 0 || (r = parse_devices(&l, s, err)) < 0 ||
	    (r = parse_sysctls(&l, s, err)) < 0 || (r = parse_net_devices(&l, s, err)) < 0 ||
	    (r = parse_time_offsets(&l, s, err)) < 0 || (r = parse_personality(&l, s, err)) < 0 ||
	    (r = parse_memory_policy(&l, s, err)) < 0 || (r = parse_rdt(&l, s, err)) < 0 ||
	    (r = parse_root_propagation(&l, s, err)) < 0 ||
	    (r = jref_string(&l, "cgroupsPath", &s->cgroups_path, err)) < 0 ||
	    (r = jref_string(&l, "mountLabel", &s->mount_label, err)) < 0 ||
	    (r = jref_strings(&l, "maskedPaths", &s->arena, &s->masked_paths, err)) < 0 ||
	    (r = jref_strings(&l, "readonlyPaths", &s->arena, &s->readonly_paths, err)) < 0 ||
	    (r = check_absolute(&l, "maskedPaths", s->masked_paths, err)) < 0 ||
	    (r = check_absolute(&l, "readonlyPaths", s->readonly_paths, err)) < 0)
		return r;
	if (s->cgroups_path && !s->cgroups_path[0])
		s->cgroups_path = NULL;
	if ((r = jref_get(&l, "seccomp", json_type_object, &seccomp, err)) < 0)
		return r;
	if (r > 0)
		s->seccomp = seccomp.obj;
	if ((r = jref_get(&l, "resources", json_type_object, &resources, err)) < 0)
		return r;
	if (r > 0)
		return resources_parse(&resources, &s->arena, &s->resources, err);
	return 0;
}
