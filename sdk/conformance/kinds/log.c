/* SPDX-License-Identifier: Apache-2.0 */
/* What every log driver does.  A driver that keeps nothing, or keeps it elsewhere, has no
 * `read`, and then only the writing is tested.  Settings: `options`, a JSON object for open,
 * for drivers that cannot do without; `options-unchecked`, for those that pass on what they
 * cannot judge. */
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <conformance/log.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

#define LINES 50
#define OUTPUT_MAX ((size_t)4 << 20)

/* The folder of one container, as the engine gives it. */
static const char *directory(struct kit *k, const char *id, char path[4600])
{
	snprintf(path, 4600, "%s/containers/%s", gantry_fake_folder(k->fake), id);
	(void)make_dirs(AT_FDCWD, path, 0700);
	return path;
}

static int open_log(struct kit *k, const char *id, uint64_t *ret)
{
	char path[4600];
	int r = call_open(k, &GANTRY_LOG_OPEN_ARGS(.container = id, .directory = directory(k, id, path),
						   .options = kit_setting(k->subject, "options"),
						   .info = "{\"Name\":\"/web\",\"ImageName\":\"image\"}"));

	*ret = (uint64_t)reply_integer(&k->reply, GANTRY_LOG_OPEN_RET_LOG, 0);
	return r;
}

static int write_line(struct kit *k, uint64_t log, int stream, int64_t time_ns, const char *text)
{
	return call_write(k, &GANTRY_LOG_WRITE_ARGS(.log = log, .stream = stream, .time_ns = time_ns,
						    .data = { text, strlen(text) }));
}

static int close_log(struct kit *k, uint64_t log)
{
	return call_close(k, &GANTRY_LOG_CLOSE_ARGS(.log = log));
}

static int remove_log(struct kit *k, const char *id)
{
	char path[4600];

	return call_remove(k, &GANTRY_LOG_REMOVE_ARGS(.container = id, .directory = directory(k, id, path)));
}

struct record {
	uint32_t stream, flags, length;
	int64_t time_ns;
};

/* The next record at *at; 0 at the end, -1 when the rest is none. */
static int next_record(const struct buf *all, size_t *at, struct record *ret, const char **ret_data)
{
	const char *p = all->data + *at;

	if (*at == all->len) {
		return 0;
	}
	if (all->len - *at < 20) {
		return -1;
	}
	memcpy(&ret->stream, p, 4);
	memcpy(&ret->time_ns, p + 4, 8);
	memcpy(&ret->flags, p + 12, 4);
	memcpy(&ret->length, p + 16, 4);
	if (ret->length > all->len - *at - 20 || ret->stream < 1 || ret->stream > 2 || ret->flags > 1) {
		return -1;
	}
	*ret_data = p + 20;
	*at += 20 + ret->length;
	return 1;
}

/* All that read gives, in a file so that no pipe can be full. */
static int read_log(struct kit *k, const char *id, int64_t since_ns, int64_t tail, struct buf *ret)
{
	auto_fd int fd = memfd_create("read", MFD_CLOEXEC);
	char path[4600];
	int r;

	r = call_read(k, &GANTRY_LOG_READ_ARGS(.container = id, .directory = directory(k, id, path),
					       .options = kit_setting(k->subject, "options"), .sink = fd,
					       .since_ns = since_ns, .tail = tail));
	if (r == 0 && (lseek(fd, 0, SEEK_SET) < 0 || read_to_end(fd, ret, OUTPUT_MAX) < 0)) {
		kit_fail(k, "what read wrote cannot be read back");
	}
	return r;
}

/* A driver may have the operation only to say that it cannot. */
static int can_read(struct kit *k)
{
	auto_(buf) struct buf ignored = BUF_INIT;

	return kit_has(k, GANTRY_LOG_OP_READ) &&
	       (read_log(k, "absent", 0, -1, &ignored) == 0 || k->err.code != GANTRY_ERR_UNSUPPORTED);
}

/* Lines of the life: "ID line N\n" at 1 s + N, odd ones to stderr. */
static void make_line(char text[100], const char *id, int n)
{
	snprintf(text, 100, "%.60s line %d\n", id, n);
}

#define TIME(n) (INT64_C(1000000000) + (n))

static void check_lines(struct kit *k, const char *id, const struct buf *all, int first, int count)
{
	struct record record;
	const char *data;
	size_t at = 0;
	char want[100];
	int r;

	for (int n = first; n < first + count; n++) {
		make_line(want, id, n);
		r = next_record(all, &at, &record, &data);
		KIT_TRUE(k, r == 1, r == 0 ? "read ends before line %d" : "read wrote no record at line %d", n);
		KIT_TRUE(k, record.length == strlen(want) && memcmp(data, want, record.length) == 0,
			 "line %d was written as '%.60s' and read as '%.*s'", n, want, (int)record.length, data);
		KIT_TRUE(k, record.stream == (uint32_t)(1 + n % 2), "line %d changed its stream", n);
		KIT_TRUE(k, record.time_ns == TIME(n), "line %d was written at %lld ns and read with %lld", n,
			 (long long)TIME(n), (long long)record.time_ns);
	}
	KIT_TRUE(k, next_record(all, &at, &record, &data) == 0, "there is more than was written");
}

static void write_lines(struct kit *k, const char *id, int first, int count)
{
	uint64_t log;
	char text[100];

	KIT_OK(k, open_log(k, id, &log));
	for (int n = first; n < first + count; n++) {
		make_line(text, id, n);
		KIT_OK(k, write_line(k, log, 1 + n % 2, TIME(n), text));
	}
	KIT_OK(k, close_log(k, log));
}

static void check_read(struct kit *k, const char *id, int64_t since_ns, int64_t tail, int first, int count)
{
	auto_(buf) struct buf all = BUF_INIT;

	if (kit_failed(k) || !can_read(k)) {
		return;
	}
	KIT_OK(k, read_log(k, id, since_ns, tail, &all));
	check_lines(k, id, &all, first, count);
}

/* As the engine does when a container goes; of all containers without an id. */
static void remove_folders(struct kit *k, const char *id)
{
	char path[4600];

	snprintf(path, sizeof(path), "%s/containers/%s", gantry_fake_folder(k->fake), id);
	(void)remove_tree(AT_FDCWD, path);
}

static void life(struct kit *k, const char *name)
{
	static atomic_uint lives;
	char id[100];

	/* What is not removed is there when the same container comes again. */
	if (kit_has(k, GANTRY_LOG_OP_REMOVE)) {
		snprintf(id, sizeof(id), "%.60s", name);
	} else {
		snprintf(id, sizeof(id), "%.60s-%d-%u", name, (int)getpid(), atomic_fetch_add(&lives, 1));
	}
	write_lines(k, id, 0, LINES);
	if (!k->tolerant) {
		check_read(k, id, 0, -1, 0, LINES);
	}
	if (!kit_failed(k) && kit_has(k, GANTRY_LOG_OP_REMOVE)) {
		KIT_OK(k, remove_log(k, id));
	} else {
		remove_folders(k, id);
	}
}

/* The shim died: what it wrote is a beginning of what it meant to write, whole. */
static void recover(struct kit *k, const char *id)
{
	auto_(buf) struct buf all = BUF_INIT;
	struct record record;
	const char *data;
	size_t at = 0;
	char want[100];
	int r = 0;

	if (can_read(k) && read_log(k, id, 0, -1, &all) == 0) {
		for (int n = 0; (r = next_record(&all, &at, &record, &data)) == 1; n++) {
			make_line(want, id, n);
			KIT_TRUE(k, strncmp(id, "crash", 5) != 0 ||
					    (record.length == strlen(want) && memcmp(data, want, record.length) == 0),
				 "after the writer died record %d is '%.*s'", n, (int)record.length, data);
		}
		KIT_TRUE(k, r == 0, "after the writer died read gives half a record");
	} else if (can_read(k) && k->err.code != GANTRY_ERR_NOT_FOUND) {
		kit_fail(k, "after the writer died read fails: %s", k->err.message);
	}
	if (kit_has(k, GANTRY_LOG_OP_REMOVE)) {
		KIT_OK(k, remove_log(k, id));
	} else {
		remove_folders(k, "");
	}
	if (!kit_failed(k)) {
		life(k, id);
	}
}

void conform_log_open(struct kit *k)
{
	uint64_t one, two;

	KIT_OK(k, open_log(k, "one", &one));
	KIT_OK(k, open_log(k, "two", &two));
	KIT_TRUE(k, one != two, "two open logs have the same handle");
	KIT_OK(k, close_log(k, one));
	KIT_OK(k, close_log(k, two));
}

void conform_log_write(struct kit *k)
{
	auto_(buf) struct buf all = BUF_INIT;
	struct record record;
	const char *data;
	static char big[16384];
	size_t at = 0;
	uint64_t log;

	memset(big, 'x', sizeof(big));
	big[7] = '\0';
	big[9] = '\x1b';
	KIT_OK(k, open_log(k, "one", &log));
	KIT_OK(k, call_write(k, &GANTRY_LOG_WRITE_ARGS(.log = log, .stream = 1, .time_ns = TIME(0), .partial = 1,
						       .data = { big, sizeof(big) })));
	KIT_OK(k, write_line(k, log, 1, TIME(1), "the rest\n"));
	KIT_OK(k, write_line(k, log, 2, TIME(2), "no line end"));
	KIT_OK(k, close_log(k, log));
	(void)KIT_IS(k, write_line(k, log, 1, TIME(3), "late\n"), GANTRY_ERR_INVALID);
	if (!can_read(k)) {
		return;
	}
	KIT_OK(k, read_log(k, "one", 0, -1, &all));
	KIT_TRUE(k, next_record(&all, &at, &record, &data) == 1 && record.flags == 1 &&
			    record.length == sizeof(big) && memcmp(data, big, sizeof(big)) == 0,
		 "16 KiB of a longer line, with a NUL in it, were not read as they were written");
	KIT_TRUE(k, next_record(&all, &at, &record, &data) == 1 && record.flags == 0 && record.length == 9,
		 "the rest of the long line is not its own record");
}

void conform_log_close(struct kit *k)
{
	uint64_t log;

	KIT_OK(k, open_log(k, "one", &log));
	KIT_OK(k, close_log(k, log));
	(void)KIT_IS(k, close_log(k, log), GANTRY_ERR_INVALID);
	(void)KIT_IS(k, close_log(k, 987654321), GANTRY_ERR_INVALID);
}

void conform_log_check_options(struct kit *k)
{
	if (!kit_setting(k->subject, "options")) {
		KIT_OK(k, call_check_options(k, &GANTRY_LOG_CHECK_OPTIONS_ARGS()));
	}
	KIT_OK(k, call_check_options(k, &GANTRY_LOG_CHECK_OPTIONS_ARGS(
						.options = kit_setting(k->subject, "options") ?: "{}")));
	if (kit_setting(k->subject, "options-unchecked")) {
		return;
	}
	(void)KIT_IS(k, call_check_options(k, &GANTRY_LOG_CHECK_OPTIONS_ARGS(
						     .options = "{\"conformance-no-such-option\":\"1\"}")),
		     GANTRY_ERR_INVALID);
}

static void read_nothing(struct kit *k)
{
	auto_(buf) struct buf all = BUF_INIT;

	if (read_log(k, "absent", 0, -1, &all) == 0) {
		KIT_TRUE(k, all.len == 0, "a container that never wrote has output");
	} else {
		(void)kit_is(k, k->err.code, GANTRY_ERR_NOT_FOUND, "read of a log that is not there");
	}
}

static void add_record(struct buf *records, const char *id, int n)
{
	char text[100];
	uint32_t stream = (uint32_t)(1 + n % 2), flags = 0, length;
	int64_t time_ns = TIME(n);

	make_line(text, id, n);
	length = (uint32_t)strlen(text);
	buf_add(records, &stream, 4);
	buf_add(records, &time_ns, 8);
	buf_add(records, &flags, 4);
	buf_add(records, &length, 4);
	buf_add(records, text, length);
}

/* Many records in a memory file, behind the mark that says how many bytes are safe. */
void conform_log_append(struct kit *k)
{
	auto_fd int fd = memfd_create("records", MFD_CLOEXEC);
	auto_(buf) struct buf records = BUF_INIT;
	uint64_t log, mark = 0;

	KIT_NEEDS(k, GANTRY_LOG_OP_APPEND);
	for (int n = 0; n < LINES; n++) {
		add_record(&records, "one", n);
	}
	KIT_TRUE(k, pwrite(fd, &mark, 8, 0) == 8 && pwrite(fd, records.data, records.len, 8) == (ssize_t)records.len,
		 "the suite cannot make a file");
	KIT_OK(k, open_log(k, "one", &log));
	KIT_OK(k, call_append(k, &GANTRY_LOG_APPEND_ARGS(.log = log, .records = fd, .offset = 8,
							 .length = (int64_t)records.len)));
	KIT_TRUE(k, pread(fd, &mark, 8, 0) == 8 && mark == records.len, "%llu of %zu bytes are marked as written",
		 (unsigned long long)mark, records.len);
	KIT_OK(k, close_log(k, log));
	check_read(k, "one", 0, -1, 0, LINES);
}

/* Following ends when stop has an event, and gives all that was written by then. */
static void follow(struct kit *k)
{
	auto_(buf) struct buf all = BUF_INIT;
	auto_fd int sink = memfd_create("read", MFD_CLOEXEC);
	char path[4600];
	int stop[2];

	KIT_TRUE(k, sink >= 0 && pipe2(stop, O_CLOEXEC) == 0, "the suite cannot make a file");
	close(stop[1]);
	KIT_OK(k, call_read(k, &GANTRY_LOG_READ_ARGS(.container = "one", .directory = directory(k, "one", path),
						     .sink = sink, .tail = -1, .follow = 1, .stop = stop[0])));
	close(stop[0]);
	KIT_TRUE(k, lseek(sink, 0, SEEK_SET) == 0 && read_to_end(sink, &all, OUTPUT_MAX) == 0, "no output");
	check_lines(k, "one", &all, 0, LINES);
}

void conform_log_read(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_LOG_OP_READ);
	if (!can_read(k)) {
		kit_skip(k, "this driver keeps nothing to read: %s", k->err.message);
		return;
	}
	read_nothing(k);
	write_lines(k, "one", 0, LINES / 2);
	/* Opened again, it is continued. */
	write_lines(k, "one", LINES / 2, LINES - LINES / 2);
	check_read(k, "one", 0, -1, 0, LINES);
	check_read(k, "one", 0, 3, LINES - 3, 3);
	check_read(k, "one", 0, LINES * 2, 0, LINES);
	check_read(k, "one", TIME(10), -1, 10, LINES - 10);
	if (!kit_failed(k)) {
		follow(k);
	}
}

void conform_log_remove(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_LOG_OP_REMOVE);
	KIT_OK(k, remove_log(k, "absent"));
	write_lines(k, "one", 0, 3);
	KIT_OK(k, remove_log(k, "one"));
	if (kit_has(k, GANTRY_LOG_OP_READ)) {
		auto_(buf) struct buf all = BUF_INIT;

		(void)read_log(k, "one", 0, -1, &all);
		KIT_TRUE(k, all.len == 0, "output is there after remove");
	}
}

const struct kit_kind kit_log = {
	.kind = "log",
	.operations = conform_log_operations,
	.life = life,
	.recover = recover,
};
