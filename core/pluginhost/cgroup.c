/* SPDX-License-Identifier: Apache-2.0 */
/* Only where the group of all containers can be made, too: as root, or where a
 * version 2 tree was delegated.  A host without it falls back to limits. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/pluginhost/confine.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

#define ROOT "/sys/fs/cgroup"
#define GROUP "gantry-plugins"

static int set(const char *folder, const char *file, long long value)
{
	char path[320], text[32];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	snprintf(text, sizeof(text), "%lld", value);
	return write_control(AT_FDCWD, path, text);
}

/* Groups of processes that are gone, whose supervisor was killed before it could remove
 * them.  Those that still hold somebody refuse to go. */
static void sweep(const char *parent)
{
	auto_dir DIR *dir = opendir(parent);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid > 0 && kill(pid, 0) < 0 && errno == ESRCH) {
			(void)unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
		}
	}
}

static int make_folder(char *ret, size_t size, const char *controller, pid_t pid)
{
	char parent[128];

	snprintf(parent, sizeof(parent), "%s/%s%s" GROUP, ROOT, controller, *controller ? "/" : "");
	if (mkdir(parent, 0755) < 0 && errno != EEXIST) {
		return -1;
	}
	sweep(parent);
	if (!*controller) {
		char control[320];

		snprintf(control, sizeof(control), "%s/cgroup.subtree_control", parent);
		(void)write_control(AT_FDCWD, ROOT "/cgroup.subtree_control", "+memory +pids");
		(void)write_control(AT_FDCWD, control, "+memory +pids");
	}
	snprintf(ret, size, "%s/%d", parent, (int)pid);
	if (mkdir(ret, 0755) < 0 && errno != EEXIST) {
		*ret = '\0';
		return -1;
	}
	return 0;
}

void cgroup_make(struct cgroup *g, pid_t pid, int64_t memory, int64_t pids)
{
	memset(g, 0, sizeof(*g));
	if (geteuid() != 0) {
		return;
	}
	g->version = access(ROOT "/cgroup.controllers", F_OK) == 0 ? 2 : 1;
	if (make_folder(g->paths[0], sizeof(g->paths[0]), g->version == 2 ? "" : "memory", pid) ==
	    0) {
		if (g->version == 2) {
			set(g->paths[0], "memory.max", memory);
			set(g->paths[0], "memory.swap.max", 0);
			set(g->paths[0], "pids.max", pids);
		} else {
			set(g->paths[0], "memory.limit_in_bytes", memory);
		}
		set(g->paths[0], "cgroup.procs", pid);
	}
	if (g->version == 1 && make_folder(g->paths[1], sizeof(g->paths[1]), "pids", pid) == 0) {
		set(g->paths[1], "pids.max", pids);
		set(g->paths[1], "cgroup.procs", pid);
	}
}

int cgroup_ran_out(const struct cgroup *g)
{
	auto_(buf) struct buf text = BUF_INIT;
	char path[320];
	const char *p;

	if (!g->paths[0][0]) {
		return 0;
	}
	snprintf(path, sizeof(path), "%s/%s", g->paths[0],
		 g->version == 2 ? "memory.events" : "memory.oom_control");
	if (read_file(AT_FDCWD, path, &text, 4096) < 0) {
		return 0;
	}
	p = strstr(buf_str(&text), "oom_kill ");
	return p && atoll(p + strlen("oom_kill ")) > 0;
}

/* Kills what is left of the group. */
static void kill_all(const char *folder)
{
	auto_(buf) struct buf text = BUF_INIT;
	char path[320];
	char *save = NULL;

	snprintf(path, sizeof(path), "%s/cgroup.kill", folder);
	if (write_control(AT_FDCWD, path, "1") == 0) {
		return;
	}
	snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	if (read_file(AT_FDCWD, path, &text, 1 << 20) == 0 && text.len) {
		for (char *line = strtok_r(text.data, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save)) {
			kill((pid_t)atoi(line), SIGKILL);
		}
	}
}

void cgroup_remove(struct cgroup *g)
{
	for (int tries = 0; tries < 100; tries++) {
		int left = 0;

		for (unsigned i = 0; i < ARRAY_SIZE(g->paths); i++) {
			if (g->paths[i][0] && rmdir(g->paths[i]) < 0 && errno == EBUSY) {
				kill_all(g->paths[i]);
				left = 1;
			}
		}
		if (!left) {
			return;
		}
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
}
