/* SPDX-License-Identifier: Apache-2.0 */
/* The differential fuzzer's comparison of whole trees. */
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

/* The whole tree as text: names, stat, content, attributes, which names share an
 * inode. */
static struct {
	ino_t ino;
	char path[PATH_ROOM];
} seen[4096];
static size_t n_seen;
static FILE *dump_to;
static size_t root_len;

/* What is left out: names, the inodes found under them in a tree, and in both trees all
 * names of those. */
enum { MAX_LEFT_OUT = 4096 };
enum { MAX_EXCEPT = 8 };
static char *except[MAX_EXCEPT];
static int n_except;
static ino_t left_out[MAX_LEFT_OUT];
static char *hidden[2 * MAX_LEFT_OUT];
static size_t n_left_out, n_hidden;

/* Below one of the names, or the folder of one. */
static int is_except(const char *path)
{
	for (int i = 0; i < n_except; i++) {
		size_t len = strlen(except[i]);
		const char *slash = strrchr(except[i], '/');
		size_t dir = slash ? (size_t)(slash - except[i]) : 0;

		if (strncmp(path, except[i], len) == 0 && (!path[len] || path[len] == '/'))
			return 1;
		if (strlen(path) == dir && strncmp(path, except[i], dir) == 0)
			return 1;
	}
	return 0;
}

static int is_left_out(ino_t ino)
{
	for (size_t i = 0; i < n_left_out; i++) {
		if (left_out[i] == ino)
			return 1;
	}
	return 0;
}

/* The first name, by order, of an inode; a first pass enters them all. */
static const char *find_seen(ino_t ino, const char *path)
{
	size_t i = 0;

	while (i < n_seen && seen[i].ino != ino)
		i++;
	if (i == n_seen && n_seen < 4096) {
		seen[n_seen].ino = ino;
		snprintf(seen[n_seen++].path, PATH_ROOM, "%s", path);
	} else if (strcmp(path, seen[i].path) < 0) {
		snprintf(seen[i].path, PATH_ROOM, "%s", path);
	}
	return seen[i].path;
}

static int enter_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (!S_ISDIR(st->st_mode) && st->st_nlink > 1)
		find_seen(st->st_ino, path + root_len);
	return 0;
}

static int leave_out_inode(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *name = path + root_len + (path[root_len] == '/');

	if (is_except(name) && n_left_out < MAX_LEFT_OUT)
		left_out[n_left_out++] = st->st_ino;
	return 0;
}

static int hide_name(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (is_left_out(st->st_ino) && n_hidden < 2 * MAX_LEFT_OUT)
		hidden[n_hidden++] = strdup(path + root_len);
	return 0;
}

static void leave_out(const char *root)
{
	root_len = strlen(root);
	n_left_out = 0;
	nftw(root, leave_out_inode, 32, FTW_PHYS);
	nftw(root, hide_name, 32, FTW_PHYS);
}

static int is_hidden(const char *path)
{
	for (size_t i = 0; i < n_hidden; i++) {
		if (strcmp(hidden[i], path) == 0)
			return 1;
	}
	return 0;
}

static int dump_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static struct outcome o;
	char target[PATH_MAX];
	ssize_t n;
	int fd;

	if (is_hidden(path + root_len))
		return 0;
	o.len = 0;
	o.text[0] = '\0';
	note(&o, "%s", path + root_len);
	note_stat(&o, st);
	/* Of other types the kernel's overlayfs shows one inode under several numbers. */
	if (S_ISREG(st->st_mode) && st->st_nlink > 1)
		note(&o, " is %s", find_seen(st->st_ino, path + root_len));
	if (S_ISREG(st->st_mode)) {
		fd = open(path, O_RDONLY);
		if (fd < 0)
			note_result(&o, fd);
		for (uint32_t at = 0; fd >= 0 && at < st->st_size; at += DATA_ROOM)
			note_data(&o, fd, at);
		if (fd >= 0)
			close(fd);
	} else if (S_ISLNK(st->st_mode)) {
		n = readlink(path, target, sizeof(target));
		note(&o, " -> %.*s", n > 0 ? (int)n : 0, target);
	}
	note_xattrs(&o, path);
	fprintf(dump_to, "%s\n", o.text);
	return 0;
}

static int by_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *dump(const char *root)
{
	char *text = NULL, *sorted, *lines[8192], *save = NULL;
	size_t size, n = 0;

	dump_to = open_memstream(&text, &size);
	root_len = strlen(root);
	n_seen = 0;
	nftw(root, enter_one, 32, FTW_PHYS);
	nftw(root, dump_one, 32, FTW_PHYS);
	fclose(dump_to);
	for (char *line = strtok_r(text, "\n", &save); line && n < 8192;
	     line = strtok_r(NULL, "\n", &save))
		lines[n++] = line;
	qsort(lines, n, sizeof(*lines), by_line);
	dump_to = open_memstream(&sorted, &size);
	for (size_t i = 0; i < n; i++)
		fprintf(dump_to, "%s\n", lines[i]);
	fclose(dump_to);
	free(text);
	return sorted;
}

__attribute__((format(printf, 1, 2))) static void add_except(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (n_except < MAX_EXCEPT && vasprintf(&except[n_except], fmt, ap) >= 0)
		n_except++;
	va_end(ap);
}

/* Where a name leads in a tree, "" for the tree itself; NULL outside of it. */
static const char *resolve(const char *root, const char *name, int len, char real[PATH_MAX])
{
	char base[PATH_MAX], *full;
	size_t n;

	if (!realpath(root, base) || asprintf(&full, "%s/%.*s", root, len, name) < 0)
		return NULL;
	n = strlen(base);
	name = realpath(full, real);
	free(full);
	return name && strncmp(real, base, n) == 0 ? real + n + (real[n] == '/') : NULL;
}

/* A name, the object it leads to through symbolic links, and the place it has behind
 * those of its folder. */
static void except_name(const char *root, const char *name)
{
	const char *slash = strrchr(name, '/'), *found;
	char real[PATH_MAX];

	add_except("%s", name);
	found = resolve(root, name, (int)strlen(name), real);
	if (found && *found)
		add_except("%s", found);
	found = slash ? resolve(root, name, (int)(slash - name), real) : NULL;
	if (found)
		add_except("%s%s%s", found, *found ? "/" : "", slash + 1);
}

int compare_trees(const char *first, const char *second, char **names, int n_names)
{
	char *a, *b;
	const char *p, *q;

	n_except = 0;
	for (int i = 0; i < n_names; i++)
		except_name(second, names[i]);
	if (n_names) {
		leave_out(first);
		leave_out(second);
	}
	p = a = dump(first);
	q = b = dump(second);

	if (strcmp(a, b) == 0)
		return 0;
	while (*p && *q) {
		size_t n = strcspn(p, "\n"), m = strcspn(q, "\n");

		if (n != m || memcmp(p, q, n) != 0)
			break;
		p += n + 1;
		q += m + 1;
	}
	printf("trees differ:\n  first:  %.*s\n  second: %.*s\n", (int)strcspn(p, "\n"), p,
	       (int)strcspn(q, "\n"), q);
	return 1;
}
