/* SPDX-License-Identifier: Apache-2.0 */
/* Files: content/<64 digits> and content/partial/<64 digits or a made-up name>.  Two
 * writers of one digest are kept apart by flock(2) on the partial file. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/paths.h"
#include "core/content/content.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

struct content_writer {
	char *root;
	char *partial;
	char digest[DIGEST_SIZE]; /* "" when not known */
	struct digester *digester;
	int fd;
};

static char *blob_path(const char *root, const char *digest)
{
	return path_join(root, "content", digest + 7, NULL);
}

int64_t content_size(const char *root, const char *digest)
{
	auto_free char *path = digest_is_valid(digest) ? blob_path(root, digest) : NULL;
	struct stat st;

	return path && stat(path, &st) == 0 ? st.st_size : -1;
}

static int64_t age_of(const struct stat *st)
{
	int64_t age = time_now_ns() / 1000000000 - st->st_mtime;

	return age > 0 ? age : 0;
}

int64_t content_age(const char *root, const char *digest)
{
	auto_free char *path = digest_is_valid(digest) ? blob_path(root, digest) : NULL;
	struct stat st;

	return path && stat(path, &st) == 0 ? age_of(&st) : 0;
}

int content_open(const char *root, const char *digest, int *ret_fd, struct gantry_error *err)
{
	auto_free char *path = NULL;
	int fd;

	if (!digest_is_valid(digest)) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid digest \"%s\"", digest ? digest : "");
	}
	path = blob_path(root, digest);
	fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0) {
		return error_errno(err, errno, "cannot open blob %s", digest);
	}
	*ret_fd = fd;
	return 0;
}

int content_read(const char *root, const char *digest, size_t limit, struct buf *out,
		 struct gantry_error *err)
{
	auto_fd int fd = -1;
	int r = content_open(root, digest, &fd, err);

	if (r < 0) {
		return r;
	}
	r = read_to_end(fd, out, limit);
	return r < 0 ? error_errno(err, -r, "cannot read blob %s", digest) : 0;
}

int content_put(const char *root, const void *data, size_t len, char ret_digest[DIGEST_SIZE],
		struct gantry_error *err)
{
	struct content_writer *w;
	char digest[DIGEST_SIZE];
	int64_t offset;
	int r = digest_of(data, len, digest, err);

	if (r < 0) {
		return r;
	}
	if (ret_digest) {
		memcpy(ret_digest, digest, DIGEST_SIZE);
	}
	if (content_size(root, digest) >= 0) {
		return 0;
	}
	r = content_writer_new(root, digest, &w, &offset, err);
	if (r < 0) {
		return r;
	}
	r = offset ? content_writer_restart(w, err) : 0;
	if (r == 0) {
		r = content_writer_add(w, data, len, err);
	}
	if (r == 0) {
		r = content_writer_commit(w, NULL, err);
	}
	content_writer_free(w);
	return r;
}

int content_remove(const char *root, const char *digest, struct gantry_error *err)
{
	auto_free char *path = blob_path(root, digest);

	if (!path || (unlink(path) < 0 && errno != ENOENT)) {
		return error_errno(err, errno, "cannot remove blob %s", digest);
	}
	return 0;
}

static int open_partial(struct content_writer *w, struct gantry_error *err)
{
	struct stat named, opened;

	do {
		replace_fd(&w->fd, open(w->partial, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
		if (w->fd < 0) {
			return error_errno(err, errno, "cannot create %s", w->partial);
		}
		while (flock(w->fd, LOCK_EX) < 0 && errno == EINTR) {
		}
		/* Who held it before may have published or removed it. */
	} while (fstat(w->fd, &opened) == 0 &&
		 (stat(w->partial, &named) < 0 || named.st_ino != opened.st_ino));
	return 0;
}

/* Digests what an earlier try left. */
static int digest_partial(struct content_writer *w, int64_t *ret, struct gantry_error *err)
{
	char chunk[65536];
	ssize_t n;

	*ret = 0;
	while ((n = read_full(w->fd, chunk, sizeof(chunk))) > 0) {
		digester_add(w->digester, chunk, (size_t)n);
		*ret += n;
	}
	return n < 0 ? error_errno(err, (int)-n, "cannot read %s", w->partial) : 0;
}

int content_writer_new(const char *root, const char *digest, struct content_writer **ret,
		       int64_t *ret_offset, struct gantry_error *err)
{
	struct content_writer *w;
	auto_free char *folder = path_join(root, "content", "partial", NULL);
	char name[64];
	int r;

	if (digest && !digest_is_valid(digest)) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid digest \"%s\"", digest);
	}
	r = folder ? make_dirs(AT_FDCWD, folder, 0700) : -ENOMEM;
	if (r < 0) {
		return error_errno(err, -r, "cannot create folder %s", folder ? folder : "content");
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
		return error_no_memory(err);
	}
	w->fd = -1;
	snprintf(name, sizeof(name), "new-%d-%llx", getpid(), (unsigned long long)time_monotonic_ns());
	w->root = strdup(root);
	w->partial = path_join(folder, digest ? digest + 7 : name, NULL);
	if (digest) {
		memcpy(w->digest, digest, DIGEST_SIZE);
	}
	r = w->root && w->partial ? digester_new(&w->digester, err) : error_no_memory(err);
	if (r == 0) {
		r = open_partial(w, err);
	}
	if (r == 0) {
		r = digest_partial(w, ret_offset, err);
	}
	if (r < 0) {
		content_writer_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

int content_writer_add(struct content_writer *w, const void *data, size_t len,
		       struct gantry_error *err)
{
	int r = write_all(w->fd, data, len);

	if (r < 0) {
		error_errno(err, -r, "cannot write %s", w->partial);
		return r == -ENOSPC ? error_hint(err, "free some space: `gantry system df` shows what takes it")
				    : err->code;
	}
	digester_add(w->digester, data, len);
	return 0;
}

int content_writer_restart(struct content_writer *w, struct gantry_error *err)
{
	w->digester = digester_free(w->digester);
	if (ftruncate(w->fd, 0) < 0 || lseek(w->fd, 0, SEEK_SET) < 0) {
		return error_errno(err, errno, "cannot truncate %s", w->partial);
	}
	return digester_new(&w->digester, err);
}

void content_writer_discard(struct content_writer *w)
{
	if (w && w->partial) {
		unlink(w->partial);
	}
}

int content_writer_commit(struct content_writer *w, char ret_digest[DIGEST_SIZE],
			  struct gantry_error *err)
{
	auto_free char *path = NULL;
	char digest[DIGEST_SIZE];

	digester_result(w->digester, digest);
	if (*w->digest && strcmp(w->digest, digest)) {
		unlink(w->partial);
		error_set(err, GANTRY_ERR_CORRUPT,
			  "blob %s is corrupt: the bytes received have digest %s", w->digest, digest);
		return error_hint(err, "pull again; if it happens again, the image is damaged at its source");
	}
	path = blob_path(w->root, digest);
	if (!path || rename(w->partial, path) < 0) {
		return error_errno(err, errno, "cannot publish blob %s", digest);
	}
	if (ret_digest) {
		memcpy(ret_digest, digest, DIGEST_SIZE);
	}
	free(w->partial);
	w->partial = NULL;
	return 0;
}

struct content_writer *content_writer_free(struct content_writer *w)
{
	if (!w) {
		return NULL;
	}
	if (w->partial && !*w->digest) {
		unlink(w->partial);
	}
	if (w->fd >= 0) {
		close(w->fd);
	}
	digester_free(w->digester);
	free(w->partial);
	free(w->root);
	free(w);
	return NULL;
}

int content_adopt(const char *root, const char *digest, const char *path, int fd,
		  struct gantry_error *err)
{
	auto_free char *folder = path_join(root, "content", NULL);
	auto_free char *to = blob_path(root, digest);
	int r = folder ? make_dirs(AT_FDCWD, folder, 0700) : -ENOMEM;

	if (r < 0 || !to) {
		return error_errno(err, r < 0 ? -r : ENOMEM, "cannot publish blob %s", digest);
	}
	if (fdatasync(fd) < 0 ||
	    (rename(path, to) < 0 && !(errno == ENOENT && content_size(root, digest) >= 0))) {
		return error_errno(err, errno, "cannot publish blob %s", digest);
	}
	return 0;
}

int content_each(const char *root, int (*fn)(const char *digest, int64_t size, void *data),
		 void *data, struct gantry_error *err)
{
	auto_free char *folder = path_join(root, "content", NULL);
	auto_dir DIR *dir = opendir(folder);
	struct dirent *e;
	int r = 0;

	while (dir && r == 0 && (e = readdir(dir))) {
		char digest[8 + 256];
		int64_t size;

		snprintf(digest, sizeof(digest), "sha256:%s", e->d_name);
		size = content_size(root, digest);
		if (size >= 0) {
			r = fn(digest, size, data);
		}
	}
	return r;
}

void content_sweep_partial(const char *root, int64_t older_than_s)
{
	auto_free char *folder = path_join(root, "content", "partial", NULL);
	auto_dir DIR *dir = opendir(folder);
	struct dirent *e;
	struct stat st;

	while (dir && (e = readdir(dir))) {
		auto_fd int fd = e->d_name[0] == '.' ? -1 : openat(dirfd(dir), e->d_name, O_RDWR | O_CLOEXEC);

		/* Its writer, if one lives, has it locked. */
		if (fd >= 0 && fstat(fd, &st) == 0 && age_of(&st) >= older_than_s &&
		    flock(fd, LOCK_EX | LOCK_NB) == 0) {
			unlinkat(dirfd(dir), e->d_name, 0);
		}
	}
}
