/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "../container.h"
#include "oci.h"

static void write_log(const struct oci *o, const char *level, const char *text)
{
	auto_file FILE *f = o->log ? fopen(o->log, "ae") : NULL;
	struct timespec ts;
	struct tm tm;
	char when[64];

	if (!f)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (o->log_json) {
		struct json_object *j = json_object_new_object();

		json_object_object_add(j, "level", json_object_new_string(level));
		json_object_object_add(j, "msg", json_object_new_string(text));
		json_object_object_add(j, "time", json_object_new_string(when));
		fprintf(f, "%s\n", json_object_to_json_string_ext(j, JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(j);
	} else {
		fprintf(f, "time=\"%s\" level=%s msg=\"%s\"\n", when, level, text);
	}
}

int oci_fail(const struct oci *o, const struct gantry_error *err)
{
	fprintf(stderr, "gantry-oci: %s\n", err->message);
	if (err->hint[0])
		fprintf(stderr, "hint: %s\n", err->hint);
	write_log(o, "error", err->message);
	return 1;
}

void oci_warn(const struct oci *o, const char *text)
{
	if (o->debug)
		fprintf(stderr, "gantry-oci: warning: %s\n", text);
	write_log(o, "warning", text);
}

int oci_usage(const char *command, const char *problem)
{
	if (problem)
		fprintf(stderr, "gantry-oci: %s\n", problem);
	for (const struct oci_command *c = oci_commands; c->name && command; c++) {
		if (!strcmp(c->name, command))
			fprintf(stderr, "usage: gantry-oci %s %s\n", c->name, c->arguments);
	}
	return 1;
}

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
	int c;

	*n = (struct oci_new){ .bundle = "." };
	while ((c = getopt_long(argc, argv, "+b:dh", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			n->bundle = optarg;
			break;
		case 'd':
			n->detach = true;
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
			n->preserve_fds = atoi(optarg);
			break;
		case OPT_KEEP:
			n->keep = true;
			break;
		case OPT_NO_SUBREAPER:
			break;
		default:
			return oci_usage(command, c == OPT_PIDFD ? "--pidfd-socket is not supported"
								 : NULL);
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
		.process_optional = !start_by_caller,
	};

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

int oci_remove_state_dir(const char *state_dir, struct gantry_error *err)
{
	if (rmdir(state_dir) < 0 && errno != ENOENT)
		return error_errno(err, errno, "cannot remove %s", state_dir);
	return 0;
}
