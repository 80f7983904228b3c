/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control groups of one container, on hosts with version 2, version 1 or
 * both (hybrid).
 *
 * Moving a process into a version 1 group waits for an RCU grace period, which
 * is ten times longer than everything else that starting a container takes.  So
 * where a version 2 hierarchy exists the process is born in it
 * (CLONE_INTO_CGROUP): it kills, freezes, counts time and pressure and, by eBPF,
 * guards devices.  The version 1 hierarchies are joined at creation only when the
 * configuration limits something there or the caller asks for it; then all of
 * them, since the wait is paid once and programs (the JVM) look for several.
 */
#ifndef NATIVE_CGROUP_H
#define NATIVE_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct gantry_error;
struct resources;

enum cgroup_mode {
	CGROUP_NONE,    /* no control groups here */
	CGROUP_UNIFIED, /* version 2 alone */
	CGROUP_LEGACY,  /* version 1, perhaps with a version 2 hierarchy beside it */
};

#define CGROUP_MAX_V1 16

struct cgroup_v1 {
	char name[64];  /* "memory", "cpu,cpuacct", "systemd": the folder's name */
	char own[256];  /* where the calling process is */
};

/* What the host has mounted. */
struct cgroup_host {
	enum cgroup_mode mode;
	char unified[64];      /* where version 2 is mounted; "" when nowhere */
	char unified_own[256]; /* where the calling process is in it */
	struct cgroup_v1 v1[CGROUP_MAX_V1];
	size_t n_v1;
};

enum cgroup_join {
	CGROUP_JOIN_LIMITED, /* none when version 1 limits nothing */
	CGROUP_JOIN_ALL,     /* every hierarchy, as other runtimes do */
};

struct cgroup {
	const struct cgroup_host *host; /* borrowed */
	char path[512];                 /* below each hierarchy's mount point */
	int unified;                    /* the version 2 folder, or -1 */
	int procs[CGROUP_MAX_V1];       /* cgroup.procs of joined v1 groups, or -1 */
	bool device_filter;             /* an eBPF program is attached */
};

#define CGROUP_INIT { .unified = -1 }

int cgroup_detect(struct cgroup_host *ret, struct gantry_error *err);

/* The path of a container's group: `requested` (linux.cgroupsPath) or a default
 * made from the id. */
int cgroup_path(const struct cgroup_host *host, const char *requested, const char *id, char *out,
		size_t size, struct gantry_error *err);

/* Creates the groups and sets the limits.  On failure what was made is gone. */
int cgroup_create(const struct cgroup_host *host, const char *path, const struct resources *res,
		  enum cgroup_join join, struct cgroup *ret, struct gantry_error *err);

/* Opens the groups of a container that exists; missing ones are fine. */
int cgroup_open(const struct cgroup_host *host, const char *path, struct cgroup *ret,
		struct gantry_error *err);

/* Moves pid into every version 1 group of this container, and with `unified`
 * into the version 2 group (when it was not born there). */
int cgroup_attach(const struct cgroup *c, pid_t pid, bool unified, struct gantry_error *err);

/* Changes limits; joins version 1 controllers that have not been needed so far. */
int cgroup_update(struct cgroup *c, const struct resources *res, struct gantry_error *err);

/* Gives a version 2 group to the container's user, where the configuration lets that user
 * write there (cgroup_delegate.c). */
struct spec;
int cgroup_delegate(const struct cgroup *c, const struct spec *s, struct gantry_error *err);

/* Closes the descriptors. */
void cgroup_done(struct cgroup *c);
static inline void cgroup_auto(struct cgroup *c)
{
	cgroup_done(c);
}

/* The rest works by path alone, so that any process can do it at any time. */

/* Kills everything in the group.  Returns 1 when the kernel did it at once
 * (cgroup.kill), 0 when there is no group to ask. */
int cgroup_kill(const struct cgroup_host *host, const char *path, struct gantry_error *err);

/* Removes the groups; processes that still live there are killed. */
int cgroup_remove(const struct cgroup_host *host, const char *path, struct gantry_error *err);

/* Processes of the group and those below it; the caller frees *ret. */
int cgroup_pids(const struct cgroup_host *host, const char *path, pid_t **ret, size_t *ret_n,
		struct gantry_error *err);

int cgroup_freeze(const struct cgroup_host *host, const char *path, bool freeze,
		  struct gantry_error *err);
bool cgroup_is_frozen(const struct cgroup_host *host, const char *path);
/* The folder whose files freeze the group; false when it is not the container's own. */
bool cgroup_freezer(const struct cgroup_host *host, const char *path, char *out, size_t size);

/* Rooms of the two versions (cgroup_v1.c, cgroup_v2.c, cgroup_bpf.c). */

/* Does res limit something in the version 1 hierarchy `name`? */
bool cgroup_v1_wanted(const char *name, const struct resources *res, bool device_filter);
/* Writes the limits (NULL: none but the default device rules) of this hierarchy
 * into the group dirfd. */
int cgroup_v1_set(int dirfd, const char *name, const struct resources *res, bool device_filter,
		  bool update, struct gantry_error *err);
int cgroup_v2_set(int dirfd, const struct resources *res, struct gantry_error *err);
/* memory.checkBeforeUpdate: refuses a limit below what file says is used. */
int cgroup_check_usage(int dirfd, const char *file, const struct resources *res,
		       struct gantry_error *err);
/* cpu.weight of version 2 for version 1's cpu.shares. */
int64_t cgroup_weight_of_shares(int64_t shares);
/* Does the list let everything through? */
bool device_rules_allow_all(const struct resources *res);
/* Guards devices of the version 2 group dirfd; -UNSUPPORTED where eBPF is not to be had. */
int cgroup_set_device_filter(int dirfd, const struct resources *res, struct gantry_error *err);

/* Finds "name" in a hierarchy's comma-separated controllers. */
bool cgroup_has_controller(const char *hierarchy, const char *name);
/* Is the hierarchy mounted where it should be?  The kernel lists it in any case. */
bool cgroup_v1_mounted(const struct cgroup_v1 *h);
/* Where a hierarchy is mounted. */
void cgroup_v1_root(const struct cgroup_v1 *h, char *out, size_t size);

/* Devices that every container may use, appended to what a configuration says. */
extern const struct device_rule *const default_device_rules;
extern const size_t n_default_device_rules;

#endif
