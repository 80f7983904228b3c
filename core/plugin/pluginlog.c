/* SPDX-License-Identifier: Apache-2.0 */
/* One write(2) per line, so that lines of several processes do not mix. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/plugin/pluginlog.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"

#define LINE_MAX_BYTES 8192

/* Opens the file, after the full one was put aside: whoever is late in doing so
 * puts aside a nearly empty one. */
static int open_log(const char *run_dir)
{
	auto_fd int dir = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC;
	auto_fd int fd = dir < 0 ? -1 : openat(dir, PLUGIN_LOG, flags, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < PLUGIN_LOG_MAX) {
		return steal_fd(&fd);
	}
	(void)renameat(dir, PLUGIN_LOG, dir, PLUGIN_LOG_OLD);
	return openat(dir, PLUGIN_LOG, flags, 0600);
}

void plugin_log(const char *run_dir, const char *level, const char *text, size_t len)
{
	auto_(buf) struct buf line = BUF_INIT;
	auto_fd int fd = open_log(run_dir);
	time_t now = time(NULL);
	struct tm tm;
	char stamp[32];

	if (fd < 0) {
		return;
	}
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	buf_addf(&line, "%s [%d] %s: ", stamp, (int)getpid(), level);
	buf_add(&line, text, len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES);
	for (char *p = line.data; p && *p; p++) {
		*p = (unsigned char)*p < 0x20 ? ' ' : *p;
	}
	buf_addc(&line, '\n');
	if (!buf_failed(&line)) {
		(void)!write(fd, line.data, line.len);
	}
}
