/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of a plugin: a list of what everybody may, and one per permission
 * group.  What only rules the system (mounts, modules, tracing) kills the process,
 * since an error would send its author looking elsewhere; whatever else is not listed
 * fails with EPERM, and calls newer than this list with ENOSYS, as on an older kernel.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "core/plugin/permissions.h"
#include "core/pluginhost/confine.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#endif

#define INSTRUCTIONS_MAX 1024
#define NEWEST 466 /* calls above are ENOSYS */

static const short everybody[] = {
#ifdef SYS_open
	SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_pipe, SYS_dup2, SYS_poll, SYS_select, SYS_unlink,
	SYS_rename, SYS_mkdir, SYS_rmdir, SYS_link, SYS_symlink, SYS_readlink, SYS_chmod, SYS_creat,
	SYS_getdents, SYS_alarm, SYS_pause, SYS_time, SYS_epoll_create, SYS_epoll_wait, SYS_eventfd,
	SYS_inotify_init, SYS_signalfd, SYS_utime, SYS_utimes, SYS_futimesat, SYS_getpgrp,
	SYS_arch_prctl, SYS_chown, SYS_lchown, SYS_mknod,
#endif
	SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_preadv, SYS_pwritev,
	SYS_preadv2, SYS_pwritev2, SYS_close, SYS_close_range, SYS_openat, SYS_openat2, SYS_fstat,
#ifdef SYS_newfstatat
	SYS_newfstatat,
#endif
	SYS_statx, SYS_lseek, SYS_faccessat, SYS_faccessat2, SYS_readlinkat, SYS_getdents64, SYS_statfs,
	SYS_fstatfs, SYS_truncate, SYS_ftruncate, SYS_fallocate, SYS_fadvise64, SYS_fsync, SYS_fdatasync,
	SYS_sync_file_range, SYS_syncfs, SYS_sync, SYS_copy_file_range, SYS_sendfile, SYS_splice, SYS_tee,
	SYS_vmsplice, SYS_mkdirat, SYS_unlinkat, SYS_renameat, SYS_renameat2, SYS_linkat, SYS_symlinkat,
	SYS_mknodat, SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_fchownat, SYS_utimensat, SYS_umask,
	SYS_getxattr, SYS_lgetxattr, SYS_fgetxattr, SYS_listxattr, SYS_llistxattr, SYS_flistxattr,
	SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr,
	SYS_flock, SYS_fcntl, SYS_ioctl, SYS_dup, SYS_dup3, SYS_pipe2, SYS_ppoll, SYS_pselect6,
	SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_eventfd2, SYS_signalfd4,
	SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime, SYS_inotify_init1,
	SYS_inotify_add_watch, SYS_inotify_rm_watch, SYS_memfd_create, SYS_getcwd, SYS_chdir, SYS_fchdir,
	SYS_brk, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_msync, SYS_mincore,
	SYS_mlock, SYS_munlock, SYS_mlock2, SYS_membarrier, SYS_futex, SYS_set_robust_list,
	SYS_get_robust_list, SYS_rseq, SYS_set_tid_address, SYS_gettid, SYS_getpid, SYS_getppid,
	SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getgroups, SYS_getresuid, SYS_getresgid,
	SYS_getpgid, SYS_getsid, SYS_setpgid, SYS_setsid, SYS_getrlimit, SYS_prlimit64, SYS_getrusage,
	SYS_times, SYS_uname, SYS_sysinfo, SYS_getcpu, SYS_getpriority, SYS_setpriority, SYS_sched_yield,
	SYS_sched_getaffinity, SYS_sched_setaffinity, SYS_sched_getparam, SYS_sched_getscheduler,
	SYS_sched_get_priority_max, SYS_sched_get_priority_min, SYS_rt_sigaction, SYS_rt_sigprocmask,
	SYS_rt_sigreturn, SYS_rt_sigpending, SYS_rt_sigsuspend, SYS_rt_sigtimedwait, SYS_rt_sigqueueinfo,
	SYS_sigaltstack, SYS_restart_syscall, SYS_kill, SYS_tkill, SYS_tgkill, SYS_nanosleep,
	SYS_clock_nanosleep, SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_getitimer,
	SYS_setitimer, SYS_timer_create, SYS_timer_settime, SYS_timer_gettime, SYS_timer_getoverrun,
	SYS_timer_delete, SYS_getrandom, SYS_prctl, SYS_capget, SYS_exit, SYS_exit_group, SYS_wait4,
	SYS_waitid, SYS_pidfd_open, SYS_pidfd_send_signal, SYS_execve, SYS_execveat, SYS_socketpair,
	SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_sendmmsg, SYS_recvmmsg, SYS_shutdown,
	SYS_getsockopt, SYS_setsockopt, SYS_getsockname, SYS_getpeername, SYS_landlock_create_ruleset,
	SYS_landlock_add_rule, SYS_landlock_restrict_self, SYS_seccomp,
};

/* Also with fork: clone without CLONE_THREAD. */
static const short with_fork[] = {
#ifdef SYS_fork
	SYS_fork, SYS_vfork,
#endif
	SYS_setresuid, SYS_setresgid, SYS_setuid, SYS_setgid, SYS_setgroups, SYS_setreuid, SYS_setregid,
};
static const short with_socket[] = { SYS_bind, SYS_connect, SYS_listen, SYS_accept, SYS_accept4 };
static const short with_mount[] = {
	SYS_mount, SYS_umount2, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_open_tree,
	SYS_move_mount, SYS_mount_setattr, SYS_setns, SYS_unshare, SYS_quotactl, SYS_quotactl_fd,
	SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_swapon, SYS_swapoff, SYS_chroot,
};
static const short fatal[] = {
	SYS_mount, SYS_umount2, SYS_fsopen, SYS_fsmount, SYS_open_tree, SYS_move_mount, SYS_mount_setattr,
	SYS_setns, SYS_unshare, SYS_pivot_root, SYS_chroot, SYS_ptrace, SYS_process_vm_readv,
	SYS_process_vm_writev, SYS_bpf, SYS_perf_event_open, SYS_init_module, SYS_finit_module,
	SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_quotactl, SYS_acct,
	SYS_settimeofday, SYS_clock_settime, SYS_sethostname, SYS_setdomainname, SYS_open_by_handle_at,
	SYS_add_key, SYS_request_key, SYS_keyctl, SYS_userfaultfd, SYS_io_uring_setup, SYS_personality,
#ifdef SYS_iopl
	SYS_iopl, SYS_ioperm,
#endif
};

struct program {
	struct sock_filter at[INSTRUCTIONS_MAX];
	unsigned short len;
};

static void add(struct program *p, unsigned short code, unsigned k, unsigned char yes, unsigned char no)
{
	if (p->len < INSTRUCTIONS_MAX) {
		p->at[p->len++] = (struct sock_filter){ code, yes, no, k };
	}
}

static void add_list(struct program *p, const short *list, size_t n, unsigned what)
{
	for (size_t i = 0; i < n; i++) {
		add(p, BPF_JMP | BPF_JEQ | BPF_K, (unsigned)list[i], 0, 1);
		add(p, BPF_RET | BPF_K, what, 0, 0);
	}
}

/* Call number: its argument, masked, equals value: what; else otherwise. */
static void add_argument(struct program *p, int number, unsigned argument, unsigned mask, unsigned value,
			 unsigned what, unsigned otherwise)
{
	add(p, BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 5);
	add(p, BPF_LD | BPF_W | BPF_ABS, (unsigned)(offsetof(struct seccomp_data, args) + argument * 8), 0, 0);
	add(p, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	add(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	add(p, BPF_RET | BPF_K, what, 0, 0);
	add(p, BPF_RET | BPF_K, otherwise, 0, 0);
}

#define ALLOW SECCOMP_RET_ALLOW
#define REFUSE(number) (SECCOMP_RET_ERRNO | (number))

/* socket(2) by domain. */
static void add_sockets(struct program *p, unsigned groups)
{
	static const unsigned char net[] = { AF_INET, AF_INET6, AF_NETLINK, AF_PACKET };
	unsigned char n = (unsigned char)((groups & PERMIT_NET ? ARRAY_SIZE(net) : 0) + !!(groups & (PERMIT_UNIX | PERMIT_NET)));

	if (!n) {
		return;
	}
	add(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, (unsigned char)(2 * n + 2));
	add(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args), 0, 0);
	for (unsigned i = 0; (groups & PERMIT_NET) && i < ARRAY_SIZE(net); i++) {
		add(p, BPF_JMP | BPF_JEQ | BPF_K, net[i], 0, 1);
		add(p, BPF_RET | BPF_K, ALLOW, 0, 0);
	}
	add(p, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 1);
	add(p, BPF_RET | BPF_K, groups & PERMIT_UNIX ? ALLOW : REFUSE(EACCES), 0, 0);
	add(p, BPF_RET | BPF_K, REFUSE(EAFNOSUPPORT), 0, 0);
}

static void build(struct program *p, const struct permits *permits)
{
	unsigned groups = permits->groups;

	add(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	add(p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	add(p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	add(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	add_list(p, everybody, ARRAY_SIZE(everybody), ALLOW);
	/* glibc falls back to clone, whose flags can be seen. */
	add(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1);
	add(p, BPF_RET | BPF_K, REFUSE(ENOSYS), 0, 0);
	if (groups & PERMIT_FORK) {
		add_list(p, with_fork, ARRAY_SIZE(with_fork), ALLOW);
		if (groups & PERMIT_MOUNT) {
			add_argument(p, SYS_clone, 0, 0, 0, ALLOW, ALLOW);
		} else {
			add_argument(p, SYS_clone, 0,
				     CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC |
					     CLONE_NEWUTS | CLONE_NEWCGROUP,
				     0, ALLOW, SECCOMP_RET_KILL_PROCESS);
		}
	} else {
		add_argument(p, SYS_clone, 0, CLONE_THREAD, CLONE_THREAD, ALLOW, REFUSE(EPERM));
	}
	add_sockets(p, groups);
	if (groups & (PERMIT_NET | PERMIT_UNIX)) {
		add_list(p, with_socket, ARRAY_SIZE(with_socket), ALLOW);
	}
	if (groups & PERMIT_MOUNT) {
		add_list(p, with_mount, ARRAY_SIZE(with_mount), ALLOW);
	}
	add_list(p, fatal, ARRAY_SIZE(fatal), SECCOMP_RET_KILL_PROCESS);
	add(p, BPF_JMP | BPF_JGT | BPF_K, NEWEST, 0, 1);
	add(p, BPF_RET | BPF_K, REFUSE(ENOSYS), 0, 0);
	add(p, BPF_RET | BPF_K, REFUSE(EPERM), 0, 0);
}

int filter_system_calls(const struct permits *permits, struct gantry_error *err)
{
#ifdef ARCH
	static struct program p;
	struct sock_fprog filter = { .filter = p.at };

	build(&p, permits);
	filter.len = p.len;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0) {
		return error_errno(err, errno, "cannot filter its system calls");
	}
	return 0;
#else
	return error_set(err, GANTRY_ERR_UNSUPPORTED, "system calls cannot be filtered on this processor");
#endif
}
