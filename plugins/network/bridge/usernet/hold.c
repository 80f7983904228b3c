/* SPDX-License-Identifier: Apache-2.0 */
/* Three processes: this one, which is signed for and ends the others with itself; one
 * that does nothing in the new namespace; and the helper that connects it to the host.
 * A helper that dies is started again, ever more rarely. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "processes.h"

#define FIRST_DELAY_S 1u
#define LAST_DELAY_S 60u
#define FIRST_FREE_FD 10
#define EXPIRE_EVERY_MS 5000

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)ioctl(sock, SIOCSIFFLAGS, &request);
	close(sock);
}

/* The namespace's own process; -errno when it cannot be made. */
static int start_sleeper(void)
{
	int ends[2], pid;
	char byte;

	if (pipe(ends) < 0) {
		return -errno;
	}
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "usernet-ns");
		if (unshare(CLONE_NEWNET) < 0 || write(ends[1], "+", 1) != 1) {
			_exit(errno);
		}
		raise_loopback();
		close(ends[0]);
		close(ends[1]);
		close(STDOUT_FILENO);
		for (;;) {
			pause();
		}
	}
	close(ends[1]);
	if (pid > 0 && read(ends[0], &byte, 1) != 1) {
		int status;

		waitpid(pid, &status, 0);
		pid = WIFEXITED(status) && WEXITSTATUS(status) ? -WEXITSTATUS(status) : -EIO;
	}
	close(ends[0]);
	return pid;
}

/* The host's first resolver of IPv4. */
static void find_resolver(char ret[64])
{
	FILE *f = fopen("/etc/resolv.conf", "re");
	char line[512];

	strcpy(ret, "");
	while (f && !*ret && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "nameserver %63[0-9.]", ret) != 1) {
			strcpy(ret, "");
		}
	}
	if (f) {
		fclose(f);
	}
}

static void after_round(void)
{
	relay_expire(loop_now_ms() / 1000);
}

static int next_round(void)
{
	return EXPIRE_EVERY_MS;
}

static void run_relay(int space)
{
	char resolver[64];

	prctl(PR_SET_NAME, "usernet-relay");
	find_resolver(resolver);
	if (loop_open() == 0 && relay_serve(space, resolver) == 0) {
		loop_run(after_round, next_round);
	}
	_exit(1);
}

/* Both drop what they would need to open the namespace of another process, so it is open
 * already.  With an address that is not the host's, the host can be reached by its own. */
static void run_helper(const char *way, int space)
{
	char path[64];

	signal(SIGPIPE, SIG_DFL); /* pasta takes an ignored one for a failure */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fcntl(space, F_DUPFD, FIRST_FREE_FD));
	if (!strcmp(way, "pasta")) {
		execlp("pasta", "pasta", "--foreground", "--quiet", "--config-net", "--netns-only",
		       "--no-map-gw", "-a", "10.0.2.100", "-n", "24", "-g", "10.0.2.2", "--dns-forward",
		       "10.0.2.3", "-t", "none", "-u", "none", "-T", "none", "-U", "none", "--netns",
		       path, (char *)NULL);
	} else {
		execlp("slirp4netns", "slirp4netns", "--configure", "--mtu=65520",
		       "--disable-host-loopback", "--netns-type=path", path, "tap0", (char *)NULL);
	}
	_exit(127);
}

static void start_uplink(const char *way, int namespace_pid, unsigned int delay)
{
	char path[64];
	int space;

	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(STDOUT_FILENO);
		sleep(delay);
		snprintf(path, sizeof(path), "/proc/%d/ns/net", namespace_pid);
		space = open(path, O_RDONLY | O_CLOEXEC);
		if (!strcmp(way, "relay")) {
			run_relay(space);
		}
		run_helper(way, space);
	}
}

int usernet_hold(const char *file, const char *way)
{
	unsigned int delay = FIRST_DELAY_S;
	int namespace_pid = start_sleeper(), r;

	if (namespace_pid < 0) {
		return namespace_pid;
	}
	r = usernet_sign(file, namespace_pid);
	if (r < 0) {
		kill(namespace_pid, SIGKILL);
		return r;
	}
	start_uplink(way, namespace_pid, 0);
	if (write(STDOUT_FILENO, "ready", 5) != 5) {
		return -EIO;
	}
	close(STDOUT_FILENO);
	for (;;) {
		int status, pid = wait(&status);

		if (pid == namespace_pid || (pid < 0 && errno != EINTR)) {
			return 0;
		}
		if (pid > 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 127)) {
			start_uplink(way, namespace_pid, delay);
			delay = delay * 2 > LAST_DELAY_S ? LAST_DELAY_S : delay * 2;
		}
	}
}
