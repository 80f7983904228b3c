/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI configuration (runtime-spec 1.2, config.json) as C structs.  Parsing
 * checks everything that can be known without touching the host, and every
 * error names the field by its JSON path.  All memory, strings included,
 * belongs to the struct spec.
 */
#ifndef NATIVE_SPEC_H
#define NATIVE_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "arena.h"
#include "landlock.h"

struct gantry_error;
struct json_object;
struct jref;

/* In the order in which a process joins them. */
enum ns_kind {
	NS_USER,
	NS_MOUNT,
	NS_PID,
	NS_NETWORK,
	NS_IPC,
	NS_UTS,
	NS_CGROUP,
	NS_TIME,
	NS_MAX,
};

struct ns_spec {
	bool present;
	const char *path; /* join this one; NULL: a new one */
};

struct id_map {
	uint32_t container, host, size;
};

struct id_maps {
	struct id_map *uid, *gid;
	size_t n_uid, n_gid;
};

enum idmap_mode {
	IDMAP_NONE,
	IDMAP_MOUNT,     /* "idmap": this mount */
	IDMAP_RECURSIVE, /* "ridmap": and those below it */
};

struct mount_options {
	uint64_t set, clear;         /* MOUNT_ATTR_* of the mount */
	uint64_t rec_set, rec_clear; /* the same for it and all below */
	uint64_t propagation;        /* MS_SHARED, ... or 0 */
	bool propagation_recursive;
	bool bind, recursive, remount;
	bool sb_read_only;
	bool tmpcopyup, src_nofollow, dest_nofollow;
	enum idmap_mode idmap;
	const char **data; /* NULL-terminated "key" or "key=value" for the filesystem */
};

struct mount_spec {
	const char *destination, *type, *source;
	struct mount_options options;
	struct id_maps maps; /* n_uid 0: those of the container */
};

struct device_spec {
	const char *path;
	mode_t type; /* S_IFCHR, S_IFBLK or S_IFIFO */
	uint32_t major, minor;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

struct rlimit_spec {
	int resource; /* RLIMIT_* */
	const char *name;
	uint64_t soft, hard;
};

enum cap_set {
	CAPS_BOUNDING,
	CAPS_EFFECTIVE,
	CAPS_INHERITABLE,
	CAPS_PERMITTED,
	CAPS_AMBIENT,
	CAPS_MAX,
};

struct scheduler_spec {
	bool present;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

struct process_spec {
	bool terminal, no_new_privileges;
	bool has_umask, has_oom_score_adj, has_caps, has_ioprio;
	uint16_t console_width, console_height;
	uid_t uid;
	gid_t gid;
	mode_t umask;
	gid_t *groups;
	size_t n_groups;
	const char *cwd;
	const char *const *args;
	const char *const *env;
	const char *apparmor_profile, *selinux_label;
	int oom_score_adj;
	int ioprio; /* as ioprio_set(2) takes it */
	uint64_t caps[CAPS_MAX]; /* bit per capability */
	const char *const *unknown_caps; /* names this build does not know */
	struct rlimit_spec *rlimits;
	size_t n_rlimits;
	struct scheduler_spec scheduler;
	const char *cpu_affinity_initial, *cpu_affinity_final;
	struct landlock_spec landlock;
};

struct hook {
	const char *path;
	const char *const *args;
	const char *const *env;
	int timeout_s; /* 0: none */
};

enum hook_stage {
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_CREATE_CONTAINER,
	HOOK_START_CONTAINER,
	HOOK_POSTSTART,
	HOOK_POSTSTOP,
	HOOK_MAX,
};

struct hook_list {
	struct hook *hooks;
	size_t n;
};

struct key_value {
	const char *key, *value;
};

struct time_offset {
	const char *clock;
	int64_t secs;
	uint32_t nanosecs;
};

struct net_device {
	const char *host_name, *name;
};

struct memory_policy {
	bool present;
	int mode; /* MPOL_* with MPOL_F_* */
	const char *nodes;
};

struct rdt_spec {
	bool present, enable_monitoring;
	const char *clos_id, *l3_schema, *mem_schema;
	const char *const *schemata;
};

struct spec {
	struct arena arena;
	struct json_object *json; /* the whole document */
	struct json_object *landlock; /* what an annotation's text was; NULL: none */
	const char *oci_version;

	bool has_process;
	struct process_spec process;
	const char *root_path;
	bool root_read_only;
	const char *hostname, *domainname;
	struct mount_spec *mounts;
	size_t n_mounts;
	struct hook_list hooks[HOOK_MAX];

	struct ns_spec ns[NS_MAX];
	struct id_maps maps;
	struct key_value *sysctls;
	size_t n_sysctls;
	const char *cgroups_path;
	struct resources *resources; /* NULL: none given */
	struct device_spec *devices;
	size_t n_devices;
	struct net_device *net_devices;
	size_t n_net_devices;
	struct json_object *seccomp; /* borrowed from json; NULL: none given */
	uint64_t root_propagation;   /* MS_* with MS_REC, 0: unset */
	const char *const *masked_paths;
	const char *const *readonly_paths;
	const char *mount_label;
	struct rdt_spec rdt;
	bool has_personality;
	unsigned long personality;
	struct time_offset *time_offsets;
	size_t n_time_offsets;
	struct memory_policy memory_policy;
};

/* Parses the text of a config.json.  On success spec_done() is due. */
int spec_parse(const char *text, size_t len, struct spec *ret, struct gantry_error *err);
void spec_done(struct spec *s);
static inline void spec_auto(struct spec *s)
{
	spec_done(s);
}

/* Parses an OCI process object; strings are borrowed from at->obj, the rest is
 * in the arena. */
int process_parse(const struct jref *at, struct arena *a, struct process_spec *ret,
		  struct gantry_error *err);

/* Parses a mount's options (spec_mount.c). */
int mount_options_parse(const struct jref *mount, struct arena *a, struct mount_options *ret,
			struct gantry_error *err);

/* Parses uid and gid mappings under the two keys uidMappings and gidMappings. */
int id_maps_parse(const struct jref *at, struct arena *a, struct id_maps *ret,
		  struct gantry_error *err);

/* The parts of spec_parse that live in other rooms. */
int spec_parse_linux(const struct jref *top, struct spec *s, struct gantry_error *err);
int spec_parse_hooks(const struct jref *top, struct spec *s, struct gantry_error *err);

/* The host's uid of the container's root, or -1 when it is not mapped. */
int64_t id_map_host(const struct id_map *map, size_t n, uint32_t container_id);

/* "mount", "network", ... as in the configuration. */
extern const char *const ns_names[NS_MAX];
/* CLONE_NEW* of each kind. */
extern const int ns_flags[NS_MAX];
/* The names under /proc/PID/ns. */
extern const char *const ns_files[NS_MAX];

/* The annotation org.gantry.userns=keep-id. */
bool spec_keeps_id(const struct spec *s);

#endif
