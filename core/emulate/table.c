/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <sys/syscall.h>

#include "core/emulate/emulate.h"
#include "helpers/cleanup.h"

static const struct {
	int nr;
	emulate_fn fn;
} calls[] = {
	{SYS_getuid, call_getuid},
	{SYS_geteuid, call_geteuid},
	{SYS_getgid, call_getgid},
	{SYS_getegid, call_getegid},
	{SYS_openat, call_openat},
	{SYS_fstat, call_fstat},
	{SYS_statx, call_statx},
	{SYS_execve, call_execve},
	{SYS_execveat, call_execveat},
	{SYS_fchownat, call_fchownat},
	{SYS_fchown, call_fchown},
	{SYS_mkdirat, call_mkdirat},
	{SYS_symlinkat, call_symlinkat},
	{SYS_mknodat, call_mknodat},
	{SYS_setuid, call_setuid},
	{SYS_setgid, call_setgid},
	{SYS_setreuid, call_setreuid},
	{SYS_setregid, call_setregid},
	{SYS_setresuid, call_setresuid},
	{SYS_setresgid, call_setresgid},
	{SYS_setfsuid, call_setfsuid},
	{SYS_setfsgid, call_setfsgid},
	{SYS_setgroups, call_setgroups},
	{SYS_getgroups, call_getgroups},
	{SYS_getresuid, call_getresuid},
	{SYS_getresgid, call_getresgid},
	{SYS_setxattr, call_setxattr},
	{SYS_lsetxattr, call_lsetxattr},
	{SYS_fsetxattr, call_fsetxattr},
	{SYS_getsockopt, call_getsockopt},
	{SYS_mount, call_mount},
	{SYS_prctl, call_prctl},
	{SYS_connect, call_connect},
	{SYS_bind, call_bind},
	{SYS_listen, call_listen},
	{SYS_accept, call_accept},
	{SYS_accept4, call_accept4},
	{SYS_getsockname, call_getsockname},
	{SYS_getpeername, call_getpeername},
#ifdef SYS_newfstatat
	{SYS_newfstatat, call_newfstatat},
#endif
#ifdef SYS_stat
	{SYS_stat, call_stat},
	{SYS_lstat, call_lstat},
#endif
#ifdef SYS_chown
	{SYS_chown, call_chown},
	{SYS_lchown, call_lchown},
	{SYS_mkdir, call_mkdir},
	{SYS_mknod, call_mknod},
	{SYS_symlink, call_symlink},
	{SYS_open, call_open},
	{SYS_creat, call_creat},
#endif
};

emulate_fn emulate_find(int nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (calls[i].nr == nr)
			return calls[i].fn;
	}
	return NULL;
}
