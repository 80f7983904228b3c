/* SPDX-License-Identifier: Apache-2.0 */
/* The list is guarded by the core's lock.  A tree is on it only after the record that owned
 * it is gone, so that one that is forgotten is found by reconcile. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/engine/engine.h"
#include "core/engine/leftovers.h"
#include "core/engine/reconcile.h"
#include "core/shim/protocol.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

struct leftover {
	struct leftover *next;
	char path[];
};

static void delete_all(struct leftover *list)
{
	while (list) {
		struct leftover *l = list;

		list = l->next;
		(void)remove_tree(AT_FDCWD, l->path);
		free(l);
	}
}

static void delete_in_task(struct core *core, void *data)
{
	delete_all(data);
}

static struct leftover *take_all(struct core *core)
{
	struct leftover *list;

	pthread_mutex_lock(&core->lock);
	list = core->leftovers;
	core->leftovers = NULL;
	pthread_mutex_unlock(&core->lock);
	return list;
}

static void put_back(struct core *core, struct leftover *l)
{
	pthread_mutex_lock(&core->lock);
	l->next = core->leftovers;
	core->leftovers = l;
	pthread_mutex_unlock(&core->lock);
}

void leftovers_add(struct core *core, const char *path)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	size_t size = strlen(path) + 1;
	struct leftover *l = malloc(sizeof(*l) + size);

	if (!l || is_space_short(path)) {
		(void)remove_tree(AT_FDCWD, path);
		free(l);
		return;
	}
	memcpy(l->path, path, size);
	l->next = NULL;
	if (!core->daemon) {
		put_back(core, l);
	} else if (engine_task(core, delete_in_task, l, &ignored) < 0) {
		delete_all(l);
	}
}

static int has_any(struct core *core)
{
	int any;

	pthread_mutex_lock(&core->lock);
	any = core->leftovers != NULL;
	pthread_mutex_unlock(&core->lock);
	return any;
}

/* Adds what fits into the message; the rest stays on the list. */
static void add_to_message(struct core *core, struct shim_message *m)
{
	struct leftover *list = take_all(core);

	while (list) {
		struct leftover *l = list;

		list = l->next;
		if (m->len + strlen(l->path) + sizeof("rest=") >= SHIM_FIELDS_MAX / 2) {
			put_back(core, l);
			continue;
		}
		shim_message_add(m, "rest", l->path);
		free(l);
	}
}

void leftovers_tell_shim(struct core *core, int sock, struct shim_message *m)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct mark mark = MARK_INIT;

	shim_message_init(m, SHIM_CLEANED);
	/* Without a mark nobody would notice that the shim was killed. */
	if (has_any(core) && mark_make(core, &mark, &ignored) == 0) {
		add_to_message(core, m);
		shim_message_add(m, "mark", mark.path);
	}
	/* If it is gone already, the mark without an owner tells the next who looks. */
	(void)shim_send(sock, m, &mark.fd, mark.fd >= 0, &ignored);
	mark_abandon(&mark);
}

static void work_in_background(struct core *core, struct leftover *list)
{
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	/* Whoever reads our user's output must not wait for us. */
	for (int fd = 0; null >= 0 && fd < 3; fd++) {
		dup2(null, fd);
	}
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpriority(PRIO_PROCESS, 0, 19);
	if (core->mark.fd > 3) {
		close_range(3, (unsigned)core->mark.fd - 1, 0);
	}
	close_range((unsigned)core->mark.fd + 1, ~0U, 0);
	delete_all(list);
	unlink(core->mark.path);
	_exit(0);
}

void leftovers_leave(struct core *core)
{
	struct leftover *list = take_all(core);
	pid_t pid;

	if (!list) {
		return;
	}
	pid = core->mark.fd < 0 ? -1 : fork();
	if (pid == 0) {
		work_in_background(core, list);
	}
	if (pid < 0) {
		delete_all(list);
		return;
	}
	mark_abandon(&core->mark);
	while (list) {
		struct leftover *l = list;

		list = l->next;
		free(l);
	}
}
