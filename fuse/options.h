/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line, compatible with fuse-overlayfs: what the user asked for,
 * parsed and checked without touching any file.
 */
#ifndef FUSE_OPTIONS_H
#define FUSE_OPTIONS_H

#include <stdint.h>
#include <sys/types.h>

struct gantry_error;

enum {
	MAX_LOWER_LAYERS = 500,
	MAX_ID_RANGES = 340, /* what the kernel allows in a user namespace */
};

/* A switch that is on where it helps unless the user says otherwise. */
enum tristate { OPT_AUTO = 0, OPT_OFF, OPT_ON };

/* Which extended attribute stores owner and mode, if any. */
enum override_mode {
	OVERRIDE_NONE = 0,
	OVERRIDE_PRIVILEGED,  /* security.fuseoverlayfs.override_stat */
	OVERRIDE_USER,        /* user.fuseoverlayfs.override_stat */
	OVERRIDE_CONTAINERS,  /* user.containers.override_stat */
};

struct id_range {
	uint32_t inside;  /* what the mount shows */
	uint32_t outside; /* what the layers store */
	uint32_t count;
};

struct id_map {
	struct id_range *ranges;
	unsigned count; /* 0: ids are not mapped */
};

struct options {
	char **lower;    /* top first, unescaped */
	unsigned n_lower;
	char *upper;     /* NULL: the mount is read-only */
	char *work;
	char *mountpoint;
	char *fsname;
	char *context;   /* SELinux label options for mount(2), or NULL */

	struct id_map uid_map;
	struct id_map gid_map;
	int64_t squash_uid; /* -1: not squashed */
	int64_t squash_gid;
	enum override_mode xattr_permissions;

	double timeout;       /* seconds that the kernel may trust an entry */
	unsigned threads;     /* 0: from the number of processors */
	unsigned max_inodes;  /* ask the kernel to forget above this many */
	uint64_t memory_max;  /* bytes for the server's own cgroup; 0: no limit */
	unsigned long mount_flags;

	int foreground;
	int debug;
	int explain;      /* print what is on and why, and exit */
	int read_only;
	int volatile_upper;
	int sync;         /* fsync=0 turns it off */
	int no_acl;
	int no_xattr;
	int static_nlink;
	int no_holder;    /* run without the process that keeps the mount alive */
	int allow_other;
	enum tristate passthrough;
	enum tristate writeback;
	enum tristate readdirplus;
	enum tristate splice;
	enum tristate redirect_dir;
	enum tristate userxattr;
	int show_help;
	int show_version;
	int show_format;  /* of what a take-over hands on */
};

/* Fills opt from argv.  Call options_done() in any case. */
int options_parse(struct options *opt, int argc, char **argv, struct gantry_error *err);
void options_done(struct options *opt);

/* The text of --help. */
const char *options_help(void);

#endif
