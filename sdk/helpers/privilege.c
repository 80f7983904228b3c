/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "buf.h"
#include "cleanup.h"
#include "io.h"
#include "privilege.h"

/* The first line of the map, and the number of ids in all lines. */
static int read_map(unsigned int first[3], unsigned long long *ret_total)
{
	char text[4096];
	auto_fd int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read_full(fd, text, sizeof(text) - 1);
	const char *p = text;
	int used;

	*ret_total = 0;
	if (n <= 0)
		return -1;
	text[n] = '\0';
	if (sscanf(text, "%u %u %u", &first[0], &first[1], &first[2]) != 3)
		return -1;
	for (unsigned int a, b, c; sscanf(p, "%u %u %u%n", &a, &b, &c, &used) == 3; p += used)
		*ret_total += c;
	return 0;
}

int in_initial_userns(void)
{
	unsigned int first[3];
	unsigned long long total;

	/* A kernel without user namespaces has no such file. */
	return read_map(first, &total) < 0 ||
	       (first[0] == 0 && first[1] == 0 && first[2] == UINT32_MAX);
}

int is_host_root(void)
{
	return geteuid() == 0 && in_initial_userns();
}

int has_capability(unsigned int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	if (syscall(SYS_capget, &header, data) < 0)
		return 0;
	return (data[capability / 32].effective >> (capability % 32)) & 1;
}

int userns_has_ids(void)
{
	unsigned int first[3];
	unsigned long long total;

	return read_map(first, &total) < 0 || total > 1;
}

mode_t process_umask(void)
{
	auto_(buf) struct buf status = BUF_INIT;
	const char *line;
	unsigned int mask = 0777;

	if (read_file(AT_FDCWD, "/proc/self/status", &status, 65536) == 0) {
		line = strstr(buf_str(&status), "\nUmask:");
		if (!line || sscanf(line, "\nUmask: %o", &mask) != 1)
			mask = 0777;
	}
	return (mode_t)mask;
}
