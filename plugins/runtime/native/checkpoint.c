/* SPDX-License-Identifier: Apache-2.0 */
/* Saving a container with CRIU, which stops it, and lets it go on when anything fails. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>
#include <helpers/privilege.h>

#include "checkpoint.h"
#include "criu.h"
#include "criu_mounts.h"
#include "spec.h"
#include "state.h"

#define LOG "dump.log"

static int open_dir(const char *path, int *ret, struct gantry_error *err)
{
	int r = make_dirs(AT_FDCWD, path, 0700);

	if (r < 0)
		return error_errno(err, -r, "cannot create %s", path);
	*ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret < 0 ? error_errno(err, errno, "cannot open %s", path) : 0;
}

int checkpoint_dirs_open(const struct checkpoint_options *o, struct checkpoint_dirs *ret,
			 struct gantry_error *err)
{
	auto_(checkpoint_dirs) struct checkpoint_dirs d = CHECKPOINT_DIRS_INIT;
	int r;

	if (!o->images || !o->images[0])
		return error_set(err, GANTRY_ERR_INVALID, "no folder for the checkpoint is given");
	if (!is_host_root()) {
		error_set(err, GANTRY_ERR_PERMISSION, "CRIU needs root");
		return error_hint(err, "checkpoints of an ordinary user's containers are not possible");
	}
	r = open_dir(o->images, &d.images, err);
	if (r == 0)
		r = open_dir(o->work ? o->work : o->images, &d.work, err);
	if (r < 0)
		return r;
	*ret = d;
	d = (struct checkpoint_dirs)CHECKPOINT_DIRS_INIT;
	return 0;
}

void checkpoint_dirs_done(struct checkpoint_dirs *d)
{
	replace_fd(&d->images, -1);
	replace_fd(&d->work, -1);
}

void checkpoint_put_options(const struct checkpoint_options *o, const struct checkpoint_dirs *d,
			    const char *log, struct buf *opts)
{
	const struct {
		unsigned int field;
		bool on;
	} flags[] = {
		{ CRIU_OPT_EXT_UNIX_SK, o->ext_unix_sk },
		{ CRIU_OPT_TCP_ESTABLISHED, o->tcp_established },
		{ CRIU_OPT_TCP_CLOSE, o->tcp_close },
		{ CRIU_OPT_LAZY_PAGES, o->lazy_pages },
		{ CRIU_OPT_SHELL_JOB, o->shell_job },
		{ CRIU_OPT_FILE_LOCKS, o->file_locks },
		{ CRIU_OPT_AUTO_DEDUP, o->auto_dedup },
		{ CRIU_OPT_NOTIFY_SCRIPTS, true },
		{ CRIU_OPT_EVASIVE_DEVICES, true },
		{ CRIU_OPT_ORPHAN_PTS_MASTER, true },
	};

	criu_put_int(opts, CRIU_OPT_IMAGES_DIR_FD, d->images);
	criu_put_int(opts, CRIU_OPT_WORK_DIR_FD, d->work);
	criu_put_int(opts, CRIU_OPT_LOG_LEVEL, 4);
	criu_put_text(opts, CRIU_OPT_LOG_FILE, log);
	criu_put_int(opts, CRIU_OPT_MANAGE_CGROUPS_MODE, o->manage_cgroups);
	if (o->empty_ns)
		criu_put_int(opts, CRIU_OPT_EMPTY_NS, o->empty_ns);
	if (o->network_lock)
		criu_put_int(opts, CRIU_OPT_NETWORK_LOCK, o->network_lock);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (flags[i].on)
			criu_put_int(opts, flags[i].field, 1);
	}
}

/* A namespace that others made stays theirs, and is only named. */
static int name_namespace(const struct spec *s, enum ns_kind kind, const char *key, pid_t pid,
			  struct buf *opts, struct gantry_error *err)
{
	char path[64], text[96];
	struct stat st;

	if (!s->ns[kind].path)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, ns_files[kind]);
	if (stat(path, &st) < 0)
		return error_errno(err, errno, "cannot look at the container's namespaces");
	snprintf(text, sizeof(text), "%s[%lu]:%s", ns_files[kind], (unsigned long)st.st_ino, key);
	criu_put_text(opts, CRIU_OPT_EXTERNAL, text);
	return 0;
}

/* The mount on which a descriptor's file is, or -1. */
static int mount_id(pid_t pid, int fd)
{
	auto_(buf) struct buf text = BUF_INIT;
	char path[64];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	if (read_file(AT_FDCWD, path, &text, 65536) < 0)
		return -1;
	at = strstr(buf_str(&text), "mnt_id:");
	return at ? atoi(at + strlen("mnt_id:")) : -1;
}

/* Where a standard stream leads.  A pipe is known by its name; a file that is on none of
 * the container's mounts is named to CRIU, so that another can take its place. */
static void describe_stream(pid_t pid, int fd, struct buf *opts, char *out, size_t size)
{
	char path[64];
	struct stat st;
	ssize_t n;
	int id;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	n = readlink(path, out, size - 1);
	out[n > 0 ? n : 0] = '\0';
	if (n <= 0 || stat(path, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISCHR(st.st_mode)))
		return;
	id = mount_id(pid, fd);
	if (id < 0 || criu_mounts_has_id(pid, id))
		return;
	snprintf(out, size, "file[%x:%lx]", (unsigned int)id, (unsigned long)st.st_ino);
	criu_put_text(opts, CRIU_OPT_EXTERNAL, out);
}

static int write_descriptors(pid_t pid, const struct checkpoint_dirs *d, struct buf *opts,
			     struct gantry_error *err)
{
	struct json_object *list = json_object_new_array();
	char text[PATH_MAX];
	const char *json;
	int r;

	for (int fd = 0; fd < 3; fd++) {
		describe_stream(pid, fd, opts, text, sizeof(text));
		json_object_array_add(list, json_object_new_string(text));
	}
	json = json_object_to_json_string_ext(list, JSON_C_TO_STRING_NOSLASHESCAPE);
	r = json ? write_file_atomic(d->images, CHECKPOINT_DESCRIPTORS, json, strlen(json), 0600, 0)
		 : -ENOMEM;
	json_object_put(list);
	return r < 0 ? error_errno(err, -r, "cannot write " CHECKPOINT_DESCRIPTORS) : 0;
}

/* CRIU opens a program's file by its path. */
static int check_program(pid_t pid, struct gantry_error *err)
{
	char path[64], exe[64] = "";
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n <= 0 || strncmp(exe, "/memfd:", 7) != 0)
		return 0;
	error_set(err, GANTRY_ERR_UNSUPPORTED, "its first process has no file for its program, which "
					       "CRIU cannot restore");
	return error_hint(err, "a container with --init cannot be saved");
}

static int describe(const struct checkpoint_options *o, const struct checkpoint_dirs *d,
		    const struct state *s, const struct spec *spec,
		    const struct cgroup_host *host, struct buf *opts, struct gantry_error *err)
{
	char path[PATH_MAX];
	int r;

	checkpoint_put_options(o, d, LOG, opts);
	criu_put_int(opts, CRIU_OPT_PID, s->pid);
	if (s->rootfs && s->rootfs[0])
		criu_put_text(opts, CRIU_OPT_ROOT, s->rootfs);
	if (o->leave_running)
		criu_put_int(opts, CRIU_OPT_LEAVE_RUNNING, 1);
	if (o->link_remap)
		criu_put_int(opts, CRIU_OPT_LINK_REMAP, 1);
	if (o->tcp_skip_in_flight)
		criu_put_int(opts, CRIU_OPT_TCP_SKIP_IN_FLIGHT, 1);
	if (o->page_server)
		criu_put_fd(opts, CRIU_OPT_PAGE_SERVER, o->page_server, o->page_server_port);
	if (o->parent)
		criu_put_text(opts, CRIU_OPT_PARENT_IMG, o->parent);
	if (o->parent || o->pre_dump)
		criu_put_int(opts, CRIU_OPT_TRACK_MEM, 1);
	if (s->cgroup_path && cgroup_freezer(host, s->cgroup_path, path, sizeof(path)))
		criu_put_text(opts, CRIU_OPT_FREEZE_CGROUP, path);
	if ((r = name_namespace(spec, NS_NETWORK, CHECKPOINT_NET_KEY, s->pid, opts, err)) < 0 ||
	    (r = name_namespace(spec, NS_PID, CHECKPOINT_PID_KEY, s->pid, opts, err)) < 0)
		return r;
	if (o->pre_dump)
		return buf_failed(opts) ? error_no_memory(err) : 0;
	r = criu_mounts_name(spec, s->pid, opts, err);
	return r < 0 ? r : write_descriptors(s->pid, d, opts, err);
}

static int notified(void *data, const struct criu_answer *a, int fd, struct gantry_error *err)
{
	const struct checkpoint_options *o = data;

	if (fd >= 0)
		close(fd);
	if (!strcmp(a->script, "status-ready") && o->status_fd >= 0 &&
	    write(o->status_fd, "", 1) != 1)
		return error_errno(err, errno, "cannot tell that the memory can be fetched");
	return 0;
}

static int dump(const struct checkpoint_options *o, const struct checkpoint_dirs *d,
		const struct buf *opts, struct gantry_error *err)
{
	auto_(criu) struct criu criu = CRIU_INIT;
	struct criu_launch l = {
		.program = o->criu, .stdio = { -1, -1, -1 }, .parent = CHILD_OF_CALLER, .cgroup = -1,
	};
	struct criu_log log = { d->work, o->work ? o->work : o->images, LOG };
	pid_t ignored;
	int r = criu_launch(&l, &criu, err);

	if (r < 0 || (r = criu_go(&criu, err)) < 0)
		return r;
	return criu_request(&criu, o->pre_dump ? CRIU_PRE_DUMP : CRIU_DUMP, opts, &log, notified,
			    (void *)o, &ignored, err);
}

static int checkpoint(const char *state_dir, const struct checkpoint_options *o,
		      struct gantry_error *err)
{
	auto_(checkpoint_dirs) struct checkpoint_dirs dirs = CHECKPOINT_DIRS_INIT;
	auto_(buf) struct buf opts = BUF_INIT;
	auto_(state) struct state s = { 0 };
	auto_(spec) struct spec spec = { 0 };
	struct cgroup_host host;
	enum status status;
	int r;

	if ((r = state_read(state_dir, &s, err)) < 0 || (r = cgroup_detect(&host, err)) < 0)
		return r;
	status = state_status(state_dir, &s, &host);
	if (status != STATUS_RUNNING && status != STATUS_PAUSED)
		return error_set(err, GANTRY_ERR_CONFLICT, "it is %s, not running",
				 status_name(status));
	if ((r = container_read_spec(state_dir, &spec, err)) < 0 ||
	    (r = check_program(s.pid, err)) < 0 || (r = checkpoint_dirs_open(o, &dirs, err)) < 0 ||
	    (r = describe(o, &dirs, &s, &spec, &host, &opts, err)) < 0)
		return r;
	return dump(o, &dirs, &opts, err);
}

int container_checkpoint(const char *id, const char *state_dir,
			 const struct checkpoint_options *o, struct gantry_error *err)
{
	int r = checkpoint(state_dir, o, err);

	return r < 0 ? error_prefix(err, "cannot checkpoint container %s", id) : 0;
}
