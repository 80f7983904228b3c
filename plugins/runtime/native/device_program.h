/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The eBPF program that a control group's device rules become (cgroup_bpf.c).
 */
#ifndef NATIVE_DEVICE_PROGRAM_H
#define NATIVE_DEVICE_PROGRAM_H

#include <stddef.h>
#include <linux/bpf.h>

#define DEVICE_RULES_MAX 512
#define DEVICE_RULE_INSNS 8 /* at most, for each rule */

struct resources;

struct device_program {
	struct bpf_insn insns[(DEVICE_RULES_MAX + 32) * DEVICE_RULE_INSNS];
	size_t n;
};

/* p is zeroed; res has at most DEVICE_RULES_MAX rules, or is NULL for the defaults alone. */
void device_program_build(struct device_program *p, const struct resources *res);

#endif
