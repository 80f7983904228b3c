/* SPDX-License-Identifier: Apache-2.0 */
/* Further processes in a running container.  The record says what to run; the shim
 * runs it, and remembers how it ended for as long as the container runs. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/container/container.h"
#include "core/container/create.h"
#include "core/shim/protocol.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

struct exec {
	char id[65];
	char container[65];
	struct json_object *doc; /* {Config, Started, Detached} */
};

static void exec_done(struct exec *e)
{
	json_object_put(e->doc);
}

static int exec_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	struct exec *e = data;

	snprintf(e->id, sizeof(e->id), "%s", db_column(row, 0));
	snprintf(e->container, sizeof(e->container), "%s", db_column(row, 1));
	json_object_put(e->doc);
	e->doc = NULL;
	return json_parse_object(db_column(row, 2), "exec", &e->doc, err);
}

static int find_exec(struct core *core, const char *id, struct exec *ret, struct gantry_error *err)
{
	int r;

	*ret = (struct exec){ .doc = NULL };
	r = db_query(core->db, exec_row, ret, err, "SELECT id,container,doc FROM execs WHERE id=?", "s", id);
	if (r == 0 && !ret->doc) {
		r = error_set(err, GANTRY_ERR_NOT_FOUND, "No such exec instance: %s", id);
	}
	return r;
}

static void publish(struct core *core, struct container *c, struct json_object *config,
		    const char *action, const char *id)
{
	auto_json struct json_object *extra = json_object_new_object();
	auto_(buf) struct buf text = BUF_INIT;
	struct json_object *cmd = json_get_array(config, "Cmd");

	buf_addf(&text, "%s:", action);
	for (size_t i = 0; i < json_array_size(cmd); i++) {
		buf_addf(&text, " %s", json_item_string(cmd, i));
	}
	json_set_string(extra, "execID", id);
	container_event(core, c, buf_str(&text), extra);
}

ENGINE_OP(exec_create)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	auto_json struct json_object *config = NULL;
	auto_json struct json_object *doc = json_object_new_object();
	char id[65];
	int r = json_parse_object(args->config, "exec configuration", &config, err);

	if (r == 0) {
		r = container_find(core, args->name, &c, err);
	}
	if (r < 0) {
		return r;
	}
	if (!container_is_running(c)) {
		return error_set(err, GANTRY_ERR_CONFLICT, "container %s is not running", c->id);
	}
	if (container_is(c, "paused")) {
		return error_set(err, GANTRY_ERR_CONFLICT,
				 "Container %s is paused, unpause the container before exec", c->name);
	}
	if (json_array_size(json_get_array(config, "Cmd")) == 0) {
		return error_set(err, GANTRY_ERR_INVALID, "No exec command specified");
	}
	create_random_id(id);
	json_set(doc, "Config", json_object_get(config));
	r = db_exec(core->db, err, "INSERT INTO execs VALUES(?,?,?)", "sss", id, c->id, json_text(doc));
	if (r < 0) {
		return r;
	}
	publish(core, c, config, "exec_create", id);
	return gantry_engine_exec_create_set_id(reply, id);
}

/* Writes the OCI process object where the shim will read it. */
static int write_process(struct core *core, struct container *c, const struct exec *e,
			 const char *run_dir, char **ret_path, struct gantry_error *err)
{
	auto_json struct json_object *process = NULL;
	auto_free char *path = NULL;
	auto_fd int root = -1;
	const char *text;
	int r = container_open_root(core, c, 0, &root, err);

	if (r == 0) {
		r = container_make_exec_process(core, c, json_get_object(e->doc, "Config"), root, &process,
						err);
	}
	if (r < 0) {
		return r;
	}
	if (asprintf(&path, "%s/exec-%s.json", run_dir, e->id) < 0) {
		return error_no_memory(err);
	}
	text = json_text(process);
	r = write_file_atomic(AT_FDCWD, path, text, strlen(text), 0600, 0);
	if (r < 0) {
		return error_errno(err, -r, "cannot write %s", path);
	}
	*ret_path = steal(&path);
	return 0;
}

static int save_exec(struct core *core, struct exec *e, struct gantry_error *err)
{
	return db_exec(core->db, err, "UPDATE execs SET doc=? WHERE id=?", "ss", json_text(e->doc), e->id);
}

static int mark_started(struct core *core, struct exec *e, struct gantry_error *err)
{
	json_set_bool(e->doc, "Started", 1);
	return save_exec(core, e, err);
}

static int start_in_shim(struct core *core, struct container *c, const struct exec *e,
			 const struct gantry_engine_exec_start_args *args, int connection,
			 struct gantry_error *err)
{
	struct json_object *config = json_get_object(e->doc, "Config");
	auto_free char *run_dir = container_run_dir(core, c->id);
	auto_free char *process = NULL;
	auto_free struct shim_message *m = malloc(sizeof(*m));
	const char *keys = json_get_string(config, "DetachKeys");
	auto_fd int sock = -1;
	int r = m ? write_process(core, c, e, run_dir, &process, err) : error_no_memory(err);

	if (r == 0) {
		r = shim_connect(run_dir, &sock, err);
	}
	if (r < 0) {
		return r;
	}
	shim_message_init(m, SHIM_EXEC);
	shim_message_add(m, "exec", e->id);
	shim_message_add(m, "process", process);
	shim_message_add(m, "seccomp",
			 json_get_bool(config, "Privileged", 0) ? "unconfined" : container_seccomp(core, c));
	shim_message_add_int(m, "tty", json_get_bool(config, "Tty", 0));
	shim_message_add_int(m, "stdin", json_get_bool(config, "AttachStdin", 0));
	shim_message_add_int(m, "stdout", json_get_bool(config, "AttachStdout", 0));
	shim_message_add_int(m, "stderr", json_get_bool(config, "AttachStderr", 0));
	shim_message_add_int(m, "framed", !args->tty);
	shim_message_add_int(m, "width", args->width);
	shim_message_add_int(m, "height", args->height);
	shim_message_add(m, "detach_keys", keys && *keys ? keys : "ctrl-p,ctrl-q");
	return shim_request(sock, m, &connection, connection >= 0, err);
}

/* The client has been promised a stream, so that is where it reads why there is none,
 * and the exit code tells it apart from output: as in Docker. */
static int report_unstarted(struct core *core, struct exec *e, int pair[2],
			    struct gantry_error *failure, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	unsigned char header[8] = { 1 };
	uint32_t len;

	/* The shim has shut down the pair that it was given. */
	replace_fd(&pair[0], -1);
	replace_fd(&pair[1], -1);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		return error_errno(err, errno, "cannot make a socket pair");
	}

	buf_addf(&text, "%s\r\n", failure->message);
	len = htobe32((uint32_t)text.len);
	memcpy(header + 4, &len, sizeof(len));
	if (!json_get_bool(json_get_object(e->doc, "Config"), "Tty", 0)) {
		(void)write_all(pair[1], header, sizeof(header));
	}
	(void)write_all(pair[1], text.data, text.len);
	json_set_int(e->doc, "ExitCode", failure->code == GANTRY_ERR_NOT_FOUND ? 127 : 126);
	error_clear(failure);
	return save_exec(core, e, err);
}

ENGINE_OP(exec_start)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	struct exec e;
	int pair[2] = { -1, -1 };
	int tty, started = 0;
	int r = find_exec(core, args->id, &e, err);

	if (r == 0) {
		r = container_find(core, e.container, &c, err);
	}
	if (r == 0 && !container_is_running(c)) {
		r = error_set(err, GANTRY_ERR_CONFLICT, "container %s is not running", e.container);
	}
	if (r == 0 && json_get_bool(e.doc, "Started", 0)) {
		r = error_set(err, GANTRY_ERR_CONFLICT, "Error: Exec command %s is already running", e.id);
	}
	if (r == 0 && !args->detach && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		r = error_errno(err, errno, "cannot make a socket pair");
	}
	if (r == 0) {
		r = mark_started(core, &e, err);
	}
	if (r == 0) {
		r = start_in_shim(core, c, &e, args, pair[1], err);
		started = r == 0;
		if (r < 0 && pair[1] >= 0) {
			struct gantry_error failure = *err;

			error_clear(err);
			r = report_unstarted(core, &e, pair, &failure, err);
		}
	}
	if (pair[1] >= 0) {
		close(pair[1]);
	}
	if (r < 0) {
		if (pair[0] >= 0) {
			close(pair[0]);
		}
		exec_done(&e);
		return r;
	}
	if (started) {
		publish(core, c, json_get_object(e.doc, "Config"), "exec_start", e.id);
	}
	/* How the stream is, is who starts it to say; what the process has, who made it. */
	tty = args->tty && json_get_bool(json_get_object(e.doc, "Config"), "Tty", 0);
	exec_done(&e);
	r = gantry_engine_exec_start_set_tty(reply, tty);
	return r < 0 || pair[0] < 0 ? r : gantry_engine_exec_start_set_connection(reply, pair[0]);
}

/* What the shim knows, else the file it left. */
static void ask_state(struct core *core, const struct exec *e, int *ret_running, int64_t *ret_pid,
		      int64_t *ret_code)
{
	auto_free char *run_dir = container_run_dir(core, e->container);
	auto_free struct shim_message *m = malloc(sizeof(*m));
	auto_free char *path = NULL;
	auto_(buf) struct buf text = BUF_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_fd int sock = -1;

	if (m && shim_connect(run_dir, &sock, &ignored) == 0) {
		shim_message_init(m, SHIM_EXEC_STATE);
		shim_message_add(m, "exec", e->id);
		if (shim_request(sock, m, NULL, 0, &ignored) == 0) {
			*ret_running = (int)shim_message_get_int(m, "running", 0);
			*ret_pid = shim_message_get_int(m, "pid", 0);
			*ret_code = shim_message_get_int(m, "code", -1);
			return;
		}
	}
	if (asprintf(&path, "%s/exec-%s.exit", run_dir, e->id) >= 0 &&
	    read_file(AT_FDCWD, path, &text, 64) == 0) {
		*ret_code = atoll(buf_str(&text));
	}
}

static struct json_object *process_config(struct json_object *config)
{
	struct json_object *o = json_object_new_object();
	struct json_object *cmd = json_get_array(config, "Cmd");
	struct json_object *rest = json_object_new_array();
	const char *user = json_get_string(config, "User");

	for (size_t i = 1; i < json_array_size(cmd); i++) {
		json_add_string(rest, json_item_string(cmd, i));
	}
	json_set_bool(o, "tty", json_get_bool(config, "Tty", 0));
	json_set_string(o, "entrypoint", json_item_string(cmd, 0));
	json_set(o, "arguments", rest);
	json_set_bool(o, "privileged", json_get_bool(config, "Privileged", 0));
	json_set_string(o, "user", user ? user : "");
	return o;
}

ENGINE_OP(exec_inspect)
{
	struct core *core = self;
	auto_json struct json_object *o = json_object_new_object();
	struct json_object *config;
	struct exec e;
	int64_t pid = 0, code;
	int running = 0;
	int r = find_exec(core, args->id, &e, err);

	if (r < 0) {
		exec_done(&e);
		return r;
	}
	config = json_get_object(e.doc, "Config");
	code = json_get_int(e.doc, "ExitCode", -1);
	if (code < 0 && json_get_bool(e.doc, "Started", 0)) {
		ask_state(core, &e, &running, &pid, &code);
	}
	json_set_string(o, "ID", e.id);
	json_set_bool(o, "Running", running);
	json_set(o, "ExitCode", running || code < 0 ? NULL : json_object_new_int64(code));
	json_set(o, "ProcessConfig", process_config(config));
	json_set_bool(o, "OpenStdin", json_get_bool(config, "AttachStdin", 0));
	json_set_bool(o, "OpenStderr", json_get_bool(config, "AttachStderr", 0));
	json_set_bool(o, "OpenStdout", json_get_bool(config, "AttachStdout", 0));
	json_set_bool(o, "CanRemove", 0);
	json_set_string(o, "ContainerID", e.container);
	json_set_string(o, "DetachKeys", "");
	json_set_int(o, "Pid", pid);
	exec_done(&e);
	return gantry_engine_exec_inspect_set_exec(reply, json_text(o));
}

ENGINE_OP(exec_resize)
{
	struct core *core = self;
	auto_free struct shim_message *m = malloc(sizeof(*m));
	auto_free char *run_dir = NULL;
	auto_fd int sock = -1;
	struct exec e;
	int r = m ? find_exec(core, args->id, &e, err) : error_no_memory(err);

	if (r < 0) {
		return r;
	}
	run_dir = container_run_dir(core, e.container);
	exec_done(&e);
	r = shim_connect(run_dir, &sock, err);
	if (r < 0) {
		return r;
	}
	shim_message_init(m, SHIM_RESIZE);
	shim_message_add(m, "exec", args->id);
	shim_message_add_int(m, "width", args->width);
	shim_message_add_int(m, "height", args->height);
	return shim_request(sock, m, NULL, 0, err);
}
