/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "core/plugin/permissions.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static const char *const capabilities[] = {
	"chown",
	"dac_override",
	"dac_read_search",
	"fowner",
	"fsetid",
	"kill",
	"setgid",
	"setuid",
	"setpcap",
	"linux_immutable",
	"net_bind_service",
	"net_broadcast",
	"net_admin",
	"net_raw",
	"ipc_lock",
	"ipc_owner",
	"sys_module",
	"sys_rawio",
	"sys_chroot",
	"sys_ptrace",
	"sys_pacct",
	"sys_admin",
	"sys_boot",
	"sys_nice",
	"sys_resource",
	"sys_time",
	"sys_tty_config",
	"mknod",
	"lease",
	"audit_write",
	"audit_control",
	"setfcap",
	"mac_override",
	"mac_admin",
	"syslog",
	"wake_alarm",
	"block_suspend",
	"audit_read",
	"perfmon",
	"bpf",
	"checkpoint_restore",
};

enum { CAP_BIT_NET_ADMIN = 12, CAP_BIT_SYS_ADMIN = 21 };

struct word {
	const char *name;
	unsigned groups;
	int argument; /* 1: name:something; 2: may have one */
};

static const struct word words[] = {
	{"fork", PERMIT_FORK, 0},
	{"exec", PERMIT_FORK | PERMIT_EXEC, 2},
	{"net", PERMIT_NET, 0},
	{"http", PERMIT_NET, 2},
	{"unix", PERMIT_UNIX, 0},
	{"mount", PERMIT_MOUNT, 0},
	{"daemon", PERMIT_FORK | PERMIT_DAEMON, 0},
	{"host", PERMIT_HOST, 0},
	/* Services of the host: what they give is decided there. */
	{"engine", 0, 0},
	{"kv", 0, 0},
	{"counter", 0, 0},
	{"secret", 0, 2},
};

const char *capability_name(unsigned number)
{
	return number < ARRAY_SIZE(capabilities) ? capabilities[number] : NULL;
}

static int add_path(struct permits *p, const char *text, const char *path, int writable,
		    struct gantry_error *err)
{
	if ((path[0] != '/' && strncmp(path, "~/", 2) != 0 && path[0] != '$') ||
	    strstr(path, "/../") ||
	    (strlen(path) >= 3 && !strcmp(path + strlen(path) - 3, "/.."))) {
		error_set(err, GANTRY_ERR_INVALID, "the permission \"%s\" names no absolute path",
			  text);
		return error_hint(err,
				  "write a path from /, from ~/ or from $NAME, without \"..\"");
	}
	if (p->n_paths == PERMIT_PATHS_MAX) {
		return error_set(err, GANTRY_ERR_LIMIT,
				 "there are more than %d paths among its permissions",
				 PERMIT_PATHS_MAX);
	}
	p->paths[p->n_paths++] = (struct permit_path){path, writable};
	return 0;
}

static int add_capability(struct permits *p, const char *text)
{
	for (unsigned i = 0; i < ARRAY_SIZE(capabilities); i++) {
		if (!strcmp(capabilities[i], text)) {
			p->capabilities |= UINT64_C(1) << i;
			/* What these are good for. */
			p->groups |= i == CAP_BIT_SYS_ADMIN   ? PERMIT_MOUNT
				     : i == CAP_BIT_NET_ADMIN ? PERMIT_NET
							      : 0;
			return 1;
		}
	}
	return 0;
}

int permits_add(struct permits *p, const char *text, struct gantry_error *err)
{
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);

	if (!strncmp(text, "read:", 5)) {
		return add_path(p, text, text + 5, 0, err);
	}
	if (!strncmp(text, "write:", 6)) {
		return add_path(p, text, text + 6, 1, err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const struct word *w = &words[i];

		if (strlen(w->name) == len && !strncmp(w->name, text, len) &&
		    (!colon || (w->argument && colon[1]))) {
			p->groups |= w->groups;
			if (w->groups & PERMIT_MOUNT) {
				p->capabilities |= UINT64_C(1) << CAP_BIT_SYS_ADMIN;
			}
			return 0;
		}
	}
	if (add_capability(p, text)) {
		return 0;
	}
	error_set(err, GANTRY_ERR_INVALID, "the permission \"%.100s\" is unknown", text);
	return error_hint(err, "docs/plugin-permissions.md lists them; a newer gantry may know it");
}
