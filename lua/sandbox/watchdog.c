/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second line behind the checks in sandbox.c: a timer whose signal goes to
 * the calling thread a moment after the deadline.  It ends what no check can
 * see: time spent inside the interpreter itself (comparing long strings,
 * marking weak tables, rehashing) and holes nobody thought of.
 *
 * The handler jumps only out of Lua code; while the thread is in malloc or in a
 * host function it leaves a note that sandbox_leave_host() reads.  One signal
 * number is taken for the process; when another part of the process has it, or
 * no timer is to be had, the first line stands alone.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "helpers/io.h"

#include "lua/sandbox/internal.h"

#define WATCHDOG_SIGNAL (SIGRTMIN + 9)
#define GRACE_NS INT64_C(15000000)
#define AGAIN_NS INT64_C(5000000)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_key;
static int usable;

struct thread_timer {
	struct sandbox *running;
	timer_t timer;
	int state; /* 0 not tried, 1 there, -1 cannot be had */
};

static __thread struct thread_timer mine;

static void on_signal(int signal_number)
{
	struct sandbox *sb = mine.running;

	(void)signal_number;
	if (!sb || !sb->running || time_monotonic_ns() < sb->wall_end) {
		return;
	}
	if (sb->in_host) {
		sb->overdue = 1;
		return;
	}
	sandbox_stop(sb, SANDBOX_STOP_DEADLINE);
}

static void thread_ends(void *unused)
{
	(void)unused;
	if (mine.state == 1) {
		timer_delete(mine.timer);
		mine.state = -1;
	}
}

static void prepare_process(void)
{
	struct sigaction old, action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	/* The jump out of the handler does not restore the mask, so none is set. */
	action.sa_flags = SA_NODEFER | SA_RESTART;
	if (sigaction(WATCHDOG_SIGNAL, NULL, &old) < 0 || old.sa_handler != SIG_DFL ||
	    pthread_key_create(&thread_key, thread_ends) != 0) {
		return;
	}
	usable = sigaction(WATCHDOG_SIGNAL, &action, NULL) == 0;
}

static void prepare_thread(void)
{
	struct sigevent event;
	sigset_t set;

	pthread_once(&once, prepare_process);
	mine.state = -1;
	if (!usable) {
		return;
	}
	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_THREAD_ID;
	event.sigev_signo = WATCHDOG_SIGNAL;
	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &event, &mine.timer) < 0) {
		return;
	}
	sigemptyset(&set);
	sigaddset(&set, WATCHDOG_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	pthread_setspecific(thread_key, &mine);
	mine.state = 1;
}

static void set_timer(int64_t at_ns)
{
	struct itimerspec when;

	memset(&when, 0, sizeof(when));
	if (at_ns) {
		when.it_value.tv_sec = at_ns / 1000000000;
		when.it_value.tv_nsec = at_ns % 1000000000;
		when.it_interval.tv_nsec = AGAIN_NS;
	}
	timer_settime(mine.timer, TIMER_ABSTIME, &when, NULL);
}

void watchdog_arm(struct sandbox *sb)
{
	if (mine.state == 0) {
		prepare_thread();
	}
	sb->outer = mine.running;
	mine.running = sb;
	if (mine.state == 1) {
		set_timer(sb->wall_end + GRACE_NS);
	}
}

void watchdog_disarm(struct sandbox *sb)
{
	mine.running = sb->outer;
	if (mine.state == 1) {
		set_timer(sb->outer ? sb->outer->wall_end + GRACE_NS : 0);
	}
	sb->outer = NULL;
}
