/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/container/spec.h"
#include "core/container/user.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static const char *const default_caps[] = {
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW",
	"CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
	"CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
};

static const char *const all_caps[] = {
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
	"CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
	"CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
	"CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
	"CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
};

struct json_object *spec_strings(const char *first, ...)
{
	struct json_object *list = json_object_new_array();
	va_list ap;

	va_start(ap, first);
	for (const char *s = first; s; s = va_arg(ap, const char *)) {
		json_add_string(list, s);
	}
	va_end(ap);
	return list;
}

int spec_is_privileged(const struct container *c)
{
	return json_get_bool(container_host_config(c), "Privileged", 0);
}

/* "net_admin" -> "CAP_NET_ADMIN"; "all" stays "ALL". */
static void normal_cap(const char *name, char out[48])
{
	size_t n = 0;

	if (strncasecmp(name, "CAP_", 4) && strcasecmp(name, "ALL")) {
		n = (size_t)snprintf(out, 48, "CAP_");
	}
	for (; *name && n < 47; name++) {
		out[n++] = (char)toupper((unsigned char)*name);
	}
	out[n] = '\0';
}

static int list_has(struct json_object *list, const char *cap)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		char name[48];

		normal_cap(json_item_string(list, i), name);
		if (!strcmp(name, cap)) {
			return 1;
		}
	}
	return 0;
}

static int check_caps(struct json_object *list, struct gantry_error *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		char name[48];
		int known;

		normal_cap(json_item_string(list, i), name);
		known = !strcmp(name, "ALL");
		for (size_t k = 0; k < ARRAY_SIZE(all_caps); k++) {
			known |= !strcmp(name, all_caps[k]);
		}
		if (!known) {
			return error_set(err, GANTRY_ERR_INVALID, "unknown capability: \"%s\"", name);
		}
	}
	return 0;
}

static int is_default_cap(const char *cap)
{
	for (size_t i = 0; i < ARRAY_SIZE(default_caps); i++) {
		if (!strcmp(cap, default_caps[i])) {
			return 1;
		}
	}
	return 0;
}

static int wants_cap(const struct container *c, const char *cap)
{
	struct json_object *add = json_get_array(container_host_config(c), "CapAdd");
	struct json_object *drop = json_get_array(container_host_config(c), "CapDrop");

	if (list_has(drop, cap)) {
		return 0;
	}
	if (list_has(add, cap) || list_has(add, "ALL") || spec_is_privileged(c)) {
		return 1;
	}
	return is_default_cap(cap) && !list_has(drop, "ALL");
}

static int set_capabilities(const struct container *c, struct json_object *process, uint32_t uid,
			    int privileged, struct gantry_error *err)
{
	struct json_object *caps = json_object_new_object();
	struct json_object *list = json_object_new_array();
	int r = check_caps(json_get_array(container_host_config(c), "CapAdd"), err);

	json_set(process, "capabilities", caps);
	json_set(caps, "bounding", list);
	if (r == 0) {
		r = check_caps(json_get_array(container_host_config(c), "CapDrop"), err);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(all_caps); i++) {
		if (privileged || wants_cap(c, all_caps[i])) {
			json_add_string(list, all_caps[i]);
		}
	}
	/* A program of another user starts without, as after setuid(2). */
	if (uid == 0) {
		json_set(caps, "effective", json_object_get(list));
		json_set(caps, "permitted", json_object_get(list));
	}
	return r;
}

static void set_user(struct json_object *process, const struct user *u)
{
	struct json_object *o = json_object_new_object();
	struct json_object *groups = json_object_new_array();

	json_set_int(o, "uid", u->uid);
	json_set_int(o, "gid", u->gid);
	for (int i = 0; i < u->n_groups; i++) {
		json_object_array_add(groups, json_object_new_int64(u->groups[i]));
	}
	json_set(o, "additionalGids", groups);
	json_set(process, "user", o);
}

static int env_sets(struct json_object *env, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < json_array_size(env); i++) {
		const char *entry = json_item_string(env, i);

		if (!strncmp(entry, key, n) && entry[n] == '=') {
			return 1;
		}
	}
	return 0;
}

static void add_env(struct json_object *list, struct json_object *asked, const char *key,
		    const char *value)
{
	auto_free char *entry = NULL;

	if (!env_sets(asked, key) && asprintf(&entry, "%s=%s", key, value) >= 0) {
		json_add_string(list, entry);
	}
}

/* PATH first, then HOSTNAME, TERM, the rest, and HOME last, as Docker has them. */
static struct json_object *make_env(const struct container *c, struct json_object *asked, int tty,
				    const char *home)
{
	struct json_object *list = json_object_new_array();
	char buffer[CONTAINER_HOSTNAME_MAX];
	size_t first = 0;

	if (json_array_size(asked) && !strncmp(json_item_string(asked, 0), "PATH=", 5)) {
		json_add_string(list, json_item_string(asked, 0));
		first = 1;
	}
	add_env(list, asked, "HOSTNAME", container_hostname(c, buffer));
	if (tty) {
		add_env(list, asked, "TERM", "xterm");
	}
	for (size_t i = first; i < json_array_size(asked); i++) {
		const char *entry = json_item_string(asked, i);

		if (entry && strchr(entry, '=')) {
			json_add_string(list, entry);
		}
	}
	add_env(list, asked, "HOME", home);
	return list;
}

static void set_rlimits(struct json_object *host_config, struct json_object *process)
{
	struct json_object *ulimits = json_get_array(host_config, "Ulimits");
	struct json_object *list;

	if (!json_array_size(ulimits)) {
		return;
	}
	list = json_object_new_array();
	for (size_t i = 0; i < json_array_size(ulimits); i++) {
		struct json_object *u = json_object_array_get_idx(ulimits, i);
		struct json_object *o = json_object_new_object();
		const char *name = json_get_string(u, "Name");
		char type[64] = "RLIMIT_";
		size_t n = strlen(type);

		for (; name && *name && n < sizeof(type) - 1; name++) {
			type[n++] = (char)toupper((unsigned char)*name);
		}
		json_set_string(o, "type", type);
		/* -1 is unlimited: all bits set. */
		json_set(o, "soft", json_object_new_uint64((uint64_t)json_get_int(u, "Soft", -1)));
		json_set(o, "hard", json_object_new_uint64((uint64_t)json_get_int(u, "Hard", -1)));
		json_object_array_add(list, o);
	}
	json_set(process, "rlimits", list);
}

static int no_new_privileges(struct json_object *host_config)
{
	struct json_object *options = json_get_array(host_config, "SecurityOpt");

	for (size_t i = 0; i < json_array_size(options); i++) {
		const char *o = json_item_string(options, i);

		if (!strcmp(o, "no-new-privileges") || !strcmp(o, "no-new-privileges:true") ||
		    !strcmp(o, "no-new-privileges=true")) {
			return 1;
		}
	}
	return 0;
}

static struct json_object *make_args(const struct container *c)
{
	struct json_object *list = spec_strings(json_get_string(c->doc, "Path"), NULL);
	struct json_object *args = json_get_array(c->doc, "Args");

	for (size_t i = 0; i < json_array_size(args); i++) {
		json_add_string(list, json_item_string(args, i));
	}
	return list;
}

int spec_process(const struct container *c, int root, struct json_object *spec,
		 struct gantry_error *err)
{
	struct json_object *config = container_config(c);
	struct json_object *hc = container_host_config(c);
	struct json_object *process = json_object_new_object();
	const char *cwd = json_get_string(config, "WorkingDir");
	int tty = container_has_tty(c);
	struct user u;
	int r;

	json_set(spec, "process", process);
	r = user_lookup(root, json_get_string(config, "User"), json_get_array(hc, "GroupAdd"), &u, err);
	if (r < 0) {
		return r;
	}
	json_set_bool(process, "terminal", tty);
	set_user(process, &u);
	json_set(process, "args", make_args(c));
	json_set(process, "env", make_env(c, json_get_array(config, "Env"), tty, u.home));
	json_set_string(process, "cwd", cwd && *cwd ? cwd : "/");
	json_set_bool(process, "noNewPrivileges", no_new_privileges(hc));
	if (json_get(hc, "OomScoreAdj")) {
		json_set_int(process, "oomScoreAdj", json_get_int(hc, "OomScoreAdj", 0));
	}
	set_rlimits(hc, process);
	return set_capabilities(c, process, u.uid, 0, err);
}

int container_make_exec_process(struct core *core, const struct container *c,
				struct json_object *config, int root, struct json_object **ret,
				struct gantry_error *err)
{
	auto_json struct json_object *process = json_object_new_object();
	struct json_object *cmd = json_get_array(config, "Cmd");
	struct json_object *extra = json_get_array(config, "Env");
	auto_json struct json_object *env = json_object_new_array();
	struct json_object *base = json_get_array(container_config(c), "Env");
	const char *user = json_get_string(config, "User");
	const char *cwd = json_get_string(config, "WorkingDir");
	int tty = json_get_bool(config, "Tty", 0);
	struct user u;
	int r;

	if (json_array_size(cmd) == 0) {
		return error_set(err, GANTRY_ERR_INVALID, "No exec command specified");
	}
	r = user_lookup(root, user && *user ? user : json_get_string(container_config(c), "User"), NULL,
			&u, err);
	if (r < 0) {
		return r;
	}
	for (size_t i = 0; i < json_array_size(base); i++) {
		const char *entry = json_item_string(base, i);
		auto_free char *key = strndup(entry, strcspn(entry, "="));

		if (!env_sets(extra, key)) {
			json_add_string(env, entry);
		}
	}
	for (size_t i = 0; i < json_array_size(extra); i++) {
		json_add_string(env, json_item_string(extra, i));
	}
	if (!cwd || !*cwd) {
		cwd = json_get_string(container_config(c), "WorkingDir");
	}
	json_set_bool(process, "terminal", tty);
	set_user(process, &u);
	json_set(process, "args", json_object_get(cmd));
	json_set(process, "env", make_env(c, env, tty, u.home));
	json_set_string(process, "cwd", cwd && *cwd ? cwd : "/");
	json_set_bool(process, "noNewPrivileges", no_new_privileges(container_host_config(c)));
	set_rlimits(container_host_config(c), process);
	r = set_capabilities(c, process, u.uid, json_get_bool(config, "Privileged", 0), err);
	if (r == 0) {
		*ret = steal(&process);
	}
	return r;
}
