/* SPDX-License-Identifier: Apache-2.0 */
/* What a driver must give back: descriptors, threads, mounts, memory, files. */
#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "conformance/suite.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

#define WARM_UP 5
#define ROUNDS 40
#define MEMORY_PER_ROUND 32 /* bytes; the kit runs without malloc's caches, see its main() */
#define MEMORY_ONCE 4096    /* what is kept once */

struct holdings {
	unsigned fds, threads, mounts, files;
	uint64_t memory, bytes;
};

static unsigned count_entries(const char *path)
{
	auto_dir DIR *d = opendir(path);
	unsigned n = 0;

	while (d && readdir(d)) {
		n++;
	}
	return n;
}

static unsigned count_lines(const char *path)
{
	auto_(buf) struct buf text = BUF_INIT;
	unsigned n = 0;

	if (read_file(AT_FDCWD, path, &text, (size_t)16 << 20) == 0) {
		for (size_t i = 0; i < text.len; i++) {
			n += text.data[i] == '\n';
		}
	}
	return n;
}

static void count_below(int parent, const char *name, unsigned *n, uint64_t *bytes)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d))) {
		/* plugin.log is the host's, about a process that died. */
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || !strcmp(e->d_name, "plugin.log") ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			continue;
		}
		++*n;
		*bytes += (uint64_t)st.st_blocks * 512;
		if (S_ISDIR(st.st_mode)) {
			count_below(fd, e->d_name, n, bytes);
		}
	}
	if (d) {
		closedir(d);
	} else if (fd >= 0) {
		close(fd);
	}
}

unsigned count_files(const char *folder, uint64_t *ret_bytes)
{
	unsigned n = 0;

	*ret_bytes = 0;
	count_below(AT_FDCWD, folder, &n, ret_bytes);
	return n;
}

static struct holdings look(const struct kit *k)
{
	struct holdings h = {
		.fds = count_entries("/proc/self/fd"),
		.threads = count_entries("/proc/self/task"),
		.mounts = count_lines("/proc/self/mountinfo"),
		.memory = k->subject->in_process ? mallinfo2().uordblks : 0,
	};

	h.files = count_files(gantry_fake_folder(k->fake), &h.bytes);
	return h;
}

static int rounds(void)
{
	return suite_quick ? 4 : ROUNDS;
}

static void compare(struct kit *k, const char *what, uint64_t before, uint64_t after, uint64_t slack)
{
	if (after > before + slack) {
		kit_fail(k, "%d lives left %llu more %s than there were (%llu, then %llu)", rounds(),
			 (unsigned long long)(after - before), what, (unsigned long long)before,
			 (unsigned long long)after);
	}
}

void test_leaks(struct kit *k)
{
	struct holdings before, after;
	int n = rounds();

	for (int i = 0; i < WARM_UP && !kit_failed(k); i++) {
		k->kind->life(k, "leak");
	}
	before = look(k);
	for (int i = 0; i < n && !kit_failed(k); i++) {
		k->kind->life(k, "leak");
	}
	after = look(k);
	if (kit_failed(k)) {
		return;
	}
	compare(k, "descriptors", before.fds, after.fds, 0);
	compare(k, "threads", before.threads, after.threads, 0);
	compare(k, "mounts", before.mounts, after.mounts, 0);
	compare(k, "files", before.files, after.files, 0);
	/* A script collects its garbage when it likes, but all of it is gone with the script. */
	compare(k, "bytes of memory", k->subject->is_script ? 0 : before.memory,
		k->subject->is_script ? 0 : after.memory, MEMORY_ONCE + MEMORY_PER_ROUND * (uint64_t)n);
	compare(k, "bytes on disk", before.bytes, after.bytes, k->kind->may_keep);
	/* And what a driver holds open goes when it is closed. */
	kit_close(k);
	for (int i = 0; i < 5; i++) {
		if (kit_open(k) < 0) {
			return;
		}
		kit_close(k);
	}
	before = look(k);
	for (int i = 0; i < n; i++) {
		if (kit_open(k) < 0) {
			return;
		}
		kit_close(k);
	}
	after = look(k);
	compare(k, "descriptors after as many openings", before.fds, after.fds, 0);
	compare(k, "threads after as many openings", before.threads, after.threads, 0);
	compare(k, "bytes of memory after as many openings", before.memory, after.memory,
		MEMORY_ONCE + MEMORY_PER_ROUND * (uint64_t)n);
}
