/* SPDX-License-Identifier: Apache-2.0 */
/* What every volume driver does.  Settings: `options`, a JSON object for create, for
 * drivers that cannot do without; `options-unchecked`, for those that pass on what they
 * cannot judge; `volatile`, for volumes whose data go with their last user. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <conformance/volume.h>

#include "helpers/cleanup.h"

static int create(struct kit *k, const char *id)
{
	return call_create(k, &GANTRY_VOLUME_CREATE_ARGS(.name = id,
							 .options = kit_setting(k->subject, "options")));
}

static int mount_as(struct kit *k, const char *id, const char *user)
{
	return call_mount(k, &GANTRY_VOLUME_MOUNT_ARGS(.name = id, .user = user));
}

static int unmount_as(struct kit *k, const char *id, const char *user)
{
	return call_unmount(k, &GANTRY_VOLUME_UNMOUNT_ARGS(.name = id, .user = user));
}

static int inspect(struct kit *k, const char *id)
{
	return call_inspect(k, &GANTRY_VOLUME_INSPECT_ARGS(.name = id));
}

static int list(struct kit *k)
{
	return call_list(k, &GANTRY_VOLUME_LIST_ARGS());
}

static int drop(struct kit *k, const char *id)
{
	return call_remove(k, &GANTRY_VOLUME_REMOVE_ARGS(.name = id));
}

/* A descriptor of the folder that the last mount gave. */
static int mounted_folder(struct kit *k)
{
	const char *path = reply_string(&k->reply, GANTRY_VOLUME_MOUNT_RET_PATH);
	int fd = reply_take_fd(&k->reply, GANTRY_VOLUME_MOUNT_RET_MOUNT);

	return fd >= 0 ? fd : path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

/* Writes a file through the mount, or reads it back. */
static int put_file(int folder, const char *text)
{
	auto_fd int fd = openat(folder, "file", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

static int has_file(int folder, const char *text)
{
	auto_fd int fd = openat(folder, "file", O_RDONLY | O_CLOEXEC);
	char got[100] = "";

	return fd >= 0 && read(fd, got, sizeof(got) - 1) >= 0 && strcmp(got, text) == 0;
}

static void life(struct kit *k, const char *id)
{
	auto_fd int folder = -1;

	KIT_OK(k, create(k, id));
	KIT_OK(k, list(k));
	KIT_TRUE(k, kit_listed(k, GANTRY_VOLUME_LIST_RET_NAME, id), "list does not name %s after create", id);
	KIT_OK(k, mount_as(k, id, "user1"));
	folder = mounted_folder(k);
	KIT_TRUE(k, folder >= 0, "mount of %s gave neither a path to a folder nor a mount", id);
	KIT_TRUE(k, put_file(folder, id) == 0, "the mounted volume %s cannot be written to", id);
	KIT_OK(k, mount_as(k, id, "user2"));
	replace_fd(&folder, mounted_folder(k));
	KIT_TRUE(k, folder >= 0 && has_file(folder, id), "a second user of %s does not see what the first wrote", id);
	replace_fd(&folder, -1);
	KIT_OK(k, inspect(k, id));
	KIT_OK(k, unmount_as(k, id, "user1"));
	KIT_OK(k, unmount_as(k, id, "user2"));
	KIT_OK(k, drop(k, id));
	KIT_OK(k, list(k));
	KIT_TRUE(k, !kit_listed(k, GANTRY_VOLUME_LIST_RET_NAME, id), "list still names %s after remove", id);
}

static void recover(struct kit *k, const char *id)
{
	KIT_OK(k, list(k));
	/* Whatever is listed can be inspected; half a volume must not show. */
	if (kit_listed(k, GANTRY_VOLUME_LIST_RET_NAME, id)) {
		KIT_OK(k, inspect(k, id));
	}
	KIT_OK(k, unmount_as(k, id, "user1"));
	KIT_OK(k, unmount_as(k, id, "user2"));
	KIT_OK(k, create(k, id));
	KIT_OK(k, mount_as(k, id, "user3"));
	KIT_OK(k, unmount_as(k, id, "user3"));
	KIT_OK(k, drop(k, id));
	KIT_OK(k, list(k));
	KIT_TRUE(k, !kit_listed(k, GANTRY_VOLUME_LIST_RET_NAME, id), "%s is still there after remove", id);
}

void conform_volume_create(struct kit *k)
{
	KIT_OK(k, create(k, "one"));
	KIT_OK(k, create(k, "one"));
	KIT_OK(k, create(k, "two.with-all_characters"));
	KIT_OK(k, list(k));
	KIT_TRUE(k, reply_list(&k->reply, 0)[0] && reply_list(&k->reply, 0)[1] && !reply_list(&k->reply, 0)[2],
		 "two volumes were made, one of them twice, and list does not name two");
	if (kit_setting(k->subject, "options-unchecked")) {
		return;
	}
	(void)KIT_IS(k, call_create(k, &GANTRY_VOLUME_CREATE_ARGS(.name = "odd", .options =
								"{\"conformance-no-such-option\":\"1\"}")),
		     GANTRY_ERR_INVALID);
}

void conform_volume_mount(struct kit *k)
{
	auto_fd int folder = -1;

	(void)KIT_IS(k, mount_as(k, "absent", "user1"), GANTRY_ERR_NOT_FOUND);
	KIT_OK(k, create(k, "data"));
	KIT_OK(k, mount_as(k, "data", "user1"));
	folder = mounted_folder(k);
	KIT_TRUE(k, folder >= 0, "mount gave neither a path to a folder nor a mount");
	KIT_TRUE(k, put_file(folder, "kept") == 0, "the volume cannot be written to");
	/* What was written outlives the mount, and the driver. */
	KIT_OK(k, unmount_as(k, "data", "user1"));
	replace_fd(&folder, -1);
	kit_close(k);
	if (kit_open(k) < 0) {
		return;
	}
	KIT_OK(k, mount_as(k, "data", "user2"));
	folder = mounted_folder(k);
	if (kit_setting(k->subject, "volatile")) {
		return;
	}
	KIT_TRUE(k, folder >= 0 && has_file(folder, "kept"), "what was written is gone when the driver is opened again");
}

void conform_volume_unmount(struct kit *k)
{
	KIT_OK(k, create(k, "data"));
	KIT_OK(k, unmount_as(k, "data", "nobody"));
	KIT_OK(k, mount_as(k, "data", "user1"));
	KIT_OK(k, unmount_as(k, "data", "user1"));
	KIT_OK(k, unmount_as(k, "data", "user1"));
	KIT_OK(k, drop(k, "data"));
}

void conform_volume_inspect(struct kit *k)
{
	const char *path;

	(void)KIT_IS(k, inspect(k, "absent"), GANTRY_ERR_NOT_FOUND);
	KIT_OK(k, create(k, "data"));
	KIT_OK(k, inspect(k, "data"));
	path = reply_string(&k->reply, GANTRY_VOLUME_INSPECT_RET_MOUNTPOINT);
	KIT_TRUE(k, !path || path[0] == '/', "the mountpoint \"%s\" is no absolute path", path);
}

void conform_volume_usage(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_VOLUME_OP_USAGE);
	(void)KIT_IS(k, call_usage(k, &GANTRY_VOLUME_USAGE_ARGS(.name = "absent")), GANTRY_ERR_NOT_FOUND);
	KIT_OK(k, create(k, "data"));
	KIT_OK(k, call_usage(k, &GANTRY_VOLUME_USAGE_ARGS(.name = "data")));
	KIT_TRUE(k, reply_integer(&k->reply, GANTRY_VOLUME_USAGE_RET_BYTES, -1) >= 0, "usage is less than nothing");
}

void conform_volume_list(struct kit *k)
{
	KIT_OK(k, list(k));
	KIT_TRUE(k, !reply_list(&k->reply, 0)[0], "a new driver lists \"%s\"", reply_list(&k->reply, 0)[0]);
	KIT_OK(k, create(k, "kept"));
	kit_close(k);
	if (kit_open(k) < 0) {
		return;
	}
	KIT_OK(k, list(k));
	KIT_TRUE(k, kit_listed(k, 0, "kept"), "a volume is forgotten when the driver is opened again");
}

void conform_volume_remove(struct kit *k)
{
	auto_fd int folder = -1;

	KIT_OK(k, drop(k, "absent"));
	KIT_OK(k, create(k, "data"));
	KIT_OK(k, mount_as(k, "data", "user1"));
	folder = mounted_folder(k);
	KIT_TRUE(k, folder >= 0 && put_file(folder, "precious") == 0, "the volume cannot be written to");
	/* A driver that counts users refuses; the engine never removes what a container has. */
	if (drop(k, "data") != 0) {
		(void)kit_is(k, k->err.code, GANTRY_ERR_IN_USE, "remove of a mounted volume");
		KIT_TRUE(k, has_file(folder, "precious"),
			 "remove answered IN_USE and removed the data nevertheless");
	}
	replace_fd(&folder, -1);
	KIT_OK(k, unmount_as(k, "data", "user1"));
	KIT_OK(k, drop(k, "data"));
	KIT_OK(k, create(k, "data"));
	KIT_OK(k, mount_as(k, "data", "user1"));
	folder = mounted_folder(k);
	KIT_TRUE(k, folder >= 0 && !has_file(folder, "precious"), "a new volume has the data of a removed one");
}

const struct kit_kind kit_volume = {
	.kind = "volume",
	.operations = conform_volume_operations,
	.life = life,
	.recover = recover,
};
