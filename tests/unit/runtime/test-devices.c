/* SPDX-License-Identifier: Apache-2.0 */
/* The eBPF program of device rules says what the rules say: it is interpreted here, beside a
 * plain reading of the rules, for rules and accesses of all sorts. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/runtime/native/cgroup.h"
#include "plugins/runtime/native/device_program.h"
#include "plugins/runtime/native/resources.h"

struct access {
	char type;
	uint32_t wanted; /* BPF_DEVCG_ACC_* */
	uint32_t major, minor;
};

static struct device_program program;

static uint32_t mask_of(const struct device_rule *d)
{
	return (d->read ? BPF_DEVCG_ACC_READ : 0) | (d->write ? BPF_DEVCG_ACC_WRITE : 0) |
	       (d->mknod ? BPF_DEVCG_ACC_MKNOD : 0);
}

/* Does the rule decide about this access? */
static bool speaks_about(const struct device_rule *d, const struct access *a)
{
	return (d->type == 'a' || d->type == a->type) && (d->major < 0 || d->major == a->major) &&
	       (d->minor < 0 || d->minor == a->minor) &&
	       (d->allow ? !(a->wanted & ~mask_of(d)) : (a->wanted & mask_of(d)) != 0);
}

static bool rules_allow(const struct device_rule *rules, size_t n, const struct access *a)
{
	for (size_t i = n_default_device_rules; i-- > 0;) {
		if (speaks_about(&default_device_rules[i], a)) {
			return true;
		}
	}
	for (size_t i = n; i-- > 0;) {
		if (speaks_about(&rules[i], a)) {
			return rules[i].allow;
		}
	}
	return false;
}

static uint64_t operand(const struct bpf_insn *in, const uint64_t *r)
{
	return BPF_SRC(in->code) == BPF_X ? r[in->src_reg] : (uint64_t)(int64_t)in->imm;
}

static void calculate(const struct bpf_insn *in, uint64_t *r)
{
	uint64_t value = operand(in, r), *to = &r[in->dst_reg];

	switch (BPF_OP(in->code)) {
	case BPF_MOV:
		*to = value;
		break;
	case BPF_AND:
		*to &= value;
		break;
	case BPF_RSH:
		*to >>= value;
		break;
	default:
		ck_abort_msg("no such calculation: %x", in->code);
	}
	if (BPF_CLASS(in->code) == BPF_ALU) {
		*to = (uint32_t)*to;
	}
}

static bool jumps(const struct bpf_insn *in, const uint64_t *r)
{
	switch (BPF_OP(in->code)) {
	case BPF_JA:
		return true;
	case BPF_JEQ:
		return r[in->dst_reg] == operand(in, r);
	case BPF_JNE:
		return r[in->dst_reg] != operand(in, r);
	default:
		ck_abort_msg("no such jump: %x", in->code);
	}
}

static bool run_program(const struct access *a)
{
	struct bpf_cgroup_dev_ctx ctx = {
		.access_type = a->wanted << 16 | (a->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = a->major,
		.minor = a->minor,
	};
	uint64_t r[11] = { 0 };
	size_t at = 0;

	for (;;) {
		const struct bpf_insn *in = &program.insns[at++];
		uint32_t word;

		if (at > program.n) {
			ck_abort_msg("it runs off its end");
		}
		switch (BPF_CLASS(in->code)) {
		case BPF_LDX:
			memcpy(&word, (const char *)&ctx + in->off, sizeof(word));
			r[in->dst_reg] = word;
			break;
		case BPF_ALU:
		case BPF_ALU64:
			calculate(in, r);
			break;
		default:
			if (BPF_OP(in->code) == BPF_EXIT) {
				return r[0] != 0;
			}
			if (in->off < 0) {
				ck_abort_msg("it has a loop");
			}
			at += jumps(in, r) ? (size_t)in->off : 0;
		}
	}
}

static void check_all(const struct device_rule *rules, size_t n)
{
	struct resources res = { .devices = (struct device_rule *)(uintptr_t)rules, .n_devices = n };

	memset(&program, 0, sizeof(program));
	device_program_build(&program, &res);
	for (uint32_t wanted = 1; wanted < 8; wanted++) {
		for (uint32_t major = 0; major < 7; major++) {
			for (uint32_t minor = 0; minor < 10; minor++) {
				struct access a = { wanted % 2 ? 'c' : 'b', wanted, major == 6 ? 136 : major, minor };

				for (int flip = 0; flip < 2; flip++, a.type = (char)('b' + 'c' - a.type)) {
					if (run_program(&a) != rules_allow(rules, n, &a)) {
						ck_abort_msg("%c %u:%u, access %u", a.type, a.major, a.minor, wanted);
					}
				}
			}
		}
	}
}

START_TEST(test_defaults)
{
	struct device_rule deny = { .type = 'a', .major = -1, .minor = -1, .read = true, .write = true,
				    .mknod = true };
	struct device_rule twice[64] = { deny };

	check_all(NULL, 0);
	check_all(&deny, 1);
	/* What the defaults say already costs nothing. */
	memcpy(twice + 1, default_device_rules, n_default_device_rules * sizeof(*twice));
	check_all(twice, 1 + n_default_device_rules);
	ck_assert_uint_lt(program.n, 40);
}
END_TEST

static struct device_rule random_rule(void)
{
	static const char types[] = { 'a', 'b', 'c', 'c' };

	return (struct device_rule){
		.allow = random() % 4 != 0,
		.type = types[random() % 4],
		.major = random() % 5 == 0 ? -1 : random() % 6,
		.minor = random() % 4 == 0 ? -1 : random() % 10,
		.read = random() % 5 != 0,
		.write = random() % 5 != 0,
		.mknod = random() % 5 != 0,
	};
}

START_TEST(test_random)
{
	srandom((unsigned)_i);
	for (int round = 0; round < 300; round++) {
		struct device_rule rules[24];
		size_t n = (size_t)random() % 24;

		for (size_t i = 0; i < n; i++) {
			rules[i] = random_rule();
		}
		check_all(rules, n);
	}
}
END_TEST

START_TEST(test_most)
{
	static struct device_rule rules[DEVICE_RULES_MAX];

	srandom(7);
	for (size_t i = 0; i < DEVICE_RULES_MAX; i++) {
		do {
			rules[i] = random_rule();
			rules[i].major = (int64_t)(i % 6);
			rules[i].minor = (int64_t)(1000 + i);
		} while (!mask_of(&rules[i]));
	}
	check_all(rules, DEVICE_RULES_MAX);
	ck_assert_uint_lt(program.n, sizeof(program.insns) / sizeof(program.insns[0]));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("devices");
	TCase *t = tcase_create("devices");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, test_defaults);
	tcase_add_loop_test(t, test_random, 0, 8);
	tcase_add_test(t, test_most);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
