/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/idmap.h"
#include "core/base/userns.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define SUBID_LIMIT (4 << 20)

/* What a range must hold at least: users up to nobody. */
enum { USEFUL_COUNT = 65536 };

struct ranges {
	unsigned uid_start, uid_count, gid_start, gid_count;
};

int userns_find_range(const char *file, uid_t uid, const char *name, unsigned *ret_start,
		      unsigned *ret_count)
{
	auto_(buf) struct buf text = BUF_INIT;
	char *save = NULL;
	char number[16];

	snprintf(number, sizeof(number), "%u", (unsigned)uid);
	if (read_file(AT_FDCWD, file, &text, SUBID_LIMIT) < 0 || !text.data) {
		return 0;
	}
	for (char *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *who = strsep(&line, ":");
		unsigned start, count;
		char rest;

		if (!line || (strcmp(who, number) && (!name || strcmp(who, name))) ||
		    sscanf(line, "%u:%u%c", &start, &count, &rest) != 2 || count == 0 ||
		    start > UINT32_MAX - count) {
			continue;
		}
		*ret_start = start;
		*ret_count = count;
		return 1;
	}
	return 0;
}

static int find_ranges(uid_t uid, struct ranges *ret, struct gantry_error *err)
{
	struct passwd entry, *found = NULL;
	const char *name = NULL;
	char text[4096];

	if (getpwuid_r(uid, &entry, text, sizeof(text), &found) == 0 && found) {
		name = found->pw_name;
	}
	if (!userns_find_range("/etc/subuid", uid, name, &ret->uid_start, &ret->uid_count) ||
	    !userns_find_range("/etc/subgid", uid, name, &ret->gid_start, &ret->gid_count)) {
		error_set(err, GANTRY_ERR_UNSUPPORTED,
			  "user %s has no range of ids in /etc/subuid and /etc/subgid",
			  name ? name : "(unknown)");
		return error_hint(
			err, "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s",
			name ? name : "USER");
	}
	if (ret->uid_count < USEFUL_COUNT || ret->gid_count < USEFUL_COUNT) {
		return error_set(
			err, GANTRY_ERR_UNSUPPORTED,
			"the range of user %s in /etc/subuid or /etc/subgid is smaller than %d",
			name ? name : "(unknown)", USEFUL_COUNT);
	}
	return 0;
}

static int is_in_path(const char *program)
{
	const char *path = getenv("PATH");
	auto_free char *copy = strdup(path ? path : "/usr/bin:/bin");
	char *rest = copy;
	const char *folder;

	while (rest && (folder = strsep(&rest, ":"))) {
		auto_free char *file = NULL;

		if (asprintf(&file, "%s/%s", folder, program) >= 0 && access(file, X_OK) == 0) {
			return 1;
		}
	}
	return 0;
}

int idmap_can_full(uid_t uid, struct gantry_error *err)
{
	struct ranges ranges;
	int r = find_ranges(uid, &ranges, err);

	if (r == 0 && (!is_in_path("newuidmap") || !is_in_path("newgidmap"))) {
		error_set(err, GANTRY_ERR_UNSUPPORTED, "newuidmap and newgidmap are not installed");
		return error_hint(err, "apt-get install uidmap");
	}
	return r;
}

static int write_own(const char *file, const char *text, struct gantry_error *err)
{
	int r = write_control(AT_FDCWD, file, text);

	return r < 0 ? error_errno(err, -r, "cannot write %s", file) : 0;
}

int idmap_single(uid_t uid, gid_t gid, struct gantry_error *err)
{
	char uid_map[32], gid_map[32];
	int r;

	snprintf(uid_map, sizeof(uid_map), "0 %u 1\n", (unsigned)uid);
	snprintf(gid_map, sizeof(gid_map), "0 %u 1\n", (unsigned)gid);
	/* One's own gid may be mapped once setgroups(2) is given up. */
	if ((r = write_own("/proc/self/setgroups", "deny", err)) < 0 ||
	    (r = write_own("/proc/self/uid_map", uid_map, err)) < 0) {
		return r;
	}
	return write_own("/proc/self/gid_map", gid_map, err);
}

/* newuidmap PID 0 own 1 1 start count */
static int run_helper(const char *program, pid_t pid, unsigned own, unsigned start, unsigned count)
{
	char words[4][16];
	char *argv[] = {(char *)program, words[0], (char[]){"0"}, words[1], (char[]){"1"},
			(char[]){"1"},	 words[2], words[3],	  NULL};
	pid_t child;
	int status;

	snprintf(words[0], sizeof(words[0]), "%d", pid);
	snprintf(words[1], sizeof(words[1]), "%u", own);
	snprintf(words[2], sizeof(words[2]), "%u", start);
	snprintf(words[3], sizeof(words[3]), "%u", count);
	if (posix_spawnp(&child, program, NULL, NULL, argv, environ)) {
		return -1;
	}
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR) {
			return -1;
		}
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void helper_main(int gate, pid_t parent, uid_t uid, gid_t gid, const struct ranges *ranges)
{
	char word;

	if (read(gate, &word, 1) != 1) {
		_exit(3); /* called off */
	}
	if (run_helper("newuidmap", parent, uid, ranges->uid_start, ranges->uid_count) < 0) {
		_exit(1);
	}
	_exit(run_helper("newgidmap", parent, gid, ranges->gid_start, ranges->gid_count) < 0 ? 2
											     : 0);
}

int idmap_helper_start(struct idmap_helper *h, uid_t uid, gid_t gid, struct gantry_error *err)
{
	struct ranges ranges;
	pid_t parent = getpid();
	int gate[2];
	int r = find_ranges(uid, &ranges, err);

	if (r < 0) {
		return r;
	}
	if (pipe2(gate, O_CLOEXEC) < 0) {
		return error_errno(err, errno, "cannot make a pipe");
	}
	h->pid = fork();
	if (h->pid == 0) {
		close(gate[1]);
		helper_main(gate[0], parent, uid, gid, &ranges);
	}
	close(gate[0]);
	h->go = gate[1];
	if (h->pid < 0) {
		r = errno;
		idmap_helper_cancel(h);
		return error_errno(err, r, "cannot start a process");
	}
	return 0;
}

int idmap_helper_finish(struct idmap_helper *h, struct gantry_error *err)
{
	int status = 0;
	int r = write(h->go, "g", 1) == 1 ? 0 : -errno;

	close(h->go);
	h->go = -1;
	while (waitpid(h->pid, &status, 0) < 0) {
		if (errno != EINTR) {
			return error_errno(err, errno, "cannot wait for newuidmap");
		}
	}
	if (r == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		return 0;
	}
	error_set(err, GANTRY_ERR_PERMISSION, "%s refused this user's range of ids",
		  WIFEXITED(status) && WEXITSTATUS(status) == 2 ? "newgidmap" : "newuidmap");
	return error_hint(
		err, "check /etc/subuid and /etc/subgid, and that newuidmap has its setuid bit or "
		     "file capabilities");
}

void idmap_helper_cancel(struct idmap_helper *h)
{
	if (h->go >= 0) {
		close(h->go);
		h->go = -1;
	}
	while (h->pid > 0 && waitpid(h->pid, NULL, 0) < 0 && errno == EINTR) {
	}
}
