/* SPDX-License-Identifier: Apache-2.0 */
/* Giving a version 2 group to the container's user, who may then make groups below it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "cgroup.h"
#include "spec.h"
#include "sys.h"

/* Only a container that sees its own group, and may write there, has a use for it. */
static bool is_wanted(const struct spec *s)
{
	if (!s->ns[NS_CGROUP].present || s->ns[NS_CGROUP].path || !s->ns[NS_USER].present)
		return false;
	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct mount_spec *m = &s->mounts[i];

		if (!m->options.bind && m->type && !strncmp(m->type, "cgroup", 6) &&
		    !strcmp(m->destination, "/sys/fs/cgroup"))
			return !(m->options.set & MOUNT_ATTR_RDONLY);
	}
	return false;
}

int cgroup_delegate(const struct cgroup *c, const struct spec *s, struct gantry_error *err)
{
	static const char usual[] = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n";
	int64_t uid = id_map_host(s->maps.uid, s->maps.n_uid, s->process.uid);
	auto_(buf) struct buf files = BUF_INIT;
	char *save = NULL;

	if (c->unified < 0 || c->host->mode != CGROUP_UNIFIED || uid < 0 || !is_wanted(s))
		return 0;
	if (fchown(c->unified, (uid_t)uid, (gid_t)-1) < 0)
		return error_errno(err, errno, "cannot give the control group to user %u", (uid_t)uid);
	if (read_file(AT_FDCWD, "/sys/kernel/cgroup/delegate", &files, 4096) < 0 || !files.len) {
		buf_clear(&files);
		buf_adds(&files, usual);
	}
	if (buf_failed(&files))
		return error_no_memory(err);
	for (char *f = strtok_r(files.data, "\n", &save); f; f = strtok_r(NULL, "\n", &save)) {
		if (fchownat(c->unified, f, (uid_t)uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 &&
		    errno != ENOENT)
			return error_errno(err, errno, "cannot give %s to user %u", f, (uid_t)uid);
	}
	return 0;
}
