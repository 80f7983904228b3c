/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small init: starts one program, passes signals on to it, reaps what is
 * orphaned, and ends as the program ended.  It is linked without the C library,
 * so that it is a few kilobytes and needs nothing from the image.
 *
 * usage: gantry-init FILE ARGV0 [ARG...]
 */
#include <linux/prctl.h>
#include <linux/signal.h>
#include <linux/wait.h>
#include <stddef.h>
#include <asm/unistd.h>
#include <asm/ioctls.h>

#define EINTR 4
#define ECHILD 10

#if defined(__x86_64__)
static long sys4(long n, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return ret;
}
__asm__(".globl _start\n_start:\n\txor %ebp,%ebp\n\tmov %rsp,%rdi\n\tand $-16,%rsp\n\tcall init_main\n\thlt\n");
#elif defined(__aarch64__)
static long sys4(long n, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}
__asm__(".globl _start\n_start:\n\tmov x29,#0\n\tmov x0,sp\n\tbl init_main\n\tbrk #0\n");
#else
#error "no system call convention for this processor"
#endif

#define SIGSET_BYTES 8

static long fork_child(void)
{
	return sys4(__NR_clone, SIGCHLD, 0, 0, 0);
}

static void __attribute__((noreturn)) leave(int status)
{
	for (;;)
		sys4(__NR_exit_group, status, 0, 0, 0);
}

/* A process group of its own in the terminal's foreground, so that the keys'
 * signals reach the program and not this process twice. */
static void __attribute__((noreturn)) run(char **argv, char **envp, unsigned long *old)
{
	int group = (int)sys4(__NR_getpid, 0, 0, 0, 0);
	unsigned long ttou = 1UL << (SIGTTOU - 1);
	long r;

	sys4(__NR_setpgid, 0, 0, 0, 0);
	sys4(__NR_rt_sigprocmask, SIG_BLOCK, (long)&ttou, 0, SIGSET_BYTES);
	sys4(__NR_ioctl, 0, TIOCSPGRP, (long)&group, 0);
	sys4(__NR_rt_sigprocmask, SIG_SETMASK, (long)old, 0, SIGSET_BYTES);
	r = sys4(__NR_execve, (long)argv[1], (long)(argv + 2), (long)envp, 0);
	leave(r == -2 ? 127 : 126);
}

/* Reaps all that has ended; returns the exit status once the program is among
 * them, else -1. */
static int reap(long program)
{
	for (;;) {
		int status = 0;
		long pid = sys4(__NR_wait4, -1, (long)&status, WNOHANG, 0);

		if (pid == -EINTR)
			continue;
		if (pid <= 0)
			return -1;
		if (pid == program)
			return status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
	}
}

void init_main(long *stack);
void init_main(long *stack)
{
	long argc = stack[0];
	char **argv = (char **)(stack + 1);
	char **envp = argv + argc + 1;
	unsigned long all = ~0UL, old = 0;
	long program;

	if (argc < 3)
		leave(125);
	sys4(__NR_prctl, PR_SET_NAME, (long)"gantry-init", 0, 0);
	sys4(__NR_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&old, SIGSET_BYTES);
	program = fork_child();
	if (program == 0)
		run(argv, envp, &old);
	if (program < 0)
		leave(125);
	for (;;) {
		long sig = sys4(__NR_rt_sigtimedwait, (long)&all, 0, 0, SIGSET_BYTES);
		int status;

		if (sig == SIGCHLD && (status = reap(program)) >= 0)
			leave(status);
		if (sig > 0 && sig != SIGCHLD)
			sys4(__NR_kill, program, sig, 0, 0);
	}
}
