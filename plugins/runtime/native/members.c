/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "members.h"

/* Each container has a mount namespace of its own, whatever else it shares. */
static bool in_namespace(int proc, int pid, const struct stat *ns)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "%d/ns/mnt", pid);
	return fstatat(proc, path, &st, 0) == 0 && st.st_ino == ns->st_ino &&
	       st.st_dev == ns->st_dev;
}

static int add(struct members *m, pid_t pid)
{
	pid_t *more = realloc(m->pids, (m->n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	m->pids = more;
	m->pids[m->n++] = pid;
	return 0;
}

static int find_by_namespace(pid_t init, struct members *ret, struct gantry_error *err)
{
	auto_dir DIR *proc = opendir("/proc");
	struct dirent *e;
	struct stat ns;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", init);
	if (!proc || stat(path, &ns) < 0)
		return error_set(err, GANTRY_ERR_NOT_FOUND, "process %d is gone", init);
	while ((e = readdir(proc))) {
		int pid = atoi(e->d_name);

		if (pid > 0 && in_namespace(dirfd(proc), pid, &ns) && add(ret, pid) < 0)
			return error_no_memory(err);
	}
	return 0;
}

int members_find(const struct cgroup_host *host, const struct state *s, struct members *ret,
		 struct gantry_error *err)
{
	*ret = (struct members){NULL, 0};
	if (s->cgroup_path && s->cgroup_path[0])
		return cgroup_pids(host, s->cgroup_path, &ret->pids, &ret->n, err);
	return s->pid > 0 && state_is_alive(s) ? find_by_namespace(s->pid, ret, err) : 0;
}

void members_done(struct members *m)
{
	free(m->pids);
	*m = (struct members){NULL, 0};
}
