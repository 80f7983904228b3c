/* SPDX-License-Identifier: Apache-2.0 */
/* What the host has mounted at /sys/fs/cgroup. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>
#include <helpers/privilege.h>

#include "cgroup.h"

#define ROOT "/sys/fs/cgroup"

static bool has_magic(const char *path, long magic)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == magic;
}

/* One line of /proc/self/cgroup: ID:CONTROLLERS:PATH. */
static void add_line(struct cgroup_host *h, char *line)
{
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;
	struct cgroup_v1 *v;

	if (!path)
		return;
	*controllers++ = '\0';
	*path++ = '\0';
	if (!*controllers) {
		snprintf(h->unified_own, sizeof(h->unified_own), "%s", path);
		return;
	}
	if (!strncmp(controllers, "name=", 5))
		controllers += 5;
	if (h->n_v1 == CGROUP_MAX_V1 || strlen(controllers) >= sizeof(h->v1[0].name) ||
	    strlen(path) >= sizeof(h->v1[0].own))
		return;
	v = &h->v1[h->n_v1++];
	strcpy(v->name, controllers);
	strcpy(v->own, path);
}

bool cgroup_v1_mounted(const struct cgroup_v1 *h)
{
	char root[128];

	cgroup_v1_root(h, root, sizeof(root));
	return has_magic(root, CGROUP_SUPER_MAGIC);
}

int cgroup_detect(struct cgroup_host *ret, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	struct cgroup_host h = { .mode = CGROUP_NONE };
	char *save = NULL;
	int r = read_file(AT_FDCWD, "/proc/self/cgroup", &text, 1 << 16);

	if (r < 0 && r != -ENOENT)
		return error_errno(err, -r, "cannot read /proc/self/cgroup");
	if (has_magic(ROOT, CGROUP2_SUPER_MAGIC)) {
		h.mode = CGROUP_UNIFIED;
		strcpy(h.unified, ROOT);
	} else if (has_magic(ROOT "/unified", CGROUP2_SUPER_MAGIC)) {
		strcpy(h.unified, ROOT "/unified");
	}
	for (char *line = text.data ? strtok_r(text.data, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (h.mode != CGROUP_UNIFIED || !strncmp(line, "0::", 3))
			add_line(&h, line);
	}
	if (h.mode != CGROUP_UNIFIED && (h.n_v1 || h.unified[0]))
		h.mode = CGROUP_LEGACY;
	*ret = h;
	return 0;
}

void cgroup_v1_root(const struct cgroup_v1 *h, char *out, size_t size)
{
	snprintf(out, size, ROOT "/%s", h->name);
}

bool cgroup_has_controller(const char *hierarchy, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = hierarchy; *p;) {
		size_t n = strcspn(p, ",");

		if (n == len && !strncmp(p, name, n))
			return true;
		p += n;
		p += *p == ',';
	}
	return false;
}

static bool is_clean(const char *path)
{
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && !strncmp(p, "..", 2))
			return false;
		p += n;
		p += *p == '/';
	}
	return !strchr(path, '\n');
}

/* A user's containers go below the topmost group that is his: the one that he is in has
 * processes, and so cannot hand controllers on. */
static void delegated_group(const struct cgroup_host *host, char *own)
{
	char *slash;

	while (host->mode == CGROUP_UNIFIED && (slash = strrchr(own, '/')) && slash != own) {
		char file[1024];

		*slash = '\0';
		snprintf(file, sizeof(file), "%s%s/cgroup.procs", host->unified, own);
		if (access(file, W_OK) < 0) {
			*slash = '/';
			return;
		}
	}
}

int cgroup_path(const struct cgroup_host *host, const char *requested, const char *id, char *out,
		size_t size, struct gantry_error *err)
{
	char own[sizeof(host->unified_own)];
	int n;

	snprintf(own, sizeof(own), "%s", host->unified_own[0] ? host->unified_own : "/");

	if (requested && !is_clean(requested))
		return error_set(err, GANTRY_ERR_INVALID,
				 "config.json: linux.cgroupsPath: \"%s\" must not contain ..",
				 requested);
	if (!is_host_root() && own[1]) {
		delegated_group(host, own);
		n = snprintf(out, size, "%s/%s", own, requested ? requested : id);
	} else if (!requested) {
		n = snprintf(out, size, "/gantry/%s", id);
	} else {
		n = snprintf(out, size, "/%s", requested);
	}
	if (n < 0 || (size_t)n >= size)
		return error_errno(err, ENAMETOOLONG, "config.json: linux.cgroupsPath");
	/* one slash between components, none at the end */
	for (char *from = out, *to = out; (*to = *from); from++) {
		if (!(*from == '/' && (from[1] == '/' || (!from[1] && to != out))))
			to++;
	}
	return 0;
}
