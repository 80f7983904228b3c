/* SPDX-License-Identifier: Apache-2.0 */
/* The storage drivers through their operations, as the engine calls them. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gantry/storage.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"
#include "helpers/io.h"
#include "helpers/reply.h"
#include "tests/unit/fake_host.h"
#include "tests/unit/tar_maker.h"

static const struct {
	const char *name;
	const char *config;
} drivers[] = {
	{ "overlay", NULL },
	{ "overlay", "{\"mount_api\":\"classic\"}" },
	{ "unionfs", NULL },
	{ "vfs", NULL },
};

static struct fake_host *host;
static const struct gantry_storage_ops *ops;
static void *self;
static struct gantry_error err;
static struct reply reply;

static int is_overlay;

static void start(int i)
{
	char path[128];
	const void *table;

	snprintf(path, sizeof(path), "plugins/storage/%s/%s.so", drivers[i].name, drivers[i].name);
	is_overlay = strcmp(drivers[i].name, "vfs") != 0;
	setenv("TMPDIR", "/var/tmp", 1);
	host = fake_host_new();
	err = (struct gantry_error)GANTRY_ERROR_INIT;
	reply = (struct reply)REPLY_INIT;
	ck_assert_msg(fake_host_open(host, path, "storage", drivers[i].name, drivers[i].config,
				     &table, &self, &err) == 0, "%s", err.message);
	ops = table;
}

static void stop(void)
{
	reply_done(&reply);
	fake_host_free(host);
	host = NULL;
}

#define CALL(op, OP, ...)                                                              \
	(reply_done(&reply), error_clear(&err),                                        \
	 ops->op(self, &GANTRY_STORAGE_##OP##_ARGS(__VA_ARGS__), &reply.base, &err))
#define OK(...) ck_assert_msg((__VA_ARGS__) == 0, "%s", err.message)

static int prepare(const char *key, const char *parent)
{
	return CALL(prepare, PREPARE, .key = key, .parent = parent);
}

static int apply(const char *key, struct buf *tar)
{
	auto_fd int fd = -1;
	int r;

	tar_end(tar);
	fd = tar_fd(tar);
	r = CALL(apply, APPLY, .key = key, .archive = fd);
	buf_done(tar);
	return r;
}

static int commit(const char *key, const char *name)
{
	return CALL(commit, COMMIT, .key = key, .name = name);
}

static int mount_key(const char *key, int read_only)
{
	OK(CALL(mount, MOUNT, .key = key, .read_only = read_only));
	return reply_take_fd(&reply, 0);
}

static void check_file(int fd, const char *path, const char *content)
{
	auto_(buf) struct buf b = BUF_INIT;

	ck_assert_msg(read_file(fd, path, &b, 65536) == 0, "%s cannot be read", path);
	ck_assert_str_eq(buf_str(&b), content);
}

static int is_there(int fd, const char *path)
{
	return faccessat(fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void list_changes(const char *key, struct buf *out)
{
	const char *const *list;

	OK(CALL(changes, CHANGES, .key = key));
	for (list = reply_list(&reply, 0); *list; list++)
		buf_addf(out, "%s\n", *list);
}

static int n_keys(void)
{
	const char *const *list;
	int n = 0;

	OK(CALL(list, LIST));
	for (list = reply_list(&reply, 0); *list; list++)
		n++;
	return n;
}

/* l1: etc/a etc/b opt/x; l2 on it: etc/c, without etc/b and all of opt. */
static void two_layers(void)
{
	struct buf tar = BUF_INIT;

	OK(prepare("t1", NULL));
	tar_add(&tar, "./", '5', .mode = 0751);
	tar_add(&tar, "etc/", '5', .mode = 0700, .uid = 11);
	tar_add(&tar, "etc/a", '0', .data = "a1");
	tar_add(&tar, "etc/b", '0', .data = "b1");
	tar_add(&tar, "opt/", '5');
	tar_add(&tar, "opt/x", '0', .data = "x1");
	OK(apply("t1", &tar));
	ck_assert_int_eq(reply_integer(&reply, 0, -1), 6);
	OK(commit("t1", "sha256:l1"));
	OK(prepare("t2", "sha256:l1"));
	tar_add(&tar, "etc/", '5', .mode = 0700, .uid = 11);
	tar_add(&tar, "etc/c", '0', .data = "c2");
	tar_add(&tar, "etc/.wh.b", '0');
	tar_add(&tar, "opt/", '5');
	tar_add(&tar, "opt/.wh..wh..opq", '0');
	OK(apply("t2", &tar));
	OK(commit("t2", "sha256:l2"));
}

START_TEST(a_container_sees_its_layers_and_writes_its_own)
{
	auto_(buf) struct buf changes = BUF_INIT;
	auto_fd int fd = -1;
	struct stat st;

	start(_i);
	two_layers();
	OK(prepare("c1", "sha256:l2"));
	fd = mount_key("c1", 0);
	check_file(fd, "etc/a", "a1");
	check_file(fd, "etc/c", "c2");
	ck_assert(!is_there(fd, "etc/b"));
	ck_assert(is_there(fd, "opt"));
	ck_assert(!is_there(fd, "opt/x"));
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_msg((st.st_mode & 07777) == 0751, "the root is the image's");
	ck_assert_int_eq(fstatat(fd, "etc", &st, 0), 0);
	ck_assert_uint_eq(st.st_uid, 11);
	ck_assert_int_eq(write_file_atomic(fd, "etc/new", "n", 1, 0644, 0), 0);
	ck_assert_int_eq(unlinkat(fd, "etc/a", 0), 0);
	list_changes("c1", &changes);
	ck_assert_str_eq(buf_str(&changes), "C /etc\nD /etc/a\nA /etc/new\n");
	replace_fd(&fd, -1);
	fd = mount_key("c1", 1);
	check_file(fd, "etc/new", "n");
	ck_assert_int_eq(mkdirat(fd, "no", 0755), -1);
	ck_assert_int_eq(errno, EROFS);
	replace_fd(&fd, mount_key("sha256:l2", 0));
	ck_assert_msg(mkdirat(fd, "no", 0755) < 0 && errno == EROFS, "committed is read-only");
	check_file(fd, "etc/a", "a1");
	stop();
}
END_TEST

START_TEST(a_snapshot_without_parent_is_writable)
{
	auto_fd int fd = -1;

	start(_i);
	OK(prepare("k", NULL));
	fd = mount_key("k", 0);
	ck_assert_int_eq(write_file_atomic(fd, "f", "n", 1, 0644, 0), 0);
	replace_fd(&fd, mount_key("k", 1));
	check_file(fd, "f", "n");
	stop();
}
END_TEST

START_TEST(a_diff_carries_a_container_to_another_place)
{
	auto_fd int fd = -1;
	FILE *f = tmpfile();

	start(_i);
	two_layers();
	OK(prepare("c1", "sha256:l2"));
	fd = mount_key("c1", 0);
	ck_assert_int_eq(write_file_atomic(fd, "etc/new", "n", 1, 0644, 0), 0);
	ck_assert_int_eq(unlinkat(fd, "etc/a", 0), 0);
	ck_assert_int_eq(unlinkat(fd, "opt", AT_REMOVEDIR), 0);
	ck_assert_int_eq(mkdirat(fd, "opt", 0711), 0);
	replace_fd(&fd, -1);
	OK(CALL(diff, DIFF, .key = "c1", .archive = fileno(f)));
	rewind(f);
	OK(prepare("t3", "sha256:l2"));
	OK(CALL(apply, APPLY, .key = "t3", .archive = fileno(f)));
	OK(commit("t3", "sha256:l3"));
	fd = mount_key("sha256:l3", 1);
	check_file(fd, "etc/new", "n");
	check_file(fd, "etc/c", "c2");
	ck_assert(!is_there(fd, "etc/a"));
	ck_assert(is_there(fd, "opt"));
	fclose(f);
	stop();
}
END_TEST

START_TEST(operations_may_be_repeated)
{
	start(_i);
	two_layers();
	OK(commit("t2", "sha256:l2"));
	OK(prepare("c1", "sha256:l2"));
	OK(prepare("c1", "sha256:l2"));
	ck_assert_int_eq(prepare("c1", "sha256:l1"), GANTRY_ERR_EXISTS);
	ck_assert_int_eq(prepare("sha256:l1", NULL), GANTRY_ERR_EXISTS);
	OK(CALL(remove, REMOVE, .key = "c1"));
	OK(CALL(remove, REMOVE, .key = "c1"));
	ck_assert_int_eq(n_keys(), 2);
	stop();
}
END_TEST

START_TEST(a_parent_in_use_stays)
{
	start(_i);
	two_layers();
	ck_assert_int_eq(CALL(remove, REMOVE, .key = "sha256:l1"), GANTRY_ERR_IN_USE);
	ck_assert_msg(strstr(err.message, "sha256:l2"), "%s", err.message);
	OK(CALL(remove, REMOVE, .key = "sha256:l2"));
	OK(CALL(remove, REMOVE, .key = "sha256:l1"));
	ck_assert_int_eq(n_keys(), 0);
	stop();
}
END_TEST

START_TEST(what_a_crash_left_is_repaired)
{
	char path[512];
	const char *dir;

	start(_i);
	two_layers();
	dir = fake_host_get(host)->state_dir;
	/* prepare was cut short before its last step ... */
	snprintf(path, sizeof(path), "%s/active/c1/fs/junk", dir);
	ck_assert_int_eq(make_dirs(AT_FDCWD, path, 0755), 0);
	ck_assert_int_eq(CALL(mount, MOUNT, .key = "c1"), GANTRY_ERR_NOT_FOUND);
	OK(prepare("c1", "sha256:l2"));
	ck_assert_int_ne(access(path, F_OK), 0);
	/* ... or in the middle of it ... */
	snprintf(path, sizeof(path), "%s/active/c1/chain", dir);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("sha256:l2\n", path), 0);
	ck_assert_int_eq(CALL(mount, MOUNT, .key = "c1"), GANTRY_ERR_NOT_FOUND);
	OK(prepare("c1", "sha256:l2"));
	/* ... and remove while it was deleting. */
	snprintf(path, sizeof(path), "%s/trash/c9.1.2/fs/etc", dir);
	ck_assert_int_eq(make_dirs(AT_FDCWD, path, 0755), 0);
	ck_assert_int_eq(n_keys(), 3);
	ck_assert_int_ne(access(path, F_OK), 0);
	stop();
}
END_TEST

START_TEST(wrong_keys_are_refused)
{
	static const char *const keys[] = { "", "..", "a/b", ".hidden", "new\nline", "~" };

	start(_i);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		ck_assert_int_eq(prepare(keys[i], NULL), GANTRY_ERR_INVALID);
		ck_assert_int_eq(CALL(remove, REMOVE, .key = keys[i]), GANTRY_ERR_INVALID);
		ck_assert_int_eq(CALL(mount, MOUNT, .key = keys[i]), GANTRY_ERR_INVALID);
		ck_assert_int_eq(CALL(commit, COMMIT, .key = keys[i], .name = "x"), GANTRY_ERR_INVALID);
	}
	ck_assert_int_eq(CALL(mount, MOUNT, .key = "nobody"), GANTRY_ERR_NOT_FOUND);
	ck_assert_int_eq(commit("nobody", "x"), GANTRY_ERR_NOT_FOUND);
	ck_assert_int_eq(CALL(apply, APPLY, .key = "nobody", .archive = 0), GANTRY_ERR_NOT_FOUND);
	stop();
}
END_TEST

START_TEST(a_committed_snapshot_is_not_written)
{
	struct buf tar = BUF_INIT;

	start(_i);
	two_layers();
	tar_add(&tar, "etc/evil", '0', .data = "e");
	ck_assert_int_eq(apply("sha256:l2", &tar), GANTRY_ERR_CONFLICT);
	stop();
}
END_TEST

START_TEST(usage_and_status_answer)
{
	start(_i);
	two_layers();
	OK(CALL(usage, USAGE, .key = "sha256:l1"));
	ck_assert_int_gt(reply_integer(&reply, 0, 0), 4096);
	ck_assert_int_eq(reply_integer(&reply, 1, 0), 6);
	OK(CALL(status, STATUS));
	ck_assert_int_eq(reply_integer(&reply, 1, -1), is_overlay);
	ck_assert_msg(strstr(reply_string(&reply, 0), "Backing Filesystem"), "details");
	stop();
}
END_TEST

START_TEST(a_size_limit_needs_project_quotas)
{
	start(_i);
	if (CALL(prepare, PREPARE, .key = "q", .size_limit = 1 << 20) == 0) {
		OK(CALL(remove, REMOVE, .key = "q"));
	} else {
		ck_assert_int_eq(err.code, GANTRY_ERR_UNSUPPORTED);
		ck_assert_int_eq(n_keys(), 0);
	}
	stop();
}
END_TEST

START_TEST(layers_are_unpacked_before_their_parent)
{
	struct buf tar = BUF_INIT;
	auto_fd int fd = -1;

	start(0);
	OK(prepare("t2", "l1"));
	tar_add(&tar, "etc/b", '0', .data = "b");
	OK(apply("t2", &tar));
	ck_assert_int_eq(CALL(mount, MOUNT, .key = "t2"), GANTRY_ERR_NOT_FOUND);
	ck_assert_msg(strstr(err.message, "l1"), "%s", err.message);
	OK(prepare("t3", "l2"));
	OK(commit("t3", "l3"));
	OK(commit("t2", "l2"));
	OK(prepare("t1", NULL));
	tar_add(&tar, "etc/a", '0', .data = "a");
	OK(apply("t1", &tar));
	OK(commit("t1", "l1"));
	OK(prepare("c", "l3"));
	fd = mount_key("c", 0);
	check_file(fd, "etc/a", "a");
	check_file(fd, "etc/b", "b");
	ck_assert_int_eq(CALL(remove, REMOVE, .key = "l2"), GANTRY_ERR_IN_USE);
	stop();
}
END_TEST

START_TEST(a_hundred_layers_can_be_mounted)
{
	char key[32], name[32], parent[32] = "";
	auto_fd int fd = -1;

	start(_i);
	for (int i = 0; i < 120; i++) {
		struct buf tar = BUF_INIT;

		snprintf(key, sizeof(key), "t%d", i);
		snprintf(name, sizeof(name), "layer%d", i);
		OK(prepare(key, i ? parent : NULL));
		tar_add(&tar, name, '0', .data = "x");
		OK(apply(key, &tar));
		OK(commit(key, name));
		strcpy(parent, name);
	}
	OK(prepare("c", parent));
	fd = mount_key("c", 0);
	check_file(fd, "layer0", "x");
	check_file(fd, "layer119", "x");
	stop();
}
END_TEST

START_TEST(nothing_stays_mounted)
{
	auto_(buf) struct buf before = BUF_INIT;
	auto_(buf) struct buf after = BUF_INIT;
	int fd;

	start(_i);
	two_layers();
	ck_assert_int_eq(read_file(AT_FDCWD, "/proc/self/mountinfo", &before, 1 << 20), 0);
	OK(prepare("c", "sha256:l2"));
	fd = mount_key("c", 0);
	ck_assert_int_eq(read_file(AT_FDCWD, "/proc/self/mountinfo", &after, 1 << 20), 0);
	ck_assert_msg(!strstr(buf_str(&after), fake_host_dir(host)), "a mount is visible");
	close(fd);
	OK(CALL(remove, REMOVE, .key = "c"));
	stop();
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
	static char content[3 << 20];
	struct buf tar = BUF_INIT;

	/* A small filesystem for this test's process only. */
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("tmpfs", "/var/tmp", "tmpfs", 0, "size=2m"), 0);
	start(_i);
	OK(prepare("t", NULL));
	memset(content, 'x', sizeof(content) - 1);
	tar_add(&tar, "big", '0', .data = content);
	ck_assert_int_eq(apply("t", &tar), GANTRY_ERR_NO_SPACE);
	ck_assert_msg(strstr(err.message, "layer entry big"), "%s", err.message);
	ck_assert_msg(strstr(err.hint, "prune"), "%s", err.hint);
	OK(CALL(remove, REMOVE, .key = "t"));
	tar_add(&tar, "small", '0', .data = "x");
	OK(prepare("t", NULL));
	OK(apply("t", &tar));
	stop();
}
END_TEST

/* Goes through a snapshot's life until it is killed. */
static void live(void)
{
	for (unsigned int i = 0;; i++) {
		struct buf tar = BUF_INIT;
		char key[32], name[32];

		snprintf(key, sizeof(key), "k%u", i % 7);
		snprintf(name, sizeof(name), "n%u", i % 5);
		tar_add(&tar, "a/b/c", '0', .data = "x");
		(void)CALL(remove, REMOVE, .key = key);
		(void)prepare(key, "sha256:l2");
		(void)apply(key, &tar);
		(void)commit(key, name);
		(void)CALL(remove, REMOVE, .key = name);
	}
}

START_TEST(nothing_is_lost_by_kill_9)
{
	char path[512];

	start(_i);
	two_layers();
	for (int i = 0; i < 40; i++) {
		char key[32];
		auto_fd int fd = -1;
		pid_t pid = fork();

		if (pid == 0)
			live();
		usleep(2000 + (unsigned int)rand() % 20000);
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		snprintf(key, sizeof(key), "k%d", i % 7);
		OK(CALL(remove, REMOVE, .key = key));
		OK(prepare(key, "sha256:l2"));
		fd = mount_key(key, 0);
		check_file(fd, "etc/c", "c2");
	}
	for (int i = 0; i < 7; i++) {
		snprintf(path, sizeof(path), "k%d", i);
		OK(CALL(remove, REMOVE, .key = path));
		snprintf(path, sizeof(path), "n%d", i);
		OK(CALL(remove, REMOVE, .key = path));
	}
	ck_assert_int_eq(n_keys(), 2);
	snprintf(path, sizeof(path), "%s/trash", fake_host_get(host)->state_dir);
	ck_assert_msg(rmdir(path) == 0, "the trash is not empty");
	stop();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("storage");
	TCase *tc = tcase_create("drivers");
	SRunner *sr;
	int failed;

	if (geteuid() != 0) {
		printf("mounting needs root\n");
		return 77;
	}
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_container_sees_its_layers_and_writes_its_own, 0, ARRAY_SIZE(drivers));
	tcase_add_loop_test(tc, a_snapshot_without_parent_is_writable, 0, ARRAY_SIZE(drivers));
	tcase_add_loop_test(tc, a_diff_carries_a_container_to_another_place, 0, ARRAY_SIZE(drivers));
	tcase_add_loop_test(tc, operations_may_be_repeated, 0, ARRAY_SIZE(drivers));
	tcase_add_loop_test(tc, a_parent_in_use_stays, 0, ARRAY_SIZE(drivers));
	tcase_add_loop_test(tc, what_a_crash_left_is_repaired, 0, ARRAY_SIZE(drivers));
	tcase_add_loop_test(tc, wrong_keys_are_refused, 0, ARRAY_SIZE(drivers));
	tcase_add_loop_test(tc, a_committed_snapshot_is_not_written, 0, ARRAY_SIZE(drivers));
	tcase_add_loop_test(tc, usage_and_status_answer, 0, ARRAY_SIZE(drivers));
	tcase_add_loop_test(tc, a_size_limit_needs_project_quotas, 0, ARRAY_SIZE(drivers));
	tcase_add_test(tc, layers_are_unpacked_before_their_parent);
	tcase_add_loop_test(tc, a_hundred_layers_can_be_mounted, 0, 2);
	tcase_add_loop_test(tc, nothing_stays_mounted, 0, ARRAY_SIZE(drivers));
	tcase_add_loop_test(tc, a_full_disk_is_an_error, 0, ARRAY_SIZE(drivers));
	tcase_add_loop_test(tc, nothing_is_lost_by_kill_9, 0, ARRAY_SIZE(drivers));
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
