/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter names calls of the native architecture only; those of another pass, and
 * get from the kernel what they get without emulation.  All that it lets pass for its
 * number alone is passed by the kernel without running it.  What depends on an
 * argument stands first, since there every call runs it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <json-c/json.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>
#include <helpers/tcp_fence.h>

#include "emulate.h"
#include "spec.h"
#include "sys.h"

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && __BYTE_ORDER == __LITTLE_ENDIAN
#define NATIVE_ARCH AUDIT_ARCH_PPC64LE
#endif

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#ifndef TCP_MD5SIG_EXT
#define TCP_MD5SIG_EXT 32
#endif

#define LOW_HALF(i)                                                                                \
	(offsetof(struct seccomp_data, args) + 8 * (i) + (__BYTE_ORDER == __BIG_ENDIAN ? 4 : 0))

/* Calls that are asked about whatever their arguments are. */
static const unsigned int always[] = {
	SYS_fchown,    SYS_fchownat,  SYS_setuid,    SYS_setgid,    SYS_setreuid,  SYS_setregid,
	SYS_setresuid, SYS_setresgid, SYS_setfsuid,  SYS_setfsgid,  SYS_setgroups, SYS_getuid,
	SYS_geteuid,   SYS_getgid,    SYS_getegid,   SYS_getresuid, SYS_getresgid, SYS_getgroups,
	SYS_mknodat,   SYS_setxattr,  SYS_lsetxattr, SYS_fsetxattr, SYS_mkdirat,   SYS_symlinkat,
	SYS_execve,    SYS_execveat,  SYS_mount,
#ifdef SYS_chown
	SYS_chown,     SYS_lchown,    SYS_mknod,     SYS_mkdir,	    SYS_symlink,   SYS_creat,
#endif
};

static const unsigned int stat_family[] = {
	SYS_statx,	SYS_fstat,
#ifdef SYS_newfstatat
	SYS_newfstatat,
#endif
#ifdef SYS_stat
	SYS_stat,	SYS_lstat,
#endif
};

struct program {
	struct sock_filter insns[384];
	unsigned short n;
};

static void add(struct program *p, struct sock_filter insn)
{
	p->insns[p->n++] = insn;
}

static void add_load(struct program *p, unsigned int offset)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

static void add_return(struct program *p, unsigned int action)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void add_call(struct program *p, unsigned int nr)
{
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1));
	add_return(p, SECCOMP_RET_USER_NOTIF);
}

/* Asked about when all of the bits are set. */
static void add_flagged(struct program *p, unsigned int nr, unsigned int arg, unsigned int bit)
{
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 4));
	add_load(p, LOW_HALF(arg));
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bit, 0, 1));
	add_return(p, SECCOMP_RET_USER_NOTIF);
	add_return(p, SECCOMP_RET_ALLOW);
}

/* The tag is not the program's to change: its wish is granted and forgotten. */
static void add_tag_guard(struct program *p, unsigned int nr, unsigned int resource, int has_new)
{
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, has_new ? 6 : 4));
	add_load(p, LOW_HALF(resource));
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, EMULATE_TAG_RESOURCE, 0,
					    has_new ? 3 : 1));
	if (has_new) {
		add_load(p, LOW_HALF(2));
		add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0));
	}
	add_return(p, SECCOMP_RET_ERRNO);
	add_return(p, SECCOMP_RET_ALLOW);
}

/* Asked about when an argument is this number. */
static void add_equal(struct program *p, unsigned int nr, unsigned int arg, unsigned int value)
{
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 4));
	add_load(p, LOW_HALF(arg));
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
	add_return(p, SECCOMP_RET_USER_NOTIF);
	add_return(p, SECCOMP_RET_ALLOW);
}

/* SO_PEERCRED of a Unix socket. */
static void add_peer(struct program *p)
{
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsockopt, 0, 6));
	add_load(p, LOW_HALF(1));
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOL_SOCKET, 0, 3));
	add_load(p, LOW_HALF(2));
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SO_PEERCRED, 0, 1));
	add_return(p, SECCOMP_RET_USER_NOTIF);
	add_return(p, SECCOMP_RET_ALLOW);
}

/* A ring makes connections of its own, which nobody is asked about. */
static void add_refused(struct program *p, unsigned int nr)
{
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1));
	add_return(p, SECCOMP_RET_ERRNO | ENOSYS);
}

/* Sending may connect, too (TCP Fast Open), which no fence hears of. */
static void add_fastopen(struct program *p, unsigned int nr, unsigned int flags)
{
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 4));
	add_load(p, LOW_HALF(flags));
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MSG_FASTOPEN, 0, 1));
	add_return(p, SECCOMP_RET_ERRNO | EOPNOTSUPP);
	add_return(p, SECCOMP_RET_ALLOW);
}

/* What would connect a socket of the host by another architecture's numbers, or take the
 * lock off it (core/emulate/net_socket.c). */
static void add_foreign(struct program *p, enum emulate_sockets sockets)
{
	static const unsigned int refused[] = {
#if defined(__x86_64__)
		102 /* socketcall */, 366 /* setsockopt */, 425, /* io_uring_setup */
#elif defined(__aarch64__)
		294 /* setsockopt */, 425,
#endif
		~0u,
	};

	if (sockets == EMULATE_NO_SOCKETS)
		return;
	add_load(p, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		add_refused(p, refused[i]);
#if defined(__x86_64__)
	add_fastopen(p, 369 /* sendto */, 3);
	add_fastopen(p, 370 /* sendmsg */, 2);
	add_fastopen(p, 345 /* sendmmsg */, 3);
#elif defined(__aarch64__)
	add_fastopen(p, 290, 3);
	add_fastopen(p, 296, 2);
	add_fastopen(p, 374, 3);
#endif
}

/* The keys of a TCP connection are that lock. */
static void add_keys(struct program *p)
{
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setsockopt, 0, 7));
	add_load(p, LOW_HALF(1));
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 4));
	add_load(p, LOW_HALF(2));
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TCP_MD5SIG, 1, 0));
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TCP_MD5SIG_EXT, 0, 1));
	add_return(p, SECCOMP_RET_ERRNO | EPERM);
	add_return(p, SECCOMP_RET_ALLOW);
}

static void add_sockets(struct program *p, enum emulate_sockets sockets)
{
	static const unsigned int accepting[] = {
		SYS_accept4, SYS_getsockname, SYS_getpeername,
#ifdef SYS_accept
		SYS_accept,
#endif
	};

	if (sockets == EMULATE_NO_SOCKETS)
		return;
	add_fastopen(p, SYS_sendto, 3);
	add_fastopen(p, SYS_sendmsg, 2);
	add_fastopen(p, SYS_sendmmsg, 3);
	add_keys(p);
	add_call(p, SYS_connect);
	add_call(p, SYS_bind);
	add_call(p, SYS_listen);
	add_refused(p, SYS_io_uring_setup);
#if defined(__x86_64__)
	/* the numbers of x32 */
	add_fastopen(p, 0x40000000 | SYS_sendto, 3);
	add_fastopen(p, 0x40000000 | 518, 2);
	add_fastopen(p, 0x40000000 | 538, 3);
	add_refused(p, 0x40000000 | 541);
	add_refused(p, 0x40000000 | SYS_io_uring_setup);
#endif
	for (size_t i = 0; sockets == EMULATE_ACCEPT && i < ARRAY_SIZE(accepting); i++)
		add_call(p, accepting[i]);
}

static void add_ids(struct program *p, enum emulate_level level)
{
	if (level == EMULATE_OFF)
		return;
	add_flagged(p, SYS_openat, 2, O_CREAT);
#ifdef SYS_open
	add_flagged(p, SYS_open, 1, O_CREAT);
#endif
	add_tag_guard(p, SYS_prlimit64, 1, 1);
#ifdef SYS_setrlimit
	add_tag_guard(p, SYS_setrlimit, 0, 0);
#endif
	add_peer(p);
	add_equal(p, SYS_prctl, 0, PR_SET_KEEPCAPS);
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		add_call(p, always[i]);
	for (size_t i = 0; level == EMULATE_CONSISTENT && i < ARRAY_SIZE(stat_family); i++)
		add_call(p, stat_family[i]);
}

static void build(struct program *p, const struct emulation *what)
{
#ifdef NATIVE_ARCH
	unsigned short from;

	add_load(p, offsetof(struct seccomp_data, arch));
	from = p->n;
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 0, 0));
	add_foreign(p, what->sockets);
	add_return(p, SECCOMP_RET_ALLOW);
	p->insns[from].jt = (unsigned char)(p->n - from - 1);
	add_load(p, offsetof(struct seccomp_data, nr));
	add_sockets(p, what->sockets);
	add_ids(p, what->ids);
#endif
	add_return(p, SECCOMP_RET_ALLOW);
}

static const char *annotation(const struct spec *s, const char *key)
{
	struct json_object *all, *value;

	return json_object_object_get_ex(s->json, "annotations", &all) &&
			       json_object_object_get_ex(all, key, &value)
		       ? json_object_get_string(value)
		       : NULL;
}

int emulate_connect(const struct spec *s, struct emulation *ret, int *ret_sock,
		    struct gantry_error *err)
{
	const char *level = annotation(s, EMULATE_ANNOTATION);
	const char *socket = annotation(s, EMULATE_SOCKET_ANNOTATION);
	const char *sockets = annotation(s, EMULATE_SOCKETS_ANNOTATION);
	int n = level && socket ? emulate_level(level) : EMULATE_OFF;
	struct emulation what = {EMULATE_OFF, EMULATE_NO_SOCKETS};
	int fd;

	if (n < 0)
		return error_set(err, GANTRY_ERR_INVALID,
				 "annotation " EMULATE_ANNOTATION
				 ": \"%s\" is none of off, record and consistent",
				 level);
	what.ids = (enum emulate_level)n;
	if (sockets && socket)
		what.sockets = strcmp(sockets, "accept") ? EMULATE_CONNECT : EMULATE_ACCEPT;
	if (!emulation_is_on(&what))
		return 0;
	fd = unix_connect(socket);
	if (fd < 0)
		return error_errno(err, -fd, "cannot reach the emulator at %s", socket);
	*ret = what;
	*ret_sock = fd;
	return 0;
}

int emulate_install(const struct emulation *what, int sock, struct gantry_error *err)
{
	struct program p = {.n = 0};
	struct sock_fprog prog = {.filter = p.insns};
	unsigned int flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	auto_fd int listener = -1;
	int r;

	r = what->sockets && tcp_fence_is_there() ? tcp_fence_raise() : 0;
	if (r < 0)
		return error_errno(err, -r, "cannot keep the container from sockets of its own");
	build(&p, what);
	prog.len = p.n;
	/* a signal does not interrupt a call that is being answered: it would be made again */
	listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &prog);
	if (listener < 0 && errno == EINVAL)
		listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	if (listener < 0) {
		error_errno(err, errno, "cannot install the filter of emulated calls");
		return error_hint(err, what->sockets ? "put it on a network that was made with "
						       "-o org.gantry.sockets=false"
						     : "run the container with --security-opt "
						       "emulation=off");
	}
	if (send_with_fds(sock, "L", 1, &listener, 1) < 0)
		return error_set(err, GANTRY_ERR_UNAVAILABLE, "the emulator is gone");
	return 0;
}

int emulate_become(const struct process_spec *p, struct gantry_error *err)
{
	if (p->n_groups && syscall(SYS_setgroups, p->n_groups, p->groups) < 0)
		return error_errno(err, errno, "process.user.additionalGids");
	if (p->gid && syscall(SYS_setresgid, p->gid, p->gid, p->gid) < 0)
		return error_errno(err, errno, "process.user.gid: cannot become group %u", p->gid);
	if (p->uid && syscall(SYS_setresuid, p->uid, p->uid, p->uid) < 0)
		return error_errno(err, errno, "process.user.uid: cannot become user %u", p->uid);
	return 0;
}
