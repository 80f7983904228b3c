/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths.  Landlock refuses every change of mounts to whom it confines, so a driver
 * that may mount is not confined by it: with CAP_SYS_ADMIN that would be theatre.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/pluginhost/confine.h"
#include "core/pluginhost/pluginhost.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RUN (READ | LANDLOCK_ACCESS_FS_EXECUTE)
#define FILE_ONLY                                                                                  \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |                              \
	 LANDLOCK_ACCESS_FS_READ_FILE | ACCESS_TRUNCATE | ACCESS_IOCTL_DEV)
/* Newer than the headers of Debian 12 may be. */
#define ACCESS_REFER (UINT64_C(1) << 13)
#define ACCESS_TRUNCATE (UINT64_C(1) << 14)
#define ACCESS_IOCTL_DEV (UINT64_C(1) << 15)

struct ruleset {
	int fd;
	uint64_t handled;
};

static const char *const base[] = {"/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", NULL};
static const char *const base_files[] = {"/etc/ld.so.cache",
					 "/etc/localtime",
					 "/etc/passwd",
					 "/etc/group",
					 "/etc/alternatives",
					 "/proc/self",
					 "/proc/meminfo",
					 "/proc/cpuinfo",
					 "/proc/filesystems",
					 "/proc/sys/kernel",
					 NULL};
static const char *const devices[] = {"/dev/null",    "/dev/zero",   "/dev/full",
				      "/dev/urandom", "/dev/random", NULL};
static const char *const net_files[] = {"/etc/resolv.conf",
					"/etc/hosts",
					"/etc/nsswitch.conf",
					"/etc/gai.conf",
					"/etc/services",
					"/etc/protocols",
					"/etc/host.conf",
					"/etc/ssl",
					"/etc/ca-certificates",
					"/etc/pki",
					"/run/systemd/resolve",
					"/proc/sys/net",
					NULL};

/* What is not there is not permitted either. */
static int permit(const struct ruleset *r, const char *path, uint64_t access,
		  struct gantry_error *err)
{
	auto_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = {.parent_fd = fd};
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		return 0;
	}
	rule.allowed_access =
		access & r->handled & (S_ISDIR(st.st_mode) ? ~UINT64_C(0) : FILE_ONLY);
	if (syscall(SYS_landlock_add_rule, r->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0) {
		return error_errno(err, errno, "cannot permit %s", path);
	}
	return 0;
}

static int permit_list(const struct ruleset *r, const char *const *list, uint64_t access,
		       struct gantry_error *err)
{
	int code = 0;

	for (; code == 0 && *list; list++) {
		code = permit(r, *list, access, err);
	}
	return code;
}

/* ~/x and $NAME/x; NULL where the variable is not set. */
static char *expand(const char *path)
{
	char name[64];
	const char *rest, *value;
	char *out;

	if (path[0] == '/') {
		return strdup(path);
	}
	rest = strchr(path, '/') ? strchr(path, '/') : path + strlen(path);
	snprintf(name, sizeof(name), "%.*s", (int)(rest - path), path);
	value = path[0] == '~' ? getenv("HOME") : getenv(name + 1);
	return value && value[0] == '/' && asprintf(&out, "%s%s", value, rest) >= 0 ? out : NULL;
}

static int permit_declared(const struct ruleset *r, const struct permits *permits,
			   struct gantry_error *err)
{
	int code = 0;

	for (unsigned i = 0; code == 0 && i < permits->n_paths; i++) {
		auto_free char *path = expand(permits->paths[i].path);

		if (path) {
			code = permit(r, path, permits->paths[i].writable ? r->handled : READ, err);
		}
	}
	return code;
}

/* The plugin's own folder, and the hosts of scripts beside the kinds. */
static int permit_plugin(const struct ruleset *r, const char *file, struct gantry_error *err)
{
	auto_free char *real = realpath(file, NULL);
	auto_free char *hosts = NULL;
	char *slash = real ? strrchr(real, '/') : NULL;
	int code;

	if (!slash) {
		return 0;
	}
	*slash = '\0';
	code = permit(r, real, RUN, err);
	if (code == 0 && asprintf(&hosts, "%s/../../hosts", real) >= 0) {
		code = permit(r, hosts, RUN, err);
	}
	return code < 0 ? code : permit(r, PLUGINDIR "/hosts", RUN, err);
}

static int permit_all(const struct ruleset *r, const struct host_options *o,
		      const struct permits *permits, struct gantry_error *err)
{
	int code = permit_list(r, base, RUN, err);

	code = code < 0 ? code : permit_list(r, base_files, READ, err);
	code = code < 0 ? code : permit_list(r, devices, READ | LANDLOCK_ACCESS_FS_WRITE_FILE, err);
	code = code < 0 ? code : permit_plugin(r, o->file, err);
	code = code < 0 ? code : permit(r, o->state_dir, r->handled, err);
	code = code < 0 ? code : permit(r, o->run_dir, r->handled, err);
	for (unsigned i = 0; code == 0 && i < o->n_folders; i++) {
		code = permit(r, o->folders[i], r->handled, err);
	}
	if (code == 0 && (permits->groups & PERMIT_NET)) {
		code = permit_list(r, net_files, READ, err);
	}
	return code < 0 ? code : permit_declared(r, permits, err);
}

static uint64_t all_accesses(long abi)
{
	return abi >= 5	  ? (ACCESS_IOCTL_DEV << 1) - 1
	       : abi >= 3 ? (ACCESS_TRUNCATE << 1) - 1
	       : abi == 2 ? (ACCESS_REFER << 1) - 1
			  : ACCESS_REFER - 1;
}

int restrict_paths(const struct host_options *options, const struct permits *permits,
		   struct gantry_error *err)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr;
	struct ruleset r;
	int code;

	if (abi < 1) {
		fprintf(stderr, "this kernel has no Landlock: paths are not restricted\n");
		return 0;
	}
	r.handled = attr.handled_access_fs = all_accesses(abi);
	r.fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	if (r.fd < 0) {
		return error_errno(err, errno, "cannot restrict paths");
	}
	code = permit_all(&r, options, permits, err);
	if (code == 0 && syscall(SYS_landlock_restrict_self, r.fd, 0) < 0) {
		code = error_errno(err, errno, "cannot restrict paths");
	}
	close(r.fd);
	return code;
}
