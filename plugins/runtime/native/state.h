/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept about a container in its state folder: state.json (replaced by
 * rename), config.json (a copy of the configuration), and while it waits for its
 * start the socket `start`, or the file `restored`.  It is written before the first side effect, so that
 * whoever comes after a crash knows what to remove.
 */
#ifndef NATIVE_STATE_H
#define NATIVE_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cgroup.h"

struct gantry_error;
struct json_object;

enum status {
	STATUS_CREATING,
	STATUS_CREATED,
	STATUS_RUNNING,
	STATUS_PAUSED,
	STATUS_STOPPED,
};

struct state {
	struct json_object *json; /* owns the strings below */
	const char *id, *bundle, *rootfs, *cgroup_path, *oci_version, *filter, *scope;
	struct json_object *annotations; /* or NULL */
	pid_t pid;                       /* 0 until the process exists */
	uint64_t start_time;             /* of the pid, in clock ticks since boot */
	int64_t created_ns;
	uid_t owner;
	int namespaces; /* CLONE_NEW* of what differs from the host */
};

#define STATE_START_SOCKET "start"
/* Its processes were restored and are stopped until the container is started. */
#define STATE_RESTORED "restored"

/* Replaces state.json. */
int state_write(const char *dir, const struct state *s, struct gantry_error *err);

/* NOT_FOUND when there is none. */
int state_read(const char *dir, struct state *ret, struct gantry_error *err);
void state_done(struct state *s);
static inline void state_auto(struct state *s)
{
	state_done(s);
}

/* Is the recorded process still there (not another with its pid, not a zombie)? */
bool state_is_alive(const struct state *s);

enum status state_status(const char *dir, const struct state *s, const struct cgroup_host *host);
const char *status_name(enum status status);

/* The OCI state as JSON text, for hooks and `state`; the caller frees it. */
char *state_to_json(const struct state *s, enum status status);

/* When the process started, or 0; *ret_zombie may be NULL. */
uint64_t process_start_time(pid_t pid, bool *ret_zombie);

#endif
