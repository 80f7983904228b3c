/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restoring a container with CRIU.  CRIU is born in the container's control groups, and
 * in a mount namespace of its own it has the container's root at a path of the state
 * folder: what it restores inherits the first, and the host sees nothing of the second.
 * The restored process becomes the creator's child, or its parent's, as a new one would.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
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

#include "checkpoint.h"
#include "creation.h"
#include "criu.h"
#include "criu_mounts.h"
#include "hooks.h"
#include "jref.h"
#include "rdt.h"
#include "sys.h"

#define LOG "restore.log"
/* Distributions and users of runc have it. */
#define SHARED_CONFIG "/etc/criu/runc.conf"

struct restore {
	struct creation c;
	const struct checkpoint_options *o;
	struct checkpoint_dirs dirs;
	struct buf opts;
	char root_path[PATH_MAX], config[PATH_MAX];
	struct criu_launch launch;
	struct stat images; /* as the folder was; st_mode 0: it was not changed */
};

/* In the process that becomes CRIU. */
static int enter_root(void *data, struct gantry_error *err)
{
	struct restore *r = data;
	struct mount_attr private = { .propagation = MS_PRIVATE };
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	int e;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return error_errno(err, errno, "cannot create a mount namespace");
	/* the groups that it sees are those of the container */
	if (r->c.spec.ns[NS_CGROUP].present && r->c.ns_fds[NS_CGROUP] < 0 &&
	    unshare(CLONE_NEWCGROUP) < 0)
		return error_errno(err, errno, "linux.namespaces: cannot create one of type cgroup");
	if (sys_mount_setattr(r->c.root, "", AT_EMPTY_PATH | AT_RECURSIVE, &private) < 0 ||
	    sys_move_mount(r->c.root, "", AT_FDCWD, r->root_path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, errno, "cannot attach the container's root");
	e = criu_mounts_make_points(&r->c.spec, r->c.o->bundle, r->c.root, err);
	/* before version 4 CRIU leaves the root's own mount as it finds it */
	if (e == 0 && r->c.spec.root_read_only &&
	    sys_mount_setattr(r->c.root, "", AT_EMPTY_PATH, &ro) < 0)
		e = error_errno(err, errno, "root.readonly: cannot make the root read-only");
	return e;
}

/* CRIU's options that are no fields of a request come from a file. */
static int write_config(struct restore *r, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	struct json_object *annotations = NULL, *config = NULL;
	const char *named = NULL;
	int e;

	if (json_object_object_get_ex(r->c.spec.json, "annotations", &annotations) &&
	    json_object_object_get_ex(annotations, "org.criu.config", &config))
		named = json_object_get_string(config);
	if (named || access(SHARED_CONFIG, R_OK) == 0) {
		e = read_file(AT_FDCWD, named ? named : SHARED_CONFIG, &text, 1 << 20);
		if (e < 0)
			return error_errno(err, -e, "cannot read CRIU's configuration %s",
					   named ? named : SHARED_CONFIG);
	}
	if (r->o->hold)
		buf_adds(&text, "\nleave-stopped\n");
	if (!text.len)
		return 0;
	e = write_file_atomic(AT_FDCWD, r->config, buf_str(&text), text.len, 0600, 0);
	if (e < 0)
		return error_errno(err, -e, "cannot write %s", r->config);
	criu_put_text(&r->opts, CRIU_OPT_CONFIG_FILE, r->config);
	return 0;
}

/* Returns the number that fd will have in CRIU. */
static int pass(struct restore *r, int fd)
{
	r->launch.fds[r->launch.n_fds] = fd;
	return CRIU_FIRST_FD + (int)r->launch.n_fds++;
}

static void join(struct restore *r, enum ns_kind kind)
{
	auto_(buf) struct buf text = BUF_INIT;

	criu_put_text(&text, 1, ns_files[kind]);
	criu_put_text(&text, 2, r->c.spec.ns[kind].path);
	criu_put_message(&r->opts, CRIU_OPT_JOIN_NS, &text);
}

static int join_namespaces(struct restore *r, struct gantry_error *err)
{
	struct creation *c = &r->c;
	int e = creation_open_namespaces(c, err);

	if (e < 0)
		return e;
	for (int kind = 0; kind < NS_MAX; kind++) {
		if (c->ns_fds[kind] < 0)
			continue;
		if (kind == NS_NETWORK || kind == NS_PID)
			criu_put_fd(&r->opts, CRIU_OPT_INHERIT_FD,
				    kind == NS_PID ? CHECKPOINT_PID_KEY : CHECKPOINT_NET_KEY,
				    pass(r, c->ns_fds[kind]));
		else if (kind == NS_IPC || kind == NS_UTS)
			join(r, kind);
		else if (kind != NS_CGROUP)
			return error_set(err, GANTRY_ERR_UNSUPPORTED,
					 "linux.namespaces: one of type %s cannot be joined by a "
					 "restored container",
					 ns_names[kind]);
	}
	return 0;
}

/* The standard streams take the places of those that were saved. */
static int inherit_streams(struct restore *r, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	struct json_object *json = NULL;
	struct jref list = { .key = CHECKPOINT_DESCRIPTORS }, item;
	int e = read_file(r->dirs.images, CHECKPOINT_DESCRIPTORS, &text, 1 << 16);

	if (e == -ENOENT) {
		error_set(err, GANTRY_ERR_NOT_FOUND, "%s holds no checkpoint", r->o->images);
		return error_hint(err, "there is no " CHECKPOINT_DESCRIPTORS " in it");
	}
	if (e < 0)
		return error_errno(err, -e, "cannot read %s/" CHECKPOINT_DESCRIPTORS, r->o->images);
	list.obj = json = json_tokener_parse(buf_str(&text));
	if (!json_object_is_type(json, json_type_array))
		e = jref_fail(&list, err, "must be an array");
	for (int i = 0; e == 0 && i < jref_len(&list) && i < 3; i++) {
		const char *name;

		e = jref_item(&list, i, json_type_string, &item, err);
		if (e < 0)
			break;
		name = json_object_get_string(item.obj);
		if (!strncmp(name, "pipe:", 5) || !strncmp(name, "file[", 5))
			criu_put_fd(&r->opts, CRIU_OPT_INHERIT_FD, name, i);
	}
	json_object_put(json);
	return e;
}

/* Images are read by CRIU as root, and by what has become root of a user namespace: for
 * that the folder is its group's to enter meanwhile. */
static int open_images(struct restore *r, struct gantry_error *err)
{
	const struct spec *s = &r->c.spec;
	int64_t group = id_map_host(s->maps.gid, s->maps.n_gid, 0);

	if (!s->ns[NS_USER].present || group < 0)
		return 0;
	if (fstat(r->dirs.images, &r->images) < 0 ||
	    fchown(r->dirs.images, (uid_t)-1, (gid_t)group) < 0 ||
	    fchmod(r->dirs.images, (r->images.st_mode & 07777) | 0010) < 0)
		return error_errno(err, errno, "cannot open %s to the container's root",
				   r->o->images);
	return 0;
}

static void close_images(struct restore *r)
{
	if (!r->images.st_mode)
		return;
	(void)!fchmod(r->dirs.images, r->images.st_mode & 07777);
	(void)!fchown(r->dirs.images, (uid_t)-1, r->images.st_gid);
}

static int describe(struct restore *r, struct gantry_error *err)
{
	const struct checkpoint_options *o = r->o;
	int e;

	checkpoint_put_options(o, &r->dirs, LOG, &r->opts);
	criu_put_text(&r->opts, CRIU_OPT_ROOT, r->root_path);
	criu_put_int(&r->opts, CRIU_OPT_RST_SIBLING, 1);
	if (o->lsm_profile)
		criu_put_text(&r->opts, CRIU_OPT_LSM_PROFILE, o->lsm_profile);
	if (o->lsm_mount_context)
		criu_put_text(&r->opts, CRIU_OPT_LSM_MOUNT_CONTEXT, o->lsm_mount_context);
	if ((e = write_config(r, err)) < 0 || (e = join_namespaces(r, err)) < 0 ||
	    (e = inherit_streams(r, err)) < 0 || (e = open_images(r, err)) < 0)
		return e;
	return buf_failed(&r->opts) ? error_no_memory(err) : 0;
}

static int prepare(struct restore *r, struct gantry_error *err)
{
	struct creation *c = &r->c;
	int e;

	snprintf(r->root_path, sizeof(r->root_path), "%s/" CHECKPOINT_ROOT, c->o->state_dir);
	snprintf(r->config, sizeof(r->config), "%s/" CHECKPOINT_CONFIG, c->o->state_dir);
	if ((e = creation_load(c, err)) < 0 || (e = creation_record(c, err)) < 0 ||
	    (e = checkpoint_dirs_open(r->o, &r->dirs, err)) < 0)
		return e;
	c->root = c->o->rootfs >= 0 ? c->o->rootfs
				    : rootfs_open(c->o->bundle, c->spec.root_path, err);
	if (c->root < 0)
		return c->root;
	if (mkdir(r->root_path, 0700) < 0 && errno != EEXIST)
		return error_errno(err, errno, "cannot create %s", r->root_path);
	if ((e = describe(r, err)) < 0)
		return e;
	return creation_enter_cgroups(c, err);
}

/* The oldest kind of hook is from before there was a state "creating". */
static int run_hooks(struct creation *c, pid_t pid, struct gantry_error *err)
{
	auto_free char *created = NULL;
	auto_free char *state = NULL;
	int e;

	c->state.pid = pid;
	created = state_to_json(&c->state, STATUS_CREATED);
	state = state_to_json(&c->state, STATUS_CREATING);
	if (!created || !state)
		return error_no_memory(err);
	e = hooks_run(&c->spec, HOOK_PRESTART, c->o->bundle, created, err);
	return e < 0 ? e : hooks_run(&c->spec, HOOK_CREATE_RUNTIME, c->o->bundle, state, err);
}

static int notified(void *data, const struct criu_answer *a, int fd, struct gantry_error *err)
{
	struct restore *r = data;

	if (!strcmp(a->script, "orphan-pts-master") && fd >= 0)
		return creation_take_console(&r->c, fd, err);
	if (fd >= 0)
		close(fd);
	if (!strcmp(a->script, "setup-namespaces"))
		return run_hooks(&r->c, a->pid, err);
	return 0;
}

/* CRIU goes where the container is to be, and what it restores is born there. */
static int admit(struct creation *c, const struct criu *criu, struct gantry_error *err)
{
	int e;

	c->process.pid = criu->pid; /* of a failure's undoing */
	e = c->scope[0] ? creation_enter_scope(c, err) : cgroup_attach(&c->cgroup, criu->pid, false, err);
	return e < 0 ? e : rdt_apply(&c->spec, c->o->id, criu->pid, err);
}

static int adopt(struct restore *r, pid_t pid, struct gantry_error *err)
{
	struct creation *c = &r->c;
	char path[PATH_MAX];
	auto_fd int mark = -1;

	c->process.pid = pid;
	c->process.pidfd = sys_pidfd_open(pid);
	if (c->process.pidfd < 0)
		return error_errno(err, errno, "the restored process is gone");
	if (!r->o->hold)
		return creation_finish(c, err);
	snprintf(path, sizeof(path), "%s/" STATE_RESTORED, c->o->state_dir);
	mark = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return mark < 0 ? error_errno(err, errno, "cannot create %s", path) : creation_finish(c, err);
}

static int restore(struct restore *r, struct gantry_error *err)
{
	auto_(criu) struct criu criu = CRIU_INIT;
	struct criu_log log = { -1, r->o->work ? r->o->work : r->o->images, LOG };
	struct creation *c = &r->c;
	pid_t pid = 0;
	int e = prepare(r, err);

	if (e < 0)
		return e;
	r->launch.cgroup = c->cgroup.unified;
	if ((e = criu_launch(&r->launch, &criu, err)) < 0 || (e = admit(c, &criu, err)) < 0 ||
	    (e = criu_mounts_find(&c->spec, c->o->bundle, &c->cgroup, &r->opts, err)) < 0 ||
	    (e = criu_go(&criu, err)) < 0)
		return e;
	log.dir = r->dirs.work;
	e = criu_request(&criu, CRIU_RESTORE, &r->opts, &log, notified, r, &pid, err);
	return e < 0 ? e : adopt(r, pid, err);
}

int container_restore(const struct container_options *co, const struct checkpoint_options *o,
		      struct container_process *ret, struct gantry_error *err)
{
	struct restore r = {
		.o = o, .dirs = CHECKPOINT_DIRS_INIT, .opts = BUF_INIT,
		.launch = { .program = o->criu, .parent = co->parent, .cgroup = -1,
			    .stdio = { co->stdio[0], co->stdio[1], co->stdio[2] },
			    .before = enter_root, .data = &r },
	};
	int e;

	creation_init(&r.c, co);
	e = restore(&r, err);
	close_images(&r);
	unlink(r.config);
	rmdir(r.root_path);
	if (e < 0) {
		creation_undo(&r.c);
		error_prefix(err, "cannot restore container %s", co->id);
	} else {
		*ret = r.c.process;
		r.c.process = (struct container_process)CONTAINER_PROCESS_INIT;
		ret->poststart = r.c.spec.hooks[HOOK_POSTSTART].n > 0;
	}
	creation_done(&r.c);
	checkpoint_dirs_done(&r.dirs);
	buf_done(&r.opts);
	return e;
}
