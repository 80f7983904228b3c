/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp_lib.h"

const struct seccomp_lib *seccomp_lib_get(struct gantry_error *err)
{
	static const struct seccomp_lib lib = {
		.init = seccomp_init,
		.release = seccomp_release,
		.arch_resolve_name = seccomp_arch_resolve_name,
		.arch_native = seccomp_arch_native,
		.arch_add = seccomp_arch_add,
		.attr_set = seccomp_attr_set,
		.syscall_resolve_name = seccomp_syscall_resolve_name,
		.rule_add_array = seccomp_rule_add_array,
		.export_bpf = seccomp_export_bpf,
	};

	return &lib;
}
