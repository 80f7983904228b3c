/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handles that a driver has given and that are not closed yet, so that another
 * driver's, or one that was closed, is refused before the driver sees it.
 */
#ifndef CORE_PLUGIN_ISSUED_H
#define CORE_PLUGIN_ISSUED_H

#include <pthread.h>
#include <stdint.h>

struct issued {
	pthread_mutex_t lock;
	uint64_t *numbers;
	unsigned n, room;
};

void issued_init(struct issued *i);
void issued_done(struct issued *i);
/* Adding one that is there is fine; -1 when out of memory. */
int issued_add(struct issued *i, uint64_t number);
int issued_has(struct issued *i, uint64_t number);
/* Was it there? */
int issued_remove(struct issued *i, uint64_t number);

#endif
