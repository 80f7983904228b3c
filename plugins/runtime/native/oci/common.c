/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "../container.h"
#include "../sys.h"
#include "oci.h"

char *oci_state_dir(const struct oci *o, const char *id, struct gantry_error *err)
{
	char *path;

	if (!id[0] || strlen(id) > 255 || id[0] == '.' ||
	    strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.") !=
		    strlen(id)) {
		error_set(err, GANTRY_ERR_INVALID, "invalid container ID format: \"%.64s\"", id);
		error_hint(err, "letters, digits and _ + - . make an ID");
		return NULL;
	}
	if (asprintf(&path, "%s/%s", o->root, id) < 0) {
		error_no_memory(err);
		return NULL;
	}
	return path;
}

int oci_write_pid_file(const char *path, pid_t pid, struct gantry_error *err)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", pid);
	int r = path ? write_file_atomic(AT_FDCWD, path, text, (size_t)n, 0644, 0) : 0;

	return r < 0 ? error_errno(err, -r, "cannot write the pid file %s", path) : 0;
}

enum {
	OPT_CONSOLE = 256,
	OPT_PID_FILE,
	OPT_NO_PIVOT,
	OPT_NO_KEYRING,
	OPT_PRESERVE,
	OPT_NO_SUBREAPER,
	OPT_KEEP,
	OPT_PIDFD,
};

static const struct option options[] = {
	{ "bundle", required_argument, NULL, 'b' },
	{ "config", required_argument, NULL, 'f' },
	{ "console-socket", required_argument, NULL, OPT_CONSOLE },
	{ "pidfd-socket", required_argument, NULL, OPT_PIDFD },
	{ "pid-file", required_argument, NULL, OPT_PID_FILE },
	{ "no-pivot", no_argument, NULL, OPT_NO_PIVOT },
	{ "no-new-keyring", no_argument, NULL, OPT_NO_KEYRING },
	{ "preserve-fds", required_argument, NULL, OPT_PRESERVE },
	{ "detach", no_argument, NULL, 'd' },
	{ "no-subreaper", no_argument, NULL, OPT_NO_SUBREAPER },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int oci_parse_new(int argc, char **argv, const char *command, struct oci_new *n)
{
	long fds;
	int c;

	*n = (struct oci_new){ .bundle = "." };
	while ((c = getopt_long(argc, argv, "+b:f:dh", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			n->bundle = optarg;
			break;
		case 'f':
			n->config = optarg;
			break;
		case 'd':
			n->detach = true;
			break;
		case OPT_PIDFD:
			n->pidfd_socket = optarg;
			break;
		case OPT_CONSOLE:
			n->console_socket = optarg;
			break;
		case OPT_PID_FILE:
			n->pid_file = optarg;
			break;
		case OPT_NO_PIVOT:
			n->no_pivot = true;
			break;
		case OPT_NO_KEYRING:
			n->no_new_keyring = true;
			break;
		case OPT_PRESERVE:
			if (!oci_parse_number(optarg, 0, 1000, &fds))
				return oci_usage(command, "--preserve-fds is a number");
			n->preserve_fds = (int)fds;
			break;
		case OPT_KEEP:
			n->keep = true;
			break;
		case OPT_NO_SUBREAPER:
			break;
		default:
			return oci_usage(command, NULL);
		}
	}
	if (argc - optind != 1)
		return oci_usage(command, "one container ID is needed");
	n->id = argv[optind];
	return 0;
}

void oci_new_done(struct oci_new *n)
{
	free(n->state_dir);
	free(n->bundle_path);
}

/* Descriptors of socket activation are passed on as well. */
static int inherited_fds(const struct oci_new *n)
{
	const char *listen_fds = getenv("LISTEN_FDS");
	int count = n->preserve_fds + (listen_fds ? atoi(listen_fds) : 0);

	return count < 0 ? 0 : count > 1000 ? 1000 : count;
}

static int create(const struct oci *o, struct oci_new *n, bool start_by_caller,
		  struct container_process *ret, struct gantry_error *err)
{
	auto_(buf) struct buf config = BUF_INIT;
	auto_fd int console = -1;
	struct container_options co = {
		.id = n->id, .bundle = n->bundle_path, .state_dir = n->state_dir, .rootfs = -1,
		.stdio = { 0, 1, 2 }, .console_socket = -1, .cache_dir = o->cache_dir,
		.preserve_fds = inherited_fds(n), .parent = CHILD_OF_CALLER,
		.start = start_by_caller ? START_BY_CALLER : START_BY_SOCKET,
		/* whoever only creates looks for the container in every hierarchy */
		.join = start_by_caller ? CGROUP_JOIN_LIMITED : CGROUP_JOIN_ALL,
		.pivot = n->no_pivot ? ROOTFS_NO_PIVOT : ROOTFS_PIVOT,
		.new_keyring = !n->no_new_keyring, .systemd_cgroup = o->systemd_cgroup,
		.no_cgroups = o->no_cgroups,
		.process_optional = !start_by_caller,
	};

	if (n->config) {
		int r = read_file(AT_FDCWD, n->config, &config, 4 << 20);

		if (r < 0)
			return error_errno(err, -r, "cannot read %s", n->config);
		co.spec = buf_str(&config);
	}
	if (n->console_socket) {
		console = unix_connect(n->console_socket);
		if (console < 0)
			return error_errno(err, -console, "cannot connect to the console socket %s",
					   n->console_socket);
		co.console_socket = console;
	}
	return n->restore ? container_restore(&co, n->restore, ret, err)
			  : container_create(&co, ret, err);
}

/* The folder's name is the container's: who makes it owns the ID. */
static int make_state_dir(const struct oci *o, const struct oci_new *n, struct gantry_error *err)
{
	int r = mkdir(n->state_dir, 0700) < 0 ? errno : 0;

	if (r == ENOENT) {
		make_dirs(AT_FDCWD, o->root, 0700);
		r = mkdir(n->state_dir, 0700) < 0 ? errno : 0;
	}
	if (r == EEXIST)
		return error_set(err, GANTRY_ERR_EXISTS,
				 "container with given ID already exists: %s", n->id);
	return r ? error_errno(err, r, "cannot create %s", n->state_dir) : 0;
}

int oci_new_container(const struct oci *o, struct oci_new *n, bool start_by_caller,
		      struct container_process *ret, struct gantry_error *err)
{
	int r;

	n->state_dir = oci_state_dir(o, n->id, err);
	if (!n->state_dir)
		return err->code;
	n->bundle_path = realpath(n->bundle, NULL);
	if (!n->bundle_path)
		return error_errno(err, errno, "cannot open the bundle %s", n->bundle);
	r = make_state_dir(o, n, err);
	if (r < 0)
		return r;
	r = create(o, n, start_by_caller, ret, err);
	if (r < 0)
		rmdir(n->state_dir);
	for (size_t i = 0; r == 0 && i < ret->n_warnings; i++)
		oci_warn(o, ret->warnings[i]);
	return r;
}

int oci_send_pidfd(const char *socket, const struct container_process *p,
		   struct gantry_error *err)
{
	static const char name[] = "pidfd";
	auto_fd int own = -1;
	auto_fd int sock = -1;
	int fd = p->pidfd;

	if (!socket)
		return 0;
	if (fd < 0)
		fd = own = sys_pidfd_open(p->pid);
	if (fd < 0)
		return error_errno(err, errno, "--pidfd-socket: the process is gone");
	sock = unix_connect(socket);
	if (sock < 0)
		return error_errno(err, -sock, "cannot connect to the pidfd socket %s", socket);
	if (send_with_fds(sock, name, sizeof(name), &fd, 1) < 0)
		return error_set(err, GANTRY_ERR_UNAVAILABLE,
				 "cannot pass the pidfd to the socket %s", socket);
	return 0;
}

bool oci_parse_number(const char *text, long min, long max, long *ret)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (end == text || *end || errno || value < min || value > max)
		return false;
	*ret = value;
	return true;
}

static int each_match(struct oci *o, const regex_t *re,
		      int (*fn)(struct oci *o, const char *id, const char *dir, void *data,
				struct gantry_error *err),
		      void *data)
{
	struct dirent **names = NULL;
	int n = scandir(o->root, &names, NULL, alphasort), status = 0;

	for (int i = 0; i < n; i++) {
		struct gantry_error err = GANTRY_ERROR_INIT;
		const char *id = names[i]->d_name;
		auto_free char *dir = NULL;
		regmatch_t m;

		if (id[0] != '.' && regexec(re, id, 1, &m, 0) == 0 && m.rm_so == 0 && !id[m.rm_eo]) {
			dir = oci_state_dir(o, id, &err);
			if (!dir || fn(o, id, dir, data, &err) < 0)
				status = oci_fail(o, &err);
		}
		free(names[i]);
	}
	free(names);
	return status;
}

int oci_each(struct oci *o, const char *id, bool regex,
	     int (*fn)(struct oci *o, const char *id, const char *dir, void *data,
		       struct gantry_error *err),
	     void *data)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_free char *dir = NULL;
	regex_t re;
	int status;

	if (!regex) {
		dir = oci_state_dir(o, id, &err);
		return !dir || fn(o, id, dir, data, &err) < 0 ? oci_fail(o, &err) : 0;
	}
	if (regcomp(&re, id, REG_EXTENDED) != 0) {
		error_set(&err, GANTRY_ERR_INVALID, "\"%s\" is not a regular expression", id);
		return oci_fail(o, &err);
	}
	status = each_match(o, &re, fn, data);
	regfree(&re);
	return status;
}

/* Not getpwuid(3), which loads libraries into a static program. */
const char *oci_user_name(uid_t uid, char *out, size_t size)
{
	auto_(buf) struct buf text = BUF_INIT;
	char *save = NULL;

	snprintf(out, size, "#%u", uid);
	if (read_file(AT_FDCWD, "/etc/passwd", &text, 1 << 22) < 0 || !text.len)
		return out;
	for (char *line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned int found;
		int end = (int)strcspn(line, ":");

		if (end > 0 && sscanf(line + end, ":%*[^:]:%u:", &found) == 1 && found == uid) {
			snprintf(out, size, "%.*s", end, line);
			break;
		}
	}
	return out;
}

int oci_remove_state_dir(const char *state_dir, struct gantry_error *err)
{
	if (rmdir(state_dir) < 0 && errno != ENOENT)
		return error_errno(err, errno, "cannot remove %s", state_dir);
	return 0;
}
