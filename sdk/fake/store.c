/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fake/store.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define VALUE_MAX ((size_t)1 << 20)
#define KEY_MAX 120
#define LEFTOVER_S 60

/* What puts of processes that died left (no key has a dot in its name); those of living
 * ones are younger. */
static void remove_leftovers(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d))) {
		if (strchr(e->d_name, '.') && fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_mtime + LEFTOVER_S < time(NULL)) {
			unlinkat(fd, e->d_name, 0);
		}
	}
}

int fake_store_init(struct fake_store *store, const char *folder)
{
	store->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->folder < 0) {
		return -errno;
	}
	remove_leftovers(store->folder);
	return 0;
}

void fake_store_done(struct fake_store *store)
{
	close(store->folder);
}

static int name_of_key(const char *key, char name[2 * KEY_MAX + 1], struct gantry_error *err)
{
	size_t len = strlen(key);

	if (len == 0 || len > KEY_MAX) {
		return error_set(err, GANTRY_ERR_INVALID, "a key of %zu bytes: it has 1 to %d", len, KEY_MAX);
	}
	for (size_t i = 0; i < len; i++) {
		sprintf(name + 2 * i, "%02x", (unsigned char)key[i]);
	}
	return 0;
}

static int key_of_name(const char *name, char key[KEY_MAX + 1])
{
	size_t len = strlen(name);
	unsigned byte;

	if (len % 2 || len / 2 > KEY_MAX) {
		return -1;
	}
	for (size_t i = 0; i < len / 2; i++) {
		if (sscanf(name + 2 * i, "%2x", &byte) != 1) {
			return -1;
		}
		key[i] = (char)byte;
	}
	key[len / 2] = '\0';
	return 0;
}

int fake_store_get(struct fake_store *store, const char *key, struct gantry_reply *reply,
		   struct gantry_error *err)
{
	auto_(buf) struct buf value = BUF_INIT;
	char name[2 * KEY_MAX + 1];
	int r = name_of_key(key, name, err);

	if (r < 0) {
		return r;
	}
	r = read_file(store->folder, name, &value, VALUE_MAX);
	if (r < 0) {
		return r == -ENOENT ? error_set(err, GANTRY_ERR_NOT_FOUND, "key %s is not in the store", key)
				    : error_errno(err, -r, "cannot read key %s", key);
	}
	return reply->ops->put_bytes(reply, 0, buf_str(&value), value.len);
}

int fake_store_put(struct fake_store *store, const char *key, const char *value, int only_new,
		   struct gantry_error *err)
{
	static atomic_uint number;
	char name[2 * KEY_MAX + 1], temporary[64];
	int r = name_of_key(key, name, err);

	if (r < 0) {
		return r;
	}
	if (strlen(value) > VALUE_MAX) {
		return error_set(err, GANTRY_ERR_LIMIT, "a value of more than 1 MiB for key %s", key);
	}
	if (!only_new) {
		r = write_file_atomic(store->folder, name, value, strlen(value), 0600, 0);
		return r < 0 ? error_errno(err, -r, "cannot store key %s", key) : 0;
	}
	/* A dot is in no key's name. */
	snprintf(temporary, sizeof(temporary), ".new-%d-%u", (int)getpid(), atomic_fetch_add(&number, 1));
	r = write_file_atomic(store->folder, temporary, value, strlen(value), 0600, 0);
	if (r == 0 && linkat(store->folder, temporary, store->folder, name, 0) < 0) {
		r = -errno;
	}
	unlinkat(store->folder, temporary, 0);
	return r == -EEXIST ? error_set(err, GANTRY_ERR_EXISTS, "key %s is in the store already", key)
	       : r < 0	    ? error_errno(err, -r, "cannot store key %s", key)
			    : 0;
}

int fake_store_remove(struct fake_store *store, const char *key, struct gantry_error *err)
{
	char name[2 * KEY_MAX + 1];
	int r = name_of_key(key, name, err);

	if (r == 0 && unlinkat(store->folder, name, 0) < 0 && errno != ENOENT) {
		r = error_errno(err, errno, "cannot remove key %s", key);
	}
	return r;
}

static int list_one(struct fake_store *store, const char *key, struct gantry_reply *reply)
{
	auto_(buf) struct buf value = BUF_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	char name[2 * KEY_MAX + 1];

	if (name_of_key(key, name, &ignored) < 0 ||
	    read_file(store->folder, name, &value, VALUE_MAX) < 0) {
		return 0; /* removed meanwhile */
	}
	return reply->ops->put_item(reply, 0, key) < 0 ||
	       reply->ops->put_item(reply, 1, buf_str(&value)) < 0 ? -1 : 0;
}

/* Hexadecimal digits sort as the bytes do. */
int fake_store_list(struct fake_store *store, const char *prefix, struct gantry_reply *reply,
		    struct gantry_error *err)
{
	struct dirent **names;
	int n = scandirat(store->folder, ".", &names, NULL, alphasort), r = 0;
	char key[KEY_MAX + 1];

	if (n < 0) {
		return error_errno(err, errno, "cannot list the store");
	}
	for (int i = 0; i < n; i++) {
		if (r == 0 && key_of_name(names[i]->d_name, key) == 0 &&
		    strncmp(key, prefix, strlen(prefix)) == 0 && list_one(store, key, reply) < 0) {
			r = error_no_memory(err);
		}
		free(names[i]);
	}
	free(names);
	return r;
}
