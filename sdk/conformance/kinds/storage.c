/* SPDX-License-Identifier: Apache-2.0 */
/* What every storage driver does: layers are unpacked, committed, mounted, changed, and
 * told apart. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <conformance/storage.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

/* A tar of regular files, as small as one can be. */
static void add_member(struct buf *tar, const char *name, const char *content)
{
	char header[512] = "";
	unsigned sum = 0;
	size_t len = strlen(content);

	snprintf(header, 100, "%s", name);
	snprintf(header + 100, 8, "%07o", 0644);
	snprintf(header + 108, 8, "%07o", (unsigned)getuid());
	snprintf(header + 116, 8, "%07o", (unsigned)getgid());
	snprintf(header + 124, 12, "%011o", (unsigned)len & 07777777);
	snprintf(header + 136, 12, "%011o", 1000000000);
	header[156] = '0';
	memcpy(header + 257, "ustar\00000", 8);
	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(header); i++) {
		sum += (unsigned char)header[i];
	}
	snprintf(header + 148, 8, "%06o", sum);
	buf_add(tar, header, sizeof(header));
	buf_add(tar, content, len);
	while (tar->len % 512) {
		buf_addc(tar, '\0');
	}
}

/* A file with these bytes, to be read from its beginning. */
static int file_of(struct kit *k, const struct buf *bytes)
{
	int fd = memfd_create("tar", MFD_CLOEXEC);

	(void)k;
	if (fd >= 0 && bytes && (write_all(fd, bytes->data, bytes->len) < 0 || lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int apply(struct kit *k, const char *key, const char *name, const char *content)
{
	auto_(buf) struct buf tar = BUF_INIT;
	auto_fd int fd = -1;
	static const char zeros[1024];

	add_member(&tar, name, content);
	buf_add(&tar, zeros, sizeof(zeros));
	fd = file_of(k, &tar);
	return call_apply(k, &GANTRY_STORAGE_APPLY_ARGS(.key = key, .archive = fd));
}

static int prepare_on(struct kit *k, const char *key, const char *parent)
{
	return call_prepare(k, &GANTRY_STORAGE_PREPARE_ARGS(.key = key, .parent = parent));
}

static int commit(struct kit *k, const char *key, const char *name)
{
	return call_commit(k, &GANTRY_STORAGE_COMMIT_ARGS(.key = key, .name = name));
}

static int mount_it(struct kit *k, const char *key, int read_only, int *ret_fd)
{
	int r = call_mount(k, &GANTRY_STORAGE_MOUNT_ARGS(.key = key, .read_only = read_only));

	*ret_fd = r == 0 ? reply_take_fd(&k->reply, GANTRY_STORAGE_MOUNT_RET_MOUNT) : -1;
	return r;
}

static int drop(struct kit *k, const char *key)
{
	return call_remove(k, &GANTRY_STORAGE_REMOVE_ARGS(.key = key));
}

static int list(struct kit *k)
{
	return call_list(k, &GANTRY_STORAGE_LIST_ARGS());
}

static int changes(struct kit *k, const char *key)
{
	return call_changes(k, &GANTRY_STORAGE_CHANGES_ARGS(.key = key));
}

static int has_file(int folder, const char *name, const char *text)
{
	auto_fd int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	char got[100] = "";

	return fd >= 0 && read(fd, got, sizeof(got) - 1) >= 0 && strcmp(got, text) == 0;
}

static int put_file(int folder, const char *name, const char *text)
{
	auto_fd int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	return fd >= 0 && write_all(fd, text, strlen(text)) == 0 ? 0 : -1;
}

/* Keys of an object called id. */
struct keys {
	char active[64], layer[64], work[64];
};

static struct keys keys_of(const char *id)
{
	struct keys keys;

	snprintf(keys.active, sizeof(keys.active), "%.40s-active", id);
	snprintf(keys.layer, sizeof(keys.layer), "%.40s-layer", id);
	snprintf(keys.work, sizeof(keys.work), "%.40s-work", id);
	return keys;
}

static void life(struct kit *k, const char *id)
{
	struct keys keys = keys_of(id);
	auto_fd int folder = -1;

	KIT_OK(k, prepare_on(k, keys.active, NULL));
	KIT_OK(k, apply(k, keys.active, "base", id));
	/* Repeated, a commit has nothing left to commit: its first answer counts. */
	KIT_OK(k, commit(k, keys.active, keys.layer));
	KIT_OK(k, prepare_on(k, keys.work, keys.layer));
	KIT_OK(k, mount_it(k, keys.work, 0, &folder));
	KIT_TRUE(k, has_file(folder, "base", id), "the mounted snapshot does not have its parent's file");
	KIT_TRUE(k, put_file(folder, "new", id) == 0 && unlinkat(folder, "base", 0) == 0,
		 "the mounted snapshot cannot be changed");
	replace_fd(&folder, -1);
	KIT_OK(k, changes(k, keys.work));
	KIT_TRUE(k, kit_listed(k, GANTRY_STORAGE_CHANGES_RET_CHANGE, "A /new") &&
			    kit_listed(k, GANTRY_STORAGE_CHANGES_RET_CHANGE, "D /base"),
		 "changes does not say what was added and deleted");
	KIT_OK(k, drop(k, keys.work));
	KIT_OK(k, drop(k, keys.layer));
	KIT_OK(k, list(k));
	KIT_TRUE(k, !kit_listed(k, 0, keys.work) && !kit_listed(k, 0, keys.layer), "a removed snapshot is listed");
}

static void recover(struct kit *k, const char *id)
{
	struct keys keys = keys_of(id);

	KIT_OK(k, list(k));
	KIT_OK(k, drop(k, keys.work));
	KIT_OK(k, drop(k, keys.active));
	KIT_OK(k, drop(k, keys.layer));
	KIT_OK(k, list(k));
	KIT_TRUE(k, !kit_listed(k, 0, keys.work) && !kit_listed(k, 0, keys.layer) && !kit_listed(k, 0, keys.active),
		 "what a killed process left cannot be removed");
}

void conform_storage_prepare(struct kit *k)
{
	int independent;

	KIT_OK(k, call_status(k, &GANTRY_STORAGE_STATUS_ARGS()));
	independent = reply_integer(&k->reply, GANTRY_STORAGE_STATUS_RET_INDEPENDENT_LAYERS, 0) != 0;
	KIT_OK(k, prepare_on(k, "one", NULL));
	/* Where layers are unpacked side by side, a parent may come later. */
	if (!independent) {
		(void)KIT_IS(k, prepare_on(k, "two", "absent"), GANTRY_ERR_NOT_FOUND);
	}
	KIT_OK(k, list(k));
	KIT_TRUE(k, kit_listed(k, 0, "one") && !kit_listed(k, 0, "two"), "list does not show what was prepared");
	KIT_OK(k, drop(k, "one"));
}

void conform_storage_commit(struct kit *k)
{
	auto_fd int folder = -1;

	(void)KIT_IS(k, commit(k, "absent", "layer"), GANTRY_ERR_NOT_FOUND);
	KIT_OK(k, prepare_on(k, "one", NULL));
	KIT_OK(k, apply(k, "one", "file", "text"));
	KIT_OK(k, commit(k, "one", "layer"));
	KIT_OK(k, list(k));
	KIT_TRUE(k, kit_listed(k, 0, "layer") && !kit_listed(k, 0, "one"), "after commit the old key is there, or the "
		 "new one is not");
	kit_close(k);
	if (kit_open(k) < 0) {
		return;
	}
	KIT_OK(k, mount_it(k, "layer", 1, &folder));
	KIT_TRUE(k, has_file(folder, "file", "text"), "a committed snapshot lost its file");
	replace_fd(&folder, -1);
	KIT_OK(k, drop(k, "layer"));
}

void conform_storage_apply(struct kit *k)
{
	auto_(buf) struct buf half = BUF_INIT;
	auto_fd int fd = -1, folder = -1;
	char path[4600];

	KIT_OK(k, prepare_on(k, "one", NULL));
	KIT_OK(k, apply(k, "one", "a", "first"));
	KIT_TRUE(k, reply_integer(&k->reply, GANTRY_STORAGE_APPLY_RET_SIZE, 0) == 5, "5 bytes of content are reported "
		 "as %lld", (long long)reply_integer(&k->reply, GANTRY_STORAGE_APPLY_RET_SIZE, 0));
	KIT_OK(k, drop(k, "one"));
	/* It cannot leave its snapshot, by whatever name. */
	KIT_OK(k, prepare_on(k, "evil", NULL));
	(void)apply(k, "evil", "../../../../../escape", "out");
	(void)apply(k, "evil", "/escape-of-kit", "out");
	snprintf(path, sizeof(path), "%s/escape", k->folder);
	KIT_TRUE(k, access(path, F_OK) < 0 && access("/escape-of-kit", F_OK) < 0, "a layer wrote outside its snapshot");
	add_member(&half, "half", "0123456789");
	half.len = 700;
	fd = file_of(k, &half);
	half.data[124] = '7';
	(void)lseek(fd, 0, SEEK_SET);
	(void)!write(fd, half.data, half.len);
	(void)lseek(fd, 0, SEEK_SET);
	(void)KIT_IS(k, call_apply(k, &GANTRY_STORAGE_APPLY_ARGS(.key = "evil", .archive = fd)), GANTRY_ERR_CORRUPT);
	KIT_OK(k, drop(k, "evil"));
}

void conform_storage_mount(struct kit *k)
{
	auto_fd int folder = -1, again = -1;
	char path[64];
	struct stat st;

	(void)KIT_IS(k, mount_it(k, "absent", 0, &folder), GANTRY_ERR_NOT_FOUND);
	KIT_OK(k, prepare_on(k, "one", NULL));
	KIT_OK(k, mount_it(k, "one", 0, &folder));
	KIT_TRUE(k, put_file(folder, "kept", "text") == 0, "an active snapshot cannot be written to");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", folder);
	KIT_TRUE(k, stat(path, &st) == 0 && S_ISDIR(st.st_mode), "the mount is no folder");
	replace_fd(&folder, -1);
	KIT_OK(k, mount_it(k, "one", 1, &again));
	KIT_TRUE(k, has_file(again, "kept", "text"), "what was written is not there at the next mount");
	KIT_TRUE(k, put_file(again, "more", "text") < 0, "a read-only mount can be written to");
	replace_fd(&again, -1);
	KIT_OK(k, drop(k, "one"));
}

void conform_storage_diff(struct kit *k)
{
	auto_(buf) struct buf tar = BUF_INIT;
	auto_fd int folder = -1, fd = -1;

	KIT_OK(k, prepare_on(k, "base", NULL));
	KIT_OK(k, apply(k, "base", "gone", "x"));
	KIT_OK(k, commit(k, "base", "layer"));
	KIT_OK(k, prepare_on(k, "one", "layer"));
	KIT_OK(k, mount_it(k, "one", 0, &folder));
	KIT_TRUE(k, put_file(folder, "added", "text") == 0 && unlinkat(folder, "gone", 0) == 0, "cannot be changed");
	replace_fd(&folder, -1);
	fd = file_of(k, NULL);
	KIT_OK(k, call_diff(k, &GANTRY_STORAGE_DIFF_ARGS(.key = "one", .archive = fd)));
	KIT_TRUE(k, lseek(fd, 0, SEEK_SET) == 0 && read_to_end(fd, &tar, 1 << 20) == 0 && tar.len >= 1024,
		 "diff wrote no tar");
	KIT_TRUE(k, memmem(tar.data, tar.len, "added", 5) && memmem(tar.data, tar.len, ".wh.gone", 8),
		 "the tar lacks the added file, or the whiteout of the deleted one");
	/* Applied to the same parent, it makes the same. */
	KIT_OK(k, prepare_on(k, "copy", "layer"));
	(void)lseek(fd, 0, SEEK_SET);
	KIT_OK(k, call_apply(k, &GANTRY_STORAGE_APPLY_ARGS(.key = "copy", .archive = fd)));
	KIT_OK(k, mount_it(k, "copy", 1, &folder));
	KIT_TRUE(k, has_file(folder, "added", "text") && faccessat(folder, "gone", F_OK, 0) < 0,
		 "a diff that is applied does not make what it was made from");
	replace_fd(&folder, -1);
	KIT_OK(k, drop(k, "copy"));
	KIT_OK(k, drop(k, "one"));
	KIT_OK(k, drop(k, "layer"));
}

void conform_storage_changes(struct kit *k)
{
	KIT_OK(k, prepare_on(k, "one", NULL));
	KIT_OK(k, changes(k, "one"));
	KIT_TRUE(k, !reply_list(&k->reply, 0)[0], "an empty snapshot has the change \"%s\"", reply_list(&k->reply, 0)[0]);
	KIT_OK(k, apply(k, "one", "file", "text"));
	KIT_OK(k, changes(k, "one"));
	KIT_TRUE(k, kit_listed(k, 0, "A /file"), "changes does not say that /file was added");
	KIT_OK(k, drop(k, "one"));
}

void conform_storage_usage(struct kit *k)
{
	static char content[65536];
	int64_t before;

	memset(content, 'x', sizeof(content) - 1);
	KIT_OK(k, prepare_on(k, "one", NULL));
	KIT_OK(k, call_usage(k, &GANTRY_STORAGE_USAGE_ARGS(.key = "one")));
	before = reply_integer(&k->reply, GANTRY_STORAGE_USAGE_RET_BYTES, -1);
	KIT_TRUE(k, before >= 0, "usage is less than nothing");
	KIT_OK(k, apply(k, "one", "file", content));
	KIT_OK(k, call_usage(k, &GANTRY_STORAGE_USAGE_ARGS(.key = "one")));
	KIT_TRUE(k, reply_integer(&k->reply, GANTRY_STORAGE_USAGE_RET_BYTES, 0) > before, "64 KiB more do not show");
	KIT_OK(k, drop(k, "one"));
}

/* What is left to the caller is no snapshot any more, and goes with the next look. */
static void removes_later(struct kit *k)
{
	auto_free char *rest = NULL;

	KIT_OK(k, prepare_on(k, "later", NULL));
	KIT_OK(k, call_remove(k, &GANTRY_STORAGE_REMOVE_ARGS(.key = "later", .defer = 1)));
	if (reply_string(&k->reply, GANTRY_STORAGE_REMOVE_RET_REST)) {
		rest = strdup(reply_string(&k->reply, GANTRY_STORAGE_REMOVE_RET_REST));
	}
	KIT_TRUE(k, !rest || rest[0] == '/', "rest is no absolute path: %s", rest);
	KIT_OK(k, prepare_on(k, "later", NULL));
	KIT_OK(k, drop(k, "later"));
	KIT_OK(k, list(k));
	KIT_TRUE(k, !reply_list(&k->reply, 0)[0], "\"%s\" is left", reply_list(&k->reply, 0)[0]);
	KIT_TRUE(k, !rest || !*rest || access(rest, F_OK) < 0, "%s is left", rest);
}

void conform_storage_remove(struct kit *k)
{
	KIT_OK(k, drop(k, "absent"));
	KIT_OK(k, prepare_on(k, "one", NULL));
	KIT_OK(k, commit(k, "one", "layer"));
	KIT_OK(k, prepare_on(k, "two", "layer"));
	KIT_OK(k, drop(k, "two"));
	KIT_OK(k, drop(k, "layer"));
	KIT_OK(k, drop(k, "layer"));
	KIT_OK(k, list(k));
	KIT_TRUE(k, !reply_list(&k->reply, 0)[0], "\"%s\" is left", reply_list(&k->reply, 0)[0]);
	removes_later(k);
}

void conform_storage_list(struct kit *k)
{
	KIT_OK(k, list(k));
	KIT_TRUE(k, !reply_list(&k->reply, 0)[0], "a new driver lists \"%s\"", reply_list(&k->reply, 0)[0]);
	life(k, "listed");
}

/* What lies in a folder of this process shows through, and goes with its snapshot. */
void conform_storage_attach(struct kit *k)
{
	char path[] = "/tmp/conform-attach.XXXXXX";
	auto_fd int outside = mkdtemp(path) ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	auto_fd int content = -1;
	auto_fd int folder = -1;
	int r;

	KIT_NEEDS(k, GANTRY_STORAGE_OP_ATTACH);
	KIT_TRUE(k, outside >= 0 && mkdirat(outside, "content", 0755) == 0, "no folder can be made in /tmp");
	content = openat(outside, "content", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	KIT_TRUE(k, content >= 0 && put_file(content, "there", "x") == 0, "no file can be made in /tmp");
	r = call_attach(k, &GANTRY_STORAGE_ATTACH_ARGS(.key = "attached", .name = "content",
						       .attached = outside));
	if (r != GANTRY_ERR_UNSUPPORTED) {
		KIT_OK(k, r);
		KIT_OK(k, prepare_on(k, "upon", "attached"));
		KIT_OK(k, call_mount(k, &GANTRY_STORAGE_MOUNT_ARGS(.key = "upon", .attached = outside)));
		folder = reply_take_fd(&k->reply, GANTRY_STORAGE_MOUNT_RET_MOUNT);
		KIT_TRUE(k, has_file(folder, "there", "x"), "the attached content does not show");
		KIT_TRUE(k, put_file(folder, "there", "y") == 0 && has_file(content, "there", "x"),
			 "a change went into the attached content");
		replace_fd(&folder, -1);
		KIT_OK(k, drop(k, "upon"));
		KIT_OK(k, drop(k, "attached"));
		KIT_TRUE(k, has_file(content, "there", "x"), "the content went with its snapshot");
	}
	remove_tree(AT_FDCWD, path);
}

void conform_storage_status(struct kit *k)
{
	KIT_OK(k, call_status(k, &GANTRY_STORAGE_STATUS_ARGS()));
	KIT_TRUE(k, reply_string(&k->reply, GANTRY_STORAGE_STATUS_RET_DETAILS)[0] == '{', "details is no JSON object");
}

const struct kit_kind kit_storage = {
	.kind = "storage",
	.operations = conform_storage_operations,
	.life = life,
	.recover = recover,
};
