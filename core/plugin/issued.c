/* SPDX-License-Identifier: Apache-2.0 */
/* A list: a process has one log, or a few sessions. */
#include <stdlib.h>

#include "core/plugin/issued.h"

void issued_init(struct issued *i)
{
	*i = (struct issued){ 0 };
	pthread_mutex_init(&i->lock, NULL);
}

void issued_done(struct issued *i)
{
	free(i->numbers);
	pthread_mutex_destroy(&i->lock);
}

/* The place of a number, or -1; with the lock held. */
static int find(const struct issued *i, uint64_t number)
{
	for (unsigned k = i->n; k > 0; k--) {
		if (i->numbers[k - 1] == number) {
			return (int)k - 1;
		}
	}
	return -1;
}

int issued_add(struct issued *i, uint64_t number)
{
	int r = 0;

	pthread_mutex_lock(&i->lock);
	if (find(i, number) < 0) {
		if (i->n == i->room) {
			unsigned room = i->room ? 2 * i->room : 4;
			uint64_t *more = realloc(i->numbers, room * sizeof(*more));

			r = more ? 0 : -1;
			i->numbers = more ? more : i->numbers;
			i->room = more ? room : i->room;
		}
		if (r == 0) {
			i->numbers[i->n++] = number;
		}
	}
	pthread_mutex_unlock(&i->lock);
	return r;
}

int issued_has(struct issued *i, uint64_t number)
{
	int at;

	pthread_mutex_lock(&i->lock);
	at = find(i, number);
	pthread_mutex_unlock(&i->lock);
	return at >= 0;
}

int issued_remove(struct issued *i, uint64_t number)
{
	int at;

	pthread_mutex_lock(&i->lock);
	at = find(i, number);
	if (at >= 0) {
		i->numbers[at] = i->numbers[--i->n];
	}
	pthread_mutex_unlock(&i->lock);
	return at >= 0;
}
