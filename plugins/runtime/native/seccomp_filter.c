/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <json-c/json.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "jref.h"
#include "seccomp_default.h"
#include "plugins/runtime/native/seccomp_digest.h"
#include "seccomp_filter.h"
#include "sha256.h"

#define CACHE_MAGIC "gantry-seccomp-1"

struct cache_header {
	char magic[16];
	uint32_t flags, n;
};

/* What is to be compiled: a document already parsed, or a text. */
struct source {
	struct json_object *json; /* borrowed */
	const char *text;
	const char *name; /* in errors */
	const char *digest; /* of the text when it is known already */
};

void seccomp_filter_done(struct seccomp_filter *f)
{
	free(f->insns);
	*f = (struct seccomp_filter)SECCOMP_FILTER_INIT;
}

/* A name made of everything that the program depends on. */
static int cache_name(const struct source *s, uint64_t caps, char out[65])
{
	auto_(buf) struct buf key = BUF_INIT;
	struct utsname u;

	uname(&u);
	buf_addf(&key, CACHE_MAGIC " %s %s %" PRIx64 " ", u.machine, u.release, caps);
	if (s->digest)
		buf_adds(&key, s->digest);
	else
		buf_adds(&key, s->json ? json_object_to_json_string_ext(s->json,
									JSON_C_TO_STRING_PLAIN)
				       : s->text);
	if (buf_failed(&key))
		return -ENOMEM;
	sha256_hex(key.data, key.len, out);
	return 0;
}

/* The folder, when only this user can have written into it; else -1. */
static int open_cache(const char *path)
{
	struct stat st;
	int fd;

	if (!path)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && make_dirs(AT_FDCWD, path, 0700) == 0)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 077)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool read_cache(int dir, const char *name, struct seccomp_filter *ret)
{
	auto_fd int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct { struct cache_header h; struct sock_filter insns[BPF_MAXINSNS]; } file;
	ssize_t n = fd < 0 ? -1 : read(fd, &file, sizeof(file));
	size_t size;

	if (n < (ssize_t)sizeof(file.h) || memcmp(file.h.magic, CACHE_MAGIC, sizeof(file.h.magic)) ||
	    file.h.n == 0 || file.h.n > BPF_MAXINSNS)
		return false;
	size = file.h.n * sizeof(struct sock_filter);
	if ((size_t)n != sizeof(file.h) + size)
		return false;
	ret->insns = malloc(size);
	if (!ret->insns)
		return false;
	memcpy(ret->insns, file.insns, size);
	ret->n = (unsigned short)file.h.n;
	ret->flags = file.h.flags;
	return true;
}

static void write_cache(int dir, const char *name, const struct seccomp_filter *f)
{
	struct cache_header h = { .flags = f->flags, .n = f->n };
	auto_(buf) struct buf file = BUF_INIT;

	memcpy(h.magic, CACHE_MAGIC, sizeof(h.magic));
	buf_add(&file, &h, sizeof(h));
	buf_add(&file, f->insns, f->n * sizeof(*f->insns));
	if (!buf_failed(&file))
		write_file_atomic(dir, name, file.data, file.len, 0600, 0);
}

static int compile(const struct source *s, uint64_t caps, struct seccomp_filter *ret,
		   struct gantry_error *err)
{
	struct json_object *json = NULL;
	int r;

	if (s->json)
		return seccomp_compile(s->json, s->name, caps, ret, err);
	r = jref_parse(s->text, strlen(s->text), s->name, &json, err);
	if (r < 0)
		return r;
	r = seccomp_compile(json, s->name, caps, ret, err);
	json_object_put(json);
	return r;
}

int seccomp_prepare(struct json_object *oci, const char *profile, uint64_t caps,
		    const char *cache_dir, struct seccomp_filter *ret, struct gantry_error *err)
{
	struct source s = { .json = oci, .text = profile, .name = "seccomp profile" };
	auto_fd int cache = -1;
	char name[65];
	int r;

	if (oci) {
		s.name = "config.json: linux.seccomp";
	} else if (!profile || !profile[0] || !strcmp(profile, "unconfined")) {
		return 0;
	} else if (!strcmp(profile, "default") || !strcmp(profile, "builtin")) {
		s.text = seccomp_default_profile;
		s.digest = SECCOMP_DEFAULT_DIGEST;
	}
	cache = open_cache(cache_dir);
	if (cache >= 0 && cache_name(&s, caps, name) < 0)
		return error_no_memory(err);
	if (cache >= 0 && read_cache(cache, name, ret))
		return 0;
	r = compile(&s, caps, ret, err);
	if (r == 0 && cache >= 0)
		write_cache(cache, name, ret);
	return r;
}

int seccomp_install(const struct seccomp_filter *f, int *ret_notify, struct gantry_error *err)
{
	struct sock_fprog prog = { .len = f->n, .filter = f->insns };
	long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, f->flags, &prog);

	if (r < 0) {
		error_errno(err, errno, "cannot install the seccomp filter");
		return err->code;
	}
	*ret_notify = f->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER ? (int)r : -1;
	return 0;
}
