/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "../container.h"
#include "../jref.h"
#include "oci.h"

struct exec_args {
	const char *pidfd_socket, *console_socket, *pid_file, *process_file, *cwd, *user, *label, *apparmor, *cgroup;
	const char *env[256], *caps[64], *groups[64];
	size_t n_env, n_caps, n_groups;
	int preserve_fds;
	bool tty, detach, no_new_privs, ignore_paused;
};

enum {
	OPT_CONSOLE = 256,
	OPT_PIDFD,
	OPT_PID_FILE,
	OPT_CWD,
	OPT_LABEL,
	OPT_APPARMOR,
	OPT_NNP,
	OPT_PRESERVE,
	OPT_CGROUP,
	OPT_IGNORE_PAUSED,
	OPT_NO_SUBREAPER,
};

static const struct option options[] = {
	{ "console-socket", required_argument, NULL, OPT_CONSOLE },
	{ "pidfd-socket", required_argument, NULL, OPT_PIDFD },
	{ "cwd", required_argument, NULL, OPT_CWD },
	{ "env", required_argument, NULL, 'e' },
	{ "tty", no_argument, NULL, 't' },
	{ "user", required_argument, NULL, 'u' },
	{ "additional-gids", required_argument, NULL, 'g' },
	{ "process", required_argument, NULL, 'p' },
	{ "detach", no_argument, NULL, 'd' },
	{ "pid-file", required_argument, NULL, OPT_PID_FILE },
	{ "process-label", required_argument, NULL, OPT_LABEL },
	{ "apparmor", required_argument, NULL, OPT_APPARMOR },
	{ "no-new-privs", no_argument, NULL, OPT_NNP },
	{ "cap", required_argument, NULL, 'c' },
	{ "preserve-fds", required_argument, NULL, OPT_PRESERVE },
	{ "cgroup", required_argument, NULL, OPT_CGROUP },
	{ "ignore-paused", no_argument, NULL, OPT_IGNORE_PAUSED },
	{ "no-subreaper", no_argument, NULL, OPT_NO_SUBREAPER },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void append(const char **list, size_t *n, size_t max, const char *value)
{
	if (*n < max)
		list[(*n)++] = value;
}

/* "UID" or "UID:GID" */
static bool is_user(const char *text)
{
	const char *colon = strchr(text, ':');
	char uid[16];
	long number;

	snprintf(uid, sizeof(uid), "%.*s", (int)(colon ? colon - text : 15), text);
	return oci_parse_number(uid, 0, UINT32_MAX - 1, &number) &&
	       (!colon || oci_parse_number(colon + 1, 0, UINT32_MAX - 1, &number));
}

static int parse(int argc, char **argv, struct exec_args *a)
{
	long number;
	int c;

	while ((c = getopt_long(argc, argv, "+e:tu:g:p:dc:h", options, NULL)) != -1) {
		switch (c) {
		case OPT_CONSOLE:
			a->console_socket = optarg;
			break;
		case OPT_PIDFD:
			a->pidfd_socket = optarg;
			break;
		case OPT_CWD:
			a->cwd = optarg;
			break;
		case OPT_PID_FILE:
			a->pid_file = optarg;
			break;
		case OPT_LABEL:
			a->label = optarg;
			break;
		case OPT_APPARMOR:
			a->apparmor = optarg;
			break;
		case OPT_CGROUP:
			/* runc's form has controllers before a colon; here all go together */
			if (strchr(optarg, ':') && optarg[0] != ':')
				return oci_usage("exec", "--cgroup: a path for some controllers only is "
							 "not supported");
			a->cgroup = optarg + (optarg[0] == ':');
			break;
		case OPT_NNP:
			a->no_new_privs = true;
			break;
		case OPT_PRESERVE:
			if (!oci_parse_number(optarg, 0, 1000, &number))
				return oci_usage("exec", "--preserve-fds is a number");
			a->preserve_fds = (int)number;
			break;
		case OPT_IGNORE_PAUSED:
			a->ignore_paused = true;
			break;
		case OPT_NO_SUBREAPER:
			break;
		case 'e':
			append(a->env, &a->n_env, ARRAY_SIZE(a->env), optarg);
			break;
		case 'c':
			append(a->caps, &a->n_caps, ARRAY_SIZE(a->caps), optarg);
			break;
		case 'g':
			if (!oci_parse_number(optarg, 0, UINT32_MAX - 1, &number))
				return oci_usage("exec", "--additional-gids is a number");
			append(a->groups, &a->n_groups, ARRAY_SIZE(a->groups), optarg);
			break;
		case 't':
			a->tty = true;
			break;
		case 'u':
			if (!is_user(optarg))
				return oci_usage("exec", "--user is UID[:GID], in numbers");
			a->user = optarg;
			break;
		case 'p':
			a->process_file = optarg;
			break;
		case 'd':
			a->detach = true;
			break;
		default:
			return oci_usage("exec", NULL);
		}
	}
	if (argc - optind < 1 || (argc - optind < 2 && !a->process_file))
		return oci_usage("exec", "a container ID and a command are needed");
	return 0;
}

static void set(struct json_object *o, const char *key, struct json_object *value)
{
	json_object_object_add(o, key, value);
}

static void set_user(struct json_object *process, const struct exec_args *a)
{
	struct json_object *user = json_object_new_object();
	struct json_object *groups = json_object_new_array();
	const char *colon = a->user ? strchr(a->user, ':') : NULL;

	if (!a->user && !a->n_groups) {
		json_object_put(user);
		json_object_put(groups);
		return;
	}
	set(user, "uid", json_object_new_int64(a->user ? atoll(a->user) : 0));
	set(user, "gid", json_object_new_int64(colon ? atoll(colon + 1) : 0));
	for (size_t i = 0; i < a->n_groups; i++)
		json_object_array_add(groups, json_object_new_int64(atoll(a->groups[i])));
	set(user, "additionalGids", groups);
	set(process, "user", user);
}

/* Of a name that is there already the value is replaced. */
static void put_env(struct json_object *env, const char *text)
{
	size_t len = strcspn(text, "=") + 1;

	for (size_t i = 0; i < json_object_array_length(env); i++) {
		const char *old = json_object_get_string(json_object_array_get_idx(env, i));

		if (old && !strncmp(old, text, len)) {
			json_object_array_put_idx(env, i, json_object_new_string(text));
			return;
		}
	}
	json_object_array_add(env, json_object_new_string(text));
}

static void add_env(struct json_object *process, const struct exec_args *a)
{
	struct json_object *env;

	if (!json_object_object_get_ex(process, "env", &env)) {
		env = json_object_new_array();
		set(process, "env", env);
	}
	for (size_t i = 0; i < a->n_env; i++)
		put_env(env, a->env[i]);
}

static void add_caps(struct json_object *process, const struct exec_args *a)
{
	static const char *const sets[] = { "bounding", "effective", "permitted" };
	struct json_object *caps;

	if (!a->n_caps)
		return;
	if (!json_object_object_get_ex(process, "capabilities", &caps)) {
		caps = json_object_new_object();
		set(process, "capabilities", caps);
	}
	for (size_t k = 0; k < ARRAY_SIZE(sets); k++) {
		struct json_object *list;

		if (!json_object_object_get_ex(caps, sets[k], &list)) {
			list = json_object_new_array();
			set(caps, sets[k], list);
		}
		for (size_t i = 0; i < a->n_caps; i++)
			json_object_array_add(list, json_object_new_string(a->caps[i]));
	}
}

/* The container's own process with what the command line changes. */
static int process_from_container(const char *dir, const struct exec_args *a, char **command,
				  struct json_object **ret, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	struct json_object *config, *process, *args = json_object_new_array();
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/config.json", dir);
	r = read_file(AT_FDCWD, path, &text, 4 << 20);
	if (r == -ENOENT)
		return error_set(err, GANTRY_ERR_NOT_FOUND, "container does not exist");
	if (r < 0)
		return error_errno(err, -r, "cannot read %s", path);
	r = jref_parse(buf_str(&text), text.len, path, &config, err);
	if (r < 0)
		return r;
	if (!json_object_object_get_ex(config, "process", &process))
		process = json_object_new_object();
	json_object_get(process);
	json_object_put(config);
	for (; *command; command++)
		json_object_array_add(args, json_object_new_string(*command));
	set(process, "args", args);
	set(process, "terminal", json_object_new_boolean(a->tty));
	if (a->cwd)
		set(process, "cwd", json_object_new_string(a->cwd));
	if (a->label)
		set(process, "selinuxLabel", json_object_new_string(a->label));
	if (a->apparmor)
		set(process, "apparmorProfile", json_object_new_string(a->apparmor));
	if (a->no_new_privs)
		set(process, "noNewPrivileges", json_object_new_boolean(true));
	set_user(process, a);
	add_env(process, a);
	add_caps(process, a);
	*ret = process;
	return 0;
}

static int process_from_file(const char *path, const struct exec_args *a, struct json_object **ret,
			     struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	int r = read_file(AT_FDCWD, path, &text, 4 << 20);

	if (r < 0)
		return error_errno(err, -r, "cannot read %s", path);
	r = jref_parse(buf_str(&text), text.len, path, ret, err);
	if (r == 0 && a->tty)
		set(*ret, "terminal", json_object_new_boolean(true));
	return r;
}

static int start(const struct oci *o, const char *id, const char *dir, const struct exec_args *a,
		 struct json_object *process, struct container_process *p,
		 struct gantry_error *err)
{
	auto_fd int console = -1;
	struct exec_options eo = {
		.id = id, .state_dir = dir, .cache_dir = o->cache_dir, .cgroup = a->cgroup,
		.stdio = { 0, 1, 2 }, .console_socket = -1, .preserve_fds = a->preserve_fds,
		.parent = CHILD_OF_CALLER, .ignore_paused = a->ignore_paused,
		.process = json_object_to_json_string_ext(process, JSON_C_TO_STRING_NOSLASHESCAPE),
	};

	if (a->console_socket) {
		console = unix_connect(a->console_socket);
		if (console < 0)
			return error_errno(err, -console, "cannot connect to the console socket %s",
					   a->console_socket);
		eo.console_socket = console;
	}
	return container_exec(&eo, p, err);
}

int oci_exec(struct oci *o, int argc, char **argv)
{
	auto_(container_process) struct container_process p = CONTAINER_PROCESS_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct json_object *process = NULL;
	struct exec_args a = { 0 };
	auto_free char *dir = NULL;
	const char *id;
	int r, status = parse(argc, argv, &a);

	if (status)
		return status;
	id = argv[optind];
	dir = oci_state_dir(o, id, &err);
	if (!dir)
		return oci_fail(o, &err);
	if (!a.detach)
		oci_watch_prepare();
	r = a.process_file ? process_from_file(a.process_file, &a, &process, &err)
			   : process_from_container(dir, &a, argv + optind + 1, &process, &err);
	if (r == 0)
		r = start(o, id, dir, &a, process, &p, &err);
	if (r == 0)
		r = oci_send_pidfd(a.pidfd_socket, &p, &err);
	if (r == 0)
		r = oci_write_pid_file(a.pid_file, p.pid, &err);
	json_object_put(process);
	if (r < 0) {
		oci_fail(o, &err);
		return 255; /* as runc does, since 1 may be the program's */
	}
	return a.detach ? 0 : oci_watch(p.pid, p.console);
}
