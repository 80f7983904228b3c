/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device rules as an eBPF program on a version 2 control group.  The last rule
 * that speaks about an access decides, so the program asks them from the last to
 * the first.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "cgroup.h"
#include "device_program.h"
#include "resources.h"

#define RWM .read = true, .write = true, .mknod = true

static const struct device_rule defaults[] = {
	{ .allow = true, .type = 'c', .major = -1, .minor = -1, .mknod = true },
	{ .allow = true, .type = 'b', .major = -1, .minor = -1, .mknod = true },
	{ .allow = true, .type = 'c', .major = 1, .minor = 3, RWM },  /* null */
	{ .allow = true, .type = 'c', .major = 1, .minor = 5, RWM },  /* zero */
	{ .allow = true, .type = 'c', .major = 1, .minor = 7, RWM },  /* full */
	{ .allow = true, .type = 'c', .major = 1, .minor = 8, RWM },  /* random */
	{ .allow = true, .type = 'c', .major = 1, .minor = 9, RWM },  /* urandom */
	{ .allow = true, .type = 'c', .major = 5, .minor = 0, RWM },  /* tty */
	{ .allow = true, .type = 'c', .major = 5, .minor = 1, RWM },  /* console */
	{ .allow = true, .type = 'c', .major = 5, .minor = 2, RWM },  /* ptmx */
	{ .allow = true, .type = 'c', .major = 136, .minor = -1, RWM }, /* pts */
};
const struct device_rule *const default_device_rules = defaults;
const size_t n_default_device_rules = ARRAY_SIZE(defaults);

static bool covers_all(const struct device_rule *d)
{
	return d->type == 'a' && d->major < 0 && d->minor < 0 && d->read && d->write && d->mknod;
}

bool device_rules_allow_all(const struct resources *res)
{
	if (!res || !res->n_devices)
		return false;
	for (size_t i = res->n_devices; i-- > 0;) {
		if (!res->devices[i].allow)
			return false;
		if (covers_all(&res->devices[i]))
			return true;
	}
	return false;
}

static void emit(struct device_program *p, uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	p->insns[p->n++] = (struct bpf_insn){ code, dst, src, off, imm };
}

/* Registers: r2 type, r3 access, r4 major, r5 minor. */
static void emit_start(struct device_program *p)
{
	emit(p, BPF_LDX | BPF_MEM | BPF_W, 2, 1, offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	emit(p, BPF_ALU | BPF_MOV | BPF_X, 3, 2, 0, 0);
	emit(p, BPF_ALU | BPF_AND | BPF_K, 2, 0, 0, 0xffff);
	emit(p, BPF_ALU | BPF_RSH | BPF_K, 3, 0, 0, 16);
	emit(p, BPF_LDX | BPF_MEM | BPF_W, 4, 1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	emit(p, BPF_LDX | BPF_MEM | BPF_W, 5, 1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
}

static void emit_return(struct device_program *p, bool allow)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, allow);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int32_t access_mask(const struct device_rule *d)
{
	return (d->read ? BPF_DEVCG_ACC_READ : 0) | (d->write ? BPF_DEVCG_ACC_WRITE : 0) |
	       (d->mknod ? BPF_DEVCG_ACC_MKNOD : 0);
}

/* Returns d's verdict when the access is d's, else falls through.  An allowance
 * must cover all that is wanted; a refusal needs one bit of it. */
static void emit_rule(struct device_program *p, const struct device_rule *d)
{
	int32_t mask = access_mask(d), all = 7;
	size_t patch[4], n = 0;

	if (d->type != 'a') {
		patch[n++] = p->n;
		emit(p, BPF_JMP | BPF_JNE | BPF_K, 2, 0, 0,
		     d->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	}
	if (mask != all) {
		emit(p, BPF_ALU | BPF_MOV | BPF_X, 1, 3, 0, 0);
		emit(p, BPF_ALU | BPF_AND | BPF_K, 1, 0, 0, d->allow ? all & ~mask : mask);
		patch[n++] = p->n;
		emit(p, BPF_JMP | (d->allow ? BPF_JNE : BPF_JEQ) | BPF_K, 1, 0, 0, 0);
	}
	if (d->major >= 0) {
		patch[n++] = p->n;
		emit(p, BPF_JMP | BPF_JNE | BPF_K, 4, 0, 0, (int32_t)d->major);
	}
	if (d->minor >= 0) {
		patch[n++] = p->n;
		emit(p, BPF_JMP | BPF_JNE | BPF_K, 5, 0, 0, (int32_t)d->minor);
	}
	emit_return(p, d->allow);
	for (size_t i = 0; i < n; i++)
		p->insns[patch[i]].off = (int16_t)(p->n - patch[i] - 1);
}

static bool same_rule(const struct device_rule *a, const struct device_rule *b)
{
	return a->allow == b->allow && a->type == b->type && a->major == b->major &&
	       a->minor == b->minor && access_mask(a) == access_mask(b);
}

/* The rules in the order in which they are asked. */
struct order {
	const struct device_rule *rules[DEVICE_RULES_MAX + ARRAY_SIZE(defaults)];
	size_t n;
};

/* One that was asked before has decided already. */
static void ask(struct order *o, const struct device_rule *d)
{
	for (size_t i = 0; i < o->n; i++) {
		if (same_rule(o->rules[i], d))
			return;
	}
	o->rules[o->n++] = d;
}

/* Most rules let one kind of device be used in every way: those that stand together are
 * compared by major and minor alone.  The kernel looks at each instruction when a program is
 * loaded, so that few matter. */
static bool joins_group(const struct device_rule *d, const struct device_rule *first)
{
	return d->allow && d->type == first->type && d->type != 'a' && d->major >= 0 &&
	       access_mask(d) == 7;
}

static size_t emit_group(struct device_program *p, const struct order *o, size_t from)
{
	const struct device_rule *const *r = o->rules;
	size_t patch[ARRAY_SIZE(o->rules)], n = 0, out, to = from, i = from;

	while (to < o->n && joins_group(r[to], r[from]))
		to++;
	out = p->n;
	emit(p, BPF_JMP | BPF_JNE | BPF_K, 2, 0, 0,
	     r[from]->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	while (i < to) {
		size_t skip = p->n, k;

		emit(p, BPF_JMP | BPF_JNE | BPF_K, 4, 0, 0, (int32_t)r[i]->major);
		for (k = i; k < to && r[k]->major == r[i]->major; k++) {
			patch[n++] = p->n;
			if (r[k]->minor >= 0)
				emit(p, BPF_JMP | BPF_JEQ | BPF_K, 5, 0, 0, (int32_t)r[k]->minor);
			else
				emit(p, BPF_JMP | BPF_JA, 0, 0, 0, 0);
			if (r[k]->minor < 0) {
				/* the others of this major are never asked */
				while (k + 1 < to && r[k + 1]->major == r[i]->major)
					k++;
			}
		}
		p->insns[skip].off = (int16_t)(p->n - skip - 1);
		i = k;
	}
	emit(p, BPF_JMP | BPF_JA, 0, 0, 2, 0);
	for (i = 0; i < n; i++)
		p->insns[patch[i]].off = (int16_t)(p->n - patch[i] - 1);
	emit_return(p, true);
	p->insns[out].off = (int16_t)(p->n - out - 1);
	return to;
}

/* Rules before one that speaks about everything are never asked. */
void device_program_build(struct device_program *p, const struct resources *res)
{
	struct order o = { .n = 0 };
	bool rest = false;

	for (size_t i = n_default_device_rules; i-- > 0;)
		ask(&o, &default_device_rules[i]);
	for (size_t i = res ? res->n_devices : 0; i-- > 0;) {
		if (covers_all(&res->devices[i])) {
			rest = res->devices[i].allow;
			break;
		}
		ask(&o, &res->devices[i]);
	}
	emit_start(p);
	for (size_t i = 0; i < o.n;) {
		if (joins_group(o.rules[i], o.rules[i])) {
			i = emit_group(p, &o, i);
		} else {
			emit_rule(p, o.rules[i]);
			i++;
		}
	}
	emit_return(p, rest);
}

static int sys_bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int load(const struct device_program *p)
{
	union bpf_attr attr = { 0 };

	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)p->insns;
	attr.insn_cnt = (uint32_t)p->n;
	attr.license = (uint64_t)(uintptr_t)"Apache-2.0";
	strcpy(attr.prog_name, "gantry_devices");
	return sys_bpf(BPF_PROG_LOAD, &attr);
}

/* The programs attached to the group before, at most n. */
static size_t attached(int dir, uint32_t *ids, size_t n)
{
	union bpf_attr attr = { 0 };

	attr.query.target_fd = (uint32_t)dir;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
	attr.query.prog_cnt = (uint32_t)n;
	return sys_bpf(BPF_PROG_QUERY, &attr) < 0 ? 0 : attr.query.prog_cnt;
}

static void detach(int dir, uint32_t id)
{
	union bpf_attr attr = { 0 };
	auto_fd int prog = -1;

	attr.prog_id = id;
	prog = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr);
	if (prog < 0)
		return;
	attr = (union bpf_attr){ 0 };
	attr.target_fd = (uint32_t)dir;
	attr.attach_bpf_fd = (uint32_t)prog;
	attr.attach_type = BPF_CGROUP_DEVICE;
	sys_bpf(BPF_PROG_DETACH, &attr);
}

int cgroup_set_device_filter(int dir, const struct resources *res, struct gantry_error *err)
{
	auto_free struct device_program *p = calloc(1, sizeof(*p));
	union bpf_attr attr = { 0 };
	auto_fd int prog = -1;
	uint32_t old[16];
	size_t n_old;

	if (!p)
		return error_no_memory(err);
	if (res && res->n_devices > DEVICE_RULES_MAX)
		return error_set(err, GANTRY_ERR_LIMIT, "linux.resources.devices: more than %d rules",
				 DEVICE_RULES_MAX);
	device_program_build(p, res);
	prog = load(p);
	if (prog < 0)
		return error_set(err, GANTRY_ERR_UNSUPPORTED,
				 "linux.resources.devices: cannot load the program: %s",
				 strerror(errno));
	n_old = attached(dir, old, ARRAY_SIZE(old));
	attr.target_fd = (uint32_t)dir;
	attr.attach_bpf_fd = (uint32_t)prog;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (sys_bpf(BPF_PROG_ATTACH, &attr) < 0)
		return error_set(err, GANTRY_ERR_UNSUPPORTED,
				 "linux.resources.devices: cannot attach the program: %s",
				 strerror(errno));
	for (size_t i = 0; i < n_old; i++)
		detach(dir, old[i]);
	return 0;
}
