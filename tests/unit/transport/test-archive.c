/* SPDX-License-Identifier: Apache-2.0 */
/* transport/docker-archive and transport/oci-layout: what they write they read,
 * old archives too, and damaged ones are refused. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gantry/transport.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/digest.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/reply.h"
#include "tests/unit/fake_host.h"
#include "tests/unit/tar_maker.h"

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

struct driver {
	const struct gantry_transport_ops *ops;
	void *self;
};

static struct fake_host *host;
static struct driver docker, oci;
static struct gantry_error err;
static struct reply reply;

static void setup(void)
{
	const void *ops;

	setenv("TMPDIR", "/var/tmp", 1);
	host = fake_host_new();
	err = (struct gantry_error)GANTRY_ERROR_INIT;
	reply = (struct reply)REPLY_INIT;
	ck_assert_msg(fake_host_open(host, "plugins/transport/docker-archive/docker-archive.so",
				     "transport", "docker-archive", "{\"max_spool_mb\":8}", &ops,
				     &docker.self, &err) == 0, "%s", err.message);
	docker.ops = ops;
	ck_assert_msg(fake_host_open(host, "plugins/transport/oci-layout/oci-layout.so", "transport",
				     "oci-layout", NULL, &ops, &oci.self, &err) == 0, "%s", err.message);
	oci.ops = ops;
}

static void teardown(void)
{
	reply_done(&reply);
	fake_host_free(host);
}

#define CALL(d, op, OP, ...)                                                           \
	(reply_done(&reply), error_clear(&err),                                        \
	 (d)->ops->op((d)->self, &GANTRY_TRANSPORT_##OP##_ARGS(__VA_ARGS__), &reply.base, &err))
#define OK(...) ck_assert_msg((__VA_ARGS__) == 0, "%s", err.message)

static const char *path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", fake_host_dir(host), name);
	return path;
}

static uint64_t open_file(const struct driver *d, const char *name, const char *mode)
{
	OK(CALL(d, open, OPEN, .location = path_of(name), .mode = mode));
	return (uint64_t)reply_integer(&reply, 0, 0);
}

static int memory(const char *data, size_t size)
{
	int fd = memfd_create("blob", MFD_CLOEXEC);

	ck_assert_int_eq(write_all(fd, data, size), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static int put_blob(const struct driver *d, uint64_t s, const char *data, char *ret_digest)
{
	auto_fd int fd = memory(data, strlen(data));

	ck_assert_int_eq(digest_of(data, strlen(data), ret_digest, &err), 0);
	return CALL(d, put_blob, PUT_BLOB, .session = s, .digest = ret_digest, .size = (int64_t)strlen(data),
		    .source = fd);
}

/* Puts an image of two layers; *ret_digest is its manifest's. */
static void put_image(const struct driver *d, uint64_t s, const char *name, const char *layer,
		      char *ret_digest)
{
	char one[DIGEST_TEXT_MAX], two[DIGEST_TEXT_MAX], config[DIGEST_TEXT_MAX];
	char text[1024];
	size_t size;

	OK(put_blob(d, s, layer, one));
	OK(put_blob(d, s, "layer two", two));
	snprintf(text, sizeof(text), "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":"
		 "\"layers\",\"diff_ids\":[\"%s\",\"%s\"]}}", one, two);
	size = strlen(text);
	OK(put_blob(d, s, text, config));
	snprintf(text, sizeof(text), "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_TYPE "\",\"config\":"
		 "{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":%zu},"
		 "\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\","
		 "\"size\":%zu},{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\","
		 "\"size\":9}]}", config, size, one, strlen(layer), two);
	OK(CALL(d, put_manifest, PUT_MANIFEST, .session = s, .reference = name,
		.media_type = MANIFEST_TYPE, .manifest = { text, strlen(text) }));
	strcpy(ret_digest, reply_string(&reply, 0));
}

static void check_fetch(const struct driver *d, uint64_t s, const char *data, int64_t offset)
{
	auto_fd int fd = memfd_create("sink", MFD_CLOEXEC);
	auto_(buf) struct buf got = BUF_INIT;
	char digest[DIGEST_TEXT_MAX];

	ck_assert_int_eq(digest_of(data, strlen(data), digest, &err), 0);
	OK(CALL(d, fetch, FETCH, .session = s, .digest = digest, .sink = fd, .offset = offset));
	lseek(fd, 0, SEEK_SET);
	ck_assert_int_eq(read_to_end(fd, &got, 1 << 20), 0);
	ck_assert_str_eq(buf_str(&got), data + offset);
}

/* A temporary file is nobody's archive. */
static void check_clean(void)
{
	auto_(buf) struct buf command = BUF_INIT;

	buf_addf(&command, "! find %s -name '*.tmp' | grep .", fake_host_dir(host));
	ck_assert_int_eq(system(buf_str(&command)), 0);
}

static const struct {
	const char *writer, *path, *reader;
} trips[] = {
	{ "docker", "a.tar", "docker" }, { "docker", "a.tar", "oci" },
	{ "oci", "a.tar", "oci" },       { "oci", "a.tar", "docker" },
	{ "oci", "folder", "oci" },
};

START_TEST(what_is_written_is_read)
{
	const struct driver *writer = trips[_i].writer[0] == 'd' ? &docker : &oci;
	const struct driver *reader = trips[_i].reader[0] == 'd' ? &docker : &oci;
	uint64_t s = open_file(writer, trips[_i].path, "push");
	char first[DIGEST_TEXT_MAX], second[DIGEST_TEXT_MAX];
	const char *const *names;

	put_image(writer, s, "example/app:1", "layer of app", first);
	put_image(writer, s, "example/app:latest", "layer of app", first);
	put_image(writer, s, "other:2", "layer of other", second);
	OK(CALL(writer, close, CLOSE, .session = s, .commit = 1));
	check_clean();
	s = open_file(reader, trips[_i].path, "pull");
	OK(CALL(reader, list, LIST, .session = s));
	names = reply_list(&reply, 0);
	ck_assert_str_eq(names[0], "example/app:1");
	ck_assert_str_eq(names[1], "example/app:latest");
	ck_assert_str_eq(names[2], "other:2");
	ck_assert_ptr_null(names[3]);
	OK(CALL(reader, resolve, RESOLVE, .session = s, .reference = "other:2"));
	ck_assert_str_eq(reply_string(&reply, 1), MANIFEST_TYPE);
	if (!strcmp(trips[_i].reader, "oci"))
		ck_assert_str_eq(reply_string(&reply, 0), second);
	check_fetch(reader, s, "layer of other", 0);
	check_fetch(reader, s, "layer two", 6);
	ck_assert_int_eq(CALL(reader, resolve, RESOLVE, .session = s, .reference = "none:1"),
			 GANTRY_ERR_NOT_FOUND);
	ck_assert_int_eq(CALL(reader, put_blob, PUT_BLOB, .session = s, .digest = first, .size = 1,
			      .source = 0), GANTRY_ERR_CONFLICT);
	OK(CALL(reader, close, CLOSE, .session = s));
}
END_TEST

START_TEST(an_archive_goes_through_a_pipe)
{
	char digest[DIGEST_TEXT_MAX];
	int p[2], out = open(path_of("s.tar"), O_WRONLY | O_CREAT, 0600), status;
	uint64_t s;
	pid_t pid;

	OK(CALL(&docker, open, OPEN, .location = "", .file = out, .mode = "push"));
	s = (uint64_t)reply_integer(&reply, 0, 0);
	put_image(&docker, s, "app:1", "x", digest);
	OK(CALL(&docker, close, CLOSE, .session = s, .commit = 1));
	close(out);
	ck_assert_int_eq(pipe2(p, 0), 0);
	pid = fork();
	if (pid == 0) {
		dup2(p[1], 1);
		close(p[0]);
		execlp("gzip", "gzip", "-c", path_of("s.tar"), NULL);
		_exit(1);
	}
	close(p[1]);
	OK(CALL(&docker, open, OPEN, .location = "", .file = p[0], .mode = "pull"));
	s = (uint64_t)reply_integer(&reply, 0, 0);
	waitpid(pid, &status, 0);
	OK(CALL(&docker, resolve, RESOLVE, .session = s, .reference = ""));
	check_fetch(&docker, s, "layer two", 0);
	close(p[0]);
}
END_TEST

START_TEST(an_archive_that_is_given_up_leaves_nothing)
{
	char digest[DIGEST_TEXT_MAX];
	uint64_t s = open_file(&docker, "a.tar", "push");
	auto_fd int fd = memory("other", 5);

	put_image(&docker, s, "app:1", "x", digest);
	OK(CALL(&docker, close, CLOSE, .session = s));
	ck_assert_int_ne(access(path_of("a.tar"), F_OK), 0);
	check_clean();
	s = open_file(&docker, "a.tar", "push");
	ck_assert_int_eq(CALL(&docker, put_blob, PUT_BLOB, .session = s, .digest = digest, .size = 5,
			      .source = fd), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(CALL(&docker, close, CLOSE, .session = s, .commit = 1), GANTRY_ERR_CONFLICT);
	ck_assert_int_ne(access(path_of("a.tar"), F_OK), 0);
	check_clean();
}
END_TEST

START_TEST(a_folder_keeps_its_other_images)
{
	char digest[DIGEST_TEXT_MAX];
	const char *const *names;
	uint64_t s = open_file(&oci, "folder", "push");

	put_image(&oci, s, "one:1", "1", digest);
	OK(CALL(&oci, close, CLOSE, .session = s, .commit = 1));
	s = open_file(&oci, "folder", "push");
	put_image(&oci, s, "two:1", "2", digest);
	put_image(&oci, s, "one:1", "new", digest);
	OK(CALL(&oci, has_blob, HAS_BLOB, .session = s, .digest = digest));
	ck_assert_int_eq(reply_integer(&reply, 0, 0), 1);
	OK(CALL(&oci, close, CLOSE, .session = s, .commit = 1));
	s = open_file(&oci, "folder", "pull");
	OK(CALL(&oci, list, LIST, .session = s));
	names = reply_list(&reply, 0);
	ck_assert_str_eq(names[0], "two:1");
	ck_assert_str_eq(names[1], "one:1");
	ck_assert_ptr_null(names[2]);
	OK(CALL(&oci, resolve, RESOLVE, .session = s, .reference = "one:1"));
	ck_assert_str_eq(reply_string(&reply, 0), digest);
}
END_TEST

/* What docker save wrote before version 25. */
static void add_old_image(struct buf *tar, const char *config_name, int n_layers)
{
	char one[DIGEST_TEXT_MAX], two[DIGEST_TEXT_MAX], text[512], manifest[512], name[100];
	char config[DIGEST_TEXT_MAX];

	ck_assert_int_eq(digest_of("first", 5, one, &err), 0);
	ck_assert_int_eq(digest_of("second", 6, two, &err), 0);
	snprintf(text, sizeof(text), "{\"rootfs\":{\"diff_ids\":[\"%s\",\"%s\"]}}", one, two);
	ck_assert_int_eq(digest_of(text, strlen(text), config, &err), 0);
	snprintf(name, sizeof(name), "%.64s.json", config_name ? config_name : config + 7);
	snprintf(manifest, sizeof(manifest), "[{\"Config\":\"%s\",\"RepoTags\":[\"old:1\"],\"Layers\":[\"aa/layer.tar\"%s]}]",
		 name, n_layers == 2 ? ",\"bb/layer.tar\"" : "");
	tar_add(tar, "aa/", '5');
	tar_add(tar, "aa/layer.tar", '0', .data = "first");
	tar_add(tar, "cc/layer.tar", '0', .data = "second");
	tar_add(tar, "bb/layer.tar", '2', "../cc/layer.tar");
	tar_add(tar, name, '0', .data = text);
	tar_add(tar, "manifest.json", '0', .data = manifest);
	tar_end(tar);
}

static int open_tar(const struct driver *d, const struct buf *tar)
{
	auto_fd int fd = tar_fd(tar);

	return CALL(d, open, OPEN, .location = "", .file = fd, .mode = "pull");
}

START_TEST(old_archives_are_read)
{
	auto_(buf) struct buf tar = BUF_INIT;
	struct gantry_bytes manifest;
	uint64_t s;

	add_old_image(&tar, NULL, 2);
	OK(open_tar(&docker, &tar));
	s = (uint64_t)reply_integer(&reply, 0, 0);
	OK(CALL(&docker, list, LIST, .session = s));
	ck_assert_str_eq(reply_list(&reply, 0)[0], "old:1");
	OK(CALL(&docker, resolve, RESOLVE, .session = s, .reference = "old:1"));
	manifest = reply_bytes(&reply, 2);
	ck_assert_int_eq(digest_matches(reply_string(&reply, 0), manifest.data, manifest.size, &err), 1);
	check_fetch(&docker, s, "first", 0);
	check_fetch(&docker, s, "second", 2);
	OK(open_tar(&oci, &tar));
}
END_TEST

START_TEST(damaged_archives_are_refused)
{
	auto_(buf) struct buf tar = BUF_INIT;
	auto_fd int empty = memory("", 0);
	static char zeros[1 << 20];

	add_old_image(&tar, "0000000000000000000000000000000000000000000000000000000000000000", 2);
	ck_assert_int_eq(open_tar(&docker, &tar), GANTRY_ERR_CORRUPT);
	buf_clear(&tar);
	add_old_image(&tar, NULL, 1);
	ck_assert_int_eq(open_tar(&docker, &tar), GANTRY_ERR_CORRUPT);
	tar.len = 1300;
	ck_assert_int_eq(open_tar(&docker, &tar), GANTRY_ERR_CORRUPT);
	buf_clear(&tar);
	tar_add(&tar, "manifest.json", '0', .data = "[{]");
	tar_end(&tar);
	ck_assert_int_eq(open_tar(&docker, &tar), GANTRY_ERR_CORRUPT);
	buf_clear(&tar);
	tar_add(&tar, "manifest.json", '0', .data = "{}", .size = 1ull << 32);
	tar_end(&tar);
	ck_assert_int_eq(open_tar(&docker, &tar), GANTRY_ERR_CORRUPT);
	buf_clear(&tar);
	tar_add(&tar, "etc/passwd", '0', .data = "x");
	tar_end(&tar);
	ck_assert_int_eq(open_tar(&docker, &tar), GANTRY_ERR_CORRUPT);
	ck_assert_msg(strstr(err.hint, "import"), "%s", err.hint);
	ck_assert_int_eq(CALL(&docker, open, OPEN, .location = "", .file = empty, .mode = "pull"),
			 GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(CALL(&docker, open, OPEN, .location = path_of("none"), .mode = "pull"),
			 GANTRY_ERR_NOT_FOUND);
	buf_clear(&tar);
	buf_add(&tar, zeros, 700);
	memset(tar.data, 'x', 700);
	ck_assert_int_eq(open_tar(&docker, &tar), GANTRY_ERR_CORRUPT);
}
END_TEST

START_TEST(links_do_not_lead_out_of_a_folder)
{
	char digest[DIGEST_TEXT_MAX], path[1024];
	uint64_t s = open_file(&oci, "folder", "push");
	auto_fd int fd = memfd_create("sink", MFD_CLOEXEC);

	put_image(&oci, s, "one:1", "1", digest);
	OK(CALL(&oci, close, CLOSE, .session = s, .commit = 1));
	ck_assert_int_eq(digest_of("evil", 4, digest, &err), 0);
	snprintf(path, sizeof(path), "%s/blobs/sha256/%s", path_of("folder"), digest + 7);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	s = open_file(&oci, "folder", "pull");
	ck_assert_int_lt(CALL(&oci, fetch, FETCH, .session = s, .digest = digest, .sink = fd), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 0);
}
END_TEST

START_TEST(a_bomb_stops_at_the_limit)
{
	int p[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe2(p, 0), 0);
	pid = fork();
	if (pid == 0) {
		dup2(p[1], 1);
		close(p[0]);
		execlp("sh", "sh", "-c", "head -c 64M /dev/zero | gzip", NULL);
		_exit(1);
	}
	close(p[1]);
	ck_assert_int_eq(CALL(&docker, open, OPEN, .location = "", .file = p[0], .mode = "pull"),
			 GANTRY_ERR_LIMIT);
	close(p[0]);
	waitpid(pid, &status, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("archive");
	TCase *tc = tcase_create("archive");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, what_is_written_is_read, 0, ARRAY_SIZE(trips));
	tcase_add_test(tc, an_archive_goes_through_a_pipe);
	tcase_add_test(tc, an_archive_that_is_given_up_leaves_nothing);
	tcase_add_test(tc, a_folder_keeps_its_other_images);
	tcase_add_test(tc, old_archives_are_read);
	tcase_add_test(tc, damaged_archives_are_refused);
	tcase_add_test(tc, links_do_not_lead_out_of_a_folder);
	tcase_add_test(tc, a_bomb_stops_at_the_limit);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
