/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>

#include <json-c/json.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "caps.h"
#include "jref.h"
#include "spec.h"

struct name_value {
	const char *name;
	int64_t value;
};

static int lookup(const struct name_value *table, size_t n, const char *name, int64_t *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(table[i].name, name)) {
			*ret = table[i].value;
			return 1;
		}
	}
	return 0;
}

static const struct name_value rlimit_names[] = {
	{ "RLIMIT_AS", RLIMIT_AS }, { "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU }, { "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE }, { "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK }, { "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE }, { "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC }, { "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO }, { "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING }, { "RLIMIT_STACK", RLIMIT_STACK },
};

static int parse_rlimit(const struct jref *at, const struct process_spec *p, size_t n,
			struct rlimit_spec *l, struct gantry_error *err)
{
	int64_t resource;
	int r = jref_string(at, "type", &l->name, err);

	if (r < 0)
		return r;
	if (!l->name || !lookup(rlimit_names, ARRAY_SIZE(rlimit_names), l->name, &resource))
		return jref_fail(at, err, "type: \"%s\" is not a resource limit",
				 l->name ? l->name : "");
	l->resource = (int)resource;
	if ((r = jref_uint64(at, "soft", &l->soft, err)) < 0 ||
	    (r = jref_uint64(at, "hard", &l->hard, err)) < 0)
		return r;
	if (l->soft > l->hard)
		return jref_fail(at, err, "soft must not be above hard");
	for (size_t i = 0; i < n; i++) {
		if (p->rlimits[i].resource == l->resource)
			return jref_fail(at, err, "type: %s is given twice", l->name);
	}
	return 0;
}

static int parse_rlimits(const struct jref *at, struct arena *a, struct process_spec *p,
			 struct gantry_error *err)
{
	struct jref list, item;
	int r = jref_get(at, "rlimits", json_type_array, &list, err);

	if (r <= 0)
		return r;
	p->rlimits = arena_array(a, (size_t)jref_len(&list) + 1, sizeof(*p->rlimits));
	if (!p->rlimits)
		return error_no_memory(err);
	for (int i = 0; i < jref_len(&list); i++) {
		if ((r = jref_item(&list, i, json_type_object, &item, err)) < 0 ||
		    (r = parse_rlimit(&item, p, (size_t)i, &p->rlimits[i], err)) < 0)
			return r;
		p->n_rlimits++;
	}
	return 0;
}

static int parse_user(const struct jref *at, struct arena *a, struct process_spec *p,
		      struct gantry_error *err)
{
	struct jref user, groups, item;
	int64_t uid = 0, gid = 0, mask = 0;
	int r = jref_get(at, "user", json_type_object, &user, err);

	if (r <= 0)
		return r;
	if ((r = jref_int(&user, "uid", 0, UINT32_MAX - 1, &uid, err)) < 0 ||
	    (r = jref_int(&user, "gid", 0, UINT32_MAX - 1, &gid, err)) < 0 ||
	    (r = jref_int(&user, "umask", 0, 0777, &mask, err)) < 0)
		return r;
	p->has_umask = r > 0;
	p->umask = (mode_t)mask;
	p->uid = (uid_t)uid;
	p->gid = (gid_t)gid;
	r = jref_get(&user, "additionalGids", json_type_array, &groups, err);
	if (r <= 0)
		return r;
	if (jref_len(&groups) > NGROUPS_MAX)
		return jref_fail(&groups, err, "more than %d groups", NGROUPS_MAX);
	p->groups = arena_array(a, (size_t)jref_len(&groups) + 1, sizeof(*p->groups));
	if (!p->groups)
		return error_no_memory(err);
	for (int i = 0; i < jref_len(&groups); i++) {
		int64_t group;

		r = jref_item(&groups, i, json_type_int, &item, err);
		if (r < 0)
			return r;
		group = json_object_get_int64(item.obj);
		if (group < 0 || group >= UINT32_MAX)
			return jref_fail(&item, err, "is not a group id");
		p->groups[p->n_groups++] = (gid_t)group;
	}
	return 0;
}

static const char *const cap_keys[CAPS_MAX] = {
	[CAPS_BOUNDING] = "bounding", [CAPS_EFFECTIVE] = "effective",
	[CAPS_INHERITABLE] = "inheritable", [CAPS_PERMITTED] = "permitted",
	[CAPS_AMBIENT] = "ambient",
};

static int parse_caps(const struct jref *at, struct arena *a, struct process_spec *p,
		      struct gantry_error *err)
{
	struct jref caps;
	const char **unknown = NULL;
	size_t n_unknown = 0;
	int r = jref_get(at, "capabilities", json_type_object, &caps, err);

	if (r <= 0)
		return r;
	p->has_caps = true;
	for (int set = 0; set < CAPS_MAX; set++) {
		const char *const *names = NULL;

		r = jref_strings(&caps, cap_keys[set], a, &names, err);
		if (r < 0)
			return r;
		for (; names && *names; names++) {
			int cap = cap_from_name(*names);

			if (cap >= 0) {
				p->caps[set] |= UINT64_C(1) << cap;
				continue;
			}
			if (strncmp(*names, "CAP_", 4) != 0)
				return jref_fail(&caps, err, "%s: \"%s\" is not a capability",
						 cap_keys[set], *names);
			if (!unknown)
				unknown = arena_array(a, 65, sizeof(*unknown));
			if (!unknown)
				return error_no_memory(err);
			if (n_unknown < 64)
				unknown[n_unknown++] = *names;
		}
	}
	p->unknown_caps = unknown;
	return 0;
}

static const struct name_value policies[] = {
	{ "SCHED_OTHER", 0 }, { "SCHED_FIFO", 1 }, { "SCHED_RR", 2 }, { "SCHED_BATCH", 3 },
	{ "SCHED_ISO", 4 }, { "SCHED_IDLE", 5 }, { "SCHED_DEADLINE", 6 },
};

static const struct name_value scheduler_flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", 0x01 }, { "SCHED_FLAG_RECLAIM", 0x02 },
	{ "SCHED_FLAG_DL_OVERRUN", 0x04 }, { "SCHED_FLAG_KEEP_POLICY", 0x08 },
	{ "SCHED_FLAG_KEEP_PARAMS", 0x10 }, { "SCHED_FLAG_UTIL_CLAMP_MIN", 0x20 },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", 0x40 },
};

static int parse_scheduler(const struct jref *at, struct arena *a, struct process_spec *p,
			   struct gantry_error *err)
{
	struct scheduler_spec *s = &p->scheduler;
	const char *policy = NULL;
	const char *const *flags = NULL;
	int64_t value = 0, nice = 0, priority = 0;
	struct jref sched;
	int r = jref_get(at, "scheduler", json_type_object, &sched, err);

	if (r <= 0)
		return r;
	if ((r = jref_string(&sched, "policy", &policy, err)) < 0 ||
	    (r = jref_strings(&sched, "flags", a, &flags, err)) < 0 ||
	    (r = jref_int(&sched, "nice", -20, 19, &nice, err)) < 0 ||
	    (r = jref_int(&sched, "priority", 0, 99, &priority, err)) < 0 ||
	    (r = jref_uint64(&sched, "runtime", &s->runtime, err)) < 0 ||
	    (r = jref_uint64(&sched, "deadline", &s->deadline, err)) < 0 ||
	    (r = jref_uint64(&sched, "period", &s->period, err)) < 0)
		return r;
	if (!policy || !lookup(policies, ARRAY_SIZE(policies), policy, &value))
		return jref_fail(&sched, err, "policy: \"%s\" is not a scheduling policy",
				 policy ? policy : "");
	s->policy = (uint32_t)value;
	for (; flags && *flags; flags++) {
		if (!lookup(scheduler_flags, ARRAY_SIZE(scheduler_flags), *flags, &value))
			return jref_fail(&sched, err, "flags: \"%s\" is not a flag", *flags);
		s->flags |= (uint64_t)value;
	}
	s->nice = (int32_t)nice;
	s->priority = (uint32_t)priority;
	s->present = true;
	return 0;
}

static const struct name_value ioprio_classes[] = {
	{ "IOPRIO_CLASS_RT", 1 }, { "IOPRIO_CLASS_BE", 2 }, { "IOPRIO_CLASS_IDLE", 3 },
};

static int parse_ioprio(const struct jref *at, struct process_spec *p, struct gantry_error *err)
{
	const char *class = NULL;
	int64_t value = 0, priority = 0;
	struct jref io;
	int r = jref_get(at, "ioPriority", json_type_object, &io, err);

	if (r <= 0)
		return r;
	if ((r = jref_string(&io, "class", &class, err)) < 0 ||
	    (r = jref_int(&io, "priority", 0, 7, &priority, err)) < 0)
		return r;
	if (!class || !lookup(ioprio_classes, ARRAY_SIZE(ioprio_classes), class, &value))
		return jref_fail(&io, err, "class: \"%s\" is not a class", class ? class : "");
	p->ioprio = (int)(value << 13 | priority);
	p->has_ioprio = true;
	return 0;
}

static int parse_console_and_affinity(const struct jref *at, struct process_spec *p,
				      struct gantry_error *err)
{
	int64_t width = 0, height = 0;
	struct jref sub;
	int r = jref_get(at, "consoleSize", json_type_object, &sub, err);

	if (r > 0 && ((r = jref_int(&sub, "width", 0, UINT16_MAX, &width, err)) < 0 ||
		      (r = jref_int(&sub, "height", 0, UINT16_MAX, &height, err)) < 0))
		return r;
	if (r < 0)
		return r;
	p->console_width = (uint16_t)width;
	p->console_height = (uint16_t)height;
	r = jref_get(at, "execCPUAffinity", json_type_object, &sub, err);
	if (r <= 0)
		return r;
	if ((r = jref_string(&sub, "initial", &p->cpu_affinity_initial, err)) < 0 ||
	    (r = jref_string(&sub, "final", &p->cpu_affinity_final, err)) < 0)
		return r;
	return 0;
}

static int parse_landlock(const struct jref *at, struct arena *a, struct process_spec *p,
			  struct gantry_error *err)
{
	struct jref landlock;
	int r = jref_get(at, "landlock", json_type_object, &landlock, err);

	return r <= 0 ? r : landlock_parse(&landlock, a, &p->landlock, err);
}

static int check_process(const struct jref *at, const struct process_spec *p,
			 struct gantry_error *err)
{
	if (!p->args || !p->args[0])
		return jref_fail(at, err, "args must name a program");
	if (!p->args[0][0])
		return jref_fail(at, err, "args[0] must not be empty");
	if (!p->cwd || p->cwd[0] != '/')
		return jref_fail(at, err, "cwd must be an absolute path");
	for (size_t i = 0; p->env && p->env[i]; i++) {
		const char *eq = strchr(p->env[i], '=');

		if (eq == p->env[i])
			return jref_fail(at, err, "env[%zu]: \"%s\" has no name", i, p->env[i]);
	}
	return 0;
}

int process_parse(const struct jref *at, struct arena *a, struct process_spec *ret,
		  struct gantry_error *err)
{
	struct process_spec p = { 0 };
	int64_t oom = 0;
	int r;

	if ((r = jref_bool(at, "terminal", &p.terminal, err)) < 0 ||
	    (r = jref_bool(at, "noNewPrivileges", &p.no_new_privileges, err)) < 0 ||
	    (r = jref_string(at, "cwd", &p.cwd, err)) < 0 ||
	    (r = jref_strings(at, "args", a, &p.args, err)) < 0 ||
	    (r = jref_strings(at, "env", a, &p.env, err)) < 0 ||
	    (r = jref_string(at, "apparmorProfile", &p.apparmor_profile, err)) < 0 ||
	    (r = jref_string(at, "selinuxLabel", &p.selinux_label, err)) < 0 ||
	    (r = jref_int(at, "oomScoreAdj", -1000, 1000, &oom, err)) < 0)
		return r;
	p.has_oom_score_adj = r > 0;
	p.oom_score_adj = (int)oom;
	if ((r = parse_user(at, a, &p, err)) < 0 || (r = parse_rlimits(at, a, &p, err)) < 0 ||
	    (r = parse_caps(at, a, &p, err)) < 0 || (r = parse_scheduler(at, a, &p, err)) < 0 ||
	    (r = parse_ioprio(at, &p, err)) < 0 || (r = parse_landlock(at, a, &p, err)) < 0 ||
	    (r = parse_console_and_affinity(at, &p, err)) < 0 ||
	    (r = check_process(at, &p, err)) < 0)
		return r;
	*ret = p;
	return 0;
}
