/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

#include "fuse/cgroup.h"

/* Our cgroup in the unified hierarchy ("0::/path") or in v1's memory controller. */
static int find_own(char **ret, int *ret_v1)
{
	auto_(buf) struct buf text = BUF_INIT;
	char *save = NULL, *unified = NULL, *memory = NULL;
	int r = read_file(AT_FDCWD, "/proc/self/cgroup", &text, 65536);

	if (r < 0)
		return r;
	for (char *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *controllers = strchr(line, ':');
		char *path = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		if (!controllers[1])
			unified = path;
		else if (strcmp(controllers + 1, "memory") == 0)
			memory = path;
	}
	*ret_v1 = memory != NULL;
	if (!memory && !unified)
		return -ENOENT;
	r = asprintf(ret, "%s%s", memory ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup",
		     memory ? memory : unified);
	return r < 0 ? -ENOMEM : 0;
}

/* The folder of a server's cgroup. */
static int find_folder(pid_t pid, char **ret, int *ret_v1)
{
	auto_free char *own = NULL;
	int r = find_own(&own, ret_v1);

	if (r < 0)
		return r;
	return asprintf(ret, "%s/gantry-unionfs-%d", own, (int)pid) < 0 ? -ENOMEM : 0;
}

void cgroup_forget(pid_t pid)
{
	auto_free char *path = NULL;
	int v1;

	if (find_folder(pid, &path, &v1) == 0)
		(void)rmdir(path);
}

int cgroup_limit(pid_t pid, uint64_t max)
{
	auto_free char *path = NULL;
	auto_fd int dir = -1;
	char text[32];
	int v1, r = find_folder(pid, &path, &v1);

	if (r < 0)
		return r;
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)max);
	r = write_control(dir, v1 ? "memory.limit_in_bytes" : "memory.max", text);
	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "%d", (int)pid);
	return write_control(dir, "cgroup.procs", text);
}
