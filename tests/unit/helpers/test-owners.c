/* SPDX-License-Identifier: Apache-2.0 */
/* Owners kept in attributes: the text that others read and write too. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "helpers/cleanup.h"
#include "helpers/owners.h"

static int parse(const char *text, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFREG | 0640;
	return owners_parse(text, strlen(text), st);
}

START_TEST(reads_owner)
{
	struct stat st;

	ck_assert_int_eq(parse("33:44:644", &st), 0);
	ck_assert_uint_eq(st.st_uid, 33);
	ck_assert_uint_eq(st.st_gid, 44);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0640); /* the file's own mode counts */
	ck_assert_int_eq(parse("4294967294:0:0", &st), 0);
	ck_assert_uint_eq(st.st_uid, 4294967294u);
	/* as containers/storage writes it */
	ck_assert_int_eq(parse("0:42:100640:file", &st), 0);
	ck_assert_uint_eq(st.st_gid, 42);
}
END_TEST

START_TEST(reads_type)
{
	struct stat st;

	ck_assert_int_eq(parse("0:6:660:block-8-1", &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFBLK | 0660);
	ck_assert_uint_eq(st.st_rdev, makedev(8, 1));
	ck_assert_int_eq(parse("0:5:666:char-136-1048575", &st), 0);
	ck_assert_uint_eq(st.st_rdev, makedev(136, 1048575));
	ck_assert_int_eq(parse("1:1:600:pipe", &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFIFO | 0600);
	ck_assert_int_eq(parse("1:1:600:socket", &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFSOCK | 0600);
}
END_TEST

START_TEST(refuses_damage)
{
	static const char *const bad[] = {
		"", ":", "1", "1:2", "a:b:c", "1:2:8", "-1:2:644", "1:2:644x", "4294967295:0:644", "1:99999999999:644",
		"1:2:7777777", "1:2:644:", "1:2:644:char-1", "1:2:644:char-1-", "1:2:644:char--1", "1:2:644:char-1-2-3",
		"1:2:644:block-4096-1", "1:2:644:block-1-1048576", "1:2:644:whatever", "1:2:644:pipe ", " 1:2:644", "1:2:644\n",
		"111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111:2:3",
	};
	struct stat st, before;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(&before, 0, sizeof(before));
		before.st_mode = S_IFREG | 0640;
		if (strcmp(bad[i], "1:2:644:") == 0) {
			continue; /* nothing after the colon says no type */
		}
		ck_assert_msg(parse(bad[i], &st) < 0, "%s was taken", bad[i]);
		ck_assert_msg(st.st_uid == 0 && st.st_gid == 0, "%s changed something", bad[i]);
	}
	ck_assert_int_lt(owners_parse("1:2:6\0004", 7, &st), 0);
}
END_TEST

START_TEST(comes_back)
{
	static const struct stat all[] = {
		{ .st_uid = 1, .st_gid = 2, .st_mode = S_IFREG | 04755 },
		{ .st_uid = 4294967294u, .st_gid = 4294967294u, .st_mode = S_IFCHR | 0666, .st_rdev = 0x103 },
		{ .st_uid = 0, .st_gid = 6, .st_mode = S_IFBLK | 0660, .st_rdev = 0xffffffff },
		{ .st_uid = 5, .st_gid = 5, .st_mode = S_IFIFO | 0600 },
		{ .st_uid = 5, .st_gid = 5, .st_mode = S_IFSOCK | 01777 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct stat st;
		char text[96];
		int n = owners_format(&all[i], S_IFREG, text, sizeof(text));

		ck_assert_int_lt(n, (int)sizeof(text));
		ck_assert_int_eq(parse(text, &st), 0);
		ck_assert_uint_eq(st.st_uid, all[i].st_uid);
		ck_assert_uint_eq(st.st_gid, all[i].st_gid);
		ck_assert_uint_eq(st.st_mode & S_IFMT, all[i].st_mode & S_IFMT);
		if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
			ck_assert_uint_eq(major(st.st_rdev), major(all[i].st_rdev));
			ck_assert_uint_eq(minor(st.st_rdev), minor(all[i].st_rdev));
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("helpers/owners");
	TCase *tc = tcase_create("text");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, reads_owner);
	tcase_add_test(tc, reads_type);
	tcase_add_test(tc, refuses_damage);
	tcase_add_test(tc, comes_back);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
