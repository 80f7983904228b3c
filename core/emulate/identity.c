/* SPDX-License-Identifier: Apache-2.0 */
/* The table is shared by the threads and guarded by its lock; entries never change
 * once they are in it.  A container that makes up more identities than it holds is
 * told EAGAIN, as the kernel does when a user has too many processes. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/emulate/identity.h"
#include "helpers/emulate.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct identity *table[IDENTITY_MAX];
static unsigned int n_table;

static const struct identity root = {.is_default = 1};

/* The tag of entry i is i + 1: no limit of 0 is ever set. */
static void find_tag(rlim_t tag, struct identity *ret)
{
	pthread_mutex_lock(&lock);
	/* a limit that somebody set before the filter was there names nothing */
	if (tag == RLIM_INFINITY || tag == 0 || tag > n_table)
		*ret = root;
	else
		*ret = *table[tag - 1];
	pthread_mutex_unlock(&lock);
}

int identity_read(pid_t pid, struct identity *ret)
{
	struct rlimit limit;

	if (prlimit(pid, EMULATE_TAG_RESOURCE, NULL, &limit) < 0)
		return -errno;
	find_tag(limit.rlim_cur, ret);
	return 0;
}

static int same(const struct identity *a, const struct identity *b)
{
	return !memcmp(&a->uid, &b->uid, sizeof(a->uid)) &&
	       !memcmp(&a->gid, &b->gid, sizeof(a->gid)) && a->n_groups == b->n_groups &&
	       a->keeps_caps == b->keeps_caps && a->has_caps == b->has_caps &&
	       !memcmp(a->groups, b->groups, a->n_groups * sizeof(a->groups[0]));
}

static int intern(const struct identity *who, rlim_t *ret)
{
	struct identity *copy;
	int r = 0;

	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < n_table; i++) {
		if (same(table[i], who)) {
			*ret = i + 1;
			goto out;
		}
	}
	copy = n_table < IDENTITY_MAX ? malloc(sizeof(*copy)) : NULL;
	if (!copy) {
		r = -EAGAIN;
		goto out;
	}
	*copy = *who;
	copy->is_default = 0;
	table[n_table] = copy;
	*ret = ++n_table;
out:
	pthread_mutex_unlock(&lock);
	return r;
}

int identity_write(pid_t pid, const struct identity *who)
{
	struct rlimit limit;
	rlim_t tag = RLIM_INFINITY;
	int r;

	if (prlimit(pid, EMULATE_TAG_RESOURCE, NULL, &limit) < 0)
		return -errno;
	if (!same(who, &root) && (r = intern(who, &tag)) < 0)
		return r;
	limit.rlim_cur = tag < limit.rlim_max ? tag : limit.rlim_max;
	return prlimit(pid, EMULATE_TAG_RESOURCE, &limit, NULL) < 0 ? -errno : 0;
}

int identity_has_group(const struct identity *who, uint32_t gid)
{
	for (uint32_t i = 0; i < who->n_groups; i++) {
		if (who->groups[i] == gid)
			return 1;
	}
	return who->gid.fs == gid;
}
