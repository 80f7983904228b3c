/* SPDX-License-Identifier: Apache-2.0 */
/* The host's own collector behind the names that authors' tests use. */
#include <stdio.h>
#include <stdlib.h>

#include <gantry/fake.h>

#include "helpers/reply.h"

struct gantry_fake_reply {
	struct reply inner;
};

struct gantry_fake_reply *gantry_fake_reply_new(void)
{
	struct gantry_fake_reply *reply = calloc(1, sizeof(*reply));

	if (!reply) {
		perror("fake reply");
		abort();
	}
	reply->inner = (struct reply)REPLY_INIT;
	return reply;
}

void gantry_fake_reply_free(struct gantry_fake_reply *reply)
{
	if (reply) {
		reply_done(&reply->inner);
		free(reply);
	}
}

void gantry_fake_reply_reset(struct gantry_fake_reply *reply)
{
	reply_done(&reply->inner);
}

struct gantry_reply *gantry_fake_reply_base(struct gantry_fake_reply *reply)
{
	return &reply->inner.base;
}

const char *gantry_fake_reply_text(const struct gantry_fake_reply *reply, uint32_t field)
{
	return field < REPLY_MAX_FIELDS ? reply_string(&reply->inner, field) : NULL;
}

int64_t gantry_fake_reply_integer(const struct gantry_fake_reply *reply, uint32_t field, int64_t fallback)
{
	return field < REPLY_MAX_FIELDS ? reply_integer(&reply->inner, field, fallback) : fallback;
}

int32_t gantry_fake_reply_fd(const struct gantry_fake_reply *reply, uint32_t field)
{
	return field < REPLY_MAX_FIELDS && reply->inner.values[field].type == GANTRY_TYPE_FD
		       ? (int32_t)reply->inner.values[field].number
		       : -1;
}

const char *gantry_fake_reply_item(const struct gantry_fake_reply *reply, uint32_t field, uint32_t i)
{
	return field < REPLY_MAX_FIELDS && i < reply->inner.values[field].n_items
		       ? reply->inner.values[field].items[i]
		       : NULL;
}
