/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <json-c/json.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "arena.h"
#include "jref.h"
#include "landlock.h"

/* The kernel's structures, as newer headers have them. */
struct ruleset_attributes {
	uint64_t fs, net, scoped;
};

struct path_attributes {
	uint64_t access;
	int32_t parent;
} __attribute__((packed));

struct port_attributes {
	uint64_t access, port;
};

enum {
	RULE_PATH = 1,
	RULE_PORT = 2,
	GET_VERSION = 1,
};

#define MAX_RULES 4096
/* Rights that make sense for what is no folder: execute, write_file, read_file, truncate,
 * ioctl_dev. */
#define FILE_RIGHTS (1U << 0 | 1U << 1 | 1U << 2 | 1U << 14 | 1U << 15)

/* Rights by the number of their bit, and the version that brought them. */
struct right {
	const char *name;
	int version;
};

static const struct right fs_rights[] = {
	{ "execute", 1 }, { "write_file", 1 }, { "read_file", 1 }, { "read_dir", 1 },
	{ "remove_dir", 1 }, { "remove_file", 1 }, { "make_char", 1 }, { "make_dir", 1 },
	{ "make_reg", 1 }, { "make_sock", 1 }, { "make_fifo", 1 }, { "make_block", 1 },
	{ "make_sym", 1 }, { "refer", 2 }, { "truncate", 3 }, { "ioctl_dev", 5 }, { NULL, 0 },
};
static const struct right net_rights[] = { { "bind_tcp", 4 }, { "connect_tcp", 4 }, { NULL, 0 } };
static const struct right scopes[] = { { "abstract_unix_socket", 6 }, { "signal", 6 }, { NULL, 0 } };

static int parse_rights(const struct jref *at, const char *key, const struct right *known,
			struct arena *a, uint64_t *ret, struct gantry_error *err)
{
	const char *const *names = NULL;
	int r = jref_strings(at, key, a, &names, err);

	if (r <= 0)
		return r;
	for (; *names; names++) {
		unsigned int bit;

		for (bit = 0; known[bit].name && strcmp(known[bit].name, *names); bit++)
			;
		if (!known[bit].name)
			return jref_fail(at, err, "%s: \"%s\" is not a right", key, *names);
		*ret |= UINT64_C(1) << bit;
	}
	return 0;
}

static int add_rule(const struct jref *at, struct landlock_spec *l, struct landlock_rule rule,
		    struct gantry_error *err)
{
	if (l->n_rules == MAX_RULES)
		return jref_fail(at, err, "more than %d rules", MAX_RULES);
	l->rules[l->n_rules++] = rule;
	return 0;
}

static int parse_paths(const struct jref *item, struct arena *a, struct landlock_spec *l,
		       struct gantry_error *err)
{
	const char *const *paths = NULL;
	uint64_t access = 0;
	int r;

	if ((r = parse_rights(item, "allowedAccess", fs_rights, a, &access, err)) < 0 ||
	    (r = jref_strings(item, "paths", a, &paths, err)) < 0)
		return r;
	if (!access || (access & ~l->fs))
		return jref_fail(item, err, "allowedAccess must be some of ruleset.handledAccessFS");
	for (; paths && *paths; paths++) {
		if ((*paths)[0] != '/')
			return jref_fail(item, err, "paths: \"%s\" must be absolute", *paths);
		r = add_rule(item, l, (struct landlock_rule){ access, *paths, 0 }, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_ports(const struct jref *item, struct arena *a, struct landlock_spec *l,
		       struct gantry_error *err)
{
	struct jref ports, port;
	uint64_t access = 0;
	int r;

	if ((r = parse_rights(item, "allowedAccess", net_rights, a, &access, err)) < 0 ||
	    (r = jref_get(item, "ports", json_type_array, &ports, err)) < 0)
		return r;
	if (!access || (access & ~l->net))
		return jref_fail(item, err, "allowedAccess must be some of ruleset.handledAccessNet");
	for (int i = 0; r > 0 && i < jref_len(&ports); i++) {
		int64_t number;
		int e = jref_item(&ports, i, json_type_int, &port, err);

		if (e < 0)
			return e;
		number = json_object_get_int64(port.obj);
		if (number < 0 || number > UINT16_MAX)
			return jref_fail(&port, err, "is not a port");
		e = add_rule(item, l, (struct landlock_rule){ access, NULL, (uint16_t)number }, err);
		if (e < 0)
			return e;
	}
	return 0;
}

static int parse_rules(const struct jref *at, const char *key,
		       int (*parse)(const struct jref *item, struct arena *a,
				    struct landlock_spec *l, struct gantry_error *err),
		       struct arena *a, struct landlock_spec *l, struct gantry_error *err)
{
	struct jref rules, list, item;
	int r = jref_get(at, "rules", json_type_object, &rules, err);

	if (r <= 0 || (r = jref_get(&rules, key, json_type_array, &list, err)) <= 0)
		return r;
	for (int i = 0; i < jref_len(&list); i++) {
		if ((r = jref_item(&list, i, json_type_object, &item, err)) < 0 ||
		    (r = parse(&item, a, l, err)) < 0)
			return r;
	}
	return 0;
}

int landlock_parse(const struct jref *at, struct arena *a, struct landlock_spec *ret,
		   struct gantry_error *err)
{
	struct landlock_spec l = { .present = true };
	struct jref ruleset;
	int r = jref_get(at, "ruleset", json_type_object, &ruleset, err);

	if (r < 0)
		return r;
	if (r > 0 &&
	    ((r = parse_rights(&ruleset, "handledAccessFS", fs_rights, a, &l.fs, err)) < 0 ||
	     (r = parse_rights(&ruleset, "handledAccessNet", net_rights, a, &l.net, err)) < 0 ||
	     (r = parse_rights(&ruleset, "scoped", scopes, a, &l.scoped, err)) < 0))
		return r;
	if (!(l.fs | l.net | l.scoped))
		return jref_fail(at, err, "ruleset must handle something");
	l.rules = arena_array(a, MAX_RULES, sizeof(*l.rules));
	if (!l.rules)
		return error_no_memory(err);
	if ((r = jref_bool(at, "disableBestEffort", &l.strict, err)) < 0 ||
	    (r = parse_rules(at, "pathBeneath", parse_paths, a, &l, err)) < 0 ||
	    (r = parse_rules(at, "netPort", parse_ports, a, &l, err)) < 0)
		return r;
	*ret = l;
	return 0;
}

/* Of the rights those that a version of Landlock has. */
static uint64_t known(const struct right *rights, uint64_t wanted, int version)
{
	uint64_t has = 0;

	for (unsigned int bit = 0; rights[bit].name; bit++) {
		if (rights[bit].version <= version)
			has |= UINT64_C(1) << bit;
	}
	return wanted & has;
}

static int allow_path(int ruleset, const struct landlock_rule *rule, uint64_t handled,
		      struct gantry_error *err)
{
	auto_fd int fd = open(rule->path, O_PATH | O_CLOEXEC);
	struct path_attributes p = { rule->access & handled, fd };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, errno, "process.landlock: cannot open %s", rule->path);
	if (!S_ISDIR(st.st_mode))
		p.access &= FILE_RIGHTS;
	if (p.access && syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &p, 0) < 0)
		return error_errno(err, errno, "process.landlock: cannot allow %s", rule->path);
	return 0;
}

static int allow_port(int ruleset, const struct landlock_rule *rule, uint64_t handled,
		      struct gantry_error *err)
{
	struct port_attributes p = { rule->access & handled, rule->port };

	if (p.access && syscall(SYS_landlock_add_rule, ruleset, RULE_PORT, &p, 0) < 0)
		return error_errno(err, errno, "process.landlock: cannot allow port %u", rule->port);
	return 0;
}

static int too_old(const struct landlock_spec *l, int version, struct gantry_error *err)
{
	if (version > 0)
		error_set(err, GANTRY_ERR_UNSUPPORTED,
			  "process.landlock: this kernel has version %d, without some of the rights",
			  version);
	else
		error_set(err, GANTRY_ERR_UNSUPPORTED, "process.landlock: this kernel has no Landlock");
	return error_hint(err, "without disableBestEffort what is not known is left out");
}

int landlock_apply(const struct landlock_spec *l, struct gantry_error *err)
{
	int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, GET_VERSION);
	struct ruleset_attributes attributes = {
		.fs = known(fs_rights, l->fs, version), .net = known(net_rights, l->net, version),
		.scoped = known(scopes, l->scoped, version),
	};
	/* the kernel of each version wants no more than it knows */
	size_t size = version >= 6 ? sizeof(attributes) : version >= 4 ? 2 * sizeof(uint64_t)
								       : sizeof(uint64_t);
	auto_fd int ruleset = -1;
	int r = 0;

	if (l->strict && (attributes.fs != l->fs || attributes.net != l->net ||
			  attributes.scoped != l->scoped))
		return too_old(l, version, err);
	if (!(attributes.fs | attributes.net | attributes.scoped))
		return 0;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
	if (ruleset < 0)
		return error_errno(err, errno, "process.landlock: cannot make the rules");
	for (size_t i = 0; i < l->n_rules && r == 0; i++)
		r = l->rules[i].path ? allow_path(ruleset, &l->rules[i], attributes.fs, err)
				     : allow_port(ruleset, &l->rules[i], attributes.net, err);
	if (r == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0) {
		r = error_errno(err, errno, "process.landlock: cannot confine the process");
		error_hint(err, "set process.noNewPrivileges");
	}
	return r;
}
