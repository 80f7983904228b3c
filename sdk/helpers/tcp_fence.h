/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's fence round a container whose sockets the emulator makes: Landlock
 * refuses its processes to connect or bind any TCP socket themselves, whatever they get
 * hold of, so that only the emulator does (core/emulate/net.h).  Where the kernel has no
 * such fence the emulator bolts each socket.
 */
#ifndef HELPERS_TCP_FENCE_H
#define HELPERS_TCP_FENCE_H

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif

#define TCP_FENCE_ABI 4 /* Linux 6.7 */

static inline int tcp_fence_is_there(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1U /* its version */) >= TCP_FENCE_ABI;
}

/* Round this process and what becomes of it.  0 or a negative errno. */
static inline int tcp_fence_raise(void)
{
	/* struct landlock_ruleset_attr: files, then network; no rule allows anything */
	const struct {
		uint64_t files, network;
	} handled = {0, 1U << 0 /* bind */ | 1U << 1 /* connect */};
	int fd = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
	int r = fd < 0 ? -errno : 0;

	if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		r = -errno;
	if (fd >= 0)
		close(fd);
	return r;
}

#endif
