/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-plugin HOST PLUGIN JSON-FILE PYTHON-DRIVER: what it costs to reach a driver,
 * in this process and in another, beside Docker's way; medians of interleaved rounds.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "bench/plugin/http.h"
#include "core/plugin/native.h"
#include "core/plugin/process.h"
#include "core/shim/batch.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define ROUNDS 7
#define TRIPS 3000
#define LOADS 40
#define LOG_BYTES (64 << 20)

static struct gantry_error err = GANTRY_ERROR_INIT;
static char folder[] = "/tmp/gantry-bench.XXXXXX";

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "bench-plugin: %s: %s\n", what,
		err.message[0] ? err.message : strerror(errno));
	exit(1);
}

static const void *query(const struct gantry_host *host, const char *service, uint32_t min_version)
{
	return NULL;
}

static struct gantry_host host = {.size = sizeof(host), .abi = GANTRY_ABI_VERSION, .query = query};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return values[n / 2];
}

static struct driver *open_process(const char *program, const char *kind, const char *name,
				   const char *file, int exec)
{
	struct process_spec spec = {.host_program = program,
				    .kind = kind,
				    .name = name,
				    .file = file,
				    .exec = exec,
				    .state_dir = folder,
				    .run_dir = folder,
				    .folders = {folder}};
	struct process_driver *p;
	struct driver *d;

	if (process_driver_new(&spec, &host, &p, &err) < 0 ||
	    process_driver_open(p, "{}", &d, &err) < 0) {
		give_up(file);
	}
	driver_attach(d, folder);
	return d;
}

static struct driver *open_native(const char *kind, const char *name, const char *file)
{
	struct native_plugin *plugin;
	struct driver *d;

	if (native_plugin_load(file, &plugin, &err) < 0 ||
	    native_driver_open(plugin, kind, name, &host, "{}", &d, &err) < 0) {
		give_up(file);
	}
	native_plugin_unref(plugin);
	driver_attach(d, folder);
	return d;
}

/* ---- calls ---- */

static int (*volatile direct)(void *self, const struct gantry_volume_unmount_args *args,
			      struct gantry_reply *reply, struct gantry_error *err);

static int do_nothing(void *self, const struct gantry_volume_unmount_args *args,
		      struct gantry_reply *reply, struct gantry_error *e)
{
	return 0;
}

/* Of this thread: what others do meanwhile does not count. */
static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static double time_direct(unsigned n)
{
	struct reply ret = REPLY_INIT;
	int64_t start = cpu_ns();

	direct = do_nothing;
	for (unsigned i = 0; i < n; i++) {
		direct(NULL, &GANTRY_VOLUME_UNMOUNT_ARGS(.name = "data", .user = "0123456"),
		       &ret.base, &err);
	}
	return (double)(cpu_ns() - start) / n;
}

static double time_calls(struct driver *d, unsigned n)
{
	struct reply ret = REPLY_INIT;
	int64_t start = cpu_ns();

	for (unsigned i = 0; i < n; i++) {
		if (volume_unmount(d,
				   &GANTRY_VOLUME_UNMOUNT_ARGS(.name = "data", .user = "0123456"),
				   &ret, &err) < 0) {
			give_up("unmount");
		}
	}
	return (double)(cpu_ns() - start) / n;
}

/* The median trip, in ns. */
static double time_trips(struct driver *d)
{
	static double trips[TRIPS];
	struct reply ret = REPLY_INIT;

	for (unsigned i = 0; i < TRIPS; i++) {
		int64_t start = time_monotonic_ns();

		if (volume_mount(d, &GANTRY_VOLUME_MOUNT_ARGS(.name = "data", .user = "0123456"),
				 &ret, &err) < 0) {
			give_up("mount");
		}
		trips[i] = (double)(time_monotonic_ns() - start);
	}
	reply_done(&ret);
	return median(trips, TRIPS);
}

static double time_http(const char *path, int reconnect)
{
	static double trips[TRIPS];
	int sock = http_connect(path);

	for (unsigned i = 0; i < TRIPS; i++) {
		int64_t start = time_monotonic_ns();

		if (reconnect) {
			close(sock);
			sock = http_connect(path);
		}
		if (sock < 0 || http_request(sock) < 0) {
			give_up("http");
		}
		trips[i] = (double)(time_monotonic_ns() - start);
	}
	close(sock);
	return median(trips, TRIPS);
}

/* ---- logs ---- */

static uint64_t open_log(struct driver *d)
{
	auto_(reply) struct reply ret = REPLY_INIT;

	if (log_open(d, &GANTRY_LOG_OPEN_ARGS(.container = "bench", .directory = folder), &ret,
		     &err) < 0) {
		give_up("log open");
	}
	return (uint64_t)reply_integer(&ret, 0, 0);
}

static void close_log(struct driver *d, uint64_t log)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free char *path = NULL;

	if (log_close(d, &GANTRY_LOG_CLOSE_ARGS(.log = log), &ret, &err) < 0 ||
	    asprintf(&path, "%s/bench-json.log", folder) < 0) {
		give_up("log close");
	}
	unlink(path);
}

/* MB/s of payload through the batches that a shim sends. */
static double time_batches(struct driver *d, size_t line)
{
	struct batch b = {.fd = -1};
	uint64_t log = open_log(d);
	char text[16384];
	size_t lost, done = 0;
	int64_t start;

	memset(text, 'x', sizeof(text));
	text[line - 1] = '\n';
	if (batch_init(&b, &err) < 0) {
		give_up("batch");
	}
	start = time_monotonic_ns();
	while (done < LOG_BYTES) {
		if (batch_add(&b, 1, start, 0, text, line)) {
			done += line;
		} else if (batch_send(&b, d, log, 0, &lost, &err) < 0) {
			give_up("append");
		}
	}
	if (batch_send(&b, d, log, 0, &lost, &err) < 0) {
		give_up("append");
	}
	start = time_monotonic_ns() - start;
	close_log(d, log);
	batch_done(&b);
	return (double)done * 1e3 / (double)start;
}

static double time_writes(struct driver *d, size_t line)
{
	uint64_t log = open_log(d);
	struct reply ret = REPLY_INIT;
	char text[16384];
	size_t done = 0;
	int64_t start;

	memset(text, 'x', sizeof(text));
	text[line - 1] = '\n';
	start = time_monotonic_ns();
	for (; done < LOG_BYTES; done += line) {
		if (log_write(d,
			      &GANTRY_LOG_WRITE_ARGS(.log = log, .stream = 1, .time_ns = start,
						     .data = {text, line},
						     .more = done % 32768 < 32768 - line),
			      &ret, &err) < 0) {
			give_up("write");
		}
	}
	start = time_monotonic_ns() - start;
	close_log(d, log);
	return (double)done * 1e3 / (double)start;
}

/* ---- loading ---- */

static void copy_file(const char *from, const char *to)
{
	auto_(buf) struct buf data = BUF_INIT;

	if (read_file(AT_FDCWD, from, &data, 64 << 20) < 0 ||
	    write_file_atomic(AT_FDCWD, to, data.data, data.len, 0755, 0) < 0) {
		give_up(from);
	}
}

static double time_load(const char *file)
{
	static double loads[LOADS];
	char path[128];

	for (unsigned i = 0; i < LOADS; i++) {
		int64_t start;
		struct driver *d;

		snprintf(path, sizeof(path), "%s/plugin-%u.so", folder, i);
		copy_file(file, path);
		start = time_monotonic_ns();
		d = open_native("volume", "nothing", path);
		loads[i] = (double)(time_monotonic_ns() - start);
		driver_free(d);
		unlink(path);
	}
	return median(loads, LOADS);
}

static double time_start(const char *program, const char *file)
{
	static double starts[LOADS];

	for (unsigned i = 0; i < LOADS; i++) {
		int64_t start = time_monotonic_ns();
		struct driver *d = open_process(program, "volume", "nothing", file, 0);

		starts[i] = (double)(time_monotonic_ns() - start);
		driver_free(d);
	}
	return median(starts, LOADS);
}

/* ---- the table ---- */

enum {
	DIRECT,
	NATIVE,
	PROCESS,
	PYTHON,
	HTTP,
	HTTP_CONNECT,
	LOAD,
	START,
	LOG_100,
	LOG_1000,
	LOG_16K,
	LOG_FILE,
	LOG_FILE_HERE,
	N
};

static const struct {
	const char *what;
	const char *unit;
	double divisor;
} rows[N] = {
	[DIRECT] = {"a direct function call", "ns", 1},
	[NATIVE] = {"the same through a native driver", "ns", 1},
	[PROCESS] = {"round trip to a driver in its own process", "us", 1e3},
	[PYTHON] = {"round trip to a driver in Python", "us", 1e3},
	[HTTP] = {"HTTP over a Unix socket, connection kept", "us", 1e3},
	[HTTP_CONNECT] = {"HTTP over a Unix socket, connection made", "us", 1e3},
	[LOAD] = {"loading and opening a native plugin", "us", 1e3},
	[START] = {"starting and opening a confined process", "us", 1e3},
	[LOG_100] = {"log, own process, lines of 100 bytes", "MB/s", 1},
	[LOG_1000] = {"log, own process, lines of 1000 bytes", "MB/s", 1},
	[LOG_16K] = {"log, own process, records of 16 KiB", "MB/s", 1},
	[LOG_FILE] = {"json-file, own process, lines of 1000 bytes", "MB/s", 1},
	[LOG_FILE_HERE] = {"json-file, engine's process, lines of 1000 bytes", "MB/s", 1},
};

/* Only what can be measured beside other work, in time of this thread. */
static int compare_calls(struct driver *native)
{
	static double here[ROUNDS], there[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		here[i] = time_direct(200000);
		there[i] = time_calls(native, 200000);
	}
	printf("direct %.1f ns, native driver %.1f ns\n", median(here, ROUNDS),
	       median(there, ROUNDS));
	driver_free(native);
	remove_tree(AT_FDCWD, folder);
	return 0;
}

int main(int argc, char **argv)
{
	static double results[N][ROUNDS];
	char http_path[64];
	struct driver *native, *process, *python, *log, *file, *file_here;
	pid_t server;

	if (argc < 5 || argc > 6 || !mkdtemp(folder)) {
		fprintf(stderr,
			"usage: bench-plugin HOST PLUGIN JSON-FILE PYTHON-DRIVER [calls]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	host.state_dir = host.run_dir = folder;
	snprintf(http_path, sizeof(http_path), "%s/http.sock", folder);
	native = open_native("volume", "nothing", argv[2]);
	if (argc == 6) {
		return compare_calls(native);
	}
	server = http_serve(http_path);
	process = open_process(argv[1], "volume", "nothing", argv[2], 0);
	python = open_process(argv[1], "volume", "py", argv[4], 1);
	log = open_process(argv[1], "log", "nothing", argv[2], 0);
	file = open_process(argv[1], "log", "json-file", argv[3], 0);
	file_here = open_native("log", "json-file", argv[3]);
	for (int i = 0; i < ROUNDS; i++) {
		results[DIRECT][i] = time_direct(1000000);
		results[NATIVE][i] = time_calls(native, 1000000);
		results[PROCESS][i] = time_trips(process);
		results[HTTP][i] = time_http(http_path, 0);
		results[HTTP_CONNECT][i] = time_http(http_path, 1);
		results[PYTHON][i] = time_trips(python);
		results[LOAD][i] = time_load(argv[2]);
		results[START][i] = time_start(argv[1], argv[2]);
		results[LOG_100][i] = time_batches(log, 100);
		results[LOG_1000][i] = time_batches(log, 1000);
		results[LOG_16K][i] = time_batches(log, 16384);
		results[LOG_FILE][i] = time_batches(file, 1000);
		results[LOG_FILE_HERE][i] = time_writes(file_here, 1000);
	}
	for (int i = 0; i < N; i++) {
		printf("%-50s %8.1f %s\n", rows[i].what,
		       median(results[i], ROUNDS) / rows[i].divisor, rows[i].unit);
	}
	driver_free(native);
	driver_free(process);
	driver_free(python);
	driver_free(log);
	driver_free(file);
	driver_free(file_here);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	remove_tree(AT_FDCWD, folder);
	return 0;
}
