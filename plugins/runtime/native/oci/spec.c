/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration to start from. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "oci.h"

static const struct option options[] = {
	{ "bundle", required_argument, NULL, 'b' },
	{ "file", required_argument, NULL, 'f' },
	{ "rootless", no_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static struct json_object *strings(const char *const *list)
{
	struct json_object *a = json_object_new_array();

	for (; *list; list++)
		json_object_array_add(a, json_object_new_string(*list));
	return a;
}

#define STRINGS(...) strings((const char *const[]){ __VA_ARGS__, NULL })

static void put(struct json_object *o, const char *key, struct json_object *value)
{
	json_object_object_add(o, key, value);
}

static struct json_object *process(void)
{
	static const char *const sets[] = { "bounding", "effective", "permitted" };
	struct json_object *p = json_object_new_object(), *user = json_object_new_object();
	struct json_object *caps = json_object_new_object(), *limits = json_object_new_array();
	struct json_object *nofile = json_object_new_object();

	put(p, "terminal", json_object_new_boolean(true));
	put(user, "uid", json_object_new_int(0));
	put(user, "gid", json_object_new_int(0));
	put(p, "user", user);
	put(p, "args", STRINGS("sh"));
	put(p, "env", STRINGS("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			      "TERM=xterm"));
	put(p, "cwd", json_object_new_string("/"));
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		put(caps, sets[i], STRINGS("CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"));
	put(p, "capabilities", caps);
	put(nofile, "type", json_object_new_string("RLIMIT_NOFILE"));
	put(nofile, "hard", json_object_new_int(1024));
	put(nofile, "soft", json_object_new_int(1024));
	json_object_array_add(limits, nofile);
	put(p, "rlimits", limits);
	put(p, "noNewPrivileges", json_object_new_boolean(true));
	return p;
}

static void add_mount(struct json_object *list, const char *destination, const char *type,
		      const char *source, struct json_object *opts)
{
	struct json_object *m = json_object_new_object();

	put(m, "destination", json_object_new_string(destination));
	put(m, "type", json_object_new_string(type));
	put(m, "source", json_object_new_string(source));
	if (opts)
		put(m, "options", opts);
	json_object_array_add(list, m);
}

static struct json_object *mounts(bool rootless)
{
	struct json_object *l = json_object_new_array();

	add_mount(l, "/proc", "proc", "proc", NULL);
	add_mount(l, "/dev", "tmpfs", "tmpfs",
		  STRINGS("nosuid", "strictatime", "mode=755", "size=65536k"));
	add_mount(l, "/dev/pts", "devpts", "devpts",
		  rootless ? STRINGS("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620")
			   : STRINGS("nosuid", "noexec", "newinstance", "ptmxmode=0666",
				     "mode=0620", "gid=5"));
	add_mount(l, "/dev/shm", "tmpfs", "shm",
		  STRINGS("nosuid", "noexec", "nodev", "mode=1777", "size=65536k"));
	add_mount(l, "/dev/mqueue", "mqueue", "mqueue", STRINGS("nosuid", "noexec", "nodev"));
	if (rootless)
		add_mount(l, "/sys", "none", "/sys", STRINGS("rbind", "nosuid", "noexec", "nodev", "ro"));
	else
		add_mount(l, "/sys", "sysfs", "sysfs", STRINGS("nosuid", "noexec", "nodev", "ro"));
	if (!rootless)
		add_mount(l, "/sys/fs/cgroup", "cgroup", "cgroup",
			  STRINGS("nosuid", "noexec", "nodev", "relatime", "ro"));
	return l;
}

static struct json_object *id_map(unsigned int host)
{
	struct json_object *l = json_object_new_array(), *m = json_object_new_object();

	put(m, "containerID", json_object_new_int(0));
	put(m, "hostID", json_object_new_int64(host));
	put(m, "size", json_object_new_int(1));
	json_object_array_add(l, m);
	return l;
}

static struct json_object *linux_part(bool rootless)
{
	static const char *const kinds[] = { "pid", "ipc", "uts", "mount", "cgroup" };
	struct json_object *l = json_object_new_object(), *ns = json_object_new_array();
	struct json_object *res = json_object_new_object(), *rules = json_object_new_array();
	struct json_object *deny = json_object_new_object(), *n;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		n = json_object_new_object();
		put(n, "type", json_object_new_string(kinds[i]));
		json_object_array_add(ns, n);
	}
	n = json_object_new_object();
	put(n, "type", json_object_new_string(rootless ? "user" : "network"));
	json_object_array_add(ns, n);
	if (rootless) {
		put(l, "uidMappings", id_map(geteuid()));
		put(l, "gidMappings", id_map(getegid()));
	} else {
		put(deny, "allow", json_object_new_boolean(false));
		put(deny, "access", json_object_new_string("rwm"));
		json_object_array_add(rules, json_object_get(deny));
	}
	json_object_put(deny);
	if (rootless) {
		json_object_put(rules);
		json_object_put(res);
	} else {
		put(res, "devices", rules);
		put(l, "resources", res);
	}
	put(l, "namespaces", ns);
	put(l, "maskedPaths",
	    STRINGS("/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
		    "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
		    "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
		    "/sys/devices/virtual/powercap"));
	put(l, "readonlyPaths", STRINGS("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
					"/proc/sysrq-trigger"));
	return l;
}

static struct json_object *document(bool rootless)
{
	struct json_object *d = json_object_new_object(), *root = json_object_new_object();

	put(d, "ociVersion", json_object_new_string("1.2.0"));
	put(d, "process", process());
	put(root, "path", json_object_new_string("rootfs"));
	put(root, "readonly", json_object_new_boolean(true));
	put(d, "root", root);
	put(d, "hostname", json_object_new_string("gantry"));
	put(d, "mounts", mounts(rootless));
	put(d, "linux", linux_part(rootless));
	return d;
}

int oci_spec(struct oci *o, int argc, char **argv)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	const char *bundle = ".", *file = "config.json", *text;
	auto_free char *path = NULL;
	auto_fd int fd = -1;
	struct json_object *d;
	bool rootless = false;
	int c;

	while ((c = getopt_long(argc, argv, "+b:f:h", options, NULL)) != -1) {
		if (c == 'b')
			bundle = optarg;
		else if (c == 'f')
			file = optarg;
		else if (c == 'r')
			rootless = true;
		else
			return oci_usage("spec", NULL);
	}
	if (asprintf(&path, "%s%s%s", file[0] == '/' ? "" : bundle, file[0] == '/' ? "" : "/", file) < 0)
		return 1;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) {
		error_errno(&err, errno, "cannot create %s", path);
		if (errno == EEXIST)
			error_hint(&err, "remove it first");
		return oci_fail(o, &err);
	}
	d = document(rootless);
	text = json_object_to_json_string_ext(d, JSON_C_TO_STRING_PRETTY |
							 JSON_C_TO_STRING_PRETTY_TAB |
							 JSON_C_TO_STRING_NOSLASHESCAPE);
	c = write_all(fd, text, strlen(text));
	json_object_put(d);
	if (c < 0) {
		error_errno(&err, -c, "cannot write %s", path);
		return oci_fail(o, &err);
	}
	return 0;
}
