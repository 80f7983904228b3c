/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a profile to a program.  Both formats are understood: the OCI's
 * (linux.seccomp) and Docker's, whose rules may depend on capabilities,
 * architecture and kernel version.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <json-c/json.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "arena.h"
#include "caps.h"
#include "jref.h"
#include "seccomp_lib.h"
#include "seccomp_filter.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

struct compiler {
	const struct seccomp_lib *lib;
	scmp_filter_ctx ctx;
	struct arena arena;
	uint64_t caps;
	uint32_t default_action;
	uint32_t flags;
	bool notify;
};

/* ERRNO and TRACE carry a number. */
static int parse_action(const struct jref *at, const char *key, const char *errno_key,
			uint32_t *ret, struct gantry_error *err)
{
	static const struct {
		const char *name;
		uint32_t action;
	} actions[] = {
		{ "SCMP_ACT_KILL", SCMP_ACT_KILL }, { "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
		{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS }, { "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
		{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0) }, { "SCMP_ACT_TRACE", SCMP_ACT_TRACE(0) },
		{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW }, { "SCMP_ACT_LOG", SCMP_ACT_LOG },
		{ "SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY },
	};
	const char *name = NULL;
	int64_t number = EPERM;
	int r = jref_string(at, key, &name, err);

	if (r < 0 || (r = jref_int(at, errno_key, 0, 0xffff, &number, err)) < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(actions) && name; i++) {
		if (strcmp(actions[i].name, name))
			continue;
		*ret = actions[i].action;
		if (*ret == SCMP_ACT_ERRNO(0) || *ret == SCMP_ACT_TRACE(0))
			*ret |= (uint32_t)number & 0xffff;
		return 0;
	}
	return jref_fail(at, err, "%s: \"%s\" is not an action", key, name ? name : "");
}

static int add_architecture(struct compiler *c, const struct jref *at, const char *name,
			    struct gantry_error *err)
{
	char lower[32];
	uint32_t arch;
	int r;

	if (!strncmp(name, "SCMP_ARCH_", 10))
		name += 10;
	snprintf(lower, sizeof(lower), "%s", name);
	for (char *p = lower; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	arch = c->lib->arch_resolve_name(lower);
	if (!arch)
		return jref_fail(at, err, "\"%s\" is not an architecture", name);
	r = c->lib->arch_add(c->ctx, arch);
	if (r < 0 && r != -EEXIST && r != -EDOM)
		return jref_fail(at, err, "cannot add the architecture \"%s\": %s", name,
				 strerror(-r));
	return 0;
}

static int add_listed_architectures(struct compiler *c, const struct jref *top,
				    struct gantry_error *err)
{
	const char *const *names = NULL;
	int r = jref_strings(top, "architectures", &c->arena, &names, err);

	for (; r >= 0 && names && *names; names++)
		r = add_architecture(c, top, *names, err);
	return r < 0 ? r : 0;
}

/* Docker's archMap: the entry of this machine with what it can also run. */
static int add_mapped_architectures(struct compiler *c, const struct jref *top,
				    struct gantry_error *err)
{
	struct jref map, item;
	int r = jref_get(top, "archMap", json_type_array, &map, err);

	if (r <= 0)
		return r;
	for (int i = 0; i < jref_len(&map); i++) {
		const char *name = NULL;
		const char *const *subs = NULL;
		char lower[32];

		if ((r = jref_item(&map, i, json_type_object, &item, err)) < 0 ||
		    (r = jref_string(&item, "architecture", &name, err)) < 0 ||
		    (r = jref_strings(&item, "subArchitectures", &c->arena, &subs, err)) < 0)
			return r;
		if (!name || strncmp(name, "SCMP_ARCH_", 10))
			return jref_fail(&item, err, "architecture is missing");
		snprintf(lower, sizeof(lower), "%s", name + 10);
		for (char *p = lower; *p; p++)
			*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
		if (c->lib->arch_resolve_name(lower) != c->lib->arch_native())
			continue;
		for (; subs && *subs; subs++) {
			r = add_architecture(c, &item, *subs, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int parse_flags(struct compiler *c, const struct jref *top, struct gantry_error *err)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} known[] = {
		{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
		{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
		{ "SECCOMP_FILTER_FLAG_TSYNC", 0 }, /* there is one thread */
		{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
	};
	const char *const *names = NULL;
	int r = jref_strings(top, "flags", &c->arena, &names, err);

	for (; r >= 0 && names && *names; names++) {
		size_t i = 0;

		while (i < ARRAY_SIZE(known) && strcmp(known[i].name, *names))
			i++;
		if (i == ARRAY_SIZE(known))
			return jref_fail(top, err, "flags: \"%s\" is not a flag", *names);
		c->flags |= known[i].flag;
	}
	return r < 0 ? r : 0;
}

static int parse_argument(const struct jref *at, struct scmp_arg_cmp *a, struct gantry_error *err)
{
	static const struct {
		const char *name;
		enum scmp_compare op;
	} ops[] = {
		{ "SCMP_CMP_NE", SCMP_CMP_NE }, { "SCMP_CMP_LT", SCMP_CMP_LT },
		{ "SCMP_CMP_LE", SCMP_CMP_LE }, { "SCMP_CMP_EQ", SCMP_CMP_EQ },
		{ "SCMP_CMP_GE", SCMP_CMP_GE }, { "SCMP_CMP_GT", SCMP_CMP_GT },
		{ "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
	};
	const char *op = NULL;
	int64_t index = 0;
	uint64_t value = 0, second = 0;
	int r;

	if ((r = jref_int(at, "index", 0, 5, &index, err)) < 0 ||
	    (r = jref_uint64(at, "value", &value, err)) < 0 ||
	    (r = jref_uint64(at, "valueTwo", &second, err)) < 0 ||
	    (r = jref_string(at, "op", &op, err)) < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(ops) && op; i++) {
		if (strcmp(ops[i].name, op))
			continue;
		*a = (struct scmp_arg_cmp){ .arg = (unsigned int)index, .op = ops[i].op,
					    .datum_a = value, .datum_b = second };
		return 0;
	}
	return jref_fail(at, err, "op: \"%s\" is not a comparison", op ? op : "");
}

static bool kernel_at_least(const char *version)
{
	struct utsname u;
	int want[2] = { 0, 0 }, have[2] = { 0, 0 };

	uname(&u);
	if (sscanf(version, "%d.%d", &want[0], &want[1]) < 1 ||
	    sscanf(u.release, "%d.%d", &have[0], &have[1]) < 2)
		return true;
	return have[0] > want[0] || (have[0] == want[0] && have[1] >= want[1]);
}

static const char *machine(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#else
	return "other";
#endif
}

/* Docker's conditions: does the rule have `key`, and are all (any, with any_of)
 * of its demands met?  *ret is `absent` when there is nothing to ask. */
static int ask_conditions(struct compiler *c, const struct jref *rule, const char *key, bool any_of,
			  bool absent, bool *ret, struct gantry_error *err)
{
	const char *const *caps = NULL, *const *arches = NULL;
	const char *kernel = NULL;
	struct jref cond;
	bool arch_met = false, met = !any_of, asked = false;
	int r = jref_get(rule, key, json_type_object, &cond, err);

	*ret = absent;
	if (r <= 0)
		return r;
	if ((r = jref_strings(&cond, "caps", &c->arena, &caps, err)) < 0 ||
	    (r = jref_strings(&cond, "arches", &c->arena, &arches, err)) < 0 ||
	    (r = jref_string(&cond, "minKernel", &kernel, err)) < 0)
		return r;
	for (; caps && *caps; caps++) {
		int cap = cap_from_name(*caps);
		bool has = cap >= 0 && (c->caps & (UINT64_C(1) << cap));

		met = any_of ? met || has : met && has;
		asked = true;
	}
	if (arches && *arches) {
		for (; *arches; arches++)
			arch_met |= !strcmp(*arches, machine());
		met = any_of ? met || arch_met : met && arch_met;
		asked = true;
	}
	if (kernel) {
		bool enough = kernel_at_least(kernel);

		met = any_of ? met || enough : met && enough;
		asked = true;
	}
	*ret = asked ? met : absent;
	return 0;
}

/* An unknown system call cannot be made here: nothing to add for it. */
static int add_syscall(struct compiler *c, const struct jref *rule, const char *name,
		       uint32_t action, const struct scmp_arg_cmp *args, unsigned int n_args,
		       struct gantry_error *err)
{
	int nr = c->lib->syscall_resolve_name(name);
	int r;

	if (nr == __NR_SCMP_ERROR)
		return 0;
	r = c->lib->rule_add_array(c->ctx, action, nr, n_args, args);
	if (r < 0 && r != -EEXIST && r != -EDOM)
		return jref_fail(rule, err, "cannot add a rule for %s: %s", name, strerror(-r));
	return 0;
}

/* Conditions on different arguments hold together; several on one argument are
 * alternatives, which takes a rule for each. */
static int add_syscall_rules(struct compiler *c, const struct jref *rule, const char *name,
			     uint32_t action, const struct scmp_arg_cmp *args, unsigned int n_args,
			     struct gantry_error *err)
{
	bool alternatives = false;

	for (unsigned int i = 0; i < n_args; i++) {
		for (unsigned int k = i + 1; k < n_args; k++)
			alternatives |= args[i].arg == args[k].arg;
	}
	if (!alternatives)
		return add_syscall(c, rule, name, action, args, n_args, err);
	for (unsigned int i = 0; i < n_args; i++) {
		int r = add_syscall(c, rule, name, action, &args[i], 1, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int rule_names(struct compiler *c, const struct jref *rule, const char *const **ret,
		      struct gantry_error *err)
{
	const char *one = NULL;
	const char **list;
	int r = jref_strings(rule, "names", &c->arena, ret, err);

	if (r != 0)
		return r;
	r = jref_string(rule, "name", &one, err);
	if (r < 0)
		return r;
	if (!one)
		return jref_fail(rule, err, "names is missing");
	list = arena_array(&c->arena, 2, sizeof(*list));
	if (!list)
		return error_no_memory(err);
	list[0] = one;
	*ret = list;
	return 0;
}

static int add_rule(struct compiler *c, const struct jref *rule, struct gantry_error *err)
{
	struct scmp_arg_cmp args[16];
	const char *const *names = NULL;
	struct jref list, item;
	unsigned int n_args = 0;
	bool included, excluded;
	uint32_t action;
	int r;

	if ((r = rule_names(c, rule, &names, err)) < 0 ||
	    (r = parse_action(rule, "action", "errnoRet", &action, err)) < 0 ||
	    (r = ask_conditions(c, rule, "includes", false, true, &included, err)) < 0 ||
	    (r = ask_conditions(c, rule, "excludes", true, false, &excluded, err)) < 0)
		return r;
	if (!included || excluded)
		return 0;
	r = jref_get(rule, "args", json_type_array, &list, err);
	if (r < 0)
		return r;
	for (int i = 0; r > 0 && i < jref_len(&list); i++) {
		if (n_args == ARRAY_SIZE(args))
			return jref_fail(&list, err, "more than %zu conditions", ARRAY_SIZE(args));
		if (jref_item(&list, i, json_type_object, &item, err) < 0 ||
		    parse_argument(&item, &args[n_args++], err) < 0)
			return err->code;
	}
	if (action == c->default_action)
		return 0; /* the filter does it anyway */
	c->notify |= action == SCMP_ACT_NOTIFY;
	for (; names && *names; names++) {
		r = add_syscall_rules(c, rule, *names, action, args, n_args, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_rules(struct compiler *c, const struct jref *top, struct gantry_error *err)
{
	struct jref list, rule;
	int r = jref_get(top, "syscalls", json_type_array, &list, err);

	if (r <= 0)
		return r;
	for (int i = 0; i < jref_len(&list); i++) {
		if ((r = jref_item(&list, i, json_type_object, &rule, err)) < 0 ||
		    (r = add_rule(c, &rule, err)) < 0)
			return r;
	}
	return 0;
}

static int export(struct compiler *c, struct seccomp_filter *ret, struct gantry_error *err)
{
	auto_fd int fd = memfd_create("seccomp", MFD_CLOEXEC);
	auto_(buf) struct buf bpf = BUF_INIT;
	int r;

	if (fd < 0)
		return error_errno(err, errno, "cannot create a file for the seccomp filter");
	r = c->lib->export_bpf(c->ctx, fd);
	if (r < 0)
		return error_errno(err, -r, "cannot compile the seccomp profile");
	if (lseek(fd, 0, SEEK_SET) < 0 || read_to_end(fd, &bpf, 1 << 20) < 0)
		return error_errno(err, EIO, "cannot read the seccomp filter");
	if (bpf.len / sizeof(struct sock_filter) > BPF_MAXINSNS)
		return error_set(err, GANTRY_ERR_LIMIT,
				 "the seccomp profile is too large: %zu instructions, the kernel takes %d",
				 bpf.len / sizeof(struct sock_filter), BPF_MAXINSNS);
	ret->n = (unsigned short)(bpf.len / sizeof(struct sock_filter));
	ret->flags = c->flags | (c->notify ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0);
	ret->insns = (struct sock_filter *)buf_steal(&bpf);
	return 0;
}

static int run(struct compiler *c, const struct jref *top, struct seccomp_filter *ret,
	       struct gantry_error *err)
{
	int r = parse_action(top, "defaultAction", "defaultErrnoRet", &c->default_action, err);

	if (r < 0)
		return r;
	if (c->default_action == SCMP_ACT_NOTIFY)
		return jref_fail(top, err, "defaultAction: SCMP_ACT_NOTIFY would also stop the "
					   "call that starts the program");
	c->ctx = c->lib->init(c->default_action);
	if (!c->ctx)
		return error_no_memory(err);
	/* privileges decide about no_new_privs, not the library; a balanced tree
	 * instead of a list makes each system call of the container cheaper */
	c->lib->attr_set(c->ctx, SCMP_FLTATR_CTL_NNP, 0);
	c->lib->attr_set(c->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if ((r = add_listed_architectures(c, top, err)) < 0 ||
	    (r = add_mapped_architectures(c, top, err)) < 0 || (r = parse_flags(c, top, err)) < 0 ||
	    (r = add_rules(c, top, err)) < 0)
		return r;
	return export(c, ret, err);
}

int seccomp_compile(struct json_object *profile, const char *name, uint64_t caps,
		    struct seccomp_filter *ret, struct gantry_error *err)
{
	struct compiler c = { .lib = seccomp_lib_get(err), .caps = caps };
	struct jref top = { .obj = profile, .key = name };
	int r;

	if (!c.lib)
		return err->code;
	r = run(&c, &top, ret, err);
	if (c.ctx)
		c.lib->release(c.ctx);
	arena_done(&c.arena);
	return r;
}
