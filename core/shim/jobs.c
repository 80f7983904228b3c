/* SPDX-License-Identifier: Apache-2.0 */
/* What helpers do.  Runs in a short-lived child: memory is not given back. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/shim/helper.h"
#include "core/shim/shim.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define SPEC_MAX (16 << 20)

static void close_job_fds(const struct helper_job *job)
{
	for (unsigned i = 0; i < HELPER_MAX_FDS; i++) {
		if (job->fds[i] >= 0) {
			close(job->fds[i]);
		}
	}
}

/* Tells of a new process: pid, warnings, the terminal. */
static int report(struct helper_side *side, int64_t pid, int console, const char *const *warnings,
		  struct gantry_error *err)
{
	shim_message_init(side->message, SHIM_OK);
	shim_message_add_int(side->message, "pid", pid);
	for (; warnings && *warnings; warnings++) {
		shim_message_add(side->message, "warning", *warnings);
	}
	return shim_send(side->sock, side->message, &console, console >= 0, err);
}

static int create(struct helper_side *side, const struct helper_job *job, struct reply *ret,
		  struct gantry_error *err)
{
	const struct shim_message *m = &side->shim->create;
	auto_free char *state_dir = shim_state_dir(m);

	return runtime_create(side->runtime,
			      &GANTRY_RUNTIME_CREATE_ARGS(
				      .id = shim_message_get(m, "id"),
				      .bundle = shim_message_get(m, "run_dir"), .state_dir = state_dir,
				      .rootfs = job->fds[HELPER_ROOT], .stdin = job->fds[HELPER_STDIN],
				      .stdout = job->fds[HELPER_STDOUT],
				      .stderr = job->fds[HELPER_STDERR],
				      .seccomp = shim_message_get(m, "seccomp"),
				      .init = shim_message_get_int(m, "init", 0),
				      .console_width = job->width, .console_height = job->height),
			      ret, err);
}

static int restore(struct helper_side *side, const struct helper_job *job, const char *images,
		   struct reply *ret, struct gantry_error *err)
{
	const struct shim_message *m = &side->shim->create;
	auto_free char *state_dir = shim_state_dir(m);

	return runtime_restore(side->runtime,
			       &GANTRY_RUNTIME_RESTORE_ARGS(
				       .id = shim_message_get(m, "id"),
				       .bundle = shim_message_get(m, "run_dir"), .state_dir = state_dir,
				       .images = images, .rootfs = job->fds[HELPER_ROOT],
				       .stdin = job->fds[HELPER_STDIN], .stdout = job->fds[HELPER_STDOUT],
				       .stderr = job->fds[HELPER_STDERR]),
			       ret, err);
}

static int make(struct helper_side *side, const struct helper_job *job, int *ret_created,
		struct gantry_error *err)
{
	const char *images = shim_message_get(&side->shim->create, "images");
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_fd int console = -1;
	int64_t pid;
	int r = images ? restore(side, job, images, &ret, err) : create(side, job, &ret, err);

	if (r < 0) {
		return r;
	}
	*ret_created = 1;
	/* The end of the container's streams must not wait for us. */
	close_job_fds(job);
	console = reply_take_fd(&ret, images ? GANTRY_RUNTIME_RESTORE_RET_CONSOLE
					     : GANTRY_RUNTIME_CREATE_RET_CONSOLE);
	pid = reply_integer(&ret, images ? GANTRY_RUNTIME_RESTORE_RET_PID : GANTRY_RUNTIME_CREATE_RET_PID, 0);
	return report(side, pid, console,
		      reply_list(&ret, images ? GANTRY_RUNTIME_RESTORE_RET_WARNING
					      : GANTRY_RUNTIME_CREATE_RET_WARNING), err);
}

static int start(struct helper_side *side, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free char *state_dir = shim_state_dir(&side->shim->create);
	int r = runtime_start(side->runtime,
			      &GANTRY_RUNTIME_START_ARGS(.id = shim_message_get(&side->shim->create, "id"),
							 .state_dir = state_dir),
			      &ret, err);

	if (r < 0) {
		return r;
	}
	shim_message_init(side->message, SHIM_OK);
	return shim_send(side->sock, side->message, NULL, 0, err);
}

static int delete(struct helper_side *side, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free char *state_dir = shim_state_dir(&side->shim->create);

	return runtime_delete(side->runtime,
			      &GANTRY_RUNTIME_DELETE_ARGS(
				      .id = shim_message_get(&side->shim->create, "id"),
				      .state_dir = state_dir, .force = 1),
			      &ret, err);
}

int helper_run_container(struct helper_side *side, const struct helper_job *job,
			 struct gantry_error *err)
{
	struct gantry_error hangup = GANTRY_ERROR_INIT;
	int created = 0;
	int r = make(side, job, &created, err);

	if (r < 0) {
		/* Made, and the shim was killed before it could hear of it. */
		return created && delete(side, &hangup) < 0 ? hangup.code : r;
	}
	r = shim_receive(side->sock, side->message, &hangup);
	if (r == 0 && side->message->type == SHIM_START) {
		return start(side, err);
	}
	/* ABORT, or the shim was killed: nobody will ever start it. */
	return delete(side, err);
}

static int read_text(const char *path, struct buf *out, struct gantry_error *err)
{
	int r = read_file(AT_FDCWD, path, out, SPEC_MAX);

	return r < 0 ? error_errno(err, -r, "cannot read %s", path) : 0;
}

/* The process object: as given, or the probe's. */
static int read_process(struct helper_side *side, const struct helper_job *job, char **ret,
			struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_free char *spec = NULL;
	int r;

	if (!job->probe) {
		r = read_text(job->process, &text, err);
		*ret = r == 0 ? buf_steal(&text) : NULL;
		return r < 0 || *ret ? r : error_no_memory(err);
	}
	spec = shim_path(&side->shim->create, "config.json");
	r = spec ? read_text(spec, &text, err) : error_no_memory(err);
	return r < 0 ? r : probe_process(buf_str(&text), job->probe, ret, err);
}

int helper_run_exec(struct helper_side *side, const struct helper_job *job,
		    struct gantry_error *err)
{
	const struct shim_message *m = &side->shim->create;
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free char *state_dir = shim_state_dir(m);
	auto_free char *process = NULL;
	auto_fd int console = -1;
	int r = read_process(side, job, &process, err);

	if (r == 0) {
		r = runtime_exec(side->runtime,
				 &GANTRY_RUNTIME_EXEC_ARGS(
					 .id = shim_message_get(m, "id"), .state_dir = state_dir,
					 .process = process, .stdin = job->fds[HELPER_STDIN],
					 .stdout = job->fds[HELPER_STDOUT],
					 .stderr = job->fds[HELPER_STDERR], .seccomp = job->seccomp,
					 .console_width = job->width, .console_height = job->height),
				 &ret, err);
	}
	if (r < 0) {
		return r;
	}
	close_job_fds(job);
	console = reply_take_fd(&ret, GANTRY_RUNTIME_EXEC_RET_CONSOLE);
	return report(side, reply_integer(&ret, GANTRY_RUNTIME_EXEC_RET_PID, 0), console, NULL, err);
}
