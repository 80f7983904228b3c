/* SPDX-License-Identifier: Apache-2.0 */
/* The agent that decides system calls for SCMP_ACT_NOTIFY. */
#ifndef NATIVE_NOTIFY_H
#define NATIVE_NOTIFY_H

struct gantry_error;
struct json_object;

/* Connects to linux.seccomp.listenerPath; *ret stays -1 when the profile (may be
 * NULL) has none. */
int notify_connect(struct json_object *seccomp, int *ret, struct gantry_error *err);

/* What is said beside the listener: the OCI container process state.  state is
 * the OCI state as JSON text, pid the process's on the host.  The caller frees it. */
char *notify_message(struct json_object *seccomp, const char *state, int pid);

#endif
