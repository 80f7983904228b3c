/* SPDX-License-Identifier: Apache-2.0 */
/* log/json-file: format, rotation, reading back, following, bad input. */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gantry/log.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"
#include "helpers/reply.h"
#include "tests/unit/fake_host.h"

#define PLUGIN "plugins/log/json-file/json-file.so"
#define T0 1700000000000000000LL

static struct fake_host *host;
static const struct gantry_log_ops *ops;
static void *self;
static char dir[4096];

static void setup(void)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	const void *table;

	host = fake_host_new();
	ck_assert_msg(fake_host_open(host, PLUGIN, "log", "json-file", NULL, &table, &self, &err) == 0,
		      "%s", err.message);
	ops = table;
	snprintf(dir, sizeof(dir), "%s/c", fake_host_dir(host));
	ck_assert_int_eq(mkdir(dir, 0700), 0);
}

static void teardown(void)
{
	fake_host_free(host);
}

static uint64_t open_log(const char *options, const char *info)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(reply) struct reply reply = REPLY_INIT;
	const struct gantry_log_open_args args =
		GANTRY_LOG_OPEN_ARGS(.container = "abc", .directory = dir, .options = options, .info = info);

	ck_assert_msg(ops->open(self, &args, &reply.base, &err) == 0, "%s", err.message);
	return (uint64_t)reply_integer(&reply, GANTRY_LOG_OPEN_RET_LOG, 0);
}

static int put(uint64_t log, int stream, int64_t time, const char *data, size_t len, int partial,
	       int more)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	const struct gantry_log_write_args args = GANTRY_LOG_WRITE_ARGS(
		.log = log, .stream = stream, .time_ns = time, .data = { data, len },
		.partial = partial, .more = more);
	int r = ops->write(self, &args, NULL, &err);

	ck_assert_int_eq(r, err.code);
	return r;
}

static void puts_log(uint64_t log, int64_t time, const char *text)
{
	ck_assert_int_eq(put(log, 1, time, text, strlen(text), 0, 0), 0);
}

static void close_log(uint64_t log)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	const struct gantry_log_close_args args = GANTRY_LOG_CLOSE_ARGS(.log = log);

	ck_assert_int_eq(ops->close(self, &args, NULL, &err), 0);
}

static char *file_text(const char *name)
{
	struct buf b = BUF_INIT;
	char path[8192];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_int_eq(read_file(AT_FDCWD, path, &b, 1 << 26), 0);
	return buf_steal(&b);
}

static int has_file(const char *name)
{
	char path[8192];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

/* All data that `read` sends, in order; each record as "stream:text". */
static char *decode(const char *p, size_t len)
{
	struct buf out = BUF_INIT;

	while (len >= 20) {
		const unsigned char *h = (const unsigned char *)p;
		size_t n = h[16] | (size_t)h[17] << 8 | (size_t)h[18] << 16;

		buf_addf(&out, "%d:%.*s", h[0], (int)n, p + 20);
		ck_assert_uint_ge(len, 20 + n);
		p += 20 + n;
		len -= 20 + n;
	}
	ck_assert_uint_eq(len, 0);
	return buf_steal(&out);
}

static char *read_log(struct gantry_log_read_args args)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(buf) struct buf raw = BUF_INIT;
	auto_fd int sink = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	args.container = "abc";
	args.directory = dir;
	args.sink = sink;
	ck_assert_msg(ops->read(self, &args, NULL, &err) == 0, "%s", err.message);
	lseek(sink, 0, SEEK_SET);
	ck_assert_int_eq(read_to_end(sink, &raw, 1 << 28), 0);
	return decode(buf_str(&raw), raw.len);
}

static void expect(struct gantry_log_read_args args, const char *text)
{
	auto_free char *got = read_log(args);

	ck_assert_str_eq(got, text);
}

START_TEST(format_is_dockers)
{
	uint64_t log = open_log(NULL, NULL);
	auto_free char *text = NULL;

	puts_log(log, T0, "a\"b\\c\t<&>\x7f\xc3\xa4\xe2\x80\xa8\n");
	ck_assert_int_eq(put(log, 2, T0 + 120000000, "part", 4, 1, 0), 0);
	ck_assert_int_eq(put(log, 2, T0 + 1, "end", 3, 0, 0), 0);
	close_log(log);
	text = file_text("abc-json.log");
	ck_assert_str_eq(text,
			 "{\"log\":\"a\\\"b\\\\c\\u0009\\u003c\\u0026\\u003e\x7f\xc3\xa4\\u2028\\n\","
			 "\"stream\":\"stdout\",\"time\":\"2023-11-14T22:13:20Z\"}\n"
			 "{\"log\":\"part\",\"stream\":\"stderr\",\"time\":\"2023-11-14T22:13:20.12Z\"}\n"
			 "{\"log\":\"end\\n\",\"stream\":\"stderr\",\"time\":\"2023-11-14T22:13:20.000000001Z\"}\n");
	expect(GANTRY_LOG_READ_ARGS(.tail = -1),
	       "1:a\"b\\c\t<&>\x7f\xc3\xa4\xe2\x80\xa8\n2:part2:end\n");
	/* A line in two records is one line. */
	expect(GANTRY_LOG_READ_ARGS(.tail = 1), "2:part2:end\n");
	expect(GANTRY_LOG_READ_ARGS(.tail = 0), "");
}
END_TEST

START_TEST(invalid_utf8_is_replaced)
{
	uint64_t log = open_log(NULL, NULL);
	auto_free char *text = NULL;

	ck_assert_int_eq(put(log, 1, T0, "\xff\xc0\x80\xed\xa0\x80\xe2\x82\n\0x\n", 12, 0, 0), 0);
	close_log(log);
	text = file_text("abc-json.log");
	ck_assert_ptr_nonnull(strstr(text, "{\"log\":\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd"
					   "\\ufffd\\ufffd\\n\\u0000x\\n\","));
}
END_TEST

START_TEST(batches_are_held_back_until_told)
{
	uint64_t log = open_log(NULL, NULL);
	auto_free char *before = NULL, *after = NULL;

	ck_assert_int_eq(put(log, 1, T0, "one\n", 4, 0, 1), 0);
	before = file_text("abc-json.log");
	ck_assert_str_eq(before, "");
	ck_assert_int_eq(put(log, 1, T0, "two\n", 4, 0, 0), 0);
	after = file_text("abc-json.log");
	ck_assert_ptr_nonnull(strstr(after, "two"));
	close_log(log);
}
END_TEST

START_TEST(large_records_and_many)
{
	uint64_t log = open_log(NULL, NULL);
	static char big[16384];
	auto_free char *all = NULL;
	size_t ones = 0;

	memset(big, 1, sizeof(big));
	for (int i = 0; i < 20; i++) {
		big[sizeof(big) - 1] = '\n';
		ck_assert_int_eq(put(log, 1, T0 + i, big, sizeof(big), 0, i % 3), 0);
	}
	close_log(log);
	all = read_log(GANTRY_LOG_READ_ARGS(.tail = -1));
	for (const char *p = all; *p; p++) {
		ones += *p == 1;
	}
	ck_assert_uint_eq(ones, 20 * (sizeof(big) - 1));
	free(all);
	all = read_log(GANTRY_LOG_READ_ARGS(.tail = 3));
	ck_assert_uint_eq(strlen(all), 3 * (sizeof(big) + 2));
}
END_TEST

START_TEST(rotation_keeps_order_and_count)
{
	static const char *const options[] = {
		"{\"max-size\":\"1k\",\"max-file\":\"3\"}",
		"{\"max-size\":\"1k\",\"max-file\":\"3\",\"compress\":\"true\"}",
	};
	uint64_t log = open_log(options[_i], NULL);
	auto_free char *all = NULL;
	char line[32], *p;
	int first, n;

	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "line %d\n", i);
		puts_log(log, T0 + i, line);
	}
	close_log(log);
	ck_assert(has_file("abc-json.log"));
	ck_assert_int_eq(has_file("abc-json.log.1.gz"), _i);
	ck_assert_int_eq(has_file("abc-json.log.1"), !_i);
	ck_assert_int_eq(has_file("abc-json.log.2.gz"), _i);
	ck_assert(!has_file("abc-json.log.3") && !has_file("abc-json.log.3.gz"));
	all = read_log(GANTRY_LOG_READ_ARGS(.tail = -1));
	ck_assert_int_eq(sscanf(all, "1:line %d", &first), 1);
	ck_assert_int_gt(first, 0);
	for (p = all, n = first; *p; n++) {
		snprintf(line, sizeof(line), "1:line %d\n", n);
		ck_assert_int_eq(strncmp(p, line, strlen(line)), 0);
		p += strlen(line);
	}
	ck_assert_int_eq(n, 100);
	/* A tail across files. */
	free(all);
	all = read_log(GANTRY_LOG_READ_ARGS(.tail = 20));
	ck_assert_int_eq(strncmp(all, "1:line 80\n", 10), 0);
}
END_TEST

START_TEST(one_file_is_cut)
{
	uint64_t log = open_log("{\"max-size\":\"500\"}", NULL);
	struct stat st;
	char path[8192];

	for (int i = 0; i < 100; i++) {
		puts_log(log, T0 + i, "some line\n");
	}
	close_log(log);
	snprintf(path, sizeof(path), "%s/abc-json.log", dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_lt(st.st_size, 700);
	ck_assert(!has_file("abc-json.log.1"));
}
END_TEST

START_TEST(since_until)
{
	uint64_t log = open_log(NULL, NULL);

	puts_log(log, T0, "a\n");
	puts_log(log, T0 + 10, "b\n");
	puts_log(log, T0 + 20, "c\n");
	close_log(log);
	expect(GANTRY_LOG_READ_ARGS(.tail = -1, .since_ns = T0 + 10), "1:b\n1:c\n");
	expect(GANTRY_LOG_READ_ARGS(.tail = -1, .until_ns = T0 + 10), "1:a\n1:b\n");
	expect(GANTRY_LOG_READ_ARGS(.tail = 2, .until_ns = T0 + 10), "1:b\n");
}
END_TEST

START_TEST(attributes)
{
	uint64_t log = open_log("{\"labels\":\"b,a\",\"env-regex\":\"^X\",\"tag\":\"{{.Name}}/{{.ID}}\"}",
				"{\"Name\":\"/web\",\"Labels\":{\"a\":\"1\",\"b\":\"\\\"2\",\"c\":\"3\"},"
				"\"Env\":[\"XY=z\",\"Q=1\"],\"Other\":[{}]}");
	auto_free char *text = NULL;

	puts_log(log, T0, "x\n");
	close_log(log);
	text = file_text("abc-json.log");
	ck_assert_ptr_nonnull(strstr(text, ",\"attrs\":{\"XY\":\"z\",\"a\":\"1\",\"b\":\"\\\"2\","
					   "\"tag\":\"web/abc\"},\"time\""));
	expect(GANTRY_LOG_READ_ARGS(.tail = -1), "1:x\n");
}
END_TEST

static const char *const bad_options[] = {
	"{\"max-size\":\"ten\"}", "{\"max-size\":\"-5\"}", "{\"max-file\":\"0\"}",
	"{\"max-file\":\"x\"}", "{\"compress\":\"true\"}", "{\"compress\":\"maybe\"}",
	"{\"colour\":\"red\"}", "{\"tag\":\"{{.Nope}}\"}", "{\"tag\":\"{{\"}",
	"{\"labels-regex\":\"(\"}", "{\"max-size\":10}", "[1]", "{\"a\"", "{\"mode\":\"fast\"}",
};

START_TEST(bad_options_are_refused)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	const struct gantry_log_check_options_args args =
		GANTRY_LOG_CHECK_OPTIONS_ARGS(.options = bad_options[_i]);

	ck_assert_int_eq(ops->check_options(self, &args, NULL, &err), GANTRY_ERR_INVALID);
	ck_assert_int_eq(err.code, GANTRY_ERR_INVALID);
	ck_assert_int_gt(strlen(err.message), 10);
}
END_TEST

START_TEST(bad_names_are_refused)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(reply) struct reply reply = REPLY_INIT;
	const struct gantry_log_open_args args =
		GANTRY_LOG_OPEN_ARGS(.container = "../x", .directory = dir);

	ck_assert_int_eq(ops->open(self, &args, &reply.base, &err), GANTRY_ERR_INVALID);
}
END_TEST

START_TEST(damage_is_passed_over)
{
	char path[8192];
	uint64_t log = open_log(NULL, NULL);
	auto_file FILE *f = NULL;

	puts_log(log, T0, "a\n");
	close_log(log);
	snprintf(path, sizeof(path), "%s/abc-json.log", dir);
	f = fopen(path, "a");
	fputs("garbage\n{\"log\":\"x\n{\"log\":\"half", f);
	fclose(f);
	f = NULL;
	log = open_log(NULL, NULL);
	puts_log(log, T0, "b\n");
	close_log(log);
	expect(GANTRY_LOG_READ_ARGS(.tail = -1), "1:a\n1:b\n");
	expect(GANTRY_LOG_READ_ARGS(.tail = 1), "1:b\n");
}
END_TEST

START_TEST(removed_and_truncated_files_come_back)
{
	char path[8192];
	uint64_t log = open_log(NULL, NULL);

	puts_log(log, T0, "a\n");
	snprintf(path, sizeof(path), "%s/abc-json.log", dir);
	ck_assert_int_eq(unlink(path), 0);
	puts_log(log, T0 + 2000000000, "b\n");
	expect(GANTRY_LOG_READ_ARGS(.tail = -1), "1:b\n");
	ck_assert_int_eq(truncate(path, 0), 0);
	puts_log(log, T0 + 4000000000, "c\n");
	expect(GANTRY_LOG_READ_ARGS(.tail = -1), "1:c\n");
	close_log(log);
}
END_TEST

START_TEST(full_disk_leaves_whole_records)
{
	static char big[8192];
	uint64_t log;
	int r = 0;
	auto_free char *text = NULL;

	if (mount("netvol-test", dir, "tmpfs", 0, "size=64k") < 0) {
		return; /* not root */
	}
	log = open_log(NULL, NULL);
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\n';
	for (int i = 0; i < 20 && r == 0; i++) {
		r = put(log, 1, T0 + i, big, sizeof(big), 0, 0);
	}
	ck_assert_int_eq(r, GANTRY_ERR_NO_SPACE);
	text = file_text("abc-json.log");
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	puts_log(log, T0 + 99, "small\n");
	close_log(log);
	free(text);
	text = read_log(GANTRY_LOG_READ_ARGS(.tail = 1));
	ck_assert_str_eq(text, "1:small\n");
	ck_assert_int_eq(umount2(dir, MNT_DETACH), 0);
}
END_TEST

struct follower {
	int sink, stop, result;
};

static void *follow_thread(void *arg)
{
	struct follower *f = arg;
	struct gantry_error err = GANTRY_ERROR_INIT;
	const struct gantry_log_read_args args =
		GANTRY_LOG_READ_ARGS(.container = "abc", .directory = dir, .sink = f->sink,
				     .stop = f->stop, .tail = -1, .follow = 1);

	f->result = ops->read(self, &args, NULL, &err);
	close(f->sink);
	return NULL;
}

START_TEST(follow_across_rotation_until_stop)
{
	uint64_t log = open_log("{\"max-size\":\"1k\",\"max-file\":\"1000\"}", NULL);
	int data[2], stop[2];
	auto_(buf) struct buf raw = BUF_INIT;
	auto_free char *text = NULL;
	struct follower f;
	pthread_t thread;
	const char *p;
	char line[32];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, data), 0);
	ck_assert_int_eq(pipe(stop), 0);
	f = (struct follower){ data[1], stop[0], 1 };
	puts_log(log, T0, "line 0\n");
	pthread_create(&thread, NULL, follow_thread, &f);
	for (int i = 1; i < 500; i++) {
		snprintf(line, sizeof(line), "line %d\n", i);
		puts_log(log, T0 + i, line);
		if (i % 50 == 0) {
			usleep(1000);
		}
	}
	close_log(log);
	close(stop[1]);
	ck_assert_int_eq(read_to_end(data[0], &raw, 1 << 20), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(f.result, 0);
	text = decode(buf_str(&raw), raw.len);
	p = text;
	for (int i = 0; i < 500; i++) {
		snprintf(line, sizeof(line), "1:line %d\n", i);
		ck_assert_msg(!strncmp(p, line, strlen(line)), "want %s have %.20s", line, p);
		p += strlen(line);
	}
	ck_assert_str_eq(p, "");
	close(data[0]);
	close(stop[0]);
}
END_TEST

START_TEST(follow_ends_when_the_sink_goes)
{
	uint64_t log = open_log(NULL, NULL);
	struct follower f;
	pthread_t thread;
	int data[2];

	ck_assert_int_eq(pipe(data), 0);
	f = (struct follower){ data[1], -1, 1 };
	pthread_create(&thread, NULL, follow_thread, &f);
	usleep(20000);
	close(data[0]);
	puts_log(log, T0, "into the void\n");
	pthread_join(thread, NULL);
	ck_assert_int_eq(f.result, 0);
	close_log(log);
}
END_TEST

START_TEST(remove_removes_all)
{
	uint64_t log = open_log("{\"max-size\":\"100\",\"max-file\":\"5\"}", NULL);
	struct gantry_error err = GANTRY_ERROR_INIT;
	const struct gantry_log_remove_args args =
		GANTRY_LOG_REMOVE_ARGS(.container = "abc", .directory = dir);

	for (int i = 0; i < 20; i++) {
		puts_log(log, T0, "x\n");
	}
	close_log(log);
	ck_assert_int_eq(ops->remove(self, &args, NULL, &err), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_eq(ops->remove(self, &args, NULL, &err), 0);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	expect(GANTRY_LOG_READ_ARGS(.tail = -1), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log/json-file");
	TCase *tc = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, format_is_dockers);
	tcase_add_test(tc, invalid_utf8_is_replaced);
	tcase_add_test(tc, batches_are_held_back_until_told);
	tcase_add_test(tc, large_records_and_many);
	tcase_add_loop_test(tc, rotation_keeps_order_and_count, 0, 2);
	tcase_add_test(tc, one_file_is_cut);
	tcase_add_test(tc, since_until);
	tcase_add_test(tc, attributes);
	tcase_add_loop_test(tc, bad_options_are_refused, 0, (int)ARRAY_SIZE(bad_options));
	tcase_add_test(tc, bad_names_are_refused);
	tcase_add_test(tc, damage_is_passed_over);
	tcase_add_test(tc, removed_and_truncated_files_come_back);
	tcase_add_test(tc, full_disk_leaves_whole_records);
	tcase_add_test(tc, follow_across_rotation_until_stop);
	tcase_add_test(tc, follow_ends_when_the_sink_goes);
	tcase_add_test(tc, remove_removes_all);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
