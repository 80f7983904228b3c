/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins, as commands see them.  Their statistics and logs lie in the drivers' run
 * folders, where every process that uses a driver leaves them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/engine/engine.h"
#include "core/plugin/page.h"
#include "core/plugin/pluginlog.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

#define FOLLOW_MS 200
#define TRACE_MAX 65536

/* "kind/driver" taken apart; *ret_kind is the caller's. */
static int split_name(const char *name, char **ret_kind, const char **ret_driver,
		      struct gantry_error *err)
{
	const char *slash = strchr(name, '/');

	if (!slash || !slash[1] || strchr(slash + 1, '/') || strstr(name, "..")) {
		error_set(err, GANTRY_ERR_INVALID, "\"%s\" is not KIND/DRIVER", name);
		return error_hint(err, "`gantry plugin ls` shows them");
	}
	*ret_kind = strndup(name, (size_t)(slash - name));
	*ret_driver = slash + 1;
	return *ret_kind ? 0 : error_no_memory(err);
}

/* ---- statistics ---- */

/* The resident memory of a process and its children. */
static int64_t memory_of(int pid, int depth)
{
	auto_(buf) struct buf text = BUF_INIT;
	char path[96];
	char *save = NULL;
	int64_t bytes = 0;
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	if (read_file(AT_FDCWD, path, &text, 8192) == 0 &&
	    (at = strstr(buf_str(&text), "\nPss:"))) {
		bytes = strtoll(at + strlen("\nPss:"), NULL, 10) * 1024;
	}
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	buf_clear(&text);
	if (depth < 4 && read_file(AT_FDCWD, path, &text, 65536) == 0 && text.len) {
		for (char *p = strtok_r(text.data, " \n", &save); p;
		     p = strtok_r(NULL, " \n", &save)) {
			bytes += memory_of(atoi(p), depth + 1);
		}
	}
	return bytes;
}

static int is_host(int pid)
{
	auto_(buf) struct buf name = BUF_INIT;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	return read_file(AT_FDCWD, path, &name, 64) == 0 &&
	       !strncmp(buf_str(&name), "gantry-plugin-h", 15);
}

static void add_processes(struct json_object *o, struct plugin_page *p)
{
	int64_t memory = 0;
	int n = 0;

	for (unsigned i = 0; i < PAGE_PROCESSES; i++) {
		int pid = atomic_load(&p->processes[i]);

		if (pid && is_host(pid)) {
			n++;
			memory += memory_of(pid, 0);
		} else if (pid) {
			page_remove_process(p, pid); /* its user was killed, too */
		}
	}
	json_set_int(o, "Processes", n);
	json_set_int(o, "MemoryBytes", memory);
}

static void add_failure(struct json_object *o, const struct plugin_page *p)
{
	int64_t at = atomic_load(&p->failed_at_ns);
	int recent = at && time_now_ns() - at < INT64_C(60000000000);

	json_set_string(o, "Health", recent ? "failing" : "ok");
	if (at) {
		json_set_string(o, "LastFailure", p->failure);
		json_set_int(o, "LastFailureAt", at / 1000000000);
	}
}

static struct json_object *stats_of(const char *kind, const char *driver, const char *run_dir)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_(buf) struct buf name = BUF_INIT;
	struct plugin_page *p;
	struct json_object *o;
	uint64_t calls;

	if (page_map(run_dir, &p, &ignored) < 0) {
		return NULL;
	}
	o = json_object_new_object();
	calls = atomic_load(&p->calls);
	buf_addf(&name, "%s/%s", kind, driver);
	json_set_string(o, "Name", buf_str(&name));
	json_set_int(o, "Calls", (int64_t)calls);
	json_set_int(o, "Errors", (int64_t)atomic_load(&p->errors));
	json_set_int(o, "Timeouts", (int64_t)atomic_load(&p->timeouts));
	json_set_int(o, "AverageNs", calls ? (int64_t)(atomic_load(&p->total_ns) / calls) : 0);
	json_set_int(o, "P50Ns", (int64_t)page_percentile(p, 500));
	json_set_int(o, "P90Ns", (int64_t)page_percentile(p, 900));
	json_set_int(o, "P99Ns", (int64_t)page_percentile(p, 990));
	json_set_int(o, "Starts", (int64_t)atomic_load(&p->starts));
	json_set_int(o, "Crashes", (int64_t)atomic_load(&p->crashes));
	json_set_int(o, "Reloads", (int64_t)atomic_load(&p->reloads));
	add_processes(o, p);
	add_failure(o, p);
	page_unmap(p);
	return o;
}

static void add_kind(const char *drivers, const char *kind, struct json_object *list)
{
	auto_free char *folder = path_join(drivers, kind, NULL);
	auto_dir DIR *d = folder ? opendir(folder) : NULL;
	struct dirent *e;

	while (d && (e = readdir(d))) {
		auto_free char *run_dir = path_join(folder, e->d_name, NULL);
		auto_free char *page = run_dir ? path_join(run_dir, PAGE_FILE, NULL) : NULL;

		if (e->d_name[0] != '.' && page && access(page, F_OK) == 0) {
			json_object_array_add(list, stats_of(kind, e->d_name, run_dir));
		}
	}
}

ENGINE_OP(plugin_stats)
{
	struct core *core = self;
	auto_json struct json_object *list = json_object_new_array();
	auto_free char *drivers = path_join(core->paths.run_root, "drivers", NULL);
	auto_dir DIR *d = drivers && !args->name ? opendir(drivers) : NULL;
	struct dirent *e;

	if (args->name) {
		auto_free char *kind = NULL;
		auto_free char *run_dir = NULL;
		const char *driver;

		if (split_name(args->name, &kind, &driver, err) < 0) {
			return err->code;
		}
		run_dir = path_join(drivers, kind, driver, NULL);
		if (!run_dir || access(run_dir, F_OK) < 0) {
			return error_set(err, GANTRY_ERR_NOT_FOUND,
					 "plugin %s was not used since the last reboot",
					 args->name);
		}
		json_object_array_add(list, stats_of(kind, driver, run_dir));
	}
	while (d && (e = readdir(d))) {
		if (e->d_name[0] != '.') {
			add_kind(drivers, e->d_name, list);
		}
	}
	return gantry_engine_plugin_stats_set_stats(reply, json_text(list));
}

/* ---- what there is ---- */

/* "Stats" of a driver that was used since the last reboot. */
static void add_stats(struct core *core, struct json_object *o, const char *kind, const char *driver)
{
	auto_free char *run_dir = path_join(core->paths.run_root, "drivers", kind, driver, NULL);
	auto_free char *page = run_dir ? path_join(run_dir, PAGE_FILE, NULL) : NULL;

	if (page && access(page, F_OK) == 0) {
		json_set(o, "Stats", stats_of(kind, driver, run_dir));
	}
}

ENGINE_OP(plugin_list)
{
	struct core *core = self;
	auto_json struct json_object *list = NULL;
	int r = registry_list(core->registry, &list, err);

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		struct json_object *drivers =
			json_get_array(json_object_array_get_idx(list, i), "Drivers");

		for (size_t k = 0; k < json_array_size(drivers); k++) {
			struct json_object *d = json_object_array_get_idx(drivers, k);

			add_stats(core, d, json_get_string(d, "Kind"), json_get_string(d, "Name"));
		}
	}
	return r < 0 ? r : gantry_engine_plugin_list_set_plugins(reply, json_text(list));
}

ENGINE_OP(plugin_inspect)
{
	struct core *core = self;
	auto_json struct json_object *o = NULL;
	auto_free char *kind = NULL;
	const char *driver;
	int r = split_name(args->name, &kind, &driver, err);

	r = r < 0 ? r : registry_inspect(core->registry, kind, driver, &o, err);
	if (r < 0) {
		return r;
	}
	add_stats(core, o, kind, driver);
	return gantry_engine_plugin_inspect_set_plugin(reply, json_text(o));
}

/* ---- reload ---- */

ENGINE_OP(plugin_reload)
{
	struct core *core = self;
	auto_free char *kind = NULL;
	const char *driver;
	int r = split_name(args->name, &kind, &driver, err);

	return r < 0 ? r : registry_reload(core->registry, kind, driver, err);
}

/* ---- logs ---- */

struct log_request {
	char *run_dir;
	int64_t tail;
	int follow;
};

/* Where the last n lines of text begin. */
static size_t tail_start(const struct buf *text, int64_t n)
{
	size_t at = text->len;

	while (at > 0 && n >= 0) {
		at--;
		if (text->data[at] == '\n' && at + 1 < text->len && --n == 0) {
			return at + 1;
		}
	}
	return 0;
}

static int sink_is_closed(int sink)
{
	struct pollfd pfd = {.fd = sink};

	return poll(&pfd, 1, FOLLOW_MS) > 0 && (pfd.revents & (POLLERR | POLLHUP));
}

/* What was added to the file since. */
static int copy_new(int dir, off_t *at, int sink)
{
	auto_fd int fd = openat(dir, PLUGIN_LOG, O_RDONLY | O_CLOEXEC);
	char chunk[8192];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0) {
		return 0;
	}
	*at = st.st_size < *at ? 0 : *at; /* it was put aside */
	while ((n = pread(fd, chunk, sizeof(chunk), *at)) > 0) {
		if (write_all(sink, chunk, (size_t)n) < 0) {
			return -1;
		}
		*at += n;
	}
	return 0;
}

static void write_logs(struct core *core, void *data, int sink)
{
	struct log_request *request = data;
	auto_fd int dir = open(request->run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_(buf) struct buf text = BUF_INIT;
	off_t at = 0;
	size_t start;

	(void)read_file(dir, PLUGIN_LOG_OLD, &text, 2 * PLUGIN_LOG_MAX);
	start = text.len;
	(void)read_file(dir, PLUGIN_LOG, &text, 4 * PLUGIN_LOG_MAX);
	at = (off_t)(text.len - start);
	start = request->tail > 0 ? tail_start(&text, request->tail) : 0;
	if (write_all(sink, buf_str(&text) + start, text.len - start) == 0) {
		while (request->follow && !sink_is_closed(sink) && copy_new(dir, &at, sink) == 0) {
		}
	}
	close(sink);
	free(request->run_dir);
	free(request);
}

static int run_dir_of(struct core *core, const char *name, char **ret, struct gantry_error *err)
{
	auto_free char *kind = NULL;
	const char *driver;
	int r = split_name(name, &kind, &driver, err);

	if (r < 0) {
		return r;
	}
	*ret = path_join(core->paths.run_root, "drivers", kind, driver, NULL);
	if (*ret && access(*ret, F_OK) < 0) {
		free(*ret);
		*ret = NULL;
		error_set(err, GANTRY_ERR_NOT_FOUND, "plugin %s was not used since the last reboot",
			  name);
		return error_hint(err, "`gantry plugin ls` shows what is installed");
	}
	return *ret ? 0 : error_no_memory(err);
}

ENGINE_OP(plugin_logs)
{
	struct core *core = self;
	struct log_request *request = calloc(1, sizeof(*request));
	int stream;
	int r = request ? run_dir_of(core, args->name, &request->run_dir, err)
			: error_no_memory(err);

	if (r == 0) {
		request->tail = args->tail;
		request->follow = args->follow != 0;
		r = engine_stream(core, write_logs, request, &stream, err);
	}
	if (r < 0) {
		if (request) {
			free(request->run_dir);
		}
		free(request);
		return r;
	}
	return gantry_engine_plugin_logs_set_stream(reply, stream);
}

/* ---- trace ---- */

struct trace_request {
	char *run_dir;
	struct plugin_page *page;
	int sock;
};

static void trace_done(struct trace_request *request)
{
	auto_free char *path =
		request->run_dir ? path_join(request->run_dir, TRACE_SOCKET, NULL) : NULL;

	if (request->page) {
		atomic_store(&request->page->traced, 0);
	}
	if (path && request->sock >= 0) {
		unlink(path);
	}
	replace_fd(&request->sock, -1);
	page_unmap(request->page);
	free(request->run_dir);
	free(request);
}

static void write_trace(struct core *core, void *data, int sink)
{
	struct trace_request *request = data;
	struct pollfd fds[] = {{.fd = request->sock, .events = POLLIN}, {.fd = sink}};
	auto_free char *line = malloc(TRACE_MAX + 1);

	while (line && poll(fds, ARRAY_SIZE(fds), -1) >= 0 && !fds[1].revents) {
		ssize_t n = recv(request->sock, line, TRACE_MAX, MSG_DONTWAIT);

		if (n > 0) {
			line[n] = '\n';
			if (write_all(sink, line, (size_t)n + 1) < 0) {
				break;
			}
		}
	}
	close(sink);
	trace_done(request);
}

/* One at a time; the socket of one that was killed is taken over. */
static int listen_to_trace(struct trace_request *request, const char *name,
			   struct gantry_error *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	auto_fd int other = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	request->sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (request->sock < 0 || other < 0) {
		return error_errno(err, errno, "cannot make a socket");
	}
	if (snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", request->run_dir, TRACE_SOCKET) >=
	    (int)sizeof(at.sun_path)) {
		return error_set(err, GANTRY_ERR_LIMIT, "the path of %s is too long to trace there",
				 request->run_dir);
	}
	if (connect(other, (struct sockaddr *)&at, sizeof(at)) == 0) {
		replace_fd(&request->sock, -1);
		return error_set(err, GANTRY_ERR_IN_USE, "plugin %s is traced already", name);
	}
	unlink(at.sun_path);
	if (bind(request->sock, (struct sockaddr *)&at, sizeof(at)) < 0) {
		return error_errno(err, errno, "cannot listen at %s", at.sun_path);
	}
	return 0;
}

ENGINE_OP(plugin_trace)
{
	struct core *core = self;
	struct trace_request *request = calloc(1, sizeof(*request));
	int stream;
	int r;

	if (!request) {
		return error_no_memory(err);
	}
	request->sock = -1;
	r = run_dir_of(core, args->name, &request->run_dir, err);
	if (r == 0) {
		r = listen_to_trace(request, args->name, err);
	}
	if (r == 0) {
		r = page_map(request->run_dir, &request->page, err);
	}
	if (r == 0) {
		atomic_store(&request->page->traced, 1);
		r = engine_stream(core, write_trace, request, &stream, err);
	}
	if (r < 0) {
		trace_done(request);
		return r;
	}
	return gantry_engine_plugin_trace_set_stream(reply, stream);
}
