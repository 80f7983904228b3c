/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table describes every option.  Unknown ones are refused, except the
 * mount options that mount(8) and containers/storage pass along and that mean
 * nothing here.
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include <gantry/error.h>
#include "helpers/cleanup.h"
#include "helpers/error.h"

#include "fuse/options.h"

enum kind {
	KIND_FLAG,     /* sets an int to .value; "=0" and "=1" are accepted */
	KIND_TRISTATE, /* sets an enum tristate; "", "=1/on/auto/0/off" */
	KIND_STRING,
	KIND_UINT,
	KIND_INT64,
	KIND_MOUNT_SET,   /* mount flags */
	KIND_MOUNT_CLEAR,
	KIND_SPECIAL,  /* .parse does it */
	KIND_IGNORED,
};

struct option_def {
	const char *name;
	enum kind kind;
	size_t offset;
	long value;
	int (*parse)(struct options *opt, char *text, struct gantry_error *err);
};

static int parse_lower(struct options *opt, char *text, struct gantry_error *err);
static int parse_uid_map(struct options *opt, char *text, struct gantry_error *err);
static int parse_gid_map(struct options *opt, char *text, struct gantry_error *err);
static int parse_timeout(struct options *opt, char *text, struct gantry_error *err);
static int parse_size(struct options *opt, char *text, struct gantry_error *err);
static int parse_xattr_permissions(struct options *opt, char *text, struct gantry_error *err);
static int parse_squash_root(struct options *opt, char *text, struct gantry_error *err);
static int parse_threaded(struct options *opt, char *text, struct gantry_error *err);

#define AT(member) offsetof(struct options, member)

static const struct option_def option_defs[] = {
	{ "lowerdir", KIND_SPECIAL, 0, 0, parse_lower },
	{ "upperdir", KIND_STRING, AT(upper) },
	{ "workdir", KIND_STRING, AT(work) },
	{ "uidmapping", KIND_SPECIAL, 0, 0, parse_uid_map },
	{ "gidmapping", KIND_SPECIAL, 0, 0, parse_gid_map },
	{ "squash_to_root", KIND_SPECIAL, 0, 0, parse_squash_root },
	{ "squash_to_uid", KIND_INT64, AT(squash_uid) },
	{ "squash_to_gid", KIND_INT64, AT(squash_gid) },
	{ "static_nlink", KIND_FLAG, AT(static_nlink), 1 },
	{ "volatile", KIND_FLAG, AT(volatile_upper), 1 },
	{ "noacl", KIND_FLAG, AT(no_acl), 1 },
	{ "noxattrs", KIND_FLAG, AT(no_xattr), 1 },
	{ "disable_xattrs", KIND_FLAG, AT(no_xattr), 1 },
	{ "xattr_permissions", KIND_SPECIAL, 0, 0, parse_xattr_permissions },
	{ "timeout", KIND_SPECIAL, 0, 0, parse_timeout },
	{ "threaded", KIND_SPECIAL, 0, 0, parse_threaded },
	{ "threads", KIND_UINT, AT(threads) },
	{ "fsync", KIND_FLAG, AT(sync), 1 },
	{ "max_inodes", KIND_UINT, AT(max_inodes) },
	{ "memory_max", KIND_SPECIAL, 0, 0, parse_size },
	{ "passthrough", KIND_TRISTATE, AT(passthrough) },
	{ "writeback", KIND_TRISTATE, AT(writeback) },
	{ "readdirplus", KIND_TRISTATE, AT(readdirplus) },
	{ "splice", KIND_TRISTATE, AT(splice) },
	{ "redirect_dir", KIND_TRISTATE, AT(redirect_dir) },
	{ "userxattr", KIND_TRISTATE, AT(userxattr) },
	{ "noholder", KIND_FLAG, AT(no_holder), 1 },
	{ "fsname", KIND_STRING, AT(fsname) },
	{ "context", KIND_STRING, AT(context) },
	{ "debug", KIND_FLAG, AT(debug), 1 },
	{ "allow_other", KIND_FLAG, AT(allow_other), 1 },
	{ "ro", KIND_FLAG, AT(read_only), 1 },
	{ "rw", KIND_FLAG, AT(read_only), 0 },
	{ "nosuid", KIND_MOUNT_SET, 0, MS_NOSUID },
	{ "suid", KIND_MOUNT_CLEAR, 0, MS_NOSUID },
	{ "nodev", KIND_MOUNT_SET, 0, MS_NODEV },
	{ "dev", KIND_MOUNT_CLEAR, 0, MS_NODEV },
	{ "noexec", KIND_MOUNT_SET, 0, MS_NOEXEC },
	{ "exec", KIND_MOUNT_CLEAR, 0, MS_NOEXEC },
	{ "noatime", KIND_MOUNT_SET, 0, MS_NOATIME },
	{ "atime", KIND_MOUNT_CLEAR, 0, MS_NOATIME },
	{ "nodiratime", KIND_MOUNT_SET, 0, MS_NODIRATIME },
	{ "relatime", KIND_MOUNT_SET, 0, MS_RELATIME },
	{ "sync", KIND_MOUNT_SET, 0, MS_SYNCHRONOUS },
	{ "async", KIND_MOUNT_CLEAR, 0, MS_SYNCHRONOUS },
	{ "dirsync", KIND_MOUNT_SET, 0, MS_DIRSYNC },
	{ "default_permissions", KIND_IGNORED },
	{ "allow_root", KIND_IGNORED },
	{ "auto_unmount", KIND_IGNORED },
	{ "clone_fd", KIND_IGNORED },
	{ "max_idle_threads", KIND_IGNORED },
	{ "max_threads", KIND_IGNORED },
	{ "subtype", KIND_IGNORED },
	{ "fast_ino", KIND_IGNORED },
	{ "plugins", KIND_IGNORED },
	{ "big_writes", KIND_IGNORED },
	{ "index", KIND_IGNORED },
	{ "xino", KIND_IGNORED },
	{ "metacopy", KIND_IGNORED },
	{ "defaults", KIND_IGNORED },
	{ "x-*", KIND_IGNORED },
};

static int parse_number(const char *name, const char *text, int64_t max, int64_t *ret,
			struct gantry_error *err)
{
	char *end;
	long long n;

	errno = 0;
	n = text ? strtoll(text, &end, 10) : -1;
	if (!text || !*text || *end || errno || n < 0 || n > max) {
		error_set(err, GANTRY_ERR_INVALID, "option %s: \"%s\" is not a number from 0 to %lld",
			  name, text ? text : "", (long long)max);
		return err->code;
	}
	*ret = n;
	return 0;
}

/* Splits "a:b\:c" in place; stores pointers to copies. */
static int parse_lower(struct options *opt, char *text, struct gantry_error *err)
{
	char *in = text, *out = text, *start = text;
	int last;

	for (;; in++) {
		if (*in == '\\' && in[1]) {
			*out++ = *++in;
			continue;
		}
		if (*in && *in != ':') {
			*out++ = *in;
			continue;
		}
		last = !*in;
		*out = '\0';
		if (out > start) {
			char **grown;

			if (opt->n_lower == MAX_LOWER_LAYERS) {
				return error_set(err, GANTRY_ERR_LIMIT,
						 "lowerdir names more than %d layers",
						 MAX_LOWER_LAYERS);
			}
			grown = realloc(opt->lower, (opt->n_lower + 1) * sizeof(*grown));
			if (!grown)
				return error_no_memory(err);
			opt->lower = grown;
			grown[opt->n_lower] = strdup(start);
			if (!grown[opt->n_lower])
				return error_no_memory(err);
			opt->n_lower++;
		}
		if (last)
			return 0;
		start = out = in + 1;
	}
}

/* "inside:outside:count[:...]", also with commas between the triples. */
static int parse_id_map(const char *name, struct id_map *map, char *text,
			struct gantry_error *err)
{
	uint32_t n[3];
	unsigned field = 0;
	char *save = NULL;

	for (char *word = strtok_r(text, ":,", &save); word; word = strtok_r(NULL, ":,", &save)) {
		struct id_range *grown;
		int64_t value;
		int r = parse_number(name, word, UINT32_MAX, &value, err);

		if (r)
			return r;
		n[field++] = (uint32_t)value;
		if (field < 3)
			continue;
		field = 0;
		if (map->count == MAX_ID_RANGES) {
			return error_set(err, GANTRY_ERR_LIMIT, "option %s has more than %d ranges",
					 name, MAX_ID_RANGES);
		}
		grown = realloc(map->ranges, (map->count + 1) * sizeof(*grown));
		if (!grown)
			return error_no_memory(err);
		map->ranges = grown;
		grown[map->count++] = (struct id_range){ n[0], n[1], n[2] };
	}
	if (field || !map->count) {
		error_set(err, GANTRY_ERR_INVALID, "option %s is not a list of id triples", name);
		return error_hint(err, "write %s=INSIDE:OUTSIDE:COUNT, as in /proc/self/uid_map",
				  name);
	}
	return 0;
}

static int parse_uid_map(struct options *opt, char *text, struct gantry_error *err)
{
	return parse_id_map("uidmapping", &opt->uid_map, text, err);
}

static int parse_gid_map(struct options *opt, char *text, struct gantry_error *err)
{
	return parse_id_map("gidmapping", &opt->gid_map, text, err);
}

static int parse_timeout(struct options *opt, char *text, struct gantry_error *err)
{
	char *end;

	opt->timeout = strtod(text, &end);
	if (!*text || *end || !(opt->timeout >= 0)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "option timeout: \"%s\" is not a number of seconds", text);
	}
	return 0;
}

static int parse_size(struct options *opt, char *text, struct gantry_error *err)
{
	static const char units[] = "kmgt";
	char *end;
	unsigned long long n = strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, *end | 0x20) : NULL;

	if (unit) {
		n <<= 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (end == text || *end) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "option memory_max: \"%s\" is not a size such as 64m", text);
	}
	opt->memory_max = n;
	return 0;
}

static int parse_xattr_permissions(struct options *opt, char *text, struct gantry_error *err)
{
	int64_t n;
	int r = parse_number("xattr_permissions", text, OVERRIDE_CONTAINERS, &n, err);

	if (r)
		return r;
	opt->xattr_permissions = (enum override_mode)n;
	return 0;
}

static int parse_squash_root(struct options *opt, char *text, struct gantry_error *err)
{
	if (opt->squash_uid < 0)
		opt->squash_uid = 0;
	if (opt->squash_gid < 0)
		opt->squash_gid = 0;
	return 0;
}

static int parse_threaded(struct options *opt, char *text, struct gantry_error *err)
{
	if (strcmp(text, "0") == 0)
		opt->threads = 1;
	return 0;
}

static const struct option_def *find_option(const char *name)
{
	if (strncmp(name, "x-", 2) == 0)
		name = "x-*";
	for (size_t i = 0; i < ARRAY_SIZE(option_defs); i++) {
		if (strcmp(option_defs[i].name, name) == 0)
			return &option_defs[i];
	}
	return NULL;
}

static int set_tristate(enum tristate *to, const char *name, const char *text,
			struct gantry_error *err)
{
	if (!text || !*text || strcmp(text, "1") == 0 || strcmp(text, "on") == 0)
		*to = OPT_ON;
	else if (strcmp(text, "0") == 0 || strcmp(text, "off") == 0)
		*to = OPT_OFF;
	else if (strcmp(text, "auto") == 0)
		*to = OPT_AUTO;
	else
		return error_set(err, GANTRY_ERR_INVALID, "option %s: \"%s\" is not on, off or auto",
				 name, text);
	return 0;
}

static int set_option(struct options *opt, const struct option_def *def, char *text,
		      struct gantry_error *err)
{
	void *member = (char *)opt + def->offset;
	int64_t n;
	int r;

	switch (def->kind) {
	case KIND_FLAG:
		*(int *)member = text && strcmp(text, "0") == 0 ? !def->value : (int)def->value;
		return 0;
	case KIND_TRISTATE:
		return set_tristate(member, def->name, text, err);
	case KIND_STRING:
		free(*(char **)member);
		*(char **)member = strdup(text ? text : "");
		return *(char **)member ? 0 : error_no_memory(err);
	case KIND_UINT:
		r = parse_number(def->name, text, UINT32_MAX, &n, err);
		if (!r)
			*(unsigned *)member = (unsigned)n;
		return r;
	case KIND_INT64:
		return parse_number(def->name, text, UINT32_MAX - 1, member, err);
	case KIND_MOUNT_SET:
		opt->mount_flags |= (unsigned long)def->value;
		return 0;
	case KIND_MOUNT_CLEAR:
		opt->mount_flags &= ~(unsigned long)def->value;
		return 0;
	case KIND_SPECIAL:
		return def->parse(opt, text ? text : (char[]){ "" }, err);
	case KIND_IGNORED:
		return 0;
	}
	return 0;
}

/* One "-o" argument: comma-separated, "\," is a comma in a value.  The id maps
 * may themselves hold commas: a word that starts with a digit continues them. */
static int parse_o(struct options *opt, const char *arg, struct gantry_error *err)
{
	auto_free char *copy = strdup(arg);
	char *in = copy;

	if (!copy)
		return error_no_memory(err);
	while (*in) {
		char *word = in, *out = in, *value;
		const struct option_def *def;
		int is_map = strncmp(in, "uidmapping=", 11) == 0 || strncmp(in, "gidmapping=", 11) == 0;
		int r;

		while (*in && (*in != ',' || (is_map && in[1] >= '0' && in[1] <= '9'))) {
			if (*in == '\\' && in[1] == ',')
				in++;
			*out++ = *in++;
		}
		if (*in)
			in++;
		*out = '\0';
		if (!*word)
			continue;
		value = strchr(word, '=');
		if (value)
			*value++ = '\0';
		def = find_option(word);
		if (!def) {
			error_set(err, GANTRY_ERR_INVALID, "unknown option \"%s\"", word);
			return error_hint(err, "gantry-unionfs --help lists the options");
		}
		r = set_option(opt, def, value, err);
		if (r)
			return r;
	}
	return 0;
}

static int check_options(struct options *opt, struct gantry_error *err)
{
	if (opt->show_help || opt->show_version || opt->show_format)
		return 0;
	if (!opt->n_lower) {
		error_set(err, GANTRY_ERR_INVALID, "no lower directory is given");
		return error_hint(err, "add -o lowerdir=DIR[:DIR...]");
	}
	if (!opt->mountpoint && !opt->explain) {
		error_set(err, GANTRY_ERR_INVALID, "no mount point is given");
		return error_hint(err, "name the directory to mount on as the last argument");
	}
	if (opt->upper && !opt->work) {
		error_set(err, GANTRY_ERR_INVALID, "upperdir is given without workdir");
		return error_hint(err, "add -o workdir=DIR, an empty directory on the same "
				       "filesystem as upperdir");
	}
	if (!opt->upper)
		opt->read_only = 1;
	if (opt->volatile_upper)
		opt->sync = 0;
	return 0;
}

int options_parse(struct options *opt, int argc, char **argv, struct gantry_error *err)
{
	int r;

	*opt = (struct options){ .squash_uid = -1, .squash_gid = -1, .timeout = 1e9, .sync = 1,
				 .max_inodes = 1000000 };
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];

		if (strcmp(arg, "-o") == 0 || strncmp(arg, "-o", 2) == 0) {
			arg = arg[2] ? arg + 2 : ++i < argc ? argv[i] : "";
			r = parse_o(opt, arg, err);
			if (r)
				return r;
		} else if (strcmp(arg, "-f") == 0) {
			opt->foreground = 1;
		} else if (strcmp(arg, "-d") == 0 || strcmp(arg, "--debug") == 0) {
			opt->debug = opt->foreground = 1;
		} else if (strcmp(arg, "-s") == 0) {
			opt->threads = 1;
		} else if (strcmp(arg, "--explain") == 0) {
			opt->explain = 1;
		} else if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0) {
			opt->show_help = 1;
		} else if (strcmp(arg, "-V") == 0 || strcmp(arg, "--version") == 0) {
			opt->show_version = 1;
		} else if (strcmp(arg, "--take-over-format") == 0) {
			opt->show_format = 1;
		} else if (arg[0] == '-' && arg[1]) {
			error_set(err, GANTRY_ERR_INVALID, "unknown argument \"%s\"", arg);
			return error_hint(err, "gantry-unionfs --help lists the options");
		} else {
			free(opt->mountpoint);
			opt->mountpoint = strdup(arg);
			if (!opt->mountpoint)
				return error_no_memory(err);
		}
	}
	return check_options(opt, err);
}

void options_done(struct options *opt)
{
	for (unsigned i = 0; i < opt->n_lower; i++)
		free(opt->lower[i]);
	free(opt->lower);
	free(opt->upper);
	free(opt->work);
	free(opt->mountpoint);
	free(opt->fsname);
	free(opt->context);
	free(opt->uid_map.ranges);
	free(opt->gid_map.ranges);
}

const char *options_help(void)
{
	return "usage: gantry-unionfs [-f] [--debug] [--explain] -o OPTIONS MOUNTPOINT\n"
	       "\n"
	       "Mounts a union of directories: the lower ones are read, the upper one is written.\n"
	       "Options of fuse-overlayfs are understood.\n"
	       "\n"
	       "  lowerdir=A[:B...]      directories to merge, the top one first\n"
	       "  upperdir=, workdir=    where changes go; without them the mount is read-only\n"
	       "  uidmapping=IN:OUT:N    owners in the layers differ from those shown (gidmapping=)\n"
	       "  squash_to_root, squash_to_uid=, squash_to_gid=   everything has one owner\n"
	       "  xattr_permissions=0-3  owner and mode are kept in an extended attribute\n"
	       "  static_nlink           directories have one link\n"
	       "  volatile, fsync=0      nothing is synced; a power cut may lose the upper layer\n"
	       "  noacl, noxattrs        no POSIX ACLs, no extended attributes\n"
	       "  timeout=SECONDS        how long the kernel may cache names and attributes\n"
	       "  threaded=0, threads=N  server threads\n"
	       "  max_inodes=N           ask the kernel to forget above this many\n"
	       "  memory_max=SIZE        run the server in a cgroup of its own with this limit\n"
	       "  passthrough, writeback, readdirplus, splice, redirect_dir, userxattr\n"
	       "                         each =on, =off or =auto\n"
	       "  noholder               no second process that keeps the mount across a crash\n"
	       "\n"
	       "  --explain              say which features are on for these options, and why\n";
}
