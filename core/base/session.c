/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "core/base/paths.h"
#include "core/base/session.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

static int is_own_folder(const char *path)
{
	struct stat st;

	return path && *path == '/' && stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid();
}

/* su(1) without a session leaves the other user's variables. */
static char *own_home(void)
{
	struct passwd entry, *found = NULL;
	const char *home = getenv("HOME");
	char text[4096];

	if (is_own_folder(home)) {
		return strdup(home);
	}
	if (getpwuid_r(geteuid(), &entry, text, sizeof(text), &found) == 0 && found &&
	    is_own_folder(found->pw_dir)) {
		return strdup(found->pw_dir);
	}
	return strdup(home && *home ? home : "/tmp");
}

/* Is it a filesystem that other hosts may have as well? */
static int is_shared(const char *path)
{
	static const unsigned long kinds[] = {
		NFS_SUPER_MAGIC,       0xff534d42 /* CIFS */,	0xfe534d42 /* SMB2 */,
		AFS_SUPER_MAGIC,       0x00c36400 /* Ceph */,	0x0bd00bd0 /* Lustre */,
		0x47504653 /* GPFS */, 0x19830326 /* BeeGFS */,
	};
	struct statfs fs;

	if (statfs(path, &fs) < 0) {
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if ((unsigned long)fs.f_type == kinds[i]) {
			return 1;
		}
	}
	return 0;
}

char *session_data_folder(void)
{
	const char *xdg = getenv("XDG_DATA_HOME");
	auto_free char *home = own_home();
	auto_free char *data = xdg && *xdg ? strdup(xdg)
			       : home	   ? path_join(home, ".local/share", NULL)
					   : NULL;
	char host[128] = "";

	if (!home || !data) {
		return NULL;
	}
	/* the folder may not be there yet, but what it is to be on is */
	if (!is_shared(access(data, F_OK) == 0 ? data : home)) {
		return path_join(data, "gantry", NULL);
	}
	gethostname(host, sizeof(host) - 1);
	return path_join(data, "gantry-on", host, NULL);
}

static void read_boot_id(struct buf *ret)
{
	if (read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", ret, 64) == 0 && ret->len > 0 &&
	    ret->data[ret->len - 1] == '\n') {
		ret->data[--ret->len] = '\0';
	}
}

/* <root>/run-root: "boot id, space, folder".  NULL when it is of another boot. */
static char *kept_run_folder(const char *root)
{
	auto_free char *path = path_join(root, "run-root", NULL);
	auto_(buf) struct buf text = BUF_INIT;
	auto_(buf) struct buf boot = BUF_INIT;
	const char *folder;

	read_boot_id(&boot);
	if (!path || read_file(AT_FDCWD, path, &text, 8192) < 0 || !boot.len ||
	    strncmp(buf_str(&text), boot.data, boot.len)) {
		return NULL;
	}
	folder = buf_str(&text) + boot.len;
	return *folder == ' ' && is_own_folder(folder + 1) ? strdup(folder + 1) : NULL;
}

void session_keep_run_folder(const char *root, const char *run_root)
{
	auto_free char *path = path_join(root, "run-root", NULL);
	auto_free char *kept = kept_run_folder(root);
	auto_(buf) struct buf text = BUF_INIT;

	if (kept && !strcmp(kept, run_root)) {
		return;
	}
	read_boot_id(&text);
	buf_addf(&text, " %s", run_root);
	if (path && !buf_failed(&text)) {
		(void)write_file_atomic(AT_FDCWD, path, text.data, text.len, 0600, 0);
	}
}

/* Anybody may have made it before: then it is not used. */
static char *folder_in_tmp(void)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/tmp/gantry-%u", (unsigned)geteuid());
	if ((mkdir(path, 0700) < 0 && errno != EEXIST) || lstat(path, &st) < 0 ||
	    !S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077)) {
		return NULL;
	}
	return strdup(path);
}

char *session_run_folder(const char *root)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	char *kept = kept_run_folder(root);
	auto_free char *home = NULL;
	char path[64];

	if (kept) {
		return kept;
	}
	if (is_own_folder(xdg)) {
		return path_join(xdg, "gantry", NULL);
	}
	snprintf(path, sizeof(path), "/run/user/%u", (unsigned)geteuid());
	if (is_own_folder(path)) {
		return path_join(path, "gantry", NULL);
	}
	kept = folder_in_tmp();
	if (kept) {
		return kept;
	}
	home = own_home();
	return home ? path_join(home, ".cache/gantry-run", NULL) : NULL;
}
