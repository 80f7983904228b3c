/* SPDX-License-Identifier: Apache-2.0 */
/* volume/local: folders, mounts that are counted, bad names and options. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gantry/volume.h>

#include "helpers/cleanup.h"
#include "helpers/io.h"
#include "helpers/reply.h"
#include "tests/unit/fake_host.h"

#define PLUGIN "plugins/volume/local/local.so"
#define TMPFS "{\"type\":\"tmpfs\",\"device\":\"tmpfs\",\"o\":\"size=1m,mode=0750,noexec\"}"

static struct fake_host *host;
static const struct gantry_volume_ops *ops;
static void *self;
static struct gantry_error err;

static void setup(void)
{
	const void *table;

	/* Mounts of a test die with it. */
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	host = fake_host_new();
	err = (struct gantry_error)GANTRY_ERROR_INIT;
	ck_assert_msg(fake_host_open(host, PLUGIN, "volume", "local", NULL, &table, &self, &err) == 0,
		      "%s", err.message);
	ops = table;
}

static void teardown(void)
{
	fake_host_free(host);
}

static int create(const char *name, const char *options)
{
	const struct gantry_volume_create_args args =
		GANTRY_VOLUME_CREATE_ARGS(.name = name, .options = options);

	err = (struct gantry_error)GANTRY_ERROR_INIT;
	ck_assert_int_eq(ops->create(self, &args, NULL, &err), err.code);
	return err.code;
}

/* The path, or NULL with err filled; the caller's. */
static char *use(const char *name, const char *user)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	const struct gantry_volume_mount_args args =
		GANTRY_VOLUME_MOUNT_ARGS(.name = name, .user = user);

	err = (struct gantry_error)GANTRY_ERROR_INIT;
	ck_assert_int_eq(ops->mount(self, &args, &reply.base, &err), err.code);
	return reply_take_string(&reply, GANTRY_VOLUME_MOUNT_RET_PATH);
}

static int release(const char *name, const char *user)
{
	const struct gantry_volume_unmount_args args =
		GANTRY_VOLUME_UNMOUNT_ARGS(.name = name, .user = user);

	err = (struct gantry_error)GANTRY_ERROR_INIT;
	return ops->unmount(self, &args, NULL, &err);
}

static int remove_volume(const char *name)
{
	const struct gantry_volume_remove_args args = GANTRY_VOLUME_REMOVE_ARGS(.name = name);

	err = (struct gantry_error)GANTRY_ERROR_INIT;
	return ops->remove(self, &args, NULL, &err);
}

static int put_file(const char *dir, const char *name, size_t size)
{
	auto_free char *path = NULL;
	static char data[65536];

	ck_assert_int_gt(asprintf(&path, "%s/%s", dir, name), 0);
	return write_file_atomic(AT_FDCWD, path, data, size, 0600, 0);
}

static int has_file(const char *dir, const char *name)
{
	auto_free char *path = NULL;

	ck_assert_int_gt(asprintf(&path, "%s/%s", dir, name), 0);
	return access(path, F_OK) == 0;
}

START_TEST(folder)
{
	const struct gantry_volume_usage_args usage = GANTRY_VOLUME_USAGE_ARGS(.name = "data");
	auto_(reply) struct reply reply = REPLY_INIT, list = REPLY_INIT;
	const struct gantry_volume_list_args all = GANTRY_VOLUME_LIST_ARGS();
	auto_free char *path = NULL, *again = NULL;
	struct stat st;

	umask(077);
	ck_assert_int_eq(create("data", NULL), 0);
	ck_assert_int_eq(create("data", "{}"), 0);
	ck_assert_int_eq(create("data", TMPFS), GANTRY_ERR_EXISTS);
	path = use("data", "c1");
	ck_assert_ptr_nonnull(strstr(path, "/data/_data"));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	ck_assert_int_eq(put_file(path, "f", 65536), 0);
	ck_assert_int_eq(release("data", "c1"), 0);
	again = use("data", "c2");
	ck_assert(has_file(again, "f"));
	ck_assert_int_eq(ops->usage(self, &usage, &reply.base, &err), 0);
	ck_assert_int_ge(reply_integer(&reply, 0, 0), 65536);
	ck_assert_int_eq(ops->list(self, &all, &list.base, &err), 0);
	ck_assert_str_eq(reply_list(&list, 0)[0], "data");
	ck_assert_ptr_null(reply_list(&list, 0)[1]);
	ck_assert_int_eq(remove_volume("data"), 0);
	ck_assert_int_eq(remove_volume("data"), 0);
	ck_assert(!has_file(again, "."));
	ck_assert_ptr_null(use("data", "c1"));
	ck_assert_int_eq(err.code, GANTRY_ERR_NOT_FOUND);
}
END_TEST

START_TEST(tmpfs_is_shared_while_it_is_used)
{
	auto_free char *one = NULL, *two = NULL, *three = NULL;
	struct stat st;

	ck_assert_int_eq(create("scratch", TMPFS), 0);
	ck_assert_int_eq(create("scratch", TMPFS), 0);
	one = use("scratch", "c1");
	ck_assert_msg(one != NULL, "%s", err.message);
	ck_assert_int_eq(put_file(one, "f", 10), 0);
	two = use("scratch", "c2");
	ck_assert_int_eq(stat(two, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0750);
	ck_assert_int_eq(release("scratch", "c1"), 0);
	ck_assert(has_file(two, "f"));
	for (int i = 0, r = 0; r == 0; i++) { /* it is full, then */
		char name[16];

		snprintf(name, sizeof(name), "big%d", i);
		r = put_file(two, name, 65536);
		ck_assert_int_lt(i, 20);
		ck_assert(r == 0 || r == -ENOSPC);
	}
	ck_assert_int_eq(remove_volume("scratch"), GANTRY_ERR_IN_USE);
	ck_assert_ptr_nonnull(strstr(err.message, "c2"));
	ck_assert_int_eq(release("scratch", "c2"), 0);
	ck_assert_int_eq(release("scratch", "nobody"), 0);
	ck_assert(!has_file(two, "f"));
	three = use("scratch", "c3");
	ck_assert(!has_file(three, "f"));
	ck_assert_int_eq(release("scratch", "c3"), 0);
	ck_assert_int_eq(remove_volume("scratch"), 0);
}
END_TEST

START_TEST(bind_of_a_folder)
{
	char options[4200], from[4000];
	auto_free char *path = NULL;

	snprintf(from, sizeof(from), "%s/from", fake_host_dir(host));
	ck_assert_int_eq(mkdir(from, 0755), 0);
	ck_assert_int_eq(put_file(from, "f", 1), 0);
	snprintf(options, sizeof(options), "{\"type\":\"none\",\"o\":\"bind,ro\",\"device\":\"%s\"}", from);
	ck_assert_int_eq(create("bound", options), 0);
	path = use("bound", "c1");
	ck_assert_msg(path != NULL, "%s", err.message);
	ck_assert(has_file(path, "f"));
	ck_assert_int_eq(put_file(path, "g", 1), -EROFS);
	ck_assert_int_eq(release("bound", "c1"), 0);
	ck_assert_int_eq(remove_volume("bound"), 0);
	ck_assert(has_file(from, "f"));
	ck_assert_int_eq(put_file(from, "g", 1), 0);
}
END_TEST

static const struct {
	const char *options;
	const char *says;
	int code;
} broken[] = {
	{ "{\"type\":\"none\",\"o\":\"bind\",\"device\":\"/no/such/folder\"}", "/no/such/folder",
	  GANTRY_ERR_NOT_FOUND },
	{ "{\"type\":\"nofs\",\"device\":\"x\"}", "nofs", 0 },
	{ "{\"type\":\"tmpfs\",\"device\":\"tmpfs\",\"o\":\"sise=1\"}", "sise", 0 },
	{ "{\"type\":\"ext4\",\"device\":\"/no/such/device\"}", "/no/such/device", 0 },
};

START_TEST(what_cannot_be_mounted_says_why)
{
	ck_assert_int_eq(create("bad", broken[_i].options), 0);
	ck_assert_ptr_null(use("bad", "c1"));
	ck_assert_int_lt(err.code, 0);
	ck_assert_msg(strstr(err.message, broken[_i].says) != NULL, "%s", err.message);
	ck_assert(!broken[_i].code || err.code == broken[_i].code);
	ck_assert_int_eq(remove_volume("bad"), 0);
}
END_TEST

static const char *const bad_options[] = {
	"{\"type\":\"tmpfs\"}", "{\"device\":\"x\"}", "{\"o\":\"ro\"}", "{\"colour\":\"red\"}",
	"{\"size\":\"big\"}", "{\"size\":\"-1\"}", "{\"size\":1}", "[]", "{",
	"{\"type\":\"tmpfs\",\"device\":\"tmpfs\",\"size\":\"1g\"}",
};

START_TEST(bad_options_are_refused)
{
	ck_assert_int_eq(create("vol", bad_options[_i]), GANTRY_ERR_INVALID);
	ck_assert_ptr_null(use("vol", "c1"));
	ck_assert_int_eq(err.code, GANTRY_ERR_NOT_FOUND);
}
END_TEST

static const char *const bad_names[] = { "", "a", "..", ".", "../x", "a/b", "/etc", ".new", "-rf",
					 "a\nb", "a b" };

START_TEST(bad_names_are_refused)
{
	ck_assert_int_eq(create(bad_names[_i], NULL), GANTRY_ERR_INVALID);
	ck_assert_int_eq(remove_volume(bad_names[_i]), GANTRY_ERR_INVALID);
	ck_assert_ptr_null(use(bad_names[_i], "c1"));
	ck_assert_int_eq(err.code, GANTRY_ERR_INVALID);
}
END_TEST

START_TEST(size_needs_project_quotas)
{
	auto_free char *path = NULL;
	int r = create("limited", "{\"size\":\"1m\"}");

	if (r == 0) { /* this filesystem has them */
		path = use("limited", "c1");
		ck_assert_int_lt(put_file(path, "a", 65536) + put_file(path, "b", 65536), 1);
		ck_assert_int_eq(remove_volume("limited"), 0);
		return;
	}
	ck_assert_int_eq(r, GANTRY_ERR_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(err.hint, "prjquota"));
	ck_assert_ptr_null(use("limited", "c1"));
	ck_assert_int_eq(err.code, GANTRY_ERR_NOT_FOUND);
}
END_TEST

START_TEST(links_in_place_of_a_volume_are_not_followed)
{
	char link[8192], target[8192];

	snprintf(link, sizeof(link), "%s/evil", fake_host_get(host)->state_dir);
	snprintf(target, sizeof(target), "%s/target", fake_host_dir(host));
	ck_assert_int_eq(mkdir(target, 0755), 0);
	ck_assert_int_eq(symlink(target, link), 0);
	ck_assert_ptr_null(use("evil", "c1"));
	ck_assert_int_lt(remove_volume("evil"), 0);
	ck_assert(has_file(target, "."));
}
END_TEST

START_TEST(removal_that_was_killed_is_finished)
{
	char from[8192], to[8192];
	const char *state = fake_host_get(host)->state_dir;

	ck_assert_int_eq(create("one", NULL), 0);
	ck_assert_int_eq(create("two", NULL), 0);
	snprintf(from, sizeof(from), "%s/one", state);
	snprintf(to, sizeof(to), "%s/.trash", state);
	ck_assert_int_eq(mkdir(to, 0700), 0);
	snprintf(to, sizeof(to), "%s/.trash/one.1", state);
	ck_assert_int_eq(rename(from, to), 0);
	ck_assert_int_eq(remove_volume("two"), 0);
	ck_assert_int_ne(access(to, F_OK), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("volume/local");
	TCase *tc = tcase_create("all");
	SRunner *runner;
	int failed;

	if (geteuid() != 0) {
		puts("needs root: it mounts");
		return 77;
	}
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, folder);
	tcase_add_test(tc, tmpfs_is_shared_while_it_is_used);
	tcase_add_test(tc, bind_of_a_folder);
	tcase_add_loop_test(tc, what_cannot_be_mounted_says_why, 0, (int)ARRAY_SIZE(broken));
	tcase_add_loop_test(tc, bad_options_are_refused, 0, (int)ARRAY_SIZE(bad_options));
	tcase_add_loop_test(tc, bad_names_are_refused, 0, (int)ARRAY_SIZE(bad_names));
	tcase_add_test(tc, size_needs_project_quotas);
	tcase_add_test(tc, links_in_place_of_a_volume_are_not_followed);
	tcase_add_test(tc, removal_that_was_killed_is_finished);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
