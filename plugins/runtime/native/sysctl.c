/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "spec.h"
#include "sys.h"
#include "sysctl.h"

/* The namespace that a parameter belongs to, or -1 when it is the host's. */
static int namespace_of(const char *key)
{
	static const char *const ipc[] = { "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni",
					   "kernel.sem", "kernel.shmall", "kernel.shmmax",
					   "kernel.shmmni", "kernel.shm_rmid_forced" };

	for (size_t i = 0; i < ARRAY_SIZE(ipc); i++) {
		if (!strcmp(ipc[i], key))
			return NS_IPC;
	}
	if (!strncmp(key, "fs.mqueue.", 10))
		return NS_IPC;
	if (!strncmp(key, "net.", 4))
		return NS_NETWORK;
	if (!strcmp(key, "kernel.domainname") || !strcmp(key, "kernel.hostname"))
		return NS_UTS;
	return -1;
}

/* Dots separate, as sysctl(8) has it, unless a slash comes first. */
static void normalise(const char *key, char *out, size_t size)
{
	char first = key[strcspn(key, "./")];

	snprintf(out, size, "%s", key);
	for (char *p = out; *p && first == '/'; p++) {
		if (*p == '/')
			*p = '.';
		else if (*p == '.')
			*p = '/';
	}
}

static int apply_one(const struct key_value *v, const struct spec *s, int host_proc,
		     struct gantry_error *err)
{
	char key[256], path[300];
	auto_fd int fd = -1;
	int kind;

	normalise(v->key, key, sizeof(key));
	kind = namespace_of(key);
	if (kind < 0) {
		error_set(err, GANTRY_ERR_INVALID, "linux.sysctl: \"%s\" is a parameter of the host",
			  v->key);
		return error_hint(err, "only parameters of the ipc, network and uts namespaces "
				       "can be set for a container");
	}
	if (!s->ns[kind].present) {
		error_set(err, GANTRY_ERR_INVALID, "linux.sysctl: \"%s\" needs a %s namespace",
			  v->key, ns_names[kind]);
		return error_hint(err, "the container shares the host's");
	}
	snprintf(path, sizeof(path), "sys/%s", key);
	for (char *p = path; *p; p++)
		*p = *p == '.' ? '/' : *p == '/' && p != path + 3 ? '.' : *p;
	fd = sys_openat2(host_proc, path, O_WRONLY | O_CLOEXEC, 0,
			 RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
	if (fd < 0)
		return error_errno(err, errno, "linux.sysctl: cannot open \"%s\"", v->key);
	if (write(fd, v->value, strlen(v->value)) < 0)
		return error_errno(err, errno, "linux.sysctl: cannot set \"%s\" to \"%s\"", v->key,
				   v->value);
	return 0;
}

int sysctl_apply(const struct spec *s, int host_proc, struct gantry_error *err)
{
	for (size_t i = 0; i < s->n_sysctls; i++) {
		int r = apply_one(&s->sysctls[i], s, host_proc, err);

		if (r < 0)
			return r;
	}
	return 0;
}
