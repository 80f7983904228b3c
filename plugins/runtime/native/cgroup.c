/* SPDX-License-Identifier: Apache-2.0 */
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

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>
#include <helpers/privilege.h>

#include "cgroup.h"
#include "resources.h"

#define REMOVE_TRIES 400 /* of 5 ms */

static int open_dir(const char *root, const char *path)
{
	char full[768];
	int fd;

	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Copies `file` from the group above unless `group` has a value. */
static void inherit_file(const char *group, const char *file)
{
	auto_(buf) struct buf own = BUF_INIT;
	auto_(buf) struct buf above = BUF_INIT;
	const char *slash = strrchr(group, '/');
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", group, file);
	if (read_file(AT_FDCWD, path, &own, 4096) < 0 || own.len > 1)
		return;
	snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - group), group, file);
	if (read_file(AT_FDCWD, path, &above, 4096) < 0)
		return;
	snprintf(path, sizeof(path), "%s/%s", group, file);
	write_control(AT_FDCWD, path, buf_str(&above));
}

/* A new cpuset allows nothing until it is told; each level gets what the one
 * above has. */
static void inherit_cpuset(const char *root, const char *path)
{
	char group[768];
	char *end;

	snprintf(group, sizeof(group), "%s%s", root, path);
	end = group + strlen(root);
	do {
		char saved;

		end += 1 + strcspn(end + 1, "/");
		saved = *end;
		*end = '\0';
		inherit_file(group, "cpuset.cpus");
		inherit_file(group, "cpuset.mems");
		*end = saved;
	} while (*end);
}

static int make_group(const char *root, const char *path, struct gantry_error *err)
{
	char full[768];
	int r;

	snprintf(full, sizeof(full), "%s%s", root, path);
	r = make_dirs(AT_FDCWD, full, 0755);
	if (r < 0)
		return error_errno(err, -r, "cannot create the control group %s", full);
	r = open_dir(root, path);
	return r < 0 ? error_errno(err, -r, "cannot open the control group %s", full) : r;
}

/* One version 1 hierarchy: makes the group, sets its limits, and keeps its
 * cgroup.procs open. */
static int join_v1(struct cgroup *c, size_t i, const struct resources *res, bool update,
		   struct gantry_error *err)
{
	const struct cgroup_v1 *h = &c->host->v1[i];
	auto_fd int dir = -1;
	char root[128];
	int r;

	if (!cgroup_v1_mounted(h))
		return 0;
	cgroup_v1_root(h, root, sizeof(root));
	dir = make_group(root, c->path, err);
	if (dir < 0)
		return dir;
	if (cgroup_has_controller(h->name, "cpuset") && !update)
		inherit_cpuset(root, c->path);
	r = cgroup_v1_set(dir, h->name, res, c->device_filter, update, err);
	if (r < 0)
		return r;
	if (c->procs[i] < 0)
		c->procs[i] = openat(dir, "cgroup.procs", O_RDWR | O_CLOEXEC);
	if (c->procs[i] < 0)
		return error_errno(err, errno, "cannot open the control group %s%s", root, c->path);
	return 0;
}

/* A group with processes, other than the root, would become threaded and its children
 * unusable. */
static bool is_populated(const char *group)
{
	auto_(buf) struct buf text = BUF_INIT;
	char file[1024];

	snprintf(file, sizeof(file), "%s/cgroup.procs", group);
	return read_file(AT_FDCWD, file, &text, 1 << 20) < 0 || text.len > 0;
}

/* Enables the controllers from the top down, as far as that is ours to do. */
static void enable_controllers(const char *root, const char *path)
{
	static const char *const controllers[] = { "+cpu", "+cpuset", "+io", "+memory",
						   "+pids", "+hugetlb", "+rdma" };
	char prefix[768];
	char *end;

	snprintf(prefix, sizeof(prefix), "%s%s", root, path);
	for (end = prefix + strlen(root); end; end = strchr(end + 1, '/')) {
		char file[1024], saved = *end;

		*end = '\0';
		if (strlen(prefix) > strlen(root) && is_populated(prefix))
			break;
		snprintf(file, sizeof(file), "%s/cgroup.subtree_control", prefix);
		for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
			write_control(AT_FDCWD, file, controllers[i]);
		*end = saved;
	}
}

/* The usual case is that an earlier container has enabled them. */
static bool has_controllers(int dir)
{
	return faccessat(dir, "memory.max", F_OK, 0) == 0 && faccessat(dir, "pids.max", F_OK, 0) == 0;
}

static int create_unified(struct cgroup *c, const struct resources *res, bool filter,
			  struct gantry_error *err)
{
	int r = make_group(c->host->unified, c->path, err);

	if (r < 0)
		return r;
	c->unified = r;
	if (c->host->mode == CGROUP_UNIFIED) {
		if (!has_controllers(c->unified))
			enable_controllers(c->host->unified, c->path);
		if (res && (r = cgroup_v2_set(c->unified, res, err)) < 0)
			return r;
	}
	if (filter && is_host_root() && !device_rules_allow_all(res)) {
		r = cgroup_set_device_filter(c->unified, res, err);
		if (r < 0 && (r != GANTRY_ERR_UNSUPPORTED || c->host->mode == CGROUP_UNIFIED))
			return r;
		c->device_filter = r == 0;
		error_clear(err);
	}
	return 0;
}

static bool guards_devices(const struct cgroup_host *host)
{
	for (size_t i = 0; i < host->n_v1; i++) {
		if (cgroup_has_controller(host->v1[i].name, "devices"))
			return cgroup_v1_mounted(&host->v1[i]);
	}
	return false;
}

static void cgroup_start(const struct cgroup_host *host, const char *path, struct cgroup *c)
{
	*c = (struct cgroup)CGROUP_INIT;
	c->host = host;
	snprintf(c->path, sizeof(c->path), "%s", path);
	for (size_t i = 0; i < CGROUP_MAX_V1; i++)
		c->procs[i] = -1;
}

int cgroup_create(const struct cgroup_host *host, const char *path, const struct resources *res,
		  enum cgroup_join join, struct cgroup *ret, struct gantry_error *err)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct cgroup c;
	int r = 0;

	cgroup_start(host, path, &c);
	for (size_t i = 0; i < host->n_v1 && join == CGROUP_JOIN_LIMITED; i++) {
		if (cgroup_v1_wanted(host->v1[i].name, res, true))
			join = CGROUP_JOIN_ALL;
	}
	/* version 1 guards devices without a program to load */
	if (host->unified[0])
		r = create_unified(&c, res, join == CGROUP_JOIN_LIMITED || !guards_devices(host),
				   err);
	if (r == 0 && !c.device_filter && join == CGROUP_JOIN_LIMITED && !device_rules_allow_all(res))
		join = CGROUP_JOIN_ALL; /* no eBPF here */
	for (size_t i = 0; i < host->n_v1 && r == 0 && join == CGROUP_JOIN_ALL; i++)
		r = join_v1(&c, i, res, false, err);
	if (r < 0) {
		cgroup_done(&c);
		cgroup_remove(host, path, &ignored);
		return r;
	}
	*ret = c;
	return 0;
}

int cgroup_open(const struct cgroup_host *host, const char *path, struct cgroup *ret,
		struct gantry_error *err)
{
	struct cgroup c;

	cgroup_start(host, path, &c);
	if (host->unified[0]) {
		c.unified = open_dir(host->unified, path);
		if (c.unified < 0)
			c.unified = -1;
	}
	for (size_t i = 0; i < host->n_v1; i++) {
		char full[768];

		cgroup_v1_root(&host->v1[i], full, sizeof(full));
		strncat(full, path, sizeof(full) - strlen(full) - 1);
		strncat(full, "/cgroup.procs", sizeof(full) - strlen(full) - 1);
		c.procs[i] = open(full, O_RDWR | O_CLOEXEC);
	}
	*ret = c;
	return 0;
}

int cgroup_attach(const struct cgroup *c, pid_t pid, bool unified, struct gantry_error *err)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", pid);

	if (unified && c->unified >= 0) {
		int r = write_control(c->unified, "cgroup.procs", text);

		if (r < 0)
			return error_errno(err, -r, "cannot enter the control group %s%s",
					   c->host->unified, c->path);
	}
	for (size_t i = 0; c->host && i < c->host->n_v1; i++) {
		if (c->procs[i] < 0 || write(c->procs[i], text, (size_t)n) == n)
			continue;
		return error_errno(err, errno, "cannot enter the control group %s of %s", c->path,
				   c->host->v1[i].name);
	}
	return 0;
}

/* Is the container in a version 1 group of this controller? */
static bool is_member(const struct cgroup *c, const char *controller)
{
	for (size_t i = 0; i < c->host->n_v1; i++) {
		if (cgroup_has_controller(c->host->v1[i].name, controller))
			return c->procs[i] >= 0;
	}
	return false;
}

int cgroup_update(struct cgroup *c, const struct resources *res, struct gantry_error *err)
{
	int r = 0;

	if (c->host->mode == CGROUP_UNIFIED && c->unified >= 0)
		r = cgroup_v2_set(c->unified, res, err);
	c->device_filter = !is_member(c, "devices");
	if (r == 0 && res->n_devices && c->unified >= 0 && c->device_filter && is_host_root())
		r = cgroup_set_device_filter(c->unified, res, err);
	for (size_t i = 0; i < c->host->n_v1 && r == 0; i++) {
		bool member = c->procs[i] >= 0;
		auto_free pid_t *pids = NULL;
		size_t n = 0;

		if (!cgroup_v1_wanted(c->host->v1[i].name, res,
				      c->device_filter || !res->n_devices) ||
		    !cgroup_v1_mounted(&c->host->v1[i]))
			continue;
		r = join_v1(c, i, res, member, err);
		if (r < 0 || member)
			continue;
		r = cgroup_pids(c->host, c->path, &pids, &n, err);
		for (size_t k = 0; k < n && r == 0; k++) {
			if (dprintf(c->procs[i], "%d", pids[k]) < 0 && errno != ESRCH)
				r = error_errno(err, errno, "cannot enter the control group of %s",
						c->host->v1[i].name);
		}
	}
	return r;
}

void cgroup_done(struct cgroup *c)
{
	replace_fd(&c->unified, -1);
	for (size_t i = 0; c->host && i < CGROUP_MAX_V1; i++)
		replace_fd(&c->procs[i], -1);
}

/* Not the root: that is everybody's. */
static bool is_own(const char *path)
{
	return path[0] && strcmp(path, "/") != 0;
}

int cgroup_kill(const struct cgroup_host *host, const char *path, struct gantry_error *err)
{
	char file[768];
	int r;

	if (!host->unified[0] || !is_own(path))
		return 0;
	snprintf(file, sizeof(file), "%s%s/cgroup.kill", host->unified, path);
	r = write_control(AT_FDCWD, file, "1");
	if (r == -ENOENT || r == -EOPNOTSUPP)
		return 0;
	return r < 0 ? error_errno(err, -r, "cannot kill the control group %s", path) : 1;
}

static int add_pids(int dir, pid_t **list, size_t *n)
{
	auto_(buf) struct buf text = BUF_INIT;
	int r = read_file(dir, "cgroup.procs", &text, 16 << 20);
	const char *p = buf_str(&text);

	if (r < 0)
		return r == -ENODEV || r == -ENOENT || r == -EOPNOTSUPP ? 0 : r;
	while (*p) {
		pid_t *more;
		char *end;
		long pid = strtol(p, &end, 10);

		if (end == p)
			break;
		more = realloc(*list, (*n + 1) * sizeof(**list));
		if (!more)
			return -ENOMEM;
		*list = more;
		(*list)[(*n)++] = (pid_t)pid;
		p = end + strspn(end, "\n");
	}
	return 0;
}

/* Visits the group and those below, children first. */
static int visit(int dir, int (*fn)(int dir, void *data), void *data)
{
	auto_dir DIR *d = NULL;
	struct dirent *e;
	int fd = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -errno;
	}
	while ((e = readdir(d))) {
		auto_fd int sub = -1;

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		sub = openat(dir, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0)
			continue;
		r = visit(sub, fn, data);
		if (r < 0)
			return r;
	}
	return fn(dir, data);
}

struct pid_list {
	pid_t *pids;
	size_t n;
};

static int collect(int dir, void *data)
{
	struct pid_list *l = data;

	return add_pids(dir, &l->pids, &l->n);
}

/* The hierarchy that knows all processes: version 2, or the first of version 1
 * that has the group. */
static int open_any(const struct cgroup_host *host, const char *path)
{
	int fd = host->unified[0] ? open_dir(host->unified, path) : -ENOENT;

	for (size_t i = 0; i < host->n_v1 && fd < 0; i++) {
		char root[128];

		cgroup_v1_root(&host->v1[i], root, sizeof(root));
		fd = open_dir(root, path);
	}
	return fd;
}

int cgroup_pids(const struct cgroup_host *host, const char *path, pid_t **ret, size_t *ret_n,
		struct gantry_error *err)
{
	auto_fd int dir = is_own(path) ? open_any(host, path) : -ENOENT;
	struct pid_list l = { NULL, 0 };
	int r;

	if (dir < 0)
		return error_errno(err, -dir, "cannot open the control group %s", path);
	r = visit(dir, collect, &l);
	if (r < 0) {
		free(l.pids);
		return error_errno(err, -r, "cannot read the control group %s", path);
	}
	*ret = l.pids;
	*ret_n = l.n;
	return 0;
}

static int remove_below(const char *root, const char *path)
{
	char full[768];
	auto_dir DIR *d = NULL;
	struct dirent *e;

	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	if (rmdir(full) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return -errno;
	d = opendir(full);
	while (d && (e = readdir(d))) {
		char sub[768];

		if (e->d_type == DT_DIR && e->d_name[0] != '.' &&
		    snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name) < (int)sizeof(sub))
			remove_below(root, sub);
	}
	return rmdir(full) == 0 || errno == ENOENT ? 0 : -errno;
}

static void kill_rest(const char *root, const char *path)
{
	auto_fd int dir = open_dir(root, path);
	struct pid_list l = { NULL, 0 };

	if (dir >= 0 && visit(dir, collect, &l) == 0) {
		for (size_t i = 0; i < l.n; i++)
			kill(l.pids[i], SIGKILL);
	}
	free(l.pids);
}

/* A process that has just died may hold its group for a moment. */
static int remove_group(const char *root, const char *path, struct gantry_error *err)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	int r = 0;

	for (int i = 0; i < REMOVE_TRIES; i++) {
		r = remove_below(root, path);
		if (r != -EBUSY)
			break;
		kill_rest(root, path);
		nanosleep(&pause, NULL);
	}
	return r < 0 ? error_errno(err, -r, "cannot remove the control group %s%s", root, path) : 0;
}

int cgroup_remove(const struct cgroup_host *host, const char *path, struct gantry_error *err)
{
	int r = 0;

	if (!is_own(path))
		return 0;
	if (host->unified[0])
		r = remove_group(host->unified, path, err);
	for (size_t i = 0; i < host->n_v1 && r == 0; i++) {
		char root[128];

		cgroup_v1_root(&host->v1[i], root, sizeof(root));
		r = remove_group(root, path, err);
	}
	return r;
}

static bool wait_frozen(const char *file, bool frozen)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < 2000; i++) {
		auto_(buf) struct buf text = BUF_INIT;

		if (read_file(AT_FDCWD, file, &text, 4096) < 0)
			return false;
		if (!!strstr(buf_str(&text), "frozen 1") == frozen)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static int freeze_v1(const struct cgroup_host *host, const char *path, bool freeze,
		     struct gantry_error *err)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	const char *want = freeze ? "FROZEN" : "THAWED";
	char file[768];

	snprintf(file, sizeof(file), "/sys/fs/cgroup/freezer%s/freezer.state", path);
	for (int i = 0; i < 2000; i++) {
		auto_(buf) struct buf text = BUF_INIT;
		int r = write_control(AT_FDCWD, file, want);

		if (r < 0)
			return error_errno(err, -r, "cannot freeze or thaw %s", path);
		if (read_file(AT_FDCWD, file, &text, 64) == 0 &&
		    !strncmp(buf_str(&text), want, 6))
			return 0;
		nanosleep(&pause, NULL);
	}
	return error_set(err, GANTRY_ERR_TIMEOUT, "%s does not freeze", path);
}

bool cgroup_freezer(const struct cgroup_host *host, const char *path, char *out, size_t size)
{
	if (!is_own(path))
		return false;
	snprintf(out, size, "%s%s", host->unified[0] ? host->unified : "/sys/fs/cgroup/freezer", path);
	return access(out, F_OK) == 0;
}

int cgroup_freeze(const struct cgroup_host *host, const char *path, bool freeze,
		  struct gantry_error *err)
{
	char file[768];
	int r;

	if (!is_own(path))
		return error_set(err, GANTRY_ERR_UNSUPPORTED,
				 "the container has no control group to freeze it with");
	if (!host->unified[0])
		return freeze_v1(host, path, freeze, err);
	snprintf(file, sizeof(file), "%s%s/cgroup.freeze", host->unified, path);
	r = write_control(AT_FDCWD, file, freeze ? "1" : "0");
	if (r < 0)
		return error_errno(err, -r, "cannot freeze or thaw %s", path);
	snprintf(file, sizeof(file), "%s%s/cgroup.events", host->unified, path);
	if (!wait_frozen(file, freeze))
		return error_set(err, GANTRY_ERR_TIMEOUT, "%s does not %s", path,
				 freeze ? "freeze" : "thaw");
	return 0;
}

bool cgroup_is_frozen(const struct cgroup_host *host, const char *path)
{
	auto_(buf) struct buf text = BUF_INIT;
	char file[768];

	if (!is_own(path))
		return false;
	if (!host->unified[0]) {
		snprintf(file, sizeof(file), "/sys/fs/cgroup/freezer%s/freezer.state", path);
		return read_file(AT_FDCWD, file, &text, 64) == 0 &&
		       strncmp(buf_str(&text), "THAWED", 6) != 0;
	}
	snprintf(file, sizeof(file), "%s%s/cgroup.freeze", host->unified, path);
	return read_file(AT_FDCWD, file, &text, 64) == 0 && buf_str(&text)[0] == '1';
}
