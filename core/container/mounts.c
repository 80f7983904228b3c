/* SPDX-License-Identifier: Apache-2.0 */
/* Everything a request says about mounts becomes one list, doc.Mounts, in the form
 * that inspect shows; what a later entry says about a destination wins. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/container/create.h"
#include "core/volume/volume.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

struct mount {
	const char *type; /* bind, volume, tmpfs */
	const char *source; /* path, or volume name */
	const char *destination;
	const char *mode; /* options as given */
	const char *propagation;
	int read_only;
};

/* Removes trailing slashes and "." parts textually, as Docker's cleaning does. */
static char *clean_path(const char *path)
{
	char *out = strdup(path);
	size_t n = 0;

	if (!out) {
		return NULL;
	}
	for (const char *p = path; *p;) {
		size_t len = strcspn(p, "/");

		if (len == 2 && !strncmp(p, "..", 2)) {
			while (n > 0 && out[--n] != '/') {
			}
		} else if (len > 0 && !(len == 1 && *p == '.')) {
			out[n++] = '/';
			memmove(out + n, p, len);
			n += len;
		}
		p += len;
		p += *p == '/';
	}
	if (n == 0) {
		out[n++] = '/';
	}
	out[n] = '\0';
	return out;
}

/* What hooks are shown of a mount: of a volume that exists, with its driver's options,
 * since those may name a folder of the host. */
static struct json_object *describe_mount(struct core *core, const struct mount *m,
					  const char *driver, struct json_object *options)
{
	struct json_object *o = json_object_new_object();
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_json struct json_object *recorded = NULL;
	auto_free char *its_driver = NULL;

	if (!strcmp(m->type, "volume") && m->source && *m->source &&
	    volume_describe(core, m->source, &its_driver, &recorded, &ignored) == 0) {
		driver = its_driver;
		options = recorded;
	}
	json_set_string(o, "Type", m->type);
	json_set_string(o, "Source", m->source ? m->source : "");
	json_set_string(o, "Target", m->destination);
	json_set_bool(o, "ReadOnly", m->read_only);
	json_set_string(o, "Driver", driver);
	if (options) {
		json_set(o, "Options", json_object_get(options));
	}
	return o;
}

/* Before anything is made for a mount, hooks are asked; *ret_hold keeps what they made
 * of it, which *m borrows. */
static int ask_mount(struct core *core, struct json_object *doc, struct mount *m,
		     const char *driver, struct json_object *options,
		     struct json_object **ret_hold, struct gantry_error *err)
{
	struct json_object *target;
	int r;

	if (!policy_wants(core->policy, POLICY_VOLUME_MOUNT)) {
		return 0;
	}
	target = json_object_new_object();
	json_set_string(target, "kind", "container");
	json_set_string(target, "image",
			json_get_string(json_get_object(doc, "Config"), "Image"));
	json_set_string(target, "volume", strcmp(m->type, "volume") ? NULL : m->source);
	r = policy_ask(core->policy, POLICY_VOLUME_MOUNT, target,
		       describe_mount(core, m, driver, options), ret_hold, err);
	if (r < 0) {
		return r;
	}
	if (!json_get_string(*ret_hold, "Type") || strcmp(json_get_string(*ret_hold, "Type"), m->type)) {
		return error_set(err, GANTRY_ERR_DENIED, "a policy changed the type of the mount %s",
				 m->destination);
	}
	m->source = json_get_string(*ret_hold, "Source");
	m->destination = json_get_string(*ret_hold, "Target");
	m->read_only = json_get_bool(*ret_hold, "ReadOnly", m->read_only);
	return 0;
}

/* Adds to the list in place of an entry with the same destination. */
static void put_mount(struct json_object *mounts, struct json_object *entry)
{
	const char *destination = json_get_string(entry, "Destination");

	for (size_t i = 0; i < json_array_size(mounts); i++) {
		const char *have =
			json_get_string(json_object_array_get_idx(mounts, i), "Destination");

		if (!strcmp(have, destination)) {
			json_object_array_put_idx(mounts, i, entry);
			return;
		}
	}
	json_object_array_add(mounts, entry);
}

static int add_mount(struct core *core, struct json_object *mounts, const struct mount *m,
		     const char *driver, struct json_object *options, struct json_object *labels,
		     struct json_object *extra, struct gantry_error *err)
{
	auto_free char *destination = NULL;
	auto_free char *name = NULL;
	auto_json struct json_object *entry = json_object_new_object();
	int r;

	if (!m->destination || m->destination[0] != '/') {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid mount config for type \"%s\": invalid mount path: '%s' mount path "
				 "must be absolute",
				 m->type, m->destination ? m->destination : "");
	}
	destination = clean_path(m->destination);
	if (!destination) {
		return error_no_memory(err);
	}
	if (!strcmp(destination, "/")) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid specification: destination can't be '/'");
	}
	json_set_string(entry, "Type", m->type);
	if (!strcmp(m->type, "volume")) {
		r = volume_ensure(core, m->source, driver, options, labels, &name, err);
		if (r < 0) {
			return r;
		}
		json_set_string(entry, "Name", name);
		json_set_string(entry, "Driver",
				driver && *driver ? driver : config_string(core->config, "volume.driver"));
		json_set_bool(entry, "Anonymous", !m->source || !*m->source);
	}
	json_set_string(entry, "Source", strcmp(m->type, "bind") ? "" : m->source);
	json_set_string(entry, "Destination", destination);
	json_set_string(entry, "Mode", m->mode ? m->mode : "");
	json_set_bool(entry, "RW", !m->read_only);
	json_set_string(entry, "Propagation",
			m->propagation ? m->propagation : strcmp(m->type, "bind") ? "" : "rprivate");
	if (extra) {
		json_set(entry, "Options", json_object_get(extra));
	}
	put_mount(mounts, steal(&entry));
	return 0;
}

static int apply_mode(struct mount *m, char *mode, struct gantry_error *err)
{
	static const char *const propagations[] = { "shared", "rshared", "slave", "rslave", "private",
						    "rprivate" };
	static const char *const silent[] = { "rw", "z", "Z", "nocopy", "cached", "delegated",
					      "consistent", "U", "idmap", "exec", "rbind", "bind" };
	char *save = NULL;

	for (char *word = strtok_r(mode, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		int known = !strcmp(word, "ro");

		m->read_only |= known;
		for (size_t i = 0; i < ARRAY_SIZE(propagations); i++) {
			if (!strcmp(word, propagations[i])) {
				m->propagation = propagations[i];
				known = 1;
			}
		}
		for (size_t i = 0; i < ARRAY_SIZE(silent); i++) {
			known |= !strcmp(word, silent[i]);
		}
		if (!known) {
			return error_set(err, GANTRY_ERR_INVALID, "invalid mode: %s", word);
		}
	}
	return 0;
}

/* A bind source that does not exist is made as a folder, as Docker does for -v. */
static int make_source(const char *path, struct gantry_error *err)
{
	struct stat st;
	int r;

	if (stat(path, &st) == 0) {
		return 0;
	}
	r = make_dirs(AT_FDCWD, path, 0755);
	return r < 0 ? error_errno(err, -r, "error while creating mount source path '%s'", path) : 0;
}

/* SOURCE:DESTINATION[:MODE] or DESTINATION; SOURCE is a path or a volume's name. */
static int add_bind(struct core *core, struct json_object *doc, struct json_object *mounts,
		    const char *text, struct gantry_error *err)
{
	const char *driver = json_get_string(json_get_object(doc, "HostConfig"), "VolumeDriver");
	auto_json struct json_object *hold = NULL;
	auto_free char *copy = strdup(text);
	auto_free char *mode_copy = NULL;
	struct mount m = { .type = "volume" };
	char *first = copy, *second, *third;
	int r = 0;

	if (!copy) {
		return error_no_memory(err);
	}
	second = strchr(first, ':');
	third = second ? strchr(second + 1, ':') : NULL;
	if (!second) {
		m.destination = first;
	} else {
		*second++ = '\0';
		m.source = first;
		m.destination = second;
	}
	if (third) {
		*third++ = '\0';
		m.mode = third;
		mode_copy = strdup(third);
		r = apply_mode(&m, mode_copy, err);
	}
	if (r == 0 && ((second && !*first) || (third && strchr(third, ':')))) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid volume specification: '%s'", text);
	}
	if (r == 0) {
		m.type = m.source && m.source[0] == '/' ? "bind" : "volume";
		r = ask_mount(core, doc, &m, driver, NULL, &hold, err);
	}
	if (r == 0 && !strcmp(m.type, "bind")) {
		r = make_source(m.source, err);
	} else if (r == 0 && m.source && !create_is_valid_name(m.source)) {
		error_set(err, GANTRY_ERR_INVALID,
			  "create %s: \"%s\" includes invalid characters for a local volume name, only "
			  "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed",
			  m.source, m.source);
		return error_hint(err, "If you intended to pass a host directory, use absolute path");
	}
	return r < 0 ? r : add_mount(core, mounts, &m, driver, NULL, NULL, NULL, err);
}

/* One element of HostConfig.Mounts. */
static int add_structured(struct core *core, struct json_object *doc, struct json_object *mounts,
			  struct json_object *o, struct gantry_error *err)
{
	auto_json struct json_object *hold = NULL;
	struct json_object *bind = json_get_object(o, "BindOptions");
	struct json_object *volume = json_get_object(o, "VolumeOptions");
	struct json_object *driver = json_get_object(volume, "DriverConfig");
	const char *type = json_get_string(o, "Type");
	struct mount m = {
		.type = type,
		.source = json_get_string(o, "Source"),
		.destination = json_get_string(o, "Target"),
		.propagation = json_get_string(bind, "Propagation"),
		.read_only = json_get_bool(o, "ReadOnly", 0),
	};
	struct stat st;
	int r;

	if (!type || (strcmp(type, "bind") && strcmp(type, "volume") && strcmp(type, "tmpfs"))) {
		return error_set(err, GANTRY_ERR_INVALID, "mount type unknown: \"%s\"", type ? type : "");
	}
	r = ask_mount(core, doc, &m, json_get_string(driver, "Name"), json_get_object(driver, "Options"),
		      &hold, err);
	if (r < 0) {
		return r;
	}
	if (!strcmp(type, "bind")) {
		if (!m.source || m.source[0] != '/') {
			return error_set(err, GANTRY_ERR_INVALID,
					 "invalid mount config for type \"bind\": invalid mount path: '%s' mount "
					 "path must be absolute",
					 m.source ? m.source : "");
		}
		if (json_get_bool(bind, "CreateMountpoint", 0)) {
			r = make_source(m.source, err);
			if (r < 0) {
				return r;
			}
		}
		if (stat(m.source, &st) < 0) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "invalid mount config for type \"bind\": bind source path does not "
					 "exist: %s",
					 m.source);
		}
	}
	return add_mount(core, mounts, &m, json_get_string(driver, "Name"),
			 json_get_object(driver, "Options"), json_get_object(volume, "Labels"),
			 !strcmp(type, "tmpfs") ? json_get_object(o, "TmpfsOptions")
			 : !strcmp(type, "bind") ? bind
						 : volume,
			 err);
}

/* A mount of another container's is one of this one's, too. */
static int ask_copied(struct core *core, struct json_object *doc, struct json_object *copy,
		      struct gantry_error *err)
{
	auto_json struct json_object *hold = NULL;
	const char *name = json_get_string(copy, "Name");
	struct mount m = {
		.type = json_get_string(copy, "Type"),
		.source = name ? name : json_get_string(copy, "Source"),
		.destination = json_get_string(copy, "Destination"),
		.read_only = !json_get_bool(copy, "RW", 1),
	};
	int r = ask_mount(core, doc, &m, json_get_string(copy, "Driver"), NULL, &hold, err);

	if (r < 0 || !hold) {
		return r;
	}
	json_set_string(copy, name ? "Name" : "Source", m.source);
	json_set_string(copy, "Destination", m.destination);
	json_set_bool(copy, "RW", !m.read_only);
	return 0;
}

static int add_from_container(struct core *core, struct json_object *doc,
			      struct json_object *mounts, const char *spec,
			      struct gantry_error *err)
{
	const char *colon = strrchr(spec, ':');
	int read_only = colon && !strcmp(colon, ":ro");
	auto_free char *name = strndup(spec, colon ? (size_t)(colon - spec) : strlen(spec));
	auto_container struct container *other = NULL;
	struct json_object *theirs;
	int r = name ? container_find(core, name, &other, err) : error_no_memory(err);

	if (r < 0) {
		return r;
	}
	theirs = json_get_array(other->doc, "Mounts");
	for (size_t i = 0; r == 0 && i < json_array_size(theirs); i++) {
		struct json_object *copy = NULL;

		json_object_deep_copy(json_object_array_get_idx(theirs, i), &copy, NULL);
		if (read_only) {
			json_set_bool(copy, "RW", 0);
		}
		json_set_bool(copy, "Anonymous", 0);
		r = ask_copied(core, doc, copy, err);
		if (r == 0) {
			put_mount(mounts, copy);
		} else {
			json_object_put(copy);
		}
	}
	return r;
}

static int has_destination(struct json_object *mounts, const char *path)
{
	for (size_t i = 0; i < json_array_size(mounts); i++) {
		if (!strcmp(json_get_string(json_object_array_get_idx(mounts, i), "Destination"), path)) {
			return 1;
		}
	}
	return 0;
}

static int add_anonymous(struct core *core, struct json_object *doc, struct json_object *mounts,
			 struct gantry_error *err)
{
	struct json_object *volumes = json_get_object(json_get_object(doc, "Config"), "Volumes");
	struct json_object *tmpfs = json_get_object(json_get_object(doc, "HostConfig"), "Tmpfs");
	int r = 0;

	if (!volumes) {
		return 0;
	}
	json_object_object_foreach(volumes, path, unused)
	{
		auto_free char *clean = clean_path(path);

		(void)unused;
		if (r == 0 && clean && !has_destination(mounts, clean) && !json_get(tmpfs, clean)) {
			auto_json struct json_object *hold = NULL;
			struct mount m = { .type = "volume", .destination = clean };

			r = ask_mount(core, doc, &m, NULL, NULL, &hold, err);
			if (r == 0) {
				r = add_mount(core, mounts, &m, NULL, NULL, NULL, NULL, err);
			}
		}
	}
	return r;
}

int create_resolve_mounts(struct core *core, struct json_object *doc, struct gantry_error *err)
{
	struct json_object *hc = json_get_object(doc, "HostConfig");
	struct json_object *from = json_get_array(hc, "VolumesFrom");
	struct json_object *binds = json_get_array(hc, "Binds");
	struct json_object *structured = json_get_array(hc, "Mounts");
	struct json_object *mounts = json_object_new_array();
	int r = 0;

	json_set(doc, "Mounts", mounts);
	for (size_t i = 0; r == 0 && i < json_array_size(from); i++) {
		r = add_from_container(core, doc, mounts, json_item_string(from, i), err);
	}
	for (size_t i = 0; r == 0 && i < json_array_size(binds); i++) {
		r = add_bind(core, doc, mounts, json_item_string(binds, i), err);
	}
	for (size_t i = 0; r == 0 && i < json_array_size(structured); i++) {
		r = add_structured(core, doc, mounts, json_object_array_get_idx(structured, i), err);
	}
	return r < 0 ? r : add_anonymous(core, doc, mounts, err);
}
