/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of libseccomp that compiles profiles.  gantry-oci is linked with it;
 * the plugin loads it when a profile is compiled for the first time, since
 * otherwise every start of every command would pay for it.
 */
#ifndef NATIVE_SECCOMP_LIB_H
#define NATIVE_SECCOMP_LIB_H

#include <seccomp.h>

struct gantry_error;

struct seccomp_lib {
	scmp_filter_ctx (*init)(uint32_t def_action);
	void (*release)(scmp_filter_ctx ctx);
	uint32_t (*arch_resolve_name)(const char *arch_name);
	uint32_t (*arch_native)(void);
	int (*arch_add)(scmp_filter_ctx ctx, uint32_t arch_token);
	int (*attr_set)(scmp_filter_ctx ctx, enum scmp_filter_attr attr, uint32_t value);
	int (*syscall_resolve_name)(const char *name);
	int (*rule_add_array)(scmp_filter_ctx ctx, uint32_t action, int syscall,
			      unsigned int arg_cnt, const struct scmp_arg_cmp *arg_array);
	int (*export_bpf)(const scmp_filter_ctx ctx, int fd);
};

/* The functions, or NULL and an error. */
const struct seccomp_lib *seccomp_lib_get(struct gantry_error *err);

#endif
