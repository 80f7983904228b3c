/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "tests/unit/core/shim_driver.h"

struct shim_message msg;
struct gantry_error err = GANTRY_ERROR_INIT;

static char *path_of(struct bench *b, const char *name)
{
	char *path;

	ck_assert_int_ge(asprintf(&path, "%s/%s", b->dir, name), 0);
	return path;
}

void bench_write(struct bench *b, const char *name, const char *text)
{
	auto_free char *path = path_of(b, name);

	ck_assert_int_eq(write_file_atomic(AT_FDCWD, path, text, strlen(text), 0700, 0), 0);
}

char *bench_read(struct bench *b, const char *name)
{
	auto_free char *path = path_of(b, name);
	auto_(buf) struct buf text = BUF_INIT;

	(void)read_file(AT_FDCWD, path, &text, 64 << 20);
	return strdup(buf_str(&text));
}

void bench_await(struct bench *b, const char *name, const char *text)
{
	for (int i = 0; i < 1000; i++) {
		auto_free char *path = path_of(b, name);
		auto_free char *now = bench_read(b, name);

		if (access(path, F_OK) == 0 && (!text || strstr(now, text))) {
			return;
		}
		usleep(10000);
	}
	ck_abort_msg("%s with %s did not appear", name, text ? text : "anything");
}

static int take_lock(struct bench *b)
{
	auto_free char *path = path_of(b, "shim.lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

int bench_lock_is_free(struct bench *b)
{
	auto_free char *path = path_of(b, "shim.lock");
	auto_fd int fd = open(path, O_RDWR | O_CLOEXEC);

	replace_fd(&b->lock, -1); /* ours, if it was not handed over */
	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void spawn_shim(struct bench *b)
{
	int pair[2];

	b->lock = take_lock(b);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	b->control = pair[0];
	b->shim = fork();
	if (b->shim == 0) {
		int mine = fcntl(pair[1], F_DUPFD, 20);

		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves none behind */
		dup2(mine, SHIM_FD_CONTROL);
		execl("./gantry-shim", "gantry-shim", "----", (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
}

void bench_setup(struct bench *b, const char *script)
{
	auto_free char *runtime = NULL;
	auto_free char *text = NULL;

	strcpy(b->dir, "/tmp/gantry-shim-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(b->dir));
	runtime = path_of(b, "runtime");
	ck_assert_int_eq(mkdir(runtime, 0700), 0);
	bench_write(b, "script", script);
	bench_write(b, "config.json", "{\"root\":{},\"process\":{\"terminal\":true,\"args\":[\"x\",\"]}\"],"
				      "\"env\":[\"A=\\\"}\"]}}");
	ck_assert_int_ge(asprintf(&text, "#!/bin/sh\necho \"$@\" >> %s/reconciled\n", b->dir), 0);
	bench_write(b, "reconcile", text);
	spawn_shim(b);
}

void bench_clean(struct bench *b)
{
	auto_free char *pid = bench_read(b, "runtime/pid");

	if (b->shim > 0) {
		kill(b->shim, SIGKILL);
		waitpid(b->shim, NULL, 0);
	}
	if (atoi(pid) > 1) {
		kill(atoi(pid), SIGKILL);
	}
	replace_fd(&b->control, -1);
	remove_tree(AT_FDCWD, b->dir);
}

int bench_shim_status(struct bench *b)
{
	int status;

	ck_assert_int_eq(waitpid(b->shim, &status, 0), b->shim);
	b->shim = 0;
	return status;
}

static int send_fields(int sock, enum shim_type type, int fd, va_list ap)
{
	const char *key;
	int r;

	error_clear(&err);
	shim_message_init(&msg, type);
	while ((key = va_arg(ap, const char *))) {
		shim_message_add(&msg, key, va_arg(ap, const char *));
	}
	r = shim_request(sock, &msg, &fd, fd >= 0, &err);
	return r;
}

int request(int sock, enum shim_type type, int fd, ...)
{
	va_list ap;
	int r;

	va_start(ap, fd);
	r = send_fields(sock, type, fd, ap);
	va_end(ap);
	return r;
}

int create(struct bench *b, ...)
{
	auto_free char *reconcile = path_of(b, "reconcile");
	auto_free char *plugin = NULL;
	const char *key;
	va_list ap;
	int r;

	error_clear(&err);
	shim_message_init(&msg, SHIM_CREATE);
	shim_message_add(&msg, "id", "test");
	shim_message_add(&msg, "run_dir", b->dir);
	shim_message_add(&msg, "runtime.path", "tests/unit/core/fake_runtime.so");
	shim_message_add(&msg, "runtime.driver", "fake");
	shim_message_add(&msg, "reconcile", reconcile);
	if (b->log) {
		ck_assert_int_ge(asprintf(&plugin, "plugins/log/%s/%s.so", b->log, b->log), 0);
		shim_message_add(&msg, "log.path", plugin);
		shim_message_add(&msg, "log.driver", b->log);
		shim_message_add(&msg, "log.config", "{}");
		shim_message_add(&msg, "log.dir", b->dir);
	}
	va_start(ap, b);
	while ((key = va_arg(ap, const char *))) {
		shim_message_add(&msg, key, va_arg(ap, const char *));
	}
	va_end(ap);
	r = shim_request(b->control, &msg, &b->lock, b->lock >= 0, &err);
	replace_fd(&b->lock, -1);
	return r;
}

int start(struct bench *b)
{
	return request(b->control, SHIM_START, -1, NULL);
}

int bench_connect(struct bench *b)
{
	int sock;

	ck_assert_int_eq(shim_connect(b->dir, &sock, &err), 0);
	return sock;
}

int attach(int sock, const char *streams, const char *detach_keys)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(request(sock, SHIM_ATTACH, pair[1], "stdin", strchr(streams, 'i') ? "1" : "0",
				 "stdout", strchr(streams, 'o') ? "1" : "0", "stderr",
				 strchr(streams, 'e') ? "1" : "0", "detach_keys", detach_keys, NULL),
			 0);
	close(pair[1]);
	return pair[0];
}

void send_wait(int sock, int clean)
{
	shim_message_init(&msg, SHIM_WAIT);
	shim_message_add_int(&msg, "clean", clean);
	ck_assert_int_eq(shim_send(sock, &msg, NULL, 0, &err), 0);
}

int wait_answer(int sock)
{
	ck_assert_int_eq(shim_receive(sock, &msg, &err), 0);
	ck_assert_int_eq(msg.type, SHIM_EXITED);
	return (int)(shim_message_get_int(&msg, "code", -1) * 2 + shim_message_get_int(&msg, "clean", -1));
}

static void keep_frames(struct buf *all, struct buf *out, int stream)
{
	while (all->len >= 8) {
		const unsigned char *h = (const unsigned char *)all->data;
		size_t len = (size_t)h[4] << 24 | (size_t)h[5] << 16 | (size_t)h[6] << 8 | h[7];

		if (all->len < 8 + len) {
			return;
		}
		if (h[0] == stream) {
			buf_add(out, h + 8, len);
		}
		buf_consume(all, 8 + len);
	}
}

char *read_stream(int fd, int stream, size_t *ret_len)
{
	auto_(buf) struct buf all = BUF_INIT;
	struct buf out = BUF_INIT;
	char chunk[65536];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		buf_add(stream ? &all : &out, chunk, (size_t)n);
		if (stream) {
			keep_frames(&all, &out, stream);
		}
	}
	ck_assert_msg(n == 0, "the stream ended with %s", strerror(errno));
	ck_assert_uint_eq(all.len, 0);
	if (ret_len) {
		*ret_len = out.len;
	}
	return out.data ? buf_steal(&out) : strdup("");
}
