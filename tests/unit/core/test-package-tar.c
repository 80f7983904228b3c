/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a plugin package: what is packed is unpacked as it was, and nothing else is
 * taken. */
#include <check.h>
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

static char dir[] = "/tmp/test-package.XXXXXX";
static int base = -1;

static void setup(void)
{
	strcpy(dir, "/tmp/test-package.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	base = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mkdirat(base, "from", 0755), 0);
	ck_assert_int_eq(mkdirat(base, "to", 0755), 0);
}

static void teardown(void)
{
	close(base);
	remove_tree(AT_FDCWD, dir);
}

static void put(const char *path, const char *text, mode_t mode)
{
	ck_assert_int_eq(write_file_atomic(base, path, text, strlen(text), mode, 0), 0);
}

/* One member, its header's checksum right unless sum says otherwise. */
static void add(struct buf *tar, const char *name, char type, const char *size, const char *data, int sum)
{
	char header[BLOCK] = "";
	unsigned total = 0;

	snprintf(header, 100, "%s", name);
	memcpy(header + 100, "0000644", 8);
	snprintf(header + 124, 12, "%s", size);
	memset(header + 148, ' ', 8);
	header[156] = type;
	memcpy(header + 257, "ustar", 6);
	for (int i = 0; i < BLOCK; i++) {
		total += (unsigned char)header[i];
	}
	snprintf(header + 148, 8, "%06o", total + (unsigned)sum);
	buf_add(tar, header, sizeof(header));
	if (data) {
		char block[BLOCK] = "";

		snprintf(block, sizeof(block), "%s", data);
		buf_add(tar, block, sizeof(block));
	}
}

static void end(struct buf *tar)
{
	static const char zeros[2 * BLOCK];

	buf_add(tar, zeros, sizeof(zeros));
}

static int unpack(const struct buf *tar, struct gantry_error *err)
{
	auto_fd int fd = openat(base, "to", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return tar_unpack(tar, fd, err);
}

START_TEST(test_round_trip)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(buf) struct buf tar = BUF_INIT, again = BUF_INIT, text = BUF_INIT;
	char path[64], long_text[1025];
	struct stat st;

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	mkdirat(base, "from/lib", 0755);
	put("from/driver.so", long_text, 0755);
	put("from/lib/empty", "", 0644);
	put("from/.hidden", "not packed", 0644);
	snprintf(path, sizeof(path), "%s/from", dir);
	ck_assert_int_eq(tar_pack(path, &tar, &err), 0);
	ck_assert_int_eq(tar_pack(path, &again, &err), 0);
	ck_assert_uint_eq(tar.len, again.len);
	ck_assert_mem_eq(tar.data, again.data, tar.len);
	ck_assert_int_eq(tar.len % BLOCK, 0);
	ck_assert_msg(unpack(&tar, &err) == 0, "%s", err.message);
	ck_assert_int_eq(read_file(base, "to/driver.so", &text, 4096), 0);
	ck_assert_str_eq(buf_str(&text), long_text);
	ck_assert_int_eq(fstatat(base, "to/driver.so", &st, 0), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0755);
	ck_assert_int_eq(fstatat(base, "to/lib/empty", &st, 0), 0);
	ck_assert_int_eq(st.st_size, 0);
	ck_assert_int_eq(st.st_mode & 0777, 0644);
	ck_assert_int_lt(fstatat(base, "to/.hidden", &st, 0), 0);
	/* What is there already is a second file of that name. */
	ck_assert_int_eq(unpack(&tar, &err), GANTRY_ERR_CORRUPT);
}
END_TEST

static const struct bad {
	const char *name;
	char type;
	const char *size;
	int sum;
	int code;
	const char *says;
} bad[] = {
	{ "../up", '0', "1", 0, GANTRY_ERR_DENIED, "leads out" },
	{ "a/../../up", '0', "1", 0, GANTRY_ERR_DENIED, "leads out" },
	{ "/etc/up", '0', "1", 0, GANTRY_ERR_DENIED, "not below" },
	{ "a//b", '0', "1", 0, GANTRY_ERR_DENIED, "leads out" },
	{ ".hidden", '0', "1", 0, GANTRY_ERR_DENIED, "hidden" },
	{ "a\nb", '0', "1", 0, GANTRY_ERR_DENIED, "control characters" },
	{ "grant.json", '0', "1", 0, GANTRY_ERR_DENIED, "the host's" },
	{ "link", '2', "0", 0, GANTRY_ERR_DENIED, "a link" },
	{ "hard", '1', "0", 0, GANTRY_ERR_DENIED, "a link" },
	{ "device", '3', "0", 0, GANTRY_ERR_DENIED, "neither" },
	{ "pax", 'x', "1", 0, GANTRY_ERR_DENIED, "neither" },
	{ "sum", '0', "1", 1, GANTRY_ERR_CORRUPT, "checksum" },
	{ "size", '0', "12x", 0, GANTRY_ERR_CORRUPT, "cannot be read" },
	{ "size", '0', "-1", 0, GANTRY_ERR_CORRUPT, "cut off" },
	{ "size", '0', "77777777777", 0, GANTRY_ERR_CORRUPT, "cut off" },
	{ "size", '0', "10000", 0, GANTRY_ERR_CORRUPT, "cut off" },
};

START_TEST(test_bad)
{
	const struct bad *b = &bad[_i];
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(buf) struct buf tar = BUF_INIT;
	struct stat st;

	add(&tar, b->name, b->type, b->size, "x", b->sum);
	end(&tar);
	ck_assert_msg(unpack(&tar, &err) == b->code, "%s of size %s: %d, %s", b->name, b->size, err.code,
		      err.message);
	ck_assert_msg(strstr(err.message, b->says), "%s: %s", b->name, err.message);
	ck_assert_int_lt(fstatat(base, "up", &st, 0), 0);
}
END_TEST

START_TEST(test_cut_off)
{
	auto_(buf) struct buf tar = BUF_INIT;

	add(&tar, "file", '0', "3", "abc", 0);
	end(&tar);
	/* Without its end of zeros it is cut off, wherever. */
	for (size_t len = 0; len <= 2 * BLOCK; len += 100) {
		struct buf part = { .data = tar.data, .len = len };
		struct gantry_error err = GANTRY_ERROR_INIT;

		(void)unlinkat(base, "to/file", 0);
		ck_assert_msg(unpack(&part, &err) == GANTRY_ERR_CORRUPT, "%zu bytes: %d", len, err.code);
	}
}
END_TEST

START_TEST(test_too_many)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(buf) struct buf tar = BUF_INIT;

	for (int i = 0; i < 20000; i++) {
		add(&tar, "same", '5', "0", NULL, 0);
	}
	end(&tar);
	ck_assert_int_eq(unpack(&tar, &err), GANTRY_ERR_LIMIT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("package-tar");
	TCase *t = tcase_create("tar");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_round_trip);
	tcase_add_loop_test(t, test_bad, 0, (int)ARRAY_SIZE(bad));
	tcase_add_test(t, test_cut_off);
	tcase_add_test(t, test_too_many);
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
