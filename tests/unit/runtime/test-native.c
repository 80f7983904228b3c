/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver as a container's shim uses it: create and exec in a child of this
 * process, whose new processes become children of this one.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <json-c/json.h>

#include <gantry/runtime.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"
#include "helpers/reply.h"
#include "tests/unit/fake_host.h"

#define PLUGIN "plugins/runtime/native/native.so"
#define BUSYBOX "/bin/busybox"

static struct fake_host *host;
static const struct gantry_runtime_ops *ops;
static void *self;
static char bundle[512], state_dir[512], id[64];

static const char config[] =
	"{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"rootfs\"},\"hostname\":\"box\","
	"\"process\":{\"cwd\":\"/\",\"args\":[%s],\"env\":[\"PATH=/bin\"],\"terminal\":%s,"
	"\"capabilities\":{\"bounding\":[\"CAP_CHOWN\"],\"effective\":[\"CAP_CHOWN\"],"
	"\"permitted\":[\"CAP_CHOWN\"]}},"
	"\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
	"{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"mode=755\"]},"
	"{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\","
	"\"options\":[\"newinstance\",\"ptmxmode=0666\"]}],"
	"\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"uts\"},"
	"{\"type\":\"ipc\"},{\"type\":\"network\"},{\"type\":\"cgroup\"}]}}";

static void make_rootfs(void)
{
	auto_(buf) struct buf program = BUF_INIT;
	char path[640];

	snprintf(path, sizeof(path), "%s/rootfs/bin", bundle);
	ck_assert_int_eq(make_dirs(AT_FDCWD, path, 0755), 0);
	ck_assert_int_eq(read_file(AT_FDCWD, BUSYBOX, &program, 64 << 20), 0);
	snprintf(path, sizeof(path), "%s/rootfs/bin/sh", bundle);
	ck_assert_int_eq(write_file_atomic(AT_FDCWD, path, program.data, program.len, 0755, 0), 0);
}

static void setup(void)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	const void *table;

	host = fake_host_new();
	ck_assert_msg(fake_host_open(host, PLUGIN, "runtime", "native", NULL, &table, &self, &err) == 0,
		      "%s", err.message);
	ops = table;
	snprintf(id, sizeof(id), "test-native-%d", getpid());
	snprintf(bundle, sizeof(bundle), "%s/bundle", fake_host_dir(host));
	snprintf(state_dir, sizeof(state_dir), "%s/container", fake_host_dir(host));
	ck_assert_int_eq(mkdir(bundle, 0755), 0);
	ck_assert_int_eq(mkdir(state_dir, 0700), 0);
	make_rootfs();
}

static void teardown(void)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(reply) struct reply reply = REPLY_INIT;
	const struct gantry_runtime_delete_args args =
		GANTRY_RUNTIME_DELETE_ARGS(.id = id, .state_dir = state_dir, .force = 1);

	ck_assert_msg(ops->delete(self, &args, &reply.base, &err) == 0, "%s", err.message);
	fake_host_free(host);
}

struct outcome {
	int result;
	int64_t pid;
	struct gantry_error err;
};

static struct reply reply_of_child = REPLY_INIT;

/* Calls fn in a child and brings its outcome and, through a socket, its terminal
 * back: what the shim does. */
static struct outcome in_child(int (*fn)(void *data, struct gantry_error *err), void *data,
			       int64_t (*get_pid)(void), int *ret_console, uint32_t console_field)
{
	struct outcome o = { .err = GANTRY_ERROR_INIT };
	size_t n_fds = 1;
	int ends[2], status, fd = -1;
	pid_t child;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	child = fork();
	if (child == 0) {
		o.result = fn(data, &o.err);
		o.pid = o.result == 0 ? get_pid() : 0;
		fd = reply_take_fd(&reply_of_child, console_field);
		_exit(send_with_fds(ends[1], &o, sizeof(o), &fd, fd >= 0) < 0);
	}
	close(ends[1]);
	ck_assert_int_eq(recv_with_fds(ends[0], &o, sizeof(o), &fd, &n_fds), (ssize_t)sizeof(o));
	close(ends[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (ret_console)
		*ret_console = fd;
	return o;
}

static int call_create(void *data, struct gantry_error *err)
{
	return ops->create(self, data, &reply_of_child.base, err);
}

static int64_t created_pid(void)
{
	return reply_integer(&reply_of_child, GANTRY_RUNTIME_CREATE_RET_PID, 0);
}

static int call_exec(void *data, struct gantry_error *err)
{
	return ops->exec(self, data, &reply_of_child.base, err);
}

static struct outcome create_with(const char *args_json, int out, int init, int terminal,
				  int *console)
{
	char text[4096];
	struct gantry_runtime_create_args args = GANTRY_RUNTIME_CREATE_ARGS(
		.id = id, .bundle = bundle, .state_dir = state_dir, .spec = text, .stdout = out,
		.stderr = 2, .seccomp = "default", .init = init, .console_width = 90,
		.console_height = 20);

	snprintf(text, sizeof(text), config, args_json, terminal ? "true" : "false");
	return in_child(call_create, &args, created_pid, console, GANTRY_RUNTIME_CREATE_RET_CONSOLE);
}

static pid_t create_ok(const char *args_json, int out)
{
	struct outcome o = create_with(args_json, out, 0, 0, NULL);

	ck_assert_msg(o.result == 0, "%s", o.err.message);
	ck_assert_int_gt(o.pid, 0);
	return (pid_t)o.pid;
}

static void start_ok(void)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(reply) struct reply reply = REPLY_INIT;
	const struct gantry_runtime_start_args args =
		GANTRY_RUNTIME_START_ARGS(.id = id, .state_dir = state_dir);

	ck_assert_msg(ops->start(self, &args, &reply.base, &err) == 0, "%s", err.message);
}

/* As a shim does, reaps whoever ends until then: a pid namespace's first process is not gone
 * before every other one in it is reaped, and one whose exec failed is ours. */
static int exit_of(pid_t pid)
{
	int status;
	pid_t ended;

	do {
		ended = waitpid(-1, &status, 0);
		ck_assert_int_gt(ended, 0);
	} while (ended != pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void expect_status(const char *want)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(reply) struct reply reply = REPLY_INIT;
	const struct gantry_runtime_state_args args =
		GANTRY_RUNTIME_STATE_ARGS(.id = id, .state_dir = state_dir);

	ck_assert_msg(ops->state(self, &args, &reply.base, &err) == 0, "%s", err.message);
	ck_assert_str_eq(reply_string(&reply, GANTRY_RUNTIME_STATE_RET_STATUS), want);
}

static int send_signal(int sig, int all)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(reply) struct reply reply = REPLY_INIT;
	const struct gantry_runtime_signal_args args = GANTRY_RUNTIME_SIGNAL_ARGS(
		.id = id, .state_dir = state_dir, .signal = sig, .all = all);

	return ops->signal(self, &args, &reply.base, &err);
}

/* Runs ARGS to its end and returns what it printed. */
static char *output_of(const char *args_json, int want_exit)
{
	auto_(buf) struct buf text = BUF_INIT;
	int ends[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = create_ok(args_json, ends[1]);
	close(ends[1]);
	start_ok();
	ck_assert_int_eq(read_to_end(ends[0], &text, 1 << 16), 0);
	close(ends[0]);
	ck_assert_int_eq(exit_of(pid), want_exit);
	return buf_steal(&text);
}

START_TEST(runs_to_its_exit_status)
{
	auto_free char *text = output_of("\"/bin/sh\",\"-c\",\"hostname; echo $$; exit 7\"", 7);

	ck_assert_str_eq(text, "box\n1\n");
	expect_status("stopped");
}
END_TEST

START_TEST(waits_for_start)
{
	pid_t pid = create_ok("\"/bin/sh\",\"-c\",\"sleep 100\"", -1);

	expect_status("created");
	expect_status("created"); /* asking does not start it */
	start_ok();
	expect_status("running");
	ck_assert_int_eq(send_signal(SIGKILL, 0), 0);
	ck_assert_int_eq(exit_of(pid), 128 + SIGKILL);
	expect_status("stopped");
	ck_assert_int_eq(send_signal(SIGTERM, 0), GANTRY_ERR_CONFLICT);
}
END_TEST

START_TEST(pauses_and_resumes)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(reply) struct reply reply = REPLY_INIT;
	const struct gantry_runtime_pause_args pause_args =
		GANTRY_RUNTIME_PAUSE_ARGS(.id = id, .state_dir = state_dir);
	const struct gantry_runtime_resume_args resume_args =
		GANTRY_RUNTIME_RESUME_ARGS(.id = id, .state_dir = state_dir);
	pid_t pid = create_ok("\"/bin/sh\",\"-c\",\"sleep 100\"", -1);

	start_ok();
	ck_assert_msg(ops->pause(self, &pause_args, &reply.base, &err) == 0, "%s", err.message);
	expect_status("paused");
	ck_assert_msg(ops->resume(self, &resume_args, &reply.base, &err) == 0, "%s", err.message);
	expect_status("running");
	ck_assert_int_eq(send_signal(SIGKILL, 1), 0);
	ck_assert_int_eq(exit_of(pid), 128 + SIGKILL);
}
END_TEST

START_TEST(executes_another_process)
{
	static const char process[] = "{\"cwd\":\"/\",\"args\":[\"/bin/sh\",\"-c\",\"hostname; exit 4\"],"
				      "\"env\":[\"PATH=/bin\"]}";
	static const char missing[] = "{\"cwd\":\"/\",\"args\":[\"nothing\"],\"env\":[\"PATH=/bin\"]}";
	struct gantry_runtime_exec_args args =
		GANTRY_RUNTIME_EXEC_ARGS(.id = id, .state_dir = state_dir, .process = process,
					 .stderr = 2, .seccomp = "default");
	auto_(buf) struct buf text = BUF_INIT;
	struct outcome o;
	int ends[2];
	pid_t pid = create_ok("\"/bin/sh\",\"-c\",\"sleep 100\"", -1);

	start_ok();
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	args.stdout = ends[1];
	o = in_child(call_exec, &args, created_pid, NULL, GANTRY_RUNTIME_EXEC_RET_CONSOLE);
	close(ends[1]);
	ck_assert_msg(o.result == 0, "%s", o.err.message);
	ck_assert_int_eq(read_to_end(ends[0], &text, 1 << 16), 0);
	close(ends[0]);
	ck_assert_str_eq(buf_str(&text), "box\n");
	ck_assert_int_eq(exit_of((pid_t)o.pid), 4);

	args.process = missing;
	args.stdout = -1;
	o = in_child(call_exec, &args, created_pid, NULL, GANTRY_RUNTIME_EXEC_RET_CONSOLE);
	ck_assert_int_eq(o.result, GANTRY_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(o.err.message, "executable file not found in $PATH"));
	send_signal(SIGKILL, 1);
	ck_assert_int_eq(exit_of(pid), 128 + SIGKILL);
}
END_TEST

START_TEST(reaps_with_an_init)
{
	auto_(buf) struct buf text = BUF_INIT;
	struct outcome o;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	o = create_with("\"/bin/sh\",\"-c\",\"tr '\\\\0' ' ' < /proc/1/cmdline; exit 5\"", ends[1], 1, 0,
			NULL);
	close(ends[1]);
	ck_assert_msg(o.result == 0, "%s", o.err.message);
	start_ok();
	ck_assert_int_eq(read_to_end(ends[0], &text, 1 << 16), 0);
	close(ends[0]);
	ck_assert_msg(!strncmp(buf_str(&text), "gantry-init /bin/sh", 19), "%s", buf_str(&text));
	ck_assert_int_eq(exit_of((pid_t)o.pid), 5);
}
END_TEST

START_TEST(has_a_terminal)
{
	char text[256] = "";
	size_t used = 0;
	int console = -1;
	struct outcome o = create_with("\"/bin/sh\",\"-c\",\"stty size; tty\"", -1, 0, 1, &console);

	ck_assert_msg(o.result == 0, "%s", o.err.message);
	ck_assert_int_ge(console, 0);
	start_ok();
	for (;;) {
		ssize_t n = read(console, text + used, sizeof(text) - 1 - used);

		if (n <= 0)
			break;
		used += (size_t)n;
	}
	close(console);
	ck_assert_int_eq(exit_of((pid_t)o.pid), 0);
	ck_assert_str_eq(text, "20 90\r\n/dev/pts/0\r\n");
}
END_TEST

/* Parsed and not searched: the text must be whole.  It also puts json-c into this
 * program, since LeakSanitizer stumbles over thread-local data of a library that came
 * with a plugin. */
static void check_stats(const char *text)
{
	struct json_object *o = json_tokener_parse(text);
	struct json_object *cpu, *usage, *processes;

	ck_assert_msg(json_object_object_get_ex(o, "cpu", &cpu) &&
			      json_object_object_get_ex(cpu, "usage_ns", &usage) &&
			      json_object_object_get_ex(o, "pids", &processes),
		      "%s", text);
	ck_assert_int_gt(json_object_get_int64(usage), 0);
	json_object_put(o);
}

START_TEST(counts)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(reply) struct reply stats = REPLY_INIT;
	auto_(reply) struct reply pids = REPLY_INIT;
	const struct gantry_runtime_stats_args stats_args =
		GANTRY_RUNTIME_STATS_ARGS(.id = id, .state_dir = state_dir);
	const struct gantry_runtime_processes_args pids_args =
		GANTRY_RUNTIME_PROCESSES_ARGS(.id = id, .state_dir = state_dir);
	pid_t pid = create_ok("\"/bin/sh\",\"-c\",\"sleep 100\"", -1);
	char text[16];

	start_ok();
	ck_assert_msg(ops->stats(self, &stats_args, &stats.base, &err) == 0, "%s", err.message);
	check_stats(reply_string(&stats, 0));
	ck_assert_msg(ops->processes(self, &pids_args, &pids.base, &err) == 0, "%s", err.message);
	snprintf(text, sizeof(text), "%d", pid);
	ck_assert_str_eq(reply_list(&pids, 0)[0], text);
	send_signal(SIGKILL, 1);
	exit_of(pid);
}
END_TEST

START_TEST(refuses_what_is_malformed)
{
	static const struct {
		const char *spec, *says;
	} bad[] = {
		{ "{", "not valid JSON" },
		{ "[]", "must be one JSON object" },
		{ "{}", "ociVersion is missing" },
		{ "{\"ociVersion\":\"9.0.0\"}", "version 9.0.0 is not supported" },
		{ "{\"ociVersion\":\"1.0.0\",\"process\":{}}", "process: args must name a program" },
		{ "{\"ociVersion\":\"1.0.0\",\"linux\":{\"resources\":{\"pids\":{\"limit\":\"x\"}}}}",
		  "linux.resources.pids.limit: must be an integer" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct gantry_runtime_create_args args = GANTRY_RUNTIME_CREATE_ARGS(
			.id = id, .bundle = bundle, .state_dir = state_dir, .spec = bad[i].spec);
		struct outcome o = in_child(call_create, &args, created_pid, NULL,
					    GANTRY_RUNTIME_CREATE_RET_CONSOLE);

		ck_assert_int_lt(o.result, 0);
		ck_assert_msg(strstr(o.err.message, bad[i].says) != NULL, "%s", o.err.message);
	}
}
END_TEST

/* The default filter lets nobody mount without CAP_SYS_ADMIN in its set. */
START_TEST(filters_system_calls)
{
	auto_free char *text = output_of("\"/bin/sh\",\"-c\",\"grep Seccomp: /proc/self/status\"", 0);

	ck_assert_str_eq(text, "Seccomp:\t2\n");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("runtime/native");
	TCase *t = tcase_create("driver");
	SRunner *r;
	int failed;

	if (geteuid() != 0 || access(BUSYBOX, X_OK) < 0) {
		printf("skipped: needs root and %s (package busybox-static)\n", BUSYBOX);
		return 77;
	}
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, runs_to_its_exit_status);
	tcase_add_test(t, waits_for_start);
	tcase_add_test(t, pauses_and_resumes);
	tcase_add_test(t, executes_another_process);
	tcase_add_test(t, reaps_with_an_init);
	tcase_add_test(t, has_a_terminal);
	tcase_add_test(t, counts);
	tcase_add_test(t, refuses_what_is_malformed);
	tcase_add_test(t, filters_system_calls);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
