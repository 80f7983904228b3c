/* SPDX-License-Identifier: Apache-2.0 */
/* Any thread and any process: slots in use never change but for their number. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "counters.h"

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define SLOTS 512
#define LABEL_SIZE 112

struct slot {
	atomic_ullong number;
	atomic_uint used; /* set last: the label is whole */
	char label[LABEL_SIZE];
};

struct counters {
	struct slot *slots;
	int fd;
	pthread_mutex_t lock; /* claims within this process; flock among processes */
};

int counters_open(const char *folder, struct counters **ret, struct gantry_error *err)
{
	auto_free char *path = NULL;
	struct counters *c = calloc(1, sizeof(*c));
	struct stat st;

	if (!c || asprintf(&path, "%s/events", folder) < 0) {
		free(c);
		path = NULL;
		return error_no_memory(err);
	}
	pthread_mutex_init(&c->lock, NULL);
	c->slots = MAP_FAILED;
	c->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	/* Growing only: another process may be at the same. */
	if (c->fd >= 0 && fstat(c->fd, &st) == 0 &&
	    (st.st_size >= (off_t)sizeof(struct slot[SLOTS]) ||
	     ftruncate(c->fd, sizeof(struct slot[SLOTS])) == 0)) {
		c->slots = mmap(NULL, sizeof(struct slot[SLOTS]), PROT_READ | PROT_WRITE, MAP_SHARED,
				c->fd, 0);
	}
	if (c->slots == MAP_FAILED) {
		error_errno(err, errno, "cannot keep counters in %s", path);
		counters_close(c);
		return err->code;
	}
	*ret = c;
	return 0;
}

void counters_close(struct counters *c)
{
	if (c->slots != MAP_FAILED) {
		munmap(c->slots, sizeof(struct slot[SLOTS]));
	}
	if (c->fd >= 0) {
		close(c->fd);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* The label's slot; or, where there is none, the first that is free. */
static struct slot *find(struct counters *c, const char *label, int *ret_found)
{
	for (int i = 0; i < SLOTS; i++) {
		struct slot *s = &c->slots[i];

		*ret_found = atomic_load_explicit(&s->used, memory_order_acquire) != 0;
		if (!*ret_found || strncmp(s->label, label, LABEL_SIZE) == 0) {
			return s;
		}
	}
	return NULL;
}

static struct slot *claim(struct counters *c, const char *label)
{
	struct slot *s;
	int found;

	pthread_mutex_lock(&c->lock);
	flock(c->fd, LOCK_EX);
	s = find(c, label, &found);
	if (s && !found) {
		snprintf(s->label, sizeof(s->label), "%s", label);
		atomic_store_explicit(&s->used, 1, memory_order_release);
	}
	flock(c->fd, LOCK_UN);
	pthread_mutex_unlock(&c->lock);
	return s;
}

int counters_add(struct counters *c, const char *label, struct gantry_error *err)
{
	struct slot *s;
	int found = 0;

	if (strlen(label) >= LABEL_SIZE) {
		return error_set(err, GANTRY_ERR_LIMIT, "the event %.40s... has too long a name to count", label);
	}
	s = find(c, label, &found);
	if (!found) {
		s = claim(c, label);
	}
	if (!s) {
		return error_set(err, GANTRY_ERR_LIMIT, "the event %s is one more than the %d that are counted",
				 label, SLOTS);
	}
	atomic_fetch_add(&s->number, 1);
	return 0;
}

void counters_print(struct counters *c, const char *name, struct buf *out)
{
	for (int i = 0; i < SLOTS && atomic_load_explicit(&c->slots[i].used, memory_order_acquire); i++) {
		buf_addf(out, "%s{%.*s} %llu\n", name, LABEL_SIZE, c->slots[i].label,
			 atomic_load(&c->slots[i].number));
	}
}
