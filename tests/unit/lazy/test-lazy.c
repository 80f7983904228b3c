/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "check_index.h"
#include "core/lazy/build.h"
#include "core/lazy/toc.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

static const char digest[] = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/* Text that packs well but not too well, the same each time. */
static void add_text(struct buf *b, size_t len, unsigned seed)
{
	for (size_t end = b->len + len; b->len < end;) {
		buf_addf(b, "%x ", rand_r(&seed) % 5000);
	}
}

static void add_file(struct buf *tar, const char *name, size_t len, unsigned seed)
{
	auto_(buf) struct buf text = BUF_INIT;
	char header[512] = "";
	unsigned sum = 0;

	add_text(&text, len, seed);
	text.len = len;
	snprintf(header, 100, "%s", name);
	snprintf(header + 100, 8, "%07o", 0644);
	snprintf(header + 108, 8, "%07o", 0);
	snprintf(header + 116, 8, "%07o", 0);
	snprintf(header + 124, 12, "%011o", (unsigned)len);
	snprintf(header + 136, 12, "%011o", 1000000000);
	header[156] = '0';
	memcpy(header + 257, "ustar\00000", 8);
	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(header); i++) {
		sum += (unsigned char)header[i];
	}
	snprintf(header + 148, 8, "%06o", sum);
	buf_add(tar, header, sizeof(header));
	buf_add(tar, text.data, text.len);
	while (tar->len % 512) {
		buf_addc(tar, '\0');
	}
}

static void make_tar(struct buf *tar)
{
	static const char zeros[1024];

	add_file(tar, "small", 10, 1);
	add_file(tar, "folder/large", 5 << 20, 2);
	add_file(tar, "folder/middle", 300001, 3);
	buf_add(tar, zeros, sizeof(zeros));
}

static void add_member(struct buf *to, const char *data, size_t len, int level)
{
	size_t room = len + len / 100 + 1000;
	z_stream s = { .next_in = (Bytef *)data, .avail_in = (uInt)len };

	ck_assert_int_eq(deflateInit2(&s, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	s.next_out = buf_reserve(to, room);
	s.avail_out = (uInt)room;
	ck_assert_int_eq(deflate(&s, Z_FINISH), Z_STREAM_END);
	to->len += room - s.avail_out;
	deflateEnd(&s);
}

static void check_good(const struct buf *blob)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	const char *wrong;
	int r = check_layer(blob->data, blob->len, &wrong, &err);

	ck_assert_msg(r == 0 && !wrong, "%s", wrong ? wrong : err.message);
}

START_TEST(streams_decode_in_parts)
{
	auto_(buf) struct buf tar = BUF_INIT;
	auto_(buf) struct buf blob = BUF_INIT;

	make_tar(&tar);
	check_good(&tar);
	for (int level = 0; level <= 9; level += 3) {
		buf_clear(&blob);
		add_member(&blob, tar.data, tar.len, level);
		check_good(&blob);
	}
	/* Many members, some shorter than a span and some longer, and padding at the end. */
	for (size_t size = 50021; size < tar.len; size *= 12) {
		buf_clear(&blob);
		for (size_t at = 0; at < tar.len; at += size) {
			add_member(&blob, tar.data + at, tar.len - at < size ? tar.len - at : size, 6);
		}
		check_good(&blob);
		buf_add(&blob, "\0\0\0\0\0\0\0", 7);
		check_good(&blob);
	}
}
END_TEST

START_TEST(zstd_decodes_by_frames)
{
	auto_(buf) struct buf tar = BUF_INIT;
	auto_(buf) struct buf blob = BUF_INIT;

	make_tar(&tar);
	for (size_t size = 300000; size < 3 * tar.len; size *= 7) {
		buf_clear(&blob);
		for (size_t at = 0; at < tar.len; at += size) {
			size_t n = tar.len - at < size ? tar.len - at : size;
			void *to = buf_reserve(&blob, ZSTD_compressBound(n));

			blob.len += ZSTD_compress(to, ZSTD_compressBound(n), tar.data + at, n, 3);
		}
		check_good(&blob);
	}
}
END_TEST

START_TEST(streams_without_places_are_refused)
{
	auto_(buf) struct buf tar = BUF_INIT;
	auto_(buf) struct buf blob = BUF_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	const char *wrong;
	void *to;

	add_file(&tar, "huge", 20 << 20, 4);
	to = buf_reserve(&blob, ZSTD_compressBound(tar.len));
	blob.len = ZSTD_compress(to, ZSTD_compressBound(tar.len), tar.data, tar.len, 1);
	ck_assert_int_eq(check_layer(blob.data, blob.len, &wrong, &err), GANTRY_ERR_UNSUPPORTED);
	buf_clear(&blob);
	add_member(&blob, tar.data, 100000, 6);
	ck_assert_int_eq(check_layer(blob.data, blob.len / 2, &wrong, &err), GANTRY_ERR_CORRUPT);
}
END_TEST

static int add(struct build *b, const char *path, mode_t mode, const char *link)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct build_entry e = { .path = path, .mode = mode, .target = link,
				 .hardlink = S_ISREG(mode) ? link : NULL };

	return build_add(b, &e, &err);
}

static void write_index(struct build *b, int fd, struct index *ret)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	ck_assert_msg(build_write(b, digest, 1000, fd, &err) == 0, "%s", err.message);
	ck_assert_msg(index_open(fd, digest, ret, &err) == 0, "%s", err.message);
	ck_assert_ptr_null(check_index(ret, NULL, NULL));
}

/* The inode of a path, or NULL. */
static const struct index_inode *at(const struct index *x, const char *path)
{
	uint32_t number = INDEX_ROOT;

	while (*path) {
		size_t len = strcspn(path, "/");
		const struct index_name *e = index_lookup(x, number, path, len);

		if (!e) {
			return NULL;
		}
		number = e->inode;
		path += len + (path[len] == '/');
	}
	return &x->inodes[number];
}

START_TEST(entries_have_the_effects_of_unpacking)
{
	auto_fd int fd = memfd_create("index", MFD_CLOEXEC);
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct build *b;
	struct index x;

	ck_assert_int_eq(build_new(&b, &err), 0);
	ck_assert_int_eq(add(b, "./", S_IFDIR | 0700, NULL), 0);
	ck_assert_int_eq(add(b, "/a//./b/file", S_IFREG | 0644, NULL), 0);
	ck_assert_int_eq(add(b, "a/b/file", S_IFREG | 0600, NULL), 0); /* the last wins */
	ck_assert_int_eq(add(b, "a/b", S_IFDIR | 0711, NULL), 0);     /* and keeps what is in it */
	ck_assert_int_eq(add(b, "other", S_IFREG | 0644, "a/b/file"), 0);
	ck_assert_int_eq(add(b, "link", S_IFLNK | 0777, "a"), 0);
	ck_assert_int_eq(add(b, "link/c", S_IFREG | 0644, NULL), 0); /* through the link */
	ck_assert_int_eq(add(b, ".wh.gone", S_IFREG, NULL), 0);
	ck_assert_int_eq(add(b, ".wh.again", S_IFREG, NULL), 0);
	ck_assert_int_eq(add(b, "again", S_IFDIR | 0755, NULL), 0); /* hides what lower layers had */
	ck_assert_int_eq(add(b, "a/.wh..wh..opq", S_IFREG, NULL), 0);
	ck_assert_int_eq(add(b, "full", S_IFDIR | 0755, NULL), 0);
	ck_assert_int_eq(add(b, "full/x", S_IFREG | 0644, NULL), 0);
	ck_assert_int_eq(add(b, "full", S_IFREG | 0644, NULL), 0); /* with all that was in it */
	write_index(b, fd, &x);
	ck_assert_int_eq(x.inodes[INDEX_ROOT].mode & 07777, 0700);
	ck_assert_int_eq(at(&x, "a/b")->mode & 07777, 0711);
	ck_assert_int_eq(at(&x, "a/b/file")->mode & 07777, 0600);
	ck_assert_ptr_eq(at(&x, "other"), at(&x, "a/b/file"));
	ck_assert_int_eq(at(&x, "other")->nlink, 2);
	ck_assert_ptr_nonnull(at(&x, "a/c"));
	ck_assert(S_ISCHR(at(&x, "gone")->mode) && at(&x, "gone")->rdev == 0);
	ck_assert(S_ISDIR(at(&x, "again")->mode) && at(&x, "again")->is_opaque);
	ck_assert(at(&x, "a")->is_opaque && !at(&x, "a/b")->is_opaque);
	ck_assert(S_ISREG(at(&x, "full")->mode));
	index_close(&x);
	build_free(b);
}
END_TEST

START_TEST(hostile_entries_are_refused)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	char name[400];
	struct build *b;

	ck_assert_int_eq(build_new(&b, &err), 0);
	memset(name, 'x', sizeof(name));
	name[256] = '\0';
	ck_assert_int_eq(add(b, "../up", S_IFREG, NULL), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(add(b, "a/../../up", S_IFREG, NULL), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(add(b, name, S_IFREG, NULL), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(add(b, "", S_IFREG, NULL), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(add(b, "self", S_IFREG, "self"), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(add(b, "none", S_IFREG, "absent"), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(add(b, "out", S_IFREG, "../../etc/passwd"), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(add(b, "dev", S_IFCHR, NULL), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(add(b, "socket", S_IFSOCK, NULL), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(add(b, "empty", S_IFLNK, ""), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(add(b, ".wh.", S_IFREG, NULL), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(add(b, ".wh...", S_IFREG, NULL), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(add(b, "loop", S_IFLNK, "loop"), 0);
	ck_assert_int_eq(add(b, "loop/x", S_IFREG, NULL), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(add(b, "away", S_IFLNK, "/etc"), 0);
	ck_assert_int_eq(add(b, "away/x", S_IFREG, NULL), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(add(b, "file", S_IFREG, NULL), 0);
	ck_assert_int_eq(add(b, "file/x", S_IFREG, NULL), GANTRY_ERR_CORRUPT);
	build_free(b);
}
END_TEST

START_TEST(a_tampered_index_is_refused_or_sound)
{
	auto_fd int fd = memfd_create("index", MFD_CLOEXEC);
	auto_(buf) struct buf good = BUF_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct index_chunk chunk = { .kind = CHUNK_GZIP, .offset = 5, .in_size = 50, .out_size = 100 };
	struct build_entry file = { .path = "d/f", .mode = S_IFREG | 0644, .size = 100 };
	struct build *b;
	struct index x;

	ck_assert_int_eq(build_new(&b, &err), 0);
	ck_assert_int_eq(build_add_chunk(b, &chunk, &err), 0);
	ck_assert_int_eq(build_add(b, &file, &err), 0);
	ck_assert_int_eq(build_add_xattr(b, "user.x", "value", 5, &err), 0);
	ck_assert_int_eq(build_add_extent(b, 0, 0, 60, &err), 0);
	ck_assert_int_eq(build_add_extent(b, 70, 60, 30, &err), 0);
	ck_assert_int_eq(build_add_extent(b, 50, 0, 1, &err), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(build_add_extent(b, 100, 0, 1, &err), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(add(b, "l", S_IFLNK | 0777, "d/f"), 0);
	write_index(b, fd, &x);
	buf_add(&good, x.header, x.size);
	index_close(&x);
	build_free(b);
	for (size_t i = 0; i < good.len; i++) {
		static const unsigned char changes[] = { 0x01, 0x80, 0xff };

		for (size_t c = 0; c < sizeof(changes); c++) {
			auto_fd int other = memfd_create("index", MFD_CLOEXEC);
			auto_free unsigned char *copy = malloc(good.len);

			memcpy(copy, good.data, good.len);
			copy[i] ^= changes[c];
			ck_assert_int_eq(write_all(other, copy, good.len), 0);
			/* As it is, the sum tells. */
			error_clear(&err);
			ck_assert_int_eq(index_open(other, NULL, &x, &err), GANTRY_ERR_CORRUPT);
			check_repair_sum(copy, good.len);
			ck_assert_int_eq(pwrite(other, copy, good.len, 0), (ssize_t)good.len);
			if (index_open(other, NULL, &x, &err) == 0) {
				ck_assert_ptr_null(check_index(&x, NULL, NULL));
				index_close(&x);
			}
		}
		ck_assert_int_eq(ftruncate(fd, (off_t)i), 0);
		ck_assert_int_eq(index_open(fd, NULL, &x, &err), GANTRY_ERR_CORRUPT);
		ck_assert_int_eq(pwrite(fd, good.data, good.len, 0), (ssize_t)good.len);
	}
	ck_assert_int_eq(index_open(fd, "sha256:0", &x, &err), GANTRY_ERR_CORRUPT);
}
END_TEST

static int index_table(const char *entries)
{
	struct toc toc = { .kind = TOC_ESTARGZ, .digest = digest, .offset = 1000, .size = 100 };
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(buf) struct buf json = BUF_INIT;
	struct build *b;
	int r;

	buf_addf(&json, "{\"version\":1,\"entries\":[%s]}", entries);
	ck_assert_int_eq(build_new(&b, &err), 0);
	r = toc_index(&toc, &json, b, &err);
	build_free(b);
	return r;
}

#define DIGEST "\"chunkDigest\":\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""

START_TEST(hostile_tables_are_refused)
{
	static const struct {
		const char *entries;
		int want;
	} cases[] = {
		{ "", 0 },
		{ "{\"name\":\"d/\",\"type\":\"dir\",\"mode\":493}", 0 },
		{ "{\"name\":\"f\",\"type\":\"reg\",\"size\":10,\"offset\":5," DIGEST "}", 0 },
		{ "{\"name\":\"f\",\"type\":\"reg\",\"size\":10,\"offset\":5}", GANTRY_ERR_UNSUPPORTED },
		{ "{\"name\":\"f\",\"type\":\"reg\",\"size\":10," DIGEST "}", GANTRY_ERR_CORRUPT },
		{ "{\"name\":\"f\",\"type\":\"reg\",\"size\":10,\"offset\":1000," DIGEST "}", GANTRY_ERR_CORRUPT },
		{ "{\"name\":\"f\",\"type\":\"reg\",\"size\":10,\"offset\":-5," DIGEST "}", GANTRY_ERR_CORRUPT },
		{ "{\"name\":\"f\",\"type\":\"reg\",\"size\":-1,\"offset\":5," DIGEST "}", GANTRY_ERR_CORRUPT },
		{ "{\"name\":\"f\",\"type\":\"reg\",\"size\":100000000,\"offset\":5," DIGEST "}",
		  GANTRY_ERR_UNSUPPORTED },
		{ "{\"name\":\"f\",\"type\":\"reg\",\"size\":10,\"innerOffset\":512," DIGEST "}", 0 },
		{ "{\"name\":\"f\",\"type\":\"reg\",\"size\":10,\"offset\":5,\"innerOffset\":-1," DIGEST "}",
		  GANTRY_ERR_CORRUPT },
		{ "{\"name\":\"f\",\"type\":\"reg\",\"size\":10,\"chunkSize\":5,\"offset\":5," DIGEST "}",
		  GANTRY_ERR_CORRUPT },
		{ "{\"name\":\"f\",\"type\":\"reg\",\"size\":10,\"chunkSize\":5,\"offset\":5," DIGEST "},"
		  "{\"name\":\"f\",\"type\":\"chunk\",\"chunkOffset\":5,\"chunkSize\":5,\"offset\":9," DIGEST "}", 0 },
		{ "{\"name\":\"f\",\"type\":\"reg\",\"size\":10,\"chunkSize\":5,\"offset\":5," DIGEST "},"
		  "{\"name\":\"f\",\"type\":\"chunk\",\"chunkOffset\":6,\"chunkSize\":4,\"offset\":9," DIGEST "}",
		  GANTRY_ERR_CORRUPT },
		{ "{\"name\":\"f\",\"type\":\"chunk\",\"chunkOffset\":0,\"chunkSize\":5,\"offset\":9," DIGEST "}",
		  GANTRY_ERR_CORRUPT },
		{ "{\"name\":\"../f\",\"type\":\"reg\"}", GANTRY_ERR_CORRUPT },
		{ "{\"name\":\"f\",\"type\":\"hardlink\",\"linkName\":\"absent\"}", GANTRY_ERR_CORRUPT },
		{ "{\"name\":\"f\",\"type\":\"hardlink\"}", GANTRY_ERR_CORRUPT },
		{ "{\"name\":\"f\",\"type\":\"char\"}", GANTRY_ERR_CORRUPT },
		{ "{\"name\":\"f\",\"type\":\"door\"}", GANTRY_ERR_CORRUPT },
		{ "{\"name\":\"f\",\"type\":\"reg\",\"uid\":-1}", GANTRY_ERR_CORRUPT },
		{ "{\"name\":\"f\",\"type\":\"reg\",\"uid\":4294967295}", GANTRY_ERR_CORRUPT },
		{ "{\"name\":\"f\",\"type\":\"reg\",\"modtime\":\"yesterday\"}", GANTRY_ERR_CORRUPT },
		{ "{\"name\":\"f\",\"type\":\"reg\",\"xattrs\":{\"user.x\":\"!\"}}", GANTRY_ERR_CORRUPT },
		{ "{\"name\":\"f\",\"type\":\"reg\",\"xattrs\":{\"user.x\":7,\"trusted.overlay.redirect\":\"L2V0Yw==\"}}",
		  GANTRY_ERR_CORRUPT },
		{ "7", GANTRY_ERR_CORRUPT },
		{ "{", GANTRY_ERR_CORRUPT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = index_table(cases[i].entries);

		ck_assert_msg(r == cases[i].want, "case %zu: %d instead of %d", i, r, cases[i].want);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lazy");
	TCase *tests = tcase_create("lazy");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, streams_decode_in_parts);
	tcase_add_test(tests, zstd_decodes_by_frames);
	tcase_add_test(tests, streams_without_places_are_refused);
	tcase_add_test(tests, entries_have_the_effects_of_unpacking);
	tcase_add_test(tests, hostile_entries_are_refused);
	tcase_add_test(tests, a_tampered_index_is_refused_or_sound);
	tcase_add_test(tests, hostile_tables_are_refused);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
