/* SPDX-License-Identifier: Apache-2.0 */
/* The shim over a fake runtime, driven through its protocol. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "tests/unit/core/shim_driver.h"

static struct bench b;

static void teardown(void)
{
	bench_clean(&b);
}

static void begin(const char *script)
{
	memset(&b, 0, sizeof(b));
	b.control = -1;
	bench_setup(&b, script);
}

static void assert_file(const char *name, const char *text)
{
	auto_free char *now = bench_read(&b, name);

	ck_assert_msg(strstr(now, text), "%s holds \"%s\", not \"%s\"", name, now, text);
}

static void assert_no_file(const char *name)
{
	auto_free char *now = bench_read(&b, name);

	ck_assert_msg(!*now, "%s holds \"%s\"", name, now);
}

static void assert_ended_cleanly(void)
{
	ck_assert_int_eq(bench_shim_status(&b), 0);
	ck_assert(bench_lock_is_free(&b));
}

/* The wait comes first: a short container is over, and its shim with it, before a later
 * one arrives. */
static int start_with_waiter(void)
{
	int waiter = bench_connect(&b);

	send_wait(waiter, 1);
	ck_assert_int_eq(start(&b), 0);
	return waiter;
}

START_TEST(test_run_and_clean)
{
	auto_free char *text = NULL;
	int client, waiter;

	begin("echo out; echo err >&2; exit 3");
	b.log = "json-file";
	ck_assert_int_eq(create(&b, NULL), 0);
	ck_assert_str_eq(shim_message_get(&msg, "warning"), "a warning");
	client = attach(b.control, "oe", NULL);
	waiter = start_with_waiter();
	ck_assert_int_gt(shim_message_get_int(&msg, "started_ns", 0), 0);
	ck_assert_int_eq(wait_answer(waiter), 3 * 2 + 1);
	assert_file("exit", "3 ");
	text = read_stream(client, 2, NULL);
	ck_assert_str_eq(text, "err\n");
	ck_assert(!bench_lock_is_free(&b));
	shim_message_init(&msg, SHIM_CLEANED);
	ck_assert_int_eq(shim_send(waiter, &msg, NULL, 0, &err), 0);
	assert_ended_cleanly();
	assert_no_file("reconciled");
}
END_TEST

START_TEST(test_log_is_complete_at_exit)
{
	auto_free char *log = NULL;
	unsigned lines = 0;

	begin("i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; printf end");
	b.log = "json-file";
	ck_assert_int_eq(create(&b, NULL), 0);
	ck_assert_int_eq(wait_answer(start_with_waiter()), 1);
	log = bench_read(&b, "test-json.log");
	for (const char *p = log; (p = strchr(p, '\n')); p++) {
		lines++;
	}
	ck_assert_uint_eq(lines, 2001);
	ck_assert_ptr_nonnull(strstr(log, "\"log\":\"end\""));
}
END_TEST

START_TEST(test_reconcile_without_waiter)
{
	begin("exit 0");
	ck_assert_int_eq(create(&b, "root", "/some/root", NULL), 0);
	ck_assert_int_eq(start(&b), 0);
	replace_fd(&b.control, -1);
	assert_ended_cleanly();
	assert_file("reconciled", "--root /some/root exited test");
	assert_file("exit", "0 ");
}
END_TEST

START_TEST(test_one_cleaner_and_its_death)
{
	int one, two, code_one, code_two;

	begin("read x; kill -9 $$");
	ck_assert_int_eq(create(&b, "stdin", "1", "stdin_once", "1", NULL), 0);
	int client = attach(b.control, "i", NULL);
	ck_assert_int_eq(start(&b), 0);
	one = bench_connect(&b);
	two = bench_connect(&b);
	send_wait(one, 1);
	send_wait(two, 1);
	usleep(50000);
	close(client);
	code_one = wait_answer(one);
	code_two = wait_answer(two);
	ck_assert_int_eq(code_one / 2, 137);
	ck_assert_int_eq(code_one % 2 + code_two % 2, 1);
	close(code_one % 2 ? one : two);
	assert_ended_cleanly();
	assert_file("reconciled", "exited test");
	assert_file("exit", " 9\n");
}
END_TEST

START_TEST(test_stdin_half_close)
{
	auto_free char *text = NULL;
	int client;

	begin("cat");
	ck_assert_int_eq(create(&b, "stdin", "1", "stdin_once", "1", NULL), 0);
	client = attach(b.control, "io", NULL);
	ck_assert_int_eq(start(&b), 0);
	ck_assert_int_eq(write_all(client, "hello", 5), 0);
	shutdown(client, SHUT_WR);
	text = read_stream(client, 1, NULL);
	ck_assert_str_eq(text, "hello");
}
END_TEST

/* Much input while the process does not read: nothing is lost. */
START_TEST(test_stdin_back_pressure)
{
	auto_free char *text = NULL;
	size_t big = 4 << 20;
	auto_free char *data = calloc(1, big);
	int client;

	begin("sleep 0.3; wc -c");
	ck_assert_int_eq(create(&b, "stdin", "1", "stdin_once", "1", NULL), 0);
	client = attach(b.control, "io", NULL);
	ck_assert_int_eq(start(&b), 0);
	ck_assert_int_eq(write_all(client, data, big), 0);
	shutdown(client, SHUT_WR);
	text = read_stream(client, 1, NULL);
	ck_assert_int_eq(atoi(text), (int)big);
}
END_TEST

START_TEST(test_slow_client_holds_up_and_loses_nothing)
{
	auto_free char *text = NULL;
	size_t len;
	int client;

	begin("head -c 8000000 /dev/zero; echo done > $0.done");
	ck_assert_int_eq(create(&b, NULL), 0);
	client = attach(b.control, "o", NULL);
	ck_assert_int_eq(start(&b), 0);
	usleep(300000);
	assert_no_file("script.done"); /* it waits for us */
	text = read_stream(client, 1, &len);
	ck_assert_uint_eq(len, 8000000);
}
END_TEST

/* The container ends, the client reads only later, the shim is gone by then. */
START_TEST(test_late_client_gets_everything)
{
	auto_free char *text = NULL;
	size_t len;
	int client;

	begin("head -c 300000 /dev/zero");
	ck_assert_int_eq(create(&b, NULL), 0);
	client = attach(b.control, "o", NULL);
	setsockopt(client, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int));
	ck_assert_int_eq(start(&b), 0);
	replace_fd(&b.control, -1);
	usleep(100000);
	text = read_stream(client, 1, &len);
	ck_assert_uint_eq(len, 300000);
	assert_ended_cleanly();
}
END_TEST

START_TEST(test_no_reader_never_blocks)
{
	begin("head -c 8000000 /dev/zero; head -c 8000000 /dev/zero >&2");
	ck_assert_int_eq(create(&b, NULL), 0);
	ck_assert_int_eq(start(&b), 0);
	replace_fd(&b.control, -1);
	assert_ended_cleanly();
	assert_file("exit", "0 ");
}
END_TEST

START_TEST(test_client_vanishes)
{
	int client, waiter;

	begin("head -c 8000000 /dev/zero");
	ck_assert_int_eq(create(&b, NULL), 0);
	client = attach(b.control, "o", NULL);
	waiter = start_with_waiter();
	usleep(50000);
	close(client);
	ck_assert_int_eq(wait_answer(waiter), 1);
}
END_TEST

/* A process left behind holds the pipe; the exit does not wait for it. */
START_TEST(test_bounded_drain)
{
	auto_free char *pid = NULL;

	begin("sleep 1000 & echo $! > $0.pid; echo last; exit 5");
	b.log = "json-file";
	ck_assert_int_eq(create(&b, NULL), 0);
	ck_assert_int_eq(wait_answer(start_with_waiter()), 5 * 2 + 1);
	assert_file("test-json.log", "last");
	pid = bench_read(&b, "script.pid");
	kill(atoi(pid), SIGKILL);
}
END_TEST

START_TEST(test_create_fails)
{
	static const char *const plans[] = { "create", "die-create" };

	begin("exit 0");
	bench_write(&b, "fail", plans[_i]);
	ck_assert_int_eq(create(&b, NULL), _i ? GANTRY_ERR_INTERNAL : GANTRY_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err.message, _i ? "died" : "planned failure"));
	ck_assert_int_eq(request(b.control, SHIM_ABORT, -1, NULL), 0);
	assert_ended_cleanly();
}
END_TEST

START_TEST(test_start_fails)
{
	static const char *const plans[] = { "start", "die-start" };

	begin("exit 0");
	bench_write(&b, "fail", plans[_i]);
	ck_assert_int_eq(create(&b, NULL), 0);
	ck_assert_int_eq(start(&b), _i ? GANTRY_ERR_INTERNAL : GANTRY_ERR_NOT_FOUND);
	replace_fd(&b.control, -1);
	assert_ended_cleanly();
	assert_no_file("exit");
}
END_TEST

START_TEST(test_abort_deletes)
{
	begin("exit 0");
	ck_assert_int_eq(create(&b, NULL), 0);
	if (_i) {
		replace_fd(&b.control, -1);
	} else {
		ck_assert_int_eq(request(b.control, SHIM_ABORT, -1, NULL), 0);
	}
	assert_ended_cleanly();
	bench_await(&b, "runtime/deleted", NULL);
	if (_i) {
		assert_file("reconciled", "exited test");
	} else {
		assert_no_file("reconciled");
	}
}
END_TEST

START_TEST(test_shim_killed_before_start)
{
	begin("exit 0");
	ck_assert_int_eq(create(&b, NULL), 0);
	kill(b.shim, SIGKILL);
	bench_shim_status(&b);
	ck_assert(bench_lock_is_free(&b));
	bench_await(&b, "runtime/deleted", NULL);
}
END_TEST

START_TEST(test_shim_killed_while_running)
{
	begin("sleep 1000");
	ck_assert_int_eq(create(&b, NULL), 0);
	ck_assert_int_eq(start(&b), 0);
	send_wait(b.control, 1);
	kill(b.shim, SIGKILL);
	bench_shim_status(&b);
	ck_assert(bench_lock_is_free(&b));
	ck_assert_int_eq(shim_receive(b.control, &msg, &err), GANTRY_ERR_UNAVAILABLE);
}
END_TEST

START_TEST(test_signals_are_ignored)
{
	begin("read x");
	ck_assert_int_eq(create(&b, "stdin", "1", NULL), 0);
	ck_assert_int_eq(start(&b), 0);
	kill(b.shim, SIGTERM);
	kill(b.shim, SIGHUP);
	kill(b.shim, SIGINT);
	usleep(50000);
	ck_assert_int_eq(request(b.control, SHIM_STATE, -1, NULL), 0);
	ck_assert_str_eq(shim_message_get(&msg, "status"), "running");
}
END_TEST

static int exec_with(const char *id, const char *script, int stream, int *ret_code)
{
	int pair[2];
	auto_free char *path = NULL;

	ck_assert_int_ge(asprintf(&path, "%s/%s", b.dir, script), 0);
	bench_write(&b, "process", path);
	free(path);
	ck_assert_int_ge(asprintf(&path, "%s/process", b.dir), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	*ret_code = request(b.control, SHIM_EXEC, stream ? pair[1] : -1, "exec", id, "process", path,
			    "stdin", "1", "stdout", "1", "stderr", "1", "tty",
			    strstr(script, "tty") ? "1" : "0", NULL);
	close(pair[1]);
	return pair[0];
}

START_TEST(test_exec)
{
	auto_free char *text = NULL;
	int client, r;

	begin("sleep 1000");
	bench_write(&b, "two", "cat; echo bad >&2; exit 7");
	ck_assert_int_eq(create(&b, NULL), 0);
	ck_assert_int_eq(start(&b), 0);
	client = exec_with("e1", "two", 1, &r);
	ck_assert_int_eq(r, 0);
	ck_assert_int_gt(shim_message_get_int(&msg, "pid", 0), 0);
	ck_assert_int_eq(request(b.control, SHIM_EXEC_STATE, -1, "exec", "e1", NULL), 0);
	ck_assert_int_eq(shim_message_get_int(&msg, "running", -1), 1);
	ck_assert_int_eq(write_all(client, "in", 2), 0);
	shutdown(client, SHUT_WR);
	text = read_stream(client, 1, NULL);
	ck_assert_str_eq(text, "in");
	assert_file("exec-e1.exit", "7\n");
	ck_assert_int_eq(request(b.control, SHIM_EXEC_STATE, -1, "exec", "e1", NULL), 0);
	ck_assert_int_eq(shim_message_get_int(&msg, "running", -1), 0);
	ck_assert_int_eq(shim_message_get_int(&msg, "code", -1), 7);
}
END_TEST

START_TEST(test_exec_detached_and_wrong)
{
	int r;

	begin("sleep 1000");
	bench_write(&b, "two", "echo x; exit 4");
	ck_assert_int_eq(create(&b, NULL), 0);
	close(exec_with("e0", "two", 1, &r));
	ck_assert_int_eq(r, GANTRY_ERR_CONFLICT);
	ck_assert_int_eq(start(&b), 0);
	close(exec_with("e1", "two", 0, &r));
	ck_assert_int_eq(r, 0);
	bench_await(&b, "exec-e1.exit", "4\n");
	close(exec_with("../e2", "two", 1, &r));
	ck_assert_int_eq(r, GANTRY_ERR_INVALID);
	ck_assert_int_eq(request(b.control, SHIM_EXEC_STATE, -1, "exec", "none", NULL),
			 GANTRY_ERR_NOT_FOUND);
	bench_write(&b, "fail", "exec");
	close(exec_with("e3", "two", 1, &r));
	ck_assert_int_eq(r, GANTRY_ERR_NOT_FOUND);
	bench_write(&b, "fail", "die-exec");
	close(exec_with("e4", "two", 1, &r));
	ck_assert_int_eq(r, GANTRY_ERR_INTERNAL);
}
END_TEST

START_TEST(test_exec_with_terminal)
{
	auto_free char *text = NULL;
	int client, r;

	begin("sleep 1000");
	bench_write(&b, "tty2", "read x; [ -t 0 ] && echo terminal; stty size");
	ck_assert_int_eq(create(&b, NULL), 0);
	ck_assert_int_eq(start(&b), 0);
	client = exec_with("e1", "tty2", 1, &r);
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(request(b.control, SHIM_RESIZE, -1, "exec", "e1", "width", "70", "height", "30",
				 NULL), 0);
	ck_assert_int_eq(write_all(client, "\n", 1), 0);
	text = read_stream(client, 0, NULL);
	ck_assert_ptr_nonnull(strstr(text, "terminal\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "30 70"));
}
END_TEST

START_TEST(test_terminal_and_detach_keys)
{
	auto_free char *text = NULL;
	int client;

	begin("echo ready; read x; echo \"got $x\"");
	bench_write(&b, "tty", "");
	ck_assert_int_eq(create(&b, "tty", "1", "stdin", "1", NULL), 0);
	client = attach(b.control, "io", "ctrl-a,b");
	ck_assert_int_eq(start(&b), 0);
	ck_assert_int_eq(write_all(client, "p\001b", 3), 0);
	text = read_stream(client, 0, NULL); /* detached: the stream ends, the container does not */
	close(client);
	ck_assert_int_eq(request(b.control, SHIM_STATE, -1, NULL), 0);
	ck_assert_str_eq(shim_message_get(&msg, "status"), "running");
	client = attach(b.control, "io", "x,y,z");
	ck_assert_int_eq(write_all(client, "xyq\n", 4), 0);
	free(text);
	text = read_stream(client, 0, NULL);
	ck_assert_ptr_nonnull(strstr(text, "got pxyq"));
}
END_TEST

START_TEST(test_restart)
{
	begin("exit 1");
	ck_assert_int_eq(create(&b, "restart", "on-failure", "restart_max", "3", "restart_count", "1",
				NULL), 0);
	ck_assert_int_eq(start(&b), 0);
	replace_fd(&b.control, -1);
	ck_assert_int_eq(bench_shim_status(&b), 0); /* became the reconcile program */
	ck_assert(bench_lock_is_free(&b));
	assert_file("reconciled", "restart test");
	assert_file("restart.delay", "100");
	assert_file("exit", "1 ");
}
END_TEST

START_TEST(test_no_restart)
{
	static const char *const counts[] = { "3", "0", "0" };
	static const char *const policies[] = { "on-failure", "on-failure", "no" };
	static const char *const scripts[] = { "exit 1", "exit 0", "exit 1" };

	begin(scripts[_i]);
	ck_assert_int_eq(create(&b, "restart", policies[_i], "restart_max", "3", "restart_count",
				counts[_i], NULL), 0);
	ck_assert_int_eq(start(&b), 0);
	replace_fd(&b.control, -1);
	assert_ended_cleanly();
	assert_file("reconciled", "exited test");
}
END_TEST

START_TEST(test_stopping_ends_back_off)
{
	begin("exit 1");
	bench_write(&b, "restart.delay", "30000\n");
	ck_assert_int_eq(create(&b, "restart", "always", NULL), 0);
	ck_assert_int_eq(start(&b), 0);
	for (int i = 0; i < 500; i++) {
		ck_assert_int_eq(request(b.control, SHIM_STATE, -1, NULL), 0);
		if (!strcmp(shim_message_get(&msg, "status"), "restarting")) {
			break;
		}
		usleep(10000);
	}
	ck_assert_str_eq(shim_message_get(&msg, "status"), "restarting");
	ck_assert_int_eq(request(b.control, SHIM_STOPPING, -1, NULL), 0);
	assert_ended_cleanly();
	assert_file("reconciled", "exited test");
}
END_TEST

static void begin_probed(const char *probe)
{
	auto_free char *path = NULL;

	begin("sleep 1000");
	ck_assert_int_ge(asprintf(&path, "%s/probe", b.dir), 0);
	bench_write(&b, "probe", probe);
	ck_assert_int_eq(create(&b, "health.arg", path, "health.arg", "second", "health.interval_ns",
				"50000000", "health.timeout_ns", "200000000", "health.retries", "2", NULL),
			 0);
	ck_assert_int_eq(start(&b), 0);
	assert_file("health", "\"Status\":\"starting\"");
}

START_TEST(test_healthy)
{
	begin_probed("printf 'fine \"\\001\\377'");
	bench_await(&b, "health", "\"Status\":\"healthy\",\"FailingStreak\":0");
	bench_await(&b, "health", "\"Output\":\"fine \\\"\\u0001\xef\xbf\xbd\"");
	bench_await(&b, "reconciled", "health test healthy");
	ck_assert_int_eq(request(b.control, SHIM_UPDATE, -1, "paused", "1", NULL), 0);
	ck_assert_int_eq(request(b.control, SHIM_UPDATE, -1, "paused", "0", NULL), 0);
}
END_TEST

START_TEST(test_unhealthy)
{
	auto_free char *health = NULL;

	begin_probed("head -c 9999 /dev/zero | tr '\\0' x; exit 1");
	bench_await(&b, "health", "\"Status\":\"unhealthy\",\"FailingStreak\":2");
	bench_await(&b, "reconciled", "health test unhealthy");
	health = bench_read(&b, "health");
	ck_assert_uint_lt(strlen(health), 3 * 4500);
}
END_TEST

START_TEST(test_probe_timeout)
{
	begin_probed("exec sleep 1000");
	bench_await(&b, "health", "Health check exceeded timeout (0.2s)");
	bench_await(&b, "health", "\"Status\":\"unhealthy\"");
}
END_TEST

START_TEST(test_bad_messages)
{
	static const char raw[] = "\0\0\0\0a=b"; /* a field that does not end */
	static const uint32_t types[] = { 0, 14, 64, 66, 4242, UINT32_MAX };
	int fds[6];
	int sock;

	begin("read x");
	ck_assert_int_eq(create(&b, "stdin", "1", NULL), 0);
	ck_assert_int_eq(start(&b), 0);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		sock = bench_connect(&b);
		ck_assert_int_eq(request(sock, types[i], -1, NULL), GANTRY_ERR_UNSUPPORTED);
		close(sock);
	}
	sock = bench_connect(&b);
	for (size_t len = 1; len < 8; len++) {
		if (len == 4) {
			continue; /* a whole message without fields */
		}
		ck_assert_int_eq(send(sock, raw, len, MSG_NOSIGNAL), (ssize_t)len);
		ck_assert_int_eq(shim_receive(sock, &msg, &err), 0);
		ck_assert_int_eq(msg.type, SHIM_ERROR);
	}
	ck_assert_int_eq(request(sock, SHIM_ATTACH, -1, NULL), GANTRY_ERR_INVALID);
	ck_assert_int_eq(request(sock, SHIM_EXEC, -1, "exec", "e", NULL), GANTRY_ERR_INVALID);
	ck_assert_int_eq(request(sock, SHIM_EXEC, -1, NULL), GANTRY_ERR_INVALID);
	ck_assert_int_eq(request(sock, SHIM_RESIZE, -1, "exec", NULL, NULL), GANTRY_ERR_CONFLICT);
	ck_assert_int_eq(request(sock, SHIM_UPDATE, -1, "restart", "maybe", NULL), GANTRY_ERR_INVALID);
	ck_assert_int_eq(request(sock, SHIM_CREATE, -1, NULL), GANTRY_ERR_CONFLICT);
	ck_assert_int_eq(request(sock, SHIM_START, -1, NULL), GANTRY_ERR_CONFLICT);
	ck_assert_int_eq(request(sock, SHIM_ABORT, -1, NULL), GANTRY_ERR_CONFLICT);
	for (int i = 0; i < 6; i++) {
		fds[i] = 0;
	}
	ck_assert_int_eq(send_with_fds(sock, raw, 4, fds, 6), 0);
	ck_assert_int_eq(shim_receive(sock, &msg, &err), 0);
	ck_assert_int_eq(msg.type, SHIM_ERROR);
	/* Asks again before it was answered: is dropped. */
	send_wait(sock, 0);
	send_wait(sock, 0);
	ck_assert_int_eq(shim_receive(sock, &msg, &err), GANTRY_ERR_UNAVAILABLE);
	ck_assert_int_eq(request(b.control, SHIM_STATE, -1, NULL), 0);
}
END_TEST

START_TEST(test_bad_create)
{
	begin("exit 0");
	if (_i == 0) {
		ck_assert_int_eq(request(b.control, SHIM_CREATE, -1, NULL), GANTRY_ERR_INVALID);
	} else if (_i == 1) {
		ck_assert_int_eq(create(&b, "log.path", "/nonexistent.so", "log.driver", "x", NULL),
				 GANTRY_ERR_UNAVAILABLE);
	} else if (_i == 2) {
		b.log = "json-file";
		ck_assert_int_eq(create(&b, "log.options", "{\"max-size\":\"bogus\"}", NULL),
				 GANTRY_ERR_INVALID);
	} else {
		ck_assert_int_eq(request(b.control, SHIM_CREATE, -1, "id", "test", "run_dir", b.dir, NULL),
				 GANTRY_ERR_INVALID);
	}
	replace_fd(&b.control, -1);
	assert_ended_cleanly();
}
END_TEST

/* A file of /proc/<shim>/ that has the text, also behind a NUL. */
static int shim_file_has(const char *name, const char *text)
{
	auto_(buf) struct buf content = BUF_INIT;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", b.shim, name);
	ck_assert_int_eq(read_file(AT_FDCWD, path, &content, 1 << 20), 0);
	return memmem(content.data, content.len, text, strlen(text)) != NULL;
}

/* Waits for a child of the shim, kills it, and waits until the shim has reaped it. */
static void kill_child(pid_t parent)
{
	char path[64];
	long child = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	while (!child) {
		auto_(buf) struct buf text = BUF_INIT;

		if (read_file(AT_FDCWD, path, &text, 4096) == 0) {
			child = strtol(buf_str(&text), NULL, 10);
		}
		usleep(1000);
	}
	while (kill((pid_t)child, SIGKILL) == 0) {
		usleep(1000);
	}
}

/* What waits for CREATE holds the plugin, and not the shim; what cannot be loaded is nobody's
 * failure yet, and neither is the death of who waits. */
START_TEST(test_warm)
{
	static const char *const paths[] = { "tests/unit/core/fake_runtime.so", "/nonexistent.so", NULL,
					     "tests/unit/core/fake_runtime.so" };

	begin("exit 0");
	for (int i = 0; i < 2; i++) {
		shim_message_init(&msg, SHIM_WARM);
		shim_message_add(&msg, "runtime.path", paths[_i]);
		ck_assert_int_eq(shim_send(b.control, &msg, NULL, 0, &err), 0);
	}
	if (_i == 3) {
		kill_child(b.shim);
	}
	ck_assert_int_eq(create(&b, NULL), 0);
	ck_assert(shim_file_has("cmdline", "test"));
	ck_assert(!shim_file_has("maps", "fake_runtime"));
	ck_assert_int_eq(start(&b), 0);
	replace_fd(&b.control, -1);
	assert_ended_cleanly();
}
END_TEST

START_TEST(test_vanishing_clients)
{
	begin("read x");
	ck_assert_int_eq(create(&b, "stdin", "1", NULL), 0);
	ck_assert_int_eq(start(&b), 0);
	for (uint32_t type = SHIM_CREATE; type <= SHIM_WARM; type++) {
		int sock = bench_connect(&b);

		if (type != SHIM_STOPPING) {
			shim_message_init(&msg, type);
			shim_message_add(&msg, "exec", "gone");
			shim_message_add(&msg, "process", "/nonexistent");
			ck_assert_int_eq(shim_send(sock, &msg, NULL, 0, &err), 0);
		}
		close(sock);
	}
	ck_assert_int_eq(request(b.control, SHIM_STATE, -1, NULL), 0);
	ck_assert_str_eq(shim_message_get(&msg, "status"), "running");
}
END_TEST

/* The log's disk is full: the container goes on, and it is noted. */
START_TEST(test_full_disk)
{
	auto_free char *dir = NULL;

	/* A mount namespace of this test's own, which the shim inherits. */
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		fprintf(stderr, "test_full_disk: needs to be root\n");
		return;
	}
	begin("i=0; while [ $i -lt 100 ]; do head -c 1000 /dev/zero | tr '\\0' a; echo; i=$((i+1)); "
	      "done; exit 6");
	ck_assert_int_ge(asprintf(&dir, "%s/small", b.dir), 0);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	ck_assert_int_eq(mount("tmpfs", dir, "tmpfs", 0, "size=16k"), 0);
	ck_assert_int_eq(create(&b, "log.path", "plugins/log/json-file/json-file.so", "log.driver",
				"json-file", "log.config", "{}", "log.dir", dir, NULL), 0);
	ck_assert_int_eq(wait_answer(start_with_waiter()), 6 * 2 + 1);
	assert_file("shim.log", "cannot write to the log");
	assert_file("shim.log", "records were lost");
	umount(dir);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("shim");
	TCase *t = tcase_create("shim");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_set_timeout(t, 20);
	tcase_add_test(t, test_run_and_clean);
	tcase_add_loop_test(t, test_warm, 0, 4);
	tcase_add_test(t, test_log_is_complete_at_exit);
	tcase_add_test(t, test_reconcile_without_waiter);
	tcase_add_test(t, test_one_cleaner_and_its_death);
	tcase_add_test(t, test_stdin_half_close);
	tcase_add_test(t, test_stdin_back_pressure);
	tcase_add_test(t, test_slow_client_holds_up_and_loses_nothing);
	tcase_add_test(t, test_late_client_gets_everything);
	tcase_add_test(t, test_no_reader_never_blocks);
	tcase_add_test(t, test_client_vanishes);
	tcase_add_test(t, test_bounded_drain);
	tcase_add_loop_test(t, test_create_fails, 0, 2);
	tcase_add_loop_test(t, test_start_fails, 0, 2);
	tcase_add_loop_test(t, test_abort_deletes, 0, 2);
	tcase_add_test(t, test_shim_killed_before_start);
	tcase_add_test(t, test_shim_killed_while_running);
	tcase_add_test(t, test_signals_are_ignored);
	tcase_add_test(t, test_exec);
	tcase_add_test(t, test_exec_detached_and_wrong);
	tcase_add_test(t, test_exec_with_terminal);
	tcase_add_test(t, test_terminal_and_detach_keys);
	tcase_add_test(t, test_restart);
	tcase_add_loop_test(t, test_no_restart, 0, 3);
	tcase_add_test(t, test_stopping_ends_back_off);
	tcase_add_test(t, test_healthy);
	tcase_add_test(t, test_unhealthy);
	tcase_add_test(t, test_probe_timeout);
	tcase_add_test(t, test_bad_messages);
	tcase_add_loop_test(t, test_bad_create, 0, 4);
	tcase_add_test(t, test_vanishing_clients);
	tcase_add_test(t, test_full_disk);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(make_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
