/* SPDX-License-Identifier: Apache-2.0 */
/* Clients attach before they start a container, so that they miss nothing; the
 * connection waits here, in the process that will start it. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/container/container.h"
#include "helpers/error.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pending_attach *waiting;

int container_attach_later(struct core *core, const char *id, const struct pending_attach *attach,
			   struct gantry_error *err)
{
	struct pending_attach *p = malloc(sizeof(*p));

	if (!p) {
		close(attach->connection);
		return error_no_memory(err);
	}
	*p = *attach;
	p->id = strdup(id);
	if (!p->id) {
		close(p->connection);
		free(p);
		return error_no_memory(err);
	}
	pthread_mutex_lock(&lock);
	p->next = waiting;
	waiting = p;
	pthread_mutex_unlock(&lock);
	return 0;
}

struct pending_attach *container_take_pending(struct core *core, const char *id)
{
	struct pending_attach *taken = NULL;
	struct pending_attach **at = &waiting;

	pthread_mutex_lock(&lock);
	while (*at) {
		struct pending_attach *p = *at;

		if (strcmp(p->id, id)) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		p->next = taken;
		taken = p;
	}
	pthread_mutex_unlock(&lock);
	return taken;
}

void pending_attach_free(struct pending_attach *list)
{
	while (list) {
		struct pending_attach *p = list;

		list = p->next;
		close(p->connection);
		free(p->id);
		free(p);
	}
}
