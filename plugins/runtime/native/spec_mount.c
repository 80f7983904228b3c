/* SPDX-License-Identifier: Apache-2.0 */
/* Mount options as the runtime-spec lists them. */
#include <linux/mount.h>
#include <string.h>

#include <json-c/json.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "jref.h"
#include "spec.h"

#define PROPAGATION_SHARED (1UL << 20) /* MS_SHARED; <sys/mount.h> clashes with <linux/mount.h> */
#define PROPAGATION_PRIVATE (1UL << 18)
#define PROPAGATION_SLAVE (1UL << 19)
#define PROPAGATION_UNBINDABLE (1UL << 17)

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

/* An attribute's option; `clear` says that the option takes it away. */
struct attribute {
	const char *name;
	uint64_t attr, mask; /* mask: the field when attr is one value of several */
	bool clear;
};

static const struct attribute attributes[] = {
	{ "ro", MOUNT_ATTR_RDONLY, 0, false },
	{ "rw", MOUNT_ATTR_RDONLY, 0, true },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0, false },
	{ "suid", MOUNT_ATTR_NOSUID, 0, true },
	{ "nodev", MOUNT_ATTR_NODEV, 0, false },
	{ "dev", MOUNT_ATTR_NODEV, 0, true },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0, false },
	{ "exec", MOUNT_ATTR_NOEXEC, 0, true },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0, false },
	{ "diratime", MOUNT_ATTR_NODIRATIME, 0, true },
	{ "relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME, false },
	{ "norelatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME, true },
	{ "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, false },
	{ "atime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, true },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME, false },
	{ "nostrictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME, true },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0, false },
	{ "symfollow", MOUNT_ATTR_NOSYMFOLLOW, 0, true },
};

static const struct {
	const char *name;
	uint64_t propagation;
} propagations[] = {
	{ "shared", PROPAGATION_SHARED }, { "private", PROPAGATION_PRIVATE },
	{ "slave", PROPAGATION_SLAVE }, { "unbindable", PROPAGATION_UNBINDABLE },
};

static const struct attribute *find_attribute(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (!strcmp(attributes[i].name, name))
			return &attributes[i];
	}
	return NULL;
}

static void apply_attribute(const struct attribute *a, uint64_t *set, uint64_t *clear)
{
	uint64_t mask = a->mask ? a->mask : a->attr;

	*set &= ~mask;
	*clear |= mask;
	if (!a->clear)
		*set |= a->attr;
	if (!a->mask && !a->clear)
		*clear &= ~mask;
}

/* "ro" and "rro", "shared" and "rshared", ...: true when it was one of them. */
static bool parse_flag(const char *name, struct mount_options *o)
{
	const struct attribute *a = find_attribute(name);
	bool recursive;

	if (a) {
		apply_attribute(a, &o->set, &o->clear);
		if (!strcmp(name, "ro") || !strcmp(name, "rw"))
			o->sb_read_only = name[1] == 'o';
		return true;
	}
	if (name[0] == 'r' && (a = find_attribute(name + 1))) {
		apply_attribute(a, &o->rec_set, &o->rec_clear);
		return true;
	}
	recursive = name[0] == 'r';
	for (size_t i = 0; i < ARRAY_SIZE(propagations); i++) {
		if (!strcmp(propagations[i].name, name + recursive)) {
			o->propagation = propagations[i].propagation;
			o->propagation_recursive = recursive;
			return true;
		}
	}
	return false;
}

/* What mount(2) takes and no filesystem makes anything of. */
static bool is_ignored(const char *name)
{
	static const char *const names[] = { "defaults", "loud", "silent", "async", "nomand", "nolazytime",
					     "iversion", "noiversion", "acl", "noacl" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

static bool parse_word(const char *name, struct mount_options *o)
{
	if (!strcmp(name, "bind") || !strcmp(name, "rbind")) {
		o->bind = true;
		o->recursive = name[0] == 'r';
	} else if (is_ignored(name)) {
		return true;
	} else if (!strcmp(name, "remount")) {
		o->remount = true;
	} else if (!strcmp(name, "tmpcopyup")) {
		o->tmpcopyup = true;
	} else if (!strcmp(name, "copy-symlink") || !strcmp(name, "src-nofollow")) {
		o->src_nofollow = true;
	} else if (!strcmp(name, "dest-nofollow")) {
		o->dest_nofollow = true;
	} else if (!strcmp(name, "idmap")) {
		o->idmap = IDMAP_MOUNT;
	} else if (!strcmp(name, "ridmap")) {
		o->idmap = IDMAP_RECURSIVE;
	} else {
		return false;
	}
	return true;
}

int mount_options_parse(const struct jref *mount, struct arena *a, struct mount_options *ret,
			struct gantry_error *err)
{
	const char *const *names = NULL;
	size_t n = 0, n_data = 0;
	int r = jref_strings(mount, "options", a, &names, err);

	if (r <= 0)
		return r;
	while (names[n])
		n++;
	ret->data = arena_array(a, n + 1, sizeof(*ret->data));
	if (!ret->data)
		return error_no_memory(err);
	for (size_t i = 0; i < n; i++) {
		if (!parse_word(names[i], ret) && !parse_flag(names[i], ret) && names[i][0])
			ret->data[n_data++] = names[i];
	}
	return 0;
}
