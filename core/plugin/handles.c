/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/plugin/handles.h"
#include "core/plugin/incarnation.h"

void handles_init(struct handles *h)
{
	*h = (struct handles){.last = 0};
	pthread_mutex_init(&h->lock, NULL);
}

static void handle_free(struct handle *one)
{
	pthread_mutex_destroy(&one->lock);
	incarnation_unref(one->home);
	free(one->args);
	free(one);
}

void handles_done(struct handles *h)
{
	while (h->first) {
		struct handle *one = h->first;

		h->first = one->next;
		handle_free(one);
	}
	pthread_mutex_destroy(&h->lock);
}

uint64_t handles_add(struct handles *h, uint64_t theirs, struct incarnation *home, unsigned op,
		     const char *args)
{
	struct handle *one = calloc(1, sizeof(*one));

	if (!one) {
		return 0;
	}
	pthread_mutex_init(&one->lock, NULL);
	one->theirs = theirs;
	one->home = incarnation_ref(home);
	one->op = op;
	one->args = args ? strdup(args) : NULL;
	one->refs = 1;
	pthread_mutex_lock(&h->lock);
	one->number = ++h->last;
	one->next = h->first;
	h->first = one;
	pthread_mutex_unlock(&h->lock);
	return one->number;
}

struct handle *handles_get(struct handles *h, uint64_t number)
{
	struct handle *one;

	pthread_mutex_lock(&h->lock);
	one = h->first;
	while (one && one->number != number) {
		one = one->next;
	}
	if (one) {
		one->refs++;
	}
	pthread_mutex_unlock(&h->lock);
	return one;
}

void handles_put(struct handles *h, struct handle *one)
{
	int last;

	pthread_mutex_lock(&h->lock);
	last = --one->refs == 0;
	pthread_mutex_unlock(&h->lock);
	if (last) {
		handle_free(one);
	}
}

void handles_remove(struct handles *h, uint64_t number)
{
	struct handle **at = &h->first;
	struct handle *one;

	pthread_mutex_lock(&h->lock);
	while (*at && (*at)->number != number) {
		at = &(*at)->next;
	}
	one = *at;
	if (one) {
		*at = one->next;
	}
	pthread_mutex_unlock(&h->lock);
	if (one) {
		handles_put(h, one);
	}
}
