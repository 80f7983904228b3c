/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>
#include <helpers/privilege.h>

#include "caps.h"
#include "emulate.h"
#include "lookup.h"
#include "process.h"
#include "scheduling.h"
#include "seccomp_filter.h"
#include "spec.h"
#include "sys.h"

void process_reset_signals(void)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGCHLD };
	sigset_t none;

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int take_terminal(int slave, struct gantry_error *err)
{
	if (setsid() < 0)
		return error_errno(err, errno, "cannot start a session");
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return error_errno(err, errno, "process.terminal: cannot take the terminal");
	for (int i = 0; i < 3; i++) {
		if (dup2(slave, i) < 0)
			return error_errno(err, errno, "process.terminal: cannot use the terminal");
	}
	return 0;
}

/* Pipes are given to the container's user, so that it can open /dev/stdout. */
static void give_away(int fd, const struct process_spec *p)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)) ||
	    st.st_uid == p->uid)
		return;
	(void)!fchown(fd, p->uid, (gid_t)-1);
}

static int take_descriptors(struct process_run *run, struct gantry_error *err)
{
	if (setsid() < 0 && errno != EPERM)
		return error_errno(err, errno, "cannot start a session");
	for (int i = 0; i < 3; i++) {
		auto_fd int null = -1;
		int fd = run->stdio[i];

		if (fd < 0)
			fd = null = open("/dev/null", (i ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
		if (fd < 0)
			return error_errno(err, errno, "cannot open /dev/null");
		/* dup2(i, i) would leave close-on-exec set */
		if (fd == i ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, i) < 0)
			return error_errno(err, errno, "cannot set up descriptor %d", i);
		give_away(i, run->spec);
		if (null == i)
			null = -1;
	}
	return 0;
}

/* The environment of the configuration, with HOME from the container's passwd
 * file when it is missing. */
static int build_env(struct process_run *run, struct gantry_error *err)
{
	const char *const *env = run->spec->env;
	char home[256] = "HOME=";
	size_t n = 0, out = 0;
	bool has_home = false;

	while (env && env[n])
		n++;
	run->env = calloc(n + 2, sizeof(*run->env));
	if (!run->env)
		return error_no_memory(err);
	for (size_t i = 0; i < n; i++) {
		if (!strncmp(env[i], "HOME=", 5) && env[i][5])
			has_home = true;
		else if (!strncmp(env[i], "HOME=", 5))
			continue;
		if (!strncmp(env[i], "LISTEN_PID=", 11))
			run->env[out++] = (char *)"LISTEN_PID=1";
		else
			run->env[out++] = (char *)env[i];
	}
	if (!has_home) {
		lookup_home(run->spec->uid, home + 5, sizeof(home) - 5);
		run->env[out] = strdup(home);
		if (!run->env[out])
			return error_no_memory(err);
	}
	return 0;
}

int process_prepare(struct process_run *run, struct gantry_error *err)
{
	int r = run->slave >= 0 ? take_terminal(run->slave, err) : take_descriptors(run, err);

	return r < 0 ? r : build_env(run, err);
}

/* An ordinary user's namespace may have given setgroups(2) up. */
static bool groups_denied(int host_proc)
{
	char text[8] = "";
	auto_fd int fd = openat(host_proc, "self/setgroups", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && text[0] == 'd';
}

/* Where this user namespace has one id, the process becomes another user in a
 * namespace of its own that calls that id so.  It keeps no power over what belongs
 * to this one, as becoming an ordinary user always ends. */
static int rename_own_id(struct process_run *run, struct gantry_error *err)
{
	static const char *const files[] = { "self/uid_map", "self/gid_map" };
	const uint32_t ids[] = { run->spec->uid, run->spec->gid };
	int r = unshare(CLONE_NEWUSER) < 0 ? -errno : 0;
	char text[32];

	/* the files belong to nobody while this process is not dumpable */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++) {
		snprintf(text, sizeof(text), "%u 0 1\n", ids[i]);
		r = write_control(run->host_proc, files[i], text);
	}
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (r < 0)
		return error_errno(err, -r, "process.user: cannot become user %u in a user namespace "
				   "with one id", run->spec->uid);
	return 0;
}

static int set_user(struct process_run *run, struct gantry_error *err)
{
	const struct process_spec *p = run->spec;

	if (run->emulation.ids)
		return 0; /* emulate_become() */
	if (geteuid() == 0 && !in_initial_userns() &&
	    (run->own_id || (p->uid != 0 && !userns_has_ids())))
		return rename_own_id(run, err);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return error_errno(err, errno, "cannot keep capabilities");
	if (setgroups(p->n_groups, p->groups) < 0 &&
	    !(errno == EPERM && groups_denied(run->host_proc)))
		return error_errno(err, errno, "process.user.additionalGids");
	if (setresgid(p->gid, p->gid, p->gid) < 0) {
		error_errno(err, errno, "process.user.gid: cannot become group %u", p->gid);
		return errno == EINVAL ? error_hint(err, "the id is not in linux.gidMappings")
				       : err->code;
	}
	if (setresuid(p->uid, p->uid, p->uid) < 0) {
		error_errno(err, errno, "process.user.uid: cannot become user %u", p->uid);
		return errno == EINVAL ? error_hint(err, "the id is not in linux.uidMappings")
				       : err->code;
	}
	return 0;
}

/* The folder must be inside: one that a leaked descriptor leads to is not. */
static int enter_cwd(const char *cwd, struct gantry_error *err)
{
	char path[4096];
	long n;

	if (chdir(cwd) < 0)
		return error_errno(err, errno, "process.cwd: cannot enter %s", cwd);
	n = syscall(SYS_getcwd, path, sizeof(path));
	if (n < 0)
		return error_errno(err, errno, "process.cwd: cannot tell where %s is", cwd);
	if (path[0] != '/')
		return error_set(err, GANTRY_ERR_PERMISSION,
				 "process.cwd: %s is outside the container's root", cwd);
	return 0;
}

static int set_label(struct process_run *run, const char *file, const char *text, const char *field,
		     struct gantry_error *err)
{
	auto_fd int fd = openat(run->host_proc, file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return error_errno(err, errno, "process.%s: cannot set \"%s\"", field, text);
	return 0;
}

static int set_labels(struct process_run *run, struct gantry_error *err)
{
	const struct process_spec *p = run->spec;
	char text[512];
	int r;

	if (p->selinux_label && p->selinux_label[0] &&
	    (r = set_label(run, "thread-self/attr/exec", p->selinux_label, "selinuxLabel", err)) < 0)
		return r;
	if (p->apparmor_profile && p->apparmor_profile[0] &&
	    strcmp(p->apparmor_profile, "unconfined")) {
		snprintf(text, sizeof(text), "exec %s", p->apparmor_profile);
		r = set_label(run, "thread-self/attr/apparmor/exec", text, "apparmorProfile", err);
		if (r < 0 && faccessat(run->host_proc, "thread-self/attr/apparmor", F_OK, 0) < 0)
			return error_hint(err, "this kernel has no AppArmor");
		return r;
	}
	return 0;
}

int process_become(struct process_run *run, const struct spec *container,
		   struct gantry_error *err)
{
	const struct process_spec *p = run->spec;
	uint64_t effective = p->caps[CAPS_EFFECTIVE];
	int r;

	if ((r = set_labels(run, err)) < 0 || (r = sched_apply(p, container, err)) < 0)
		return r;
	umask(p->has_umask ? p->umask : 022);
	if ((r = caps_limit_bounding(p->caps[CAPS_BOUNDING], err)) < 0 ||
	    (r = set_user(run, err)) < 0)
		return r;
	/* the folder and the program are sought with the rights that the program has;
	 * more stays permitted until the filter is installed */
	r = caps_set(effective & caps_permitted(), caps_permitted(), 0, err);
	if (r < 0 || (r = enter_cwd(p->cwd, err)) < 0)
		return r;
	return lookup_program(p->args[0], run->env, &run->program, err);
}

static int set_final_caps(const struct process_spec *p, struct gantry_error *err)
{
	uint64_t have = caps_permitted();
	int r = caps_set(p->caps[CAPS_EFFECTIVE] & p->caps[CAPS_PERMITTED] & have,
			 p->caps[CAPS_PERMITTED] & have,
			 p->caps[CAPS_INHERITABLE] & have, err);

	return r < 0 ? r : caps_set_ambient(p->caps[CAPS_AMBIENT], err);
}

static int install_filter(struct process_run *run, struct gantry_error *err)
{
	auto_fd int notify = -1;
	int r;

	/* before the filter, which may know nothing of it */
	if (run->spec->landlock.present && (r = landlock_apply(&run->spec->landlock, err)) < 0)
		return r;

	if (emulation_is_on(&run->emulation) &&
	    (r = emulate_install(&run->emulation, run->emulator, err)) < 0)
		return r;
	if (run->emulation.ids && (r = emulate_become(run->spec, err)) < 0)
		return r;
	if (!run->filter || !run->filter->n)
		return 0;
	r = seccomp_install(run->filter, &notify, err);
	if (r < 0 || notify < 0)
		return r;
	if (run->notify_sock < 0)
		return error_set(err, GANTRY_ERR_INVALID,
				 "linux.seccomp: SCMP_ACT_NOTIFY needs a listenerPath");
	if (send_with_fds(run->notify_sock, run->notify_state, strlen(run->notify_state), &notify,
			  1) < 0)
		return error_set(err, GANTRY_ERR_UNAVAILABLE,
				 "linux.seccomp.listenerPath: cannot pass the listener on");
	return 0;
}

static int exec_error(const char *program, int saved, struct gantry_error *err)
{
	const char *why = saved == ENOENT   ? "no such file or directory"
			  : saved == EACCES ? "permission denied"
			  : saved == ENOEXEC ? "exec format error"
					     : strerror(saved);

	error_set(err, error_code_from_errno(saved), "exec %s: %s", program, why);
	err->sys_errno = saved;
	if (saved == ENOEXEC || saved == EISDIR || saved == ETXTBSY)
		err->code = GANTRY_ERR_PERMISSION;
	if (saved == ENOENT)
		error_hint(err, "the file or the interpreter that it names does not exist");
	return err->code;
}

/* The small init takes the program's file and then its arguments. */
static int exec_reaper(struct process_run *run, struct gantry_error *err)
{
	const char *const *args = run->spec->args;
	size_t n = 0;
	char **argv;

	while (args[n])
		n++;
	argv = calloc(n + 3, sizeof(*argv));
	if (!argv)
		return error_no_memory(err);
	argv[0] = (char *)"gantry-init";
	argv[1] = run->program;
	memcpy(argv + 2, args, n * sizeof(*argv));
	sys_execveat(run->reaper, "", argv, run->env, AT_EMPTY_PATH);
	return exec_error("gantry-init", errno, err);
}

int process_exec(struct process_run *run, struct gantry_error *err)
{
	const struct process_spec *p = run->spec;
	uint64_t have = caps_permitted();
	int r;

	if (p->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(err, errno, "process.noNewPrivileges");
	if (sys_close_range(3 + (unsigned int)run->preserve_fds, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return error_errno(err, errno, "cannot close descriptors");
	if ((r = sched_apply_limits(p, err)) < 0)
		return r;
	if (p->no_new_privileges && !run->emulation.ids) {
		if ((r = set_final_caps(p, err)) < 0 || (r = install_filter(run, err)) < 0)
			return r;
	} else {
		/* without no_new_privs a filter takes CAP_SYS_ADMIN; and the emulator lets
		 * nobody become a user who has not the capability for it */
		if ((r = caps_set(have, have, 0, err)) < 0 || (r = install_filter(run, err)) < 0 ||
		    (r = set_final_caps(p, err)) < 0)
			return r;
	}
	if (run->reaper >= 0)
		return exec_reaper(run, err);
	execve(run->program, (char *const *)p->args, run->env);
	return exec_error(run->program, errno, err);
}
