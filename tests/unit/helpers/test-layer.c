/* SPDX-License-Identifier: Apache-2.0 */
/* Applying layers: what honest archives give and what hostile ones cannot do. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/layer_apply.h"
#include "helpers/layer_diff.h"
#include "helpers/layer_walk.h"
#include "tests/unit/tar_maker.h"

static char dir[64]; /* holds "root", where layers go, and "outside" */
static int base = -1, root = -1;
static struct buf tar;
static struct gantry_error err;
static struct layer_apply_stats stats;

static void setup(void)
{
	strcpy(dir, "/var/tmp/gantry-layer.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	base = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mkdirat(base, "root", 0755), 0);
	ck_assert_int_eq(mkdirat(base, "outside", 0755), 0);
	ck_assert_int_eq(write_file_atomic(base, "outside/secret", "secret", 6, 0600, 0), 0);
	root = openat(base, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tar = (struct buf)BUF_INIT;
	err = (struct gantry_error)GANTRY_ERROR_INIT;
}

static void teardown(void)
{
	buf_done(&tar);
	close(root);
	close(base);
	ck_assert_int_eq(remove_tree(AT_FDCWD, dir), 0);
}

static int apply_with(enum layer_style style, uint64_t limit)
{
	struct layer_apply_options options = { .style = style, .size_limit = limit };
	auto_fd int fd = tar_fd(&tar);
	int r;

	error_clear(&err);
	r = layer_apply(fd, root, &options, &stats, &err);
	ck_assert_int_eq(r, err.code);
	return r;
}

static int apply(void)
{
	tar_end(&tar);
	return apply_with(LAYER_OVERLAY, 0);
}

/* Applies a second layer to the same tree. */
static int apply_next(enum layer_style style)
{
	int r;

	tar_end(&tar);
	r = apply_with(style, 0);
	buf_clear(&tar);
	return r;
}

static void check_file(const char *path, const char *content)
{
	auto_(buf) struct buf b = BUF_INIT;

	ck_assert_msg(read_file(root, path, &b, 65536) == 0, "%s cannot be read", path);
	ck_assert_str_eq(buf_str(&b), content);
}

static struct stat look(const char *path)
{
	struct stat st;

	ck_assert_msg(fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) == 0, "%s is missing", path);
	return st;
}

static int is_there(const char *path)
{
	struct stat st;

	return fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int is_opaque(const char *path)
{
	auto_fd int fd = openat(root, path, O_RDONLY | O_DIRECTORY);
	char value[8];

	return fgetxattr(fd, "trusted.overlay.opaque", value, sizeof(value)) == 1;
}

/* Nothing outside root was touched. */
static void check_outside(void)
{
	auto_(buf) struct buf b = BUF_INIT;
	auto_(layer_names) struct layer_names names = { 0 };
	auto_fd int fd = openat(base, "outside", O_RDONLY | O_DIRECTORY);
	struct stat st;

	ck_assert_int_eq(layer_names_read(fd, &names), 0);
	ck_assert_uint_eq(names.n, 1);
	ck_assert_int_eq(fstatat(base, "outside/secret", &st, 0), 0);
	ck_assert_uint_eq(st.st_nlink, 1);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(read_file(base, "outside/secret", &b, 100), 0);
	ck_assert_str_eq(buf_str(&b), "secret");
	layer_names_done(&names);
	ck_assert_int_eq(layer_names_read(base, &names), 0);
	ck_assert_uint_eq(names.n, 2);
}

START_TEST(files_keep_what_the_archive_says)
{
	struct stat st;

	tar_add(&tar, "./", '5', .mode = 0711);
	tar_add(&tar, "./usr/", '5', .mtime = 1000);
	tar_add(&tar, "./usr/bin/", '5', .mode = 02775, .uid = 7, .gid = 8, .mtime = 1001);
	tar_add(&tar, "./usr/bin/su", '0', .data = "su!", .mode = 04755, .uid = 5, .mtime = 99);
	tar_add(&tar, "./usr/bin/nano", '0', .data = "n", .mtime_pax = "1234567.123456789");
	tar_add(&tar, "./usr/bin/hard", '1', "./usr/bin/su");
	tar_add(&tar, "./usr/link", '2', "bin/su", .uid = 3, .mtime = 77);
	tar_add(&tar, "./usr/pipe", '6', .mode = 0622);
	tar_add(&tar, "/abs/olute", '0', .data = "inside");
	ck_assert_msg(apply() == 0, "%s", err.message);
	ck_assert_uint_eq(look(".").st_mode & 07777, 0711);
	st = look("usr/bin/su");
	ck_assert_uint_eq(st.st_mode, S_IFREG | 04755);
	ck_assert_uint_eq(st.st_uid, 5);
	ck_assert_uint_eq(st.st_nlink, 2);
	ck_assert_int_eq(st.st_mtim.tv_sec, 99);
	st = look("usr/bin/nano");
	ck_assert_int_eq(st.st_mtim.tv_sec, 1234567);
	ck_assert_int_eq(st.st_mtim.tv_nsec, 123456789);
	st = look("usr/bin");
	ck_assert_uint_eq(st.st_mode & 07777, 02775);
	ck_assert_uint_eq(st.st_uid, 7);
	ck_assert_uint_eq(st.st_gid, 8);
	ck_assert_int_eq(st.st_mtim.tv_sec, 1001);
	ck_assert_uint_eq(look("usr/bin/nano").st_gid, 0);
	ck_assert_int_eq(look("usr").st_mtim.tv_sec, 1000);
	st = look("usr/link");
	ck_assert_uint_eq(st.st_uid, 3);
	ck_assert_int_eq(st.st_mtim.tv_sec, 77);
	ck_assert_uint_eq(look("usr/pipe").st_mode, S_IFIFO | 0622);
	check_file("abs/olute", "inside");
	ck_assert_uint_eq(stats.bytes, 10);
}
END_TEST

START_TEST(folder_times_survive_being_left_and_entered_again)
{
	tar_add(&tar, "a/", '5', .mtime = 10);
	tar_add(&tar, "b/", '5', .mtime = 20);
	tar_add(&tar, "a/1", '0', .data = "1");
	tar_add(&tar, "b/1", '0', .data = "1");
	tar_add(&tar, "a/2", '0', .data = "1");
	ck_assert_msg(apply() == 0, "%s", err.message);
	ck_assert_int_eq(look("a").st_mtim.tv_sec, 10);
	ck_assert_int_eq(look("b").st_mtim.tv_sec, 20);
}
END_TEST

START_TEST(deep_folders_do_not_run_out_of_descriptors)
{
	char name[2048] = "";

	for (int i = 0; i < 400; i++)
		strcat(name, "d/");
	tar_add(&tar, name, '5', .mtime = 5);
	strcat(name, "f");
	tar_add(&tar, name, '0', .data = "deep");
	tar_add(&tar, "d/top", '0', .data = "top");
	ck_assert_msg(apply() == 0, "%s", err.message);
	check_file(name, "deep");
	check_file("d/top", "top");
}
END_TEST

START_TEST(attributes_are_set_but_not_overlayfs_own)
{
	char value[64];
	auto_fd int fd = -1;

	tar_add(&tar, "f", '0', .data = "x", .xattr = "user.note=hello");
	tar_add(&tar, "d/", '5', .xattr = "trusted.overlay.redirect=/elsewhere");
	tar_add(&tar, "e/", '5', .xattr = "trusted.overlay.opaque=y");
	ck_assert_msg(apply() == 0, "%s", err.message);
	fd = openat(root, "f", O_RDONLY);
	ck_assert_int_eq(fgetxattr(fd, "user.note", value, sizeof(value)), 5);
	replace_fd(&fd, openat(root, "d", O_RDONLY));
	ck_assert_int_eq(fgetxattr(fd, "trusted.overlay.redirect", value, sizeof(value)), -1);
	ck_assert(!is_opaque("e"));
}
END_TEST

START_TEST(whiteouts_become_overlay_whiteouts)
{
	struct stat st;

	tar_add(&tar, "d/", '5');
	tar_add(&tar, "d/.wh.gone", '0');
	tar_add(&tar, "o/", '5');
	tar_add(&tar, "o/.wh..wh..opq", '0');
	tar_add(&tar, "n/", '5');
	tar_add(&tar, ".wh.n", '0');
	tar_add(&tar, ".wh.m", '0');
	tar_add(&tar, "m/", '5');
	tar_add(&tar, "k", '0', .data = "kept");
	tar_add(&tar, ".wh.k", '0');
	tar_add(&tar, ".wh..wh.plnk/", '5');
	ck_assert_msg(apply() == 0, "%s", err.message);
	st = look("d/gone");
	ck_assert(layer_is_whiteout(&st));
	ck_assert(is_opaque("o"));
	ck_assert(!is_there("o/.wh..wh..opq"));
	ck_assert_msg(is_opaque("n"), "a whiteout hides the lower side of its own layer's folder");
	ck_assert_msg(is_opaque("m"), "a folder that follows a whiteout is new");
	check_file("k", "kept");
	ck_assert(!is_there(".wh..wh.plnk"));
}
END_TEST

START_TEST(whiteouts_delete_in_a_plain_tree)
{
	tar_add(&tar, "a/", '5');
	tar_add(&tar, "a/old", '0', .data = "1");
	tar_add(&tar, "b/sub/", '5');
	tar_add(&tar, "b/sub/old", '0', .data = "1");
	tar_add(&tar, "c", '0', .data = "1");
	ck_assert_msg(apply_next(LAYER_PLAIN) == 0, "%s", err.message);
	tar_add(&tar, "a/new", '0', .data = "2");
	tar_add(&tar, "a/.wh..wh..opq", '0');
	tar_add(&tar, "b/sub/new", '0', .data = "2");
	tar_add(&tar, "b/.wh.sub", '0');
	tar_add(&tar, ".wh.c", '0');
	tar_add(&tar, ".wh.never", '0');
	ck_assert_msg(apply_next(LAYER_PLAIN) == 0, "%s", err.message);
	check_file("a/new", "2");
	check_file("b/sub/new", "2");
	ck_assert(!is_there("a/old"));
	ck_assert(!is_there("b/sub/old"));
	ck_assert(!is_there("c"));
}
END_TEST

START_TEST(of_one_name_the_last_entry_wins)
{
	tar_add(&tar, "f", '0', .data = "first");
	tar_add(&tar, "f", '0', .data = "second");
	tar_add(&tar, "g", '2', "f");
	tar_add(&tar, "g", '0', .data = "no link");
	tar_add(&tar, "h/", '5');
	tar_add(&tar, "h/x", '0', .data = "x");
	tar_add(&tar, "h", '0', .data = "file");
	tar_add(&tar, "i", '0', .data = "file");
	tar_add(&tar, "i/", '5');
	tar_add(&tar, "i/x", '0', .data = "x");
	ck_assert_msg(apply() == 0, "%s", err.message);
	check_file("f", "second");
	check_file("g", "no link");
	check_file("h", "file");
	check_file("i/x", "x");
}
END_TEST

START_TEST(links_inside_the_tree_are_followed)
{
	tar_add(&tar, "usr/lib/", '5');
	tar_add(&tar, "lib", '2', "usr/lib");
	tar_add(&tar, "lib/libc", '0', .data = "c");
	ck_assert_msg(apply() == 0, "%s", err.message);
	check_file("usr/lib/libc", "c");
}
END_TEST

/* Archives that try to get out: {first entry}, {second entry}. */
static const struct {
	struct tar_entry first, second;
	const char *says;
} hostile[] = {
	{ { "../outside/x", '0', .data = "x" }, { 0 }, "../outside/x" },
	{ { "a/../../outside/x", '0', .data = "x" }, { 0 }, "leads outside" },
	{ { "/../outside/x", '0', .data = "x" }, { 0 }, "leads outside" },
	{ { "../outside", '5' }, { 0 }, "leads outside" },
	{ { "l", '2', "../outside" }, { "l/x", '0', .data = "x" }, "symbolic link" },
	{ { "l", '2', "/var/tmp" }, { "l/x", '0', .data = "x" }, "symbolic link" },
	{ { "l", '2', "/proc/self/root" }, { "l/x", '0', .data = "x" }, "symbolic link" },
	{ { "l", '2', "../outside" }, { "l/d/", '5' }, "symbolic link" },
	{ { "l", '2', "../outside" }, { "l/.wh.secret", '0' }, "symbolic link" },
	{ { "l", '2', "../outside" }, { "l/.wh..wh..opq", '0' }, "symbolic link" },
	{ { "l", '2', "../outside" }, { "h", '1', "l/secret" }, "not inside" },
	{ { "l", '2', "../outside" }, { "l/h", '1', "l" }, "symbolic link" },
	{ { "h", '1', "../outside/secret" }, { 0 }, "leads outside" },
	{ { "h", '1', "/etc/passwd" }, { 0 }, "not inside" },
	{ { "h", '1', "h" }, { 0 }, "to itself" },
	{ { ".wh...", '0' }, { 0 }, "whiteout without a name" },
	{ { ".wh..", '0' }, { 0 }, "whiteout without a name" },
	{ { ".wh.", '0' }, { 0 }, "whiteout without a name" },
	{ { "a/.wh.../b", '0', .data = "x" }, { "../b", '0' }, "leads outside" },
	{ { "null", '3' }, { 0 }, "reserved" },
	{ { "f", '0', .data = "x" }, { "f/x", '0', .data = "x" }, "not a directory" },
	{ { "./", '2', "/etc" }, { 0 }, "root of a layer" },
	{ { "d/", '5' }, { "h", '1', "d" }, "no file" },
};

START_TEST(nothing_is_written_outside)
{
	tar_add_entry(&tar, &hostile[_i].first);
	if (hostile[_i].second.name)
		tar_add_entry(&tar, &hostile[_i].second);
	ck_assert_int_eq(apply(), GANTRY_ERR_CORRUPT);
	ck_assert_msg(strstr(err.message, hostile[_i].says), "message is: %s", err.message);
	check_outside();
}
END_TEST

START_TEST(nothing_is_deleted_outside_in_a_plain_tree)
{
	ck_assert_int_eq(symlinkat("../outside", root, "l"), 0);
	tar_add(&tar, "l/.wh.secret", '0');
	ck_assert_int_eq(apply_next(LAYER_PLAIN), GANTRY_ERR_CORRUPT);
	check_outside();
	tar_add(&tar, ".wh.l", '0');
	ck_assert_int_eq(apply_next(LAYER_PLAIN), 0);
	ck_assert(!is_there("l"));
	check_outside();
}
END_TEST

START_TEST(a_link_in_the_way_is_replaced_not_followed)
{
	tar_add(&tar, "l", '2', "../outside/secret");
	tar_add(&tar, "l", '0', .data = "overwritten", .mode = 0777);
	tar_add(&tar, "d", '2', "../outside");
	tar_add(&tar, "d/", '5', .mode = 0777, .uid = 9);
	ck_assert_msg(apply() == 0, "%s", err.message);
	check_file("l", "overwritten");
	check_outside();
}
END_TEST

START_TEST(damaged_archives_are_refused)
{
	tar_add(&tar, "f", '0', .data = "0123456789", .size = 100000);
	ck_assert_int_eq(apply_with(LAYER_OVERLAY, 0), GANTRY_ERR_CORRUPT);
	ck_assert_msg(strstr(err.message, "layer entry f"), "%s", err.message);
	buf_clear(&tar);
	buf_adds(&tar, "this is no archive, however long the text may be that it begins with");
	ck_assert_int_eq(apply_with(LAYER_OVERLAY, 0), GANTRY_ERR_CORRUPT);
	buf_clear(&tar);
	tar_add(&tar, "f", '0', .data = "x");
	tar.data[150] ^= 1;
	ck_assert_int_eq(apply_with(LAYER_OVERLAY, 0), GANTRY_ERR_CORRUPT);
	buf_clear(&tar);
	ck_assert_int_eq(apply_with(LAYER_OVERLAY, 0), 0);
}
END_TEST

START_TEST(a_limit_stops_before_the_disk_is_full)
{
	tar_add(&tar, "zeros", '0', .data = "start", .size = 10ull << 30);
	ck_assert_int_eq(apply_with(LAYER_OVERLAY, 1 << 20), GANTRY_ERR_LIMIT);
	ck_assert_msg(strstr(err.message, "zeros"), "%s", err.message);
	ck_assert(err.hint[0]);
	ck_assert_int_eq(look("zeros").st_blocks, 0);
}
END_TEST

static void diff_to(struct buf *out, int lower, enum layer_style style)
{
	FILE *f = tmpfile();
	int r = style == LAYER_PLAIN ? layer_diff_trees(lower, root, fileno(f), &err)
				     : layer_diff_overlay(root, style, fileno(f), &err);

	ck_assert_msg(r == 0, "%s", err.message);
	rewind(f);
	ck_assert_int_eq(read_to_end(fileno(f), out, 64 << 20), 0);
	fclose(f);
}

static void fill_tree(void)
{
	tar_add(&tar, "d/", '5', .uid = 4, .mtime = 10);
	tar_add(&tar, "d/.wh..wh..opq", '0');
	tar_add(&tar, "d/a", '0', .data = "aaa", .mode = 04711, .xattr = "user.k=v", .mtime_pax = "5.5");
	tar_add(&tar, "d/b", '1', "d/a");
	tar_add(&tar, "d/\xc3\xa4\xc3\xb6", '0', .data = "utf8");
	tar_add(&tar, "d/\xff\xfe", '0', .data = "not utf8");
	tar_add(&tar, "e/", '5');
	tar_add(&tar, "e/.wh.gone", '0');
	tar_add(&tar, "s", '2', "d/a");
	tar_add(&tar, "tty", '3', .major = 5, .mode = 0620);
}

START_TEST(diff_of_what_was_applied_is_the_same_content)
{
	auto_(buf) struct buf first = BUF_INIT;
	auto_(buf) struct buf second = BUF_INIT;
	struct stat st;

	fill_tree();
	ck_assert_msg(apply_next(LAYER_OVERLAY) == 0, "%s", err.message);
	diff_to(&first, -1, LAYER_OVERLAY);
	ck_assert_int_eq(remove_tree(base, "root"), 0);
	ck_assert_int_eq(mkdirat(base, "root", 0755), 0);
	replace_fd(&root, openat(base, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	buf_add(&tar, first.data, first.len);
	ck_assert_msg(apply_with(LAYER_OVERLAY, 0) == 0, "%s", err.message);
	diff_to(&second, -1, LAYER_OVERLAY);
	ck_assert_uint_eq(first.len, second.len);
	ck_assert(memcmp(first.data, second.data, first.len) == 0);
	ck_assert(is_opaque("d"));
	st = look("e/gone");
	ck_assert(layer_is_whiteout(&st));
	ck_assert_uint_eq(look("d/b").st_nlink, 2);
	ck_assert_int_eq(look("d/a").st_mtim.tv_nsec, 500000000);
	check_file("d/\xff\xfe", "not utf8");
	check_file("d/\xc3\xa4\xc3\xb6", "utf8");
}
END_TEST

START_TEST(diff_of_trees_holds_only_what_changed)
{
	auto_(buf) struct buf layer = BUF_INIT;
	auto_fd int lower = -1;

	tar_add(&tar, "a/", '5', .mtime = 1);
	tar_add(&tar, "a/same", '0', .data = "s", .mtime = 1);
	tar_add(&tar, "a/old", '0', .data = "o", .mtime = 1);
	tar_add(&tar, "b/", '5', .mtime = 1);
	tar_add(&tar, "b/changed", '0', .data = "1", .mtime = 1);
	ck_assert_msg(apply_next(LAYER_PLAIN) == 0, "%s", err.message);
	ck_assert_int_eq(renameat(base, "root", base, "lower"), 0);
	lower = openat(base, "lower", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mkdirat(base, "root", 0755), 0);
	replace_fd(&root, openat(base, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	tar_add(&tar, "a/", '5', .mtime = 1);
	tar_add(&tar, "a/same", '0', .data = "s", .mtime = 1);
	tar_add(&tar, "b/", '5', .mtime = 1);
	tar_add(&tar, "b/changed", '0', .data = "2", .mtime = 2);
	tar_add(&tar, "c", '0', .data = "new", .mtime = 2);
	ck_assert_msg(apply_next(LAYER_PLAIN) == 0, "%s", err.message);
	diff_to(&layer, lower, LAYER_PLAIN);
	ck_assert_int_eq(remove_tree(base, "root"), 0);
	ck_assert_int_eq(mkdirat(base, "root", 0755), 0);
	replace_fd(&root, openat(base, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	buf_add(&tar, layer.data, layer.len);
	ck_assert_msg(apply_with(LAYER_OVERLAY, 0) == 0, "%s", err.message);
	ck_assert(is_there("a/old"));
	ck_assert(!is_there("a/same"));
	check_file("b/changed", "2");
	check_file("c", "new");
	ck_assert_int_eq(remove_tree(base, "lower"), 0);
}
END_TEST

START_TEST(sparse_files_stay_sparse)
{
	auto_(buf) struct buf layer = BUF_INIT;
	auto_fd int fd = openat(root, "image", O_RDWR | O_CREAT, 0644);

	ck_assert_int_eq(pwrite(fd, "head", 4, 0), 4);
	ck_assert_int_eq(pwrite(fd, "tail", 4, 32 << 20), 4);
	ck_assert_int_eq(ftruncate(fd, 64 << 20), 0);
	diff_to(&layer, -1, LAYER_OVERLAY);
	ck_assert_uint_lt(layer.len, 1 << 20);
	ck_assert_int_eq(unlinkat(root, "image", 0), 0);
	buf_add(&tar, layer.data, layer.len);
	ck_assert_msg(apply_with(LAYER_OVERLAY, 1 << 20) == 0, "%s", err.message);
	ck_assert_int_eq(look("image").st_size, 64 << 20);
	ck_assert_int_lt(look("image").st_blocks, 1024);
	replace_fd(&fd, openat(root, "image", O_RDONLY));
	char text[4];
	ck_assert_int_eq(pread(fd, text, 4, 32 << 20), 4);
	ck_assert(memcmp(text, "tail", 4) == 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("layer");
	TCase *tc = tcase_create("apply");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, files_keep_what_the_archive_says);
	tcase_add_test(tc, folder_times_survive_being_left_and_entered_again);
	tcase_add_test(tc, deep_folders_do_not_run_out_of_descriptors);
	tcase_add_test(tc, attributes_are_set_but_not_overlayfs_own);
	tcase_add_test(tc, whiteouts_become_overlay_whiteouts);
	tcase_add_test(tc, whiteouts_delete_in_a_plain_tree);
	tcase_add_test(tc, of_one_name_the_last_entry_wins);
	tcase_add_test(tc, links_inside_the_tree_are_followed);
	tcase_add_loop_test(tc, nothing_is_written_outside, 0, ARRAY_SIZE(hostile));
	tcase_add_test(tc, nothing_is_deleted_outside_in_a_plain_tree);
	tcase_add_test(tc, a_link_in_the_way_is_replaced_not_followed);
	tcase_add_test(tc, damaged_archives_are_refused);
	tcase_add_test(tc, a_limit_stops_before_the_disk_is_full);
	tcase_add_test(tc, diff_of_what_was_applied_is_the_same_content);
	tcase_add_test(tc, diff_of_trees_holds_only_what_changed);
	tcase_add_test(tc, sparse_files_stay_sparse);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
