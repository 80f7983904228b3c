/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "../container.h"
#include "oci.h"

/* Which command has an option. */
enum {
	CHECKPOINT = 1,
	RESTORE = 2,
	BOTH = 3,
};

enum option_number {
	OPT_IMAGE_PATH = 256,
	OPT_WORK_PATH,
	OPT_PARENT_PATH,
	OPT_PAGE_SERVER,
	OPT_STATUS_FD,
	OPT_MANAGE_CGROUPS,
	OPT_NETWORK_LOCK,
	OPT_EMPTY_NS,
	OPT_LSM_PROFILE,
	OPT_LSM_MOUNT_CONTEXT,
	OPT_CONSOLE,
	OPT_PID_FILE,
	OPT_BUNDLE,
	OPT_DETACH,
	OPT_NO_PIVOT,
	OPT_NO_SUBREAPER,
	OPT_FIRST_FLAG,
};

#define FLAG(member) offsetof(struct checkpoint_options, member)

static const struct entry {
	const char *name;
	int command, number;
	size_t flag; /* of OPT_FIRST_FLAG: a bool of struct checkpoint_options */
} entries[] = {
	{ "image-path", BOTH, OPT_IMAGE_PATH, 0 },
	{ "work-path", BOTH, OPT_WORK_PATH, 0 },
	{ "parent-path", CHECKPOINT, OPT_PARENT_PATH, 0 },
	{ "page-server", CHECKPOINT, OPT_PAGE_SERVER, 0 },
	{ "status-fd", CHECKPOINT, OPT_STATUS_FD, 0 },
	{ "manage-cgroups-mode", BOTH, OPT_MANAGE_CGROUPS, 0 },
	{ "network-lock", BOTH, OPT_NETWORK_LOCK, 0 },
	{ "empty-ns", BOTH, OPT_EMPTY_NS, 0 },
	{ "lsm-profile", RESTORE, OPT_LSM_PROFILE, 0 },
	{ "lsm-mount-context", RESTORE, OPT_LSM_MOUNT_CONTEXT, 0 },
	{ "console-socket", RESTORE, OPT_CONSOLE, 0 },
	{ "pid-file", RESTORE, OPT_PID_FILE, 0 },
	{ "bundle", RESTORE, OPT_BUNDLE, 0 },
	{ "detach", RESTORE, OPT_DETACH, 0 },
	{ "no-pivot", RESTORE, OPT_NO_PIVOT, 0 },
	{ "no-subreaper", RESTORE, OPT_NO_SUBREAPER, 0 },
	{ "leave-running", CHECKPOINT, OPT_FIRST_FLAG, FLAG(leave_running) },
	{ "pre-dump", CHECKPOINT, OPT_FIRST_FLAG, FLAG(pre_dump) },
	{ "link-remap", CHECKPOINT, OPT_FIRST_FLAG, FLAG(link_remap) },
	{ "tcp-skip-in-flight", CHECKPOINT, OPT_FIRST_FLAG, FLAG(tcp_skip_in_flight) },
	{ "tcp-close", RESTORE, OPT_FIRST_FLAG, FLAG(tcp_close) },
	{ "auto-dedup", BOTH, OPT_FIRST_FLAG, FLAG(auto_dedup) },
	{ "lazy-pages", BOTH, OPT_FIRST_FLAG, FLAG(lazy_pages) },
	{ "tcp-established", BOTH, OPT_FIRST_FLAG, FLAG(tcp_established) },
	{ "ext-unix-sk", BOTH, OPT_FIRST_FLAG, FLAG(ext_unix_sk) },
	{ "shell-job", BOTH, OPT_FIRST_FLAG, FLAG(shell_job) },
	{ "file-locks", BOTH, OPT_FIRST_FLAG, FLAG(file_locks) },
};

struct args {
	struct checkpoint_options o;
	struct oci_new n;
	char images[PATH_MAX], page_server[256];
};

/* CRIU's number for one of a list of names, or -1. */
static int choose(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (names[i] && !strcmp(names[i], name))
			return (int)i;
	}
	return -1;
}

/* "ADDRESS:PORT" */
static const char *set_page_server(struct args *a, const char *text)
{
	const char *colon = strrchr(text, ':');

	if (!colon || colon == text ||
	    snprintf(a->page_server, sizeof(a->page_server), "%.*s", (int)(colon - text), text) >=
		    (int)sizeof(a->page_server))
		return "--page-server is ADDRESS:PORT";
	a->o.page_server = a->page_server;
	a->o.page_server_port = atoi(colon + 1);
	return a->o.page_server_port > 0 ? NULL : "--page-server is ADDRESS:PORT";
}

/* Returns what is wrong, or NULL. */
static const char *set_option(struct args *a, int number, const char *value)
{
	static const char *const modes[] = { "ignore", NULL, NULL, "soft", "full", "strict" };
	static const char *const locks[] = { NULL, "iptables", "nftables", "skip" };

	switch (number) {
	case OPT_IMAGE_PATH: a->o.images = value; break;
	case OPT_WORK_PATH: a->o.work = value; break;
	case OPT_PARENT_PATH: a->o.parent = value; break;
	case OPT_LSM_PROFILE: a->o.lsm_profile = value; break;
	case OPT_LSM_MOUNT_CONTEXT: a->o.lsm_mount_context = value; break;
	case OPT_CONSOLE: a->n.console_socket = value; break;
	case OPT_PID_FILE: a->n.pid_file = value; break;
	case OPT_BUNDLE: a->n.bundle = value; break;
	case OPT_DETACH: a->n.detach = true; break;
	case OPT_NO_PIVOT: a->n.no_pivot = true; break;
	case OPT_STATUS_FD:
		a->o.status_fd = atoi(value);
		return fcntl(a->o.status_fd, F_GETFD) < 0 ? "--status-fd is no open descriptor" : NULL;
	case OPT_PAGE_SERVER:
		return set_page_server(a, value);
	case OPT_MANAGE_CGROUPS:
		a->o.manage_cgroups = choose(modes, ARRAY_SIZE(modes), value);
		return a->o.manage_cgroups < 0
			       ? "--manage-cgroups-mode is soft, full, strict or ignore"
			       : NULL;
	case OPT_NETWORK_LOCK:
		a->o.network_lock = choose(locks, ARRAY_SIZE(locks), value);
		return a->o.network_lock < 0 ? "--network-lock is iptables, nftables or skip" : NULL;
	case OPT_EMPTY_NS:
		a->o.empty_ns = CLONE_NEWNET;
		return strcmp(value, "network") ? "--empty-ns is network" : NULL;
	default:
		break;
	}
	return NULL;
}

static bool takes_value(int number)
{
	return number < OPT_DETACH;
}

static int parse(int argc, char **argv, int command, const char *name, struct args *a)
{
	struct option options[ARRAY_SIZE(entries) + 2];
	const char *problem = NULL;
	size_t n = 0;
	int c;

	*a = (struct args){ .o.status_fd = -1, .n.bundle = "." };
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		if (entries[i].command & command)
			options[n++] = (struct option){ entries[i].name,
							takes_value(entries[i].number), NULL,
							1000 + (int)i };
	}
	options[n++] = (struct option){ "help", no_argument, NULL, 'h' };
	options[n] = (struct option){ 0 };
	while (!problem && (c = getopt_long(argc, argv, command == RESTORE ? "+b:dh" : "+h", options,
					    NULL)) != -1) {
		const struct entry *e = c >= 1000 ? &entries[c - 1000] : NULL;

		if (e && e->number == OPT_FIRST_FLAG)
			*(bool *)((char *)&a->o + e->flag) = true;
		else if (e)
			problem = set_option(a, e->number, optarg);
		else if (c == 'b' || c == 'd')
			problem = set_option(a, c == 'b' ? OPT_BUNDLE : OPT_DETACH, optarg);
		else
			return oci_usage(name, NULL);
	}
	if (!problem && argc - optind != 1)
		problem = "one container ID is needed";
	if (!problem && a->o.parent && a->o.parent[0] == '/')
		problem = "--parent-path is relative to --image-path";
	if (problem)
		return oci_usage(name, problem);
	a->n.id = argv[optind];
	return 0;
}

/* CRIU gets descriptors of the folders, messages a path that stays true. */
static int set_images(const struct oci *o, struct args *a, struct gantry_error *err)
{
	char cwd[PATH_MAX];

	a->o.criu = o->criu;
	if (a->o.images)
		return 0;
	if (!getcwd(cwd, sizeof(cwd)) ||
	    snprintf(a->images, sizeof(a->images), "%s/checkpoint", cwd) >= (int)sizeof(a->images))
		return error_set(err, GANTRY_ERR_INVALID, "cannot tell where the folder checkpoint is");
	a->o.images = a->images;
	return 0;
}

int oci_checkpoint(struct oci *o, int argc, char **argv)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_free char *dir = NULL;
	struct args a;
	int status = parse(argc, argv, CHECKPOINT, "checkpoint", &a);

	if (status)
		return status;
	dir = oci_state_dir(o, a.n.id, &err);
	if (!dir || set_images(o, &a, &err) < 0 || container_checkpoint(a.n.id, dir, &a.o, &err) < 0)
		return oci_fail(o, &err);
	if (a.o.leave_running || a.o.pre_dump)
		return 0;
	/* as runc and crun do: what is saved is no container any more */
	if (container_delete(a.n.id, dir, true, &err) < 0 || oci_remove_state_dir(dir, &err) < 0)
		return oci_fail(o, &err);
	return 0;
}

int oci_restore(struct oci *o, int argc, char **argv)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct args a;
	int status = parse(argc, argv, RESTORE, "restore", &a);

	if (status)
		return status;
	if (set_images(o, &a, &err) < 0)
		return oci_fail(o, &err);
	a.n.restore = &a.o;
	return oci_run_new(o, &a.n);
}
