/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tar of a plugin's folder: ustar, regular files and folders only.  A package has
 * few small files, so both sides work in memory; whatever is unusual is refused, and
 * never repaired.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/package/package.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define BLOCK 512
#define NAME_ROOM 100
#define DEPTH_MAX 8
#define FILES_MAX 1000

static void put_octal(char *to, size_t size, uint64_t value)
{
	snprintf(to, size, "%0*llo", (int)size - 1, (unsigned long long)value);
}

static unsigned checksum(const char *header)
{
	unsigned sum = 0;

	for (int i = 0; i < BLOCK; i++) {
		sum += i >= 148 && i < 156 ? ' ' : (unsigned char)header[i];
	}
	return sum;
}

static void add_header(struct buf *tar, const char *name, int is_folder, int executable, size_t size)
{
	char header[BLOCK] = "";

	snprintf(header, NAME_ROOM, "%s", name);
	put_octal(header + 100, 8, is_folder || executable ? 0755 : 0644);
	put_octal(header + 108, 8, 0);
	put_octal(header + 116, 8, 0);
	put_octal(header + 124, 12, size);
	put_octal(header + 136, 12, 0); /* the same folder makes the same package */
	header[156] = is_folder ? '5' : '0';
	memcpy(header + 257, "ustar\00000", 8);
	snprintf(header + 148, 8, "%06o", checksum(header));
	header[155] = ' ';
	buf_add(tar, header, BLOCK);
}

static int pack_folder(int parent, const char *path, const char *prefix, int depth, struct buf *tar,
		       struct gantry_error *err);

static int pack_one(int folder, const char *entry, const char *name, int depth, struct buf *tar,
		    struct gantry_error *err)
{
	static const char zeros[BLOCK];
	auto_(buf) struct buf content = BUF_INIT;
	struct stat st;
	int r;

	if (strlen(name) >= NAME_ROOM) {
		return error_set(err, GANTRY_ERR_INVALID, "cannot pack %s: its name is longer than %d bytes", name,
				 NAME_ROOM - 1);
	}
	if (fstatat(folder, entry, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return error_errno(err, errno, "cannot pack %s", name);
	}
	if (S_ISDIR(st.st_mode)) {
		add_header(tar, name, 1, 0, 0);
		return pack_folder(folder, entry, name, depth + 1, tar, err);
	}
	if (!S_ISREG(st.st_mode)) {
		error_set(err, GANTRY_ERR_INVALID, "cannot pack %s: it is neither a file nor a folder", name);
		return error_hint(err, "a package has no links, sockets or devices; copy what a link points to");
	}
	r = read_file(folder, entry, &content, PACKAGE_MAX);
	if (r < 0) {
		return error_errno(err, -r, "cannot pack %s", name);
	}
	add_header(tar, name, 0, (st.st_mode & 0111) != 0, content.len);
	buf_add(tar, content.data, content.len);
	buf_add(tar, zeros, (BLOCK - content.len % BLOCK) % BLOCK);
	return tar->len > (size_t)PACKAGE_MAX
		       ? error_set(err, GANTRY_ERR_LIMIT, "a package is at most %lld MiB", (long long)PACKAGE_MAX >> 20)
		       : 0;
}

static int pack_folder(int parent, const char *path, const char *prefix, int depth, struct buf *tar,
		       struct gantry_error *err)
{
	auto_fd int folder = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **names;
	int n = folder < 0 ? -1 : scandirat(folder, ".", &names, NULL, alphasort), r = 0;

	if (n < 0 || depth > DEPTH_MAX) {
		return n < 0 ? error_errno(err, errno, "cannot read folder %s", path)
			     : error_set(err, GANTRY_ERR_LIMIT, "%s is nested too deeply for a package", path);
	}
	for (int i = 0; i < n; i++) {
		char name[2 * NAME_ROOM + 300];

		snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "/" : "", names[i]->d_name);
		/* Hidden files are the author's own: .git, .github. */
		if (r == 0 && names[i]->d_name[0] != '.') {
			r = pack_one(folder, names[i]->d_name, name, depth, tar, err);
		}
		free(names[i]);
	}
	free(names);
	return r;
}

int tar_pack(const char *folder, struct buf *ret, struct gantry_error *err)
{
	static const char zeros[2 * BLOCK];
	int r = pack_folder(AT_FDCWD, folder, "", 0, ret, err);

	buf_add(ret, zeros, sizeof(zeros));
	return r == 0 && buf_failed(ret) ? error_no_memory(err) : r;
}

struct member {
	char name[NAME_ROOM + 1];
	char type;
	int executable;
	size_t size;
};

static int corrupt(struct gantry_error *err, const char *why)
{
	return error_set(err, GANTRY_ERR_CORRUPT, "the package's files are damaged: %s", why);
}

static int get_octal(const char *from, size_t size, uint64_t *ret)
{
	char text[16] = "";
	char *end;

	memcpy(text, from, size);
	*ret = strtoull(text, &end, 8);
	return *end && *end != ' ' ? -1 : 0;
}

static int read_header(const char *header, struct member *m, struct gantry_error *err)
{
	uint64_t sum, mode, size;

	if (get_octal(header + 148, 8, &sum) < 0 || sum != checksum(header)) {
		return corrupt(err, "a header's checksum is wrong");
	}
	if (get_octal(header + 100, 8, &mode) < 0 || get_octal(header + 124, 12, &size) < 0 || header[345]) {
		return corrupt(err, "a header cannot be read");
	}
	memcpy(m->name, header, NAME_ROOM);
	m->name[NAME_ROOM] = '\0';
	m->type = header[156] ? header[156] : '0';
	m->executable = (mode & 0111) != 0;
	m->size = (size_t)size;
	return 0;
}

/* Only plain names that stay below: no "..", no "//", nothing hidden, nothing of ours. */
static int check_name(const char *name, char type, struct gantry_error *err)
{
	const char *why = NULL;

	if (type != '0' && type != '5') {
		why = type == '1' || type == '2' ? "it is a link" : "it is neither a file nor a folder";
	} else if (!*name || *name == '/') {
		why = "its name is not below the plugin's folder";
	} else if (strcmp(name, "grant.json") == 0) {
		why = "that name is the host's";
	}
	for (const char *p = name; !why && *p; p++) {
		if ((p == name || p[-1] == '/') && (*p == '.' || *p == '/')) {
			why = "its name leads out of the plugin's folder, or is hidden";
		}
		if ((unsigned char)*p < ' ') {
			why = "its name has control characters";
		}
	}
	return why ? error_set(err, GANTRY_ERR_DENIED, "the package is refused for its file \"%.100s\": %s", name, why)
		   : 0;
}

static int write_member(int folder, const struct member *m, const char *data, struct gantry_error *err)
{
	char name[NAME_ROOM + 1];
	char *slash;
	int fd, r;

	snprintf(name, sizeof(name), "%s", m->name);
	if (m->type == '5') {
		r = make_dirs(folder, name, 0755);
		return r < 0 ? error_errno(err, -r, "cannot make folder %s", name) : 0;
	}
	slash = strrchr(name, '/');
	if (slash) {
		*slash = '\0';
		r = make_dirs(folder, name, 0755);
		if (r < 0) {
			return error_errno(err, -r, "cannot make folder %s", name);
		}
	}
	fd = openat(folder, m->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    m->executable ? 0755 : 0644);
	if (fd < 0) {
		return errno == EEXIST ? corrupt(err, "a file is in it twice")
				       : error_errno(err, errno, "cannot write %s", m->name);
	}
	r = write_all(fd, data, m->size);
	r = r == 0 && fsync(fd) < 0 ? -errno : r;
	close(fd);
	return r < 0 ? error_errno(err, -r, "cannot write %s", m->name) : 0;
}

int tar_unpack(const struct buf *tar, int folder, struct gantry_error *err)
{
	size_t at = 0;

	for (int files = 0; files < FILES_MAX; files++) {
		struct member m;
		int r;

		if (tar->len - at < BLOCK) {
			return corrupt(err, "it is cut off");
		}
		if (tar->data[at] == '\0') {
			return 0;
		}
		r = read_header(tar->data + at, &m, err);
		if (r == 0) {
			r = check_name(m.name, m.type, err);
		}
		at += BLOCK;
		if (r == 0 && m.size > tar->len - at) {
			r = corrupt(err, "it is cut off");
		}
		if (r == 0) {
			r = write_member(folder, &m, tar->data + at, err);
		}
		if (r < 0) {
			return r;
		}
		at += (m.size + BLOCK - 1) / BLOCK * BLOCK;
		if (at > tar->len) {
			return corrupt(err, "it is cut off");
		}
	}
	return error_set(err, GANTRY_ERR_LIMIT, "the package has more than %d files", FILES_MAX);
}
